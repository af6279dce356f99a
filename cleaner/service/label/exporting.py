"""Writing labels and their samples into one portable archive."""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Final

from cleaner import __version__
from cleaner.errors import UsageError
from cleaner.service.context import Context
from cleaner.service.label import archive
from cleaner.service.label.listing import note_reading
from cleaner.steps.task import Watch
from cleaner.store.labelling import Label, LabelState

BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written."""

    labels: int
    samples: int


def export(
    context: Context,
    path: Path,
    watch: Watch,
    *,
    organisation: str | None = None,
    mailbox: str | None = None,
    since: datetime | None = None,
) -> Exported:
    """
    Writes the confirmed labels that fit, for this account's eyes only; a file that is there is never overwritten.

    That the samples were read is recorded with their mailboxes.
    """
    context.expire_samples()
    found = context.store.labels.find(
        organisation=organisation, mailbox=mailbox, since=since, states=[LabelState.CONFIRMED]
    )
    if not found:
        raise UsageError("there is no label to export; 'bounce-cleaner label list' shows what there is")
    if len(found) > archive.MOST:
        raise UsageError(
            f"{len(found):,} labels are more than one archive holds ({archive.MOST:,}); export them in parts, "
            "with --mailbox, --organisation or --since"
        )
    with new_file(path) as file:
        try:
            written = write(context, file, found, watch)
        except BaseException:
            # Half an archive of people's mail is of no use to anybody.
            path.unlink()
            raise
    return Exported(len(found), written)


def new_file(path: Path) -> IO[bytes]:
    try:
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
    except FileExistsError:
        raise UsageError(f"{path} is there already; name a new file") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be made ({error.strerror})") from error


def write(context: Context, file: IO[bytes], found: Sequence[Label], watch: Watch) -> int:
    note_reading(context, [label for label in found if label.has_sample], "label export")
    # No name and no time of the packer in it: the same labels give the same bytes.
    with (
        gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
        tempfile.TemporaryFile() as manifest,
    ):
        for line in manifest_of(context, found):
            manifest.write(line)
        size = manifest.tell()
        manifest.seek(0)
        tar.addfile(member(archive.MANIFEST, size), manifest)
        return write_samples(context, tar, found, watch)


def manifest_of(context: Context, found: Sequence[Label]) -> Iterator[bytes]:
    yield json.dumps(archive.heading(__version__)).encode() + b"\n"
    for start in range(0, len(found), BATCH):
        batch = found[start : start + BATCH]
        features = context.store.labels.features(label.id for label in batch)
        for label in batch:
            line = archive.line_of(label, features[label.id], path_of(label))
            yield json.dumps(line).encode() + b"\n"


def path_of(label: Label) -> str | None:
    return f"{label.truth.value}/{label.id:06}.eml" if label.has_sample else None


def write_samples(context: Context, tar: tarfile.TarFile, found: Sequence[Label], watch: Watch) -> int:
    written = 0
    for number, label in enumerate(found):
        watch("exporting", number, len(found))
        sample = context.store.labels.sample(label.id) if label.has_sample else None
        if sample is not None:
            tar.addfile(member(path_of(label) or "", len(sample.raw)), io.BytesIO(sample.raw))
            written += 1
    return written


def member(name: str, size: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size = size
    info.mode = 0o600
    return info
