"""
Reading an archive that somebody else made: forward only, so much in all, so much at once.

An archive is hostile until read: a few kilobytes can unfold to terabytes, headers can claim lengths that are
allocated before they are checked, offsets can lead back in a circle (CVE-2025-8194). Nothing of it is ever
unpacked to disk, so names in it lead nowhere.
"""

from __future__ import annotations

import gzip
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO, Final, cast

from cleaner.errors import UsageError

AT_ONCE: Final = 8 * 1024 * 1024
"""Bytes that are read in one piece."""

IN_ALL: Final = 8 * 1024 * 1024 * 1024
"""Bytes that an archive may unfold to."""

MEMBERS: Final = 110_000


class Forward:
    """An unpacked stream that is read forward, within the bounds. Raises UsageError, which names the archive."""

    def __init__(self, path: Path, packed: BinaryIO) -> None:
        self._path = path
        self._stream = gzip.GzipFile(fileobj=packed)
        self._place = 0

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= AT_ONCE:
            raise refused(self._path, "one piece of it claims to be huge")
        try:
            found = self._stream.read(size)
        except (OSError, EOFError, zlib.error) as error:
            raise damaged(self._path, error) from error
        self._place += len(found)
        if self._place > IN_ALL:
            raise refused(self._path, f"it unfolds to more than {IN_ALL / 2**30:.0f} GB")
        return found

    def tell(self) -> int:
        return self._place

    def seek(self, place: int, whence: int = 0) -> int:
        if whence != 0 or place < self._place:
            raise refused(self._path, "it leads back to what was read already")
        while self._place < place and self.read(min(AT_ONCE, place - self._place)):
            pass
        return self._place


def refused(path: Path, why: str) -> UsageError:
    return UsageError(f"{path}: refused: {why}")


def damaged(path: Path, error: Exception) -> UsageError:
    return UsageError(
        f"{path}: is no archive of labels, or it is damaged ({str(error) or type(error).__name__}); "
        "'bounce-cleaner label export' writes one"
    )


@contextmanager
def opened(path: Path) -> Iterator[Iterator[tuple[str, IO[bytes]]]]:
    """
    The files of a .tar.gz archive, in their order, each to be read before the next; anything else is passed over.

    Raises UsageError for what is no such archive, is broken or asks for too much.
    """
    try:
        packed = path.open("rb")
    except FileNotFoundError as error:
        raise UsageError(f"{path}: there is no such file or folder") from error
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror})") from error
    try:
        with packed, tarfile.open(fileobj=cast("IO[bytes]", Forward(path, packed)), mode="r:") as archive:
            yield _files(path, archive)
    except tarfile.TarError as error:
        raise damaged(path, error) from error


def _files(path: Path, archive: tarfile.TarFile) -> Iterator[tuple[str, IO[bytes]]]:
    for number in range(MEMBERS + 1):
        if number == MEMBERS:
            raise refused(path, f"it holds more than {MEMBERS:,} files")
        try:
            member = archive.next()
        except (ValueError, OverflowError, RecursionError) as error:
            # What the standard library makes of broken headers, beside its own TarError.
            raise damaged(path, error) from error
        if member is None:
            return
        if member.isreg() and not member.issparse():
            content = archive.extractfile(member)
            if content is not None:
                yield member.name, content
