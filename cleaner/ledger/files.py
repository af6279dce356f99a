"""
Log files: plain or compressed, read line by line from wherever one left off.

What a file is called and where it lies changes when it is rotated; its first bytes stay, also when it is
compressed. By these it is known again.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cleaner.errors import CleanerError

HEAD: Final = 1024
"""Bytes by which a log is known again; a shorter one is read anew each time."""
MAX_LINE: Final = 64 * 1024
SKIP: Final = 1024 * 1024

_GZIP: Final = b"\x1f\x8b"
_BZIP2: Final = b"BZh"
_XZ: Final = b"\xfd7zXZ\x00"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"

BROKEN: Final = (EOFError, OSError, zlib.error, lzma.LZMAError)


class UnreadableLogError(CleanerError):
    """A log cannot be read, or not to its end; the sentence says why."""


class LogFile:
    """One log file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            state = path.stat()
        except OSError as error:
            raise UnreadableLogError(f"{path}: {error.strerror}") from error
        self.size = state.st_size
        self.written = datetime.fromtimestamp(state.st_mtime, UTC)
        """When it was written last: what the year of a line is told by that names none."""
        self.overlong = 0
        """Lines that were longer than any line of a log, and left out."""
        self._raw: io.BufferedReader | None = None

    def head(self) -> bytes:
        """What it is known by; empty if it is too short for that."""
        with self._opened() as stream:
            head = stream.read(HEAD)
        return head if len(head) == HEAD else b""

    def lines(self, start: int = 0) -> Iterator[tuple[int, bytes]]:
        """
        The lines with their places, from one that begins at `start`; the last only if it is whole.

        Raises UnreadableLogError where the file breaks off or is damaged, after all lines before that.
        """
        with self._opened() as stream:
            position = _forward(stream, start)
            is_rest = False
            while line := stream.readline(MAX_LINE):
                ends = line.endswith(b"\n")
                if not ends and len(line) < MAX_LINE:
                    return  # It is still being written.
                if ends and not is_rest:
                    yield position, line
                elif ends:
                    self.overlong += 1
                is_rest = not ends
                position += len(line)

    def progress(self) -> int:
        """How many of its bytes, as it lies on the disk, were read."""
        return self._raw.tell() if self._raw is not None and not self._raw.closed else self.size

    @contextmanager
    def _opened(self) -> Iterator[io.BufferedIOBase]:
        try:
            with self.path.open("rb") as raw:
                self._raw = raw
                yield _unpacked(raw)
        except BROKEN as error:
            why = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else "it is damaged"
            raise UnreadableLogError(f"{self.path}: {why}") from error
        finally:
            self._raw = None


def _unpacked(raw: io.BufferedReader) -> io.BufferedIOBase:
    start = raw.read(8)
    raw.seek(0)
    if start.startswith(_GZIP):
        return gzip.open(raw)
    if start.startswith(_BZIP2):
        return bz2.open(raw)
    if start.startswith(_XZ):
        return lzma.open(raw)
    if start.startswith(_ZSTD):
        raise UnreadableLogError(f"{raw.name}: Zstandard is not understood; unpack it first: unzstd")
    return raw


def _forward(stream: io.BufferedIOBase, start: int) -> int:
    """Goes to a place; a compressed file has to be read up to it."""
    position = 0
    while position < start and (skipped := len(stream.read(min(SKIP, start - position)))):
        position += skipped
    return position
