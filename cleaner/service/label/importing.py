"""Taking labels in: from folders that are named by what their mail is, or from the portable archive."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Final

from cleaner.errors import UsageError
from cleaner.evidence.likeness import likeness
from cleaner.service.classify import read_file
from cleaner.service.context import Context
from cleaner.service.label import archive
from cleaner.service.label.adding import (
    BATCH,
    TRUTHS,
    Answer,
    Said,
    add_files,
    check,
    keep,
    organisation_of,
    stated,
    whose,
)
from cleaner.service.label.bounded import opened
from cleaner.steps.specimens import about
from cleaner.steps.task import Watch
from cleaner.store.labelling import Origin, Statement
from cleaner.store.samples import LARGEST
from cleaner.values import Message, Notice, Opinion, Specimen, Verdict

MANIFEST_BYTES: Final = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Source:
    """Who imports what, for whom."""

    path: Path
    by: str | None = None
    why: str = ""
    mailbox: str | None = None
    organisation: str | None = None

    def said(self, truth: Opinion) -> Said:
        why = self.why or f"imported from {self.path.name}"
        return Said(truth, self.by, why, self.mailbox, self.organisation, Origin.IMPORT)


def import_(context: Context, source: Source, watch: Watch) -> Iterator[Answer]:
    """
    Labels all mail of an archive, or of a folder with folders named genuine, backscatter and not-a-bounce.

    Raises UsageError for what is neither.
    """
    check(context, source.said(Opinion.GENUINE))
    answers = import_folders(context, source) if source.path.is_dir() else import_archive(context, source)
    for number, answer in enumerate(answers, start=1):
        watch("importing", number, None)
        yield answer


# --- folders --------------------------------------------------------------------------------------


def import_folders(context: Context, source: Source) -> Iterator[Answer]:
    by_truth = {truth: folder for truth in TRUTHS if (folder := folder_of(source.path, truth)) is not None}
    if not by_truth:
        raise UsageError(
            f"{source.path}: no folder in it is named {', '.join(truth.value for truth in TRUTHS)}, "
            "so nothing tells what its mail is; for one kind of mail: label add PATH --as TRUTH"
        )
    for truth, folder in by_truth.items():
        yield from add_files(context, [folder], source.said(truth))


def folder_of(path: Path, truth: Opinion) -> Path | None:
    inside = path / truth.value
    if inside.is_dir():
        return inside
    return path if path.resolve().name == truth.value else None


# --- archives -------------------------------------------------------------------------------------


def import_archive(context: Context, source: Source) -> Iterator[Answer]:
    with opened(source.path) as files:
        first = next(files, None)
        if first is None or first[0] != archive.MANIFEST:
            raise UsageError(
                f"{source.path}: its first file must be {archive.MANIFEST}; "
                "'bounce-cleaner label export' writes such archives"
            )
        importing = _Importing(context, source, {})
        yield from importing.read_manifest(first[1])
        for name, file in files:
            yield from importing.read_message(name, file)
        yield from importing.finish()


@dataclass(slots=True)
class _Importing:
    """One archive being taken in."""

    context: Context
    source: Source
    waiting: dict[str, bytes]
    """Lines of the manifest whose message has not come yet, by its path; unread, for they may be many."""
    _batch: list[tuple[Answer, Specimen, Statement]] = field(default_factory=list)

    def read_manifest(self, file: IO[bytes]) -> Iterator[Answer]:
        if not archive.is_heading(file.readline(archive.LONGEST)):
            raise UsageError(
                f"{self.source.path}: its {archive.MANIFEST} is not of a form that is known here"
            )
        size = number = 0
        while line := file.readline(archive.LONGEST + 1):
            number += 1
            size += len(line)
            if number > archive.MOST or size > MANIFEST_BYTES or len(line) > archive.LONGEST:
                raise UsageError(
                    f"{self.source.path}: refused: its {archive.MANIFEST} is larger than one can be"
                )
            where = f"{archive.MANIFEST} line {number + 1}"
            try:
                entry = archive.entry_of(line)
            except ValueError as error:
                yield Answer(where, error=str(error))
                continue
            if entry.path is None:
                yield from self._take(where, entry, None)
            elif entry.path in self.waiting:
                yield Answer(where, error=f"{entry.path} is named twice")
            else:
                self.waiting[entry.path] = line

    def read_message(self, name: str, file: IO[bytes]) -> Iterator[Answer]:
        """A file of the archive; what the manifest does not name is passed over."""
        line = self.waiting.pop(name, None)
        if line is not None:
            yield from self._take(name, archive.entry_of(line), file.read(LARGEST))

    def finish(self) -> Iterator[Answer]:
        for name in self.waiting:
            yield Answer(name, error="is named in the manifest and missing in the archive")
        yield from self._keep()

    def _take(self, where: str, entry: archive.Entry, raw: bytes | None) -> Iterator[Answer]:
        notice = read_file(Message("", where, raw)) if raw is not None else None
        if notice is not None and notice.fingerprint != entry.specimen.fingerprint:
            yield Answer(where, error="is not the message that was labelled: it was changed")
            return
        said = self._said(entry)
        try:
            specimen, statement = self._weighed(entry, notice, raw or b"", said)
        except UsageError as error:
            yield Answer(where, error=str(error))
            return
        answer = Answer(where, kind=specimen.kind, mailbox=statement.mailbox)
        self._batch.append((answer, specimen, statement))
        if len(self._batch) >= BATCH:
            yield from self._keep()

    def _said(self, entry: archive.Entry) -> Said:
        """What was said there, as it is said here: by whoever imports it, with who said it first."""
        first = f"said by {entry.by}" + (f": {entry.why}" if entry.why else "")
        said = self.source.said(entry.truth)
        known = entry.mailbox is not None and entry.mailbox in self.context.settings
        return replace(
            said,
            why=f"{said.why}; {first}",
            mailbox=said.mailbox or (entry.mailbox if known else None),
            # What an owner's move said weighs no more for having been carried over.
            origin=Origin.OWNER if entry.origin is Origin.OWNER else Origin.IMPORT,
        )

    def _weighed(
        self, entry: archive.Entry, notice: Notice | None, raw: bytes, said: Said
    ) -> tuple[Specimen, Statement]:
        nothing = Notice(entry.specimen.kind)
        mailbox = whose(self.context, notice or nothing, said)
        organisation = organisation_of(self.context, mailbox, notice or nothing, said)
        statement = stated(self.context, said, organisation, mailbox.address if mailbox else None)
        specimen = replace(entry.specimen, cluster=f"imported\n{entry.group}")
        if notice is not None:
            told = about(notice, Verdict(entry.specimen.opinion))
            specimen = replace(specimen, kind=notice.kind, cluster=likeness(notice), about=told, raw=raw)
        # Carried over it gets no younger, so that its sample expires when it would have; and no clock runs ahead.
        return specimen, replace(statement, at=min(entry.at, statement.at))

    def _keep(self) -> Iterator[Answer]:
        batch, self._batch = self._batch, []
        kept = keep(self.context, [(specimen, statement) for _, specimen, statement in batch])
        for (answer, _, _), one in zip(batch, kept, strict=True):
            yield replace(answer, kept=one)
