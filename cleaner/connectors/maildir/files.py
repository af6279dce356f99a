"""
The files and directories of a Maildir, one by one: reading within bounds, copying, making durable.

Files are opened without following links and without waiting (a message that is a link or a pipe is not a
message: whoever owns the mailbox could make a service that runs as root read, or wait for, anything).
"""

from __future__ import annotations

import errno
import itertools
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from cleaner.values import MAX_HEADER_BYTES

MAX_MESSAGE: Final = 64 * 1024 * 1024
"""Bytes; larger messages are left alone: no notice comes near it."""

BLOCK: Final = 16 * 1024
COPIED: Final = 1024 * 1024

NOT_SYNCABLE: Final = (errno.EINVAL, errno.ENOTSUP, errno.EBADF)
"""What file systems answer that do not sync directories; they have their own ways."""

WORDS: Final = {
    errno.EACCES: "this account has no right to do that there",
    errno.EPERM: "this account has no right to do that there",
    errno.EROFS: "the file system is read-only",
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the quota is used up",
    errno.EFBIG: "this process may not write a file of that size (ulimit -f)",
    errno.EEXIST: "a file of that name is in the way",
    errno.ENOTDIR: "a file of that name is in the way",
    errno.ELOOP: "it is a link",
    errno.EIO: "the disk reports an error",
    errno.ESTALE: "the file server has lost it",
}

NO_RIGHT: Final = frozenset((errno.EACCES, errno.EPERM))

REFUSALS: Final = frozenset((errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.ENOTDIR))
"""Failures that meet every message of a folder alike."""


class NotAMessageError(OSError):
    """What lies there cannot be a message."""


def words(error: OSError) -> str:
    """Why, in words."""
    return WORDS.get(error.errno or 0) or error.strerror or str(error) or type(error).__name__


def is_writable(directory: Path) -> bool:
    """Whether this process may add and remove files there."""
    return os.access(directory, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids)


@contextmanager
def opened(path: Path) -> Iterator[tuple[BinaryIO, os.stat_result]]:
    """An ordinary file and its state. Raises OSError, NotAMessageError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode):
            raise NotAMessageError("it is not an ordinary file")
        yield file, state


def header_block(file: BinaryIO) -> bytes:
    """Up to the first empty line, at most some MAX_HEADER_BYTES."""
    read = bytearray()
    while len(read) < MAX_HEADER_BYTES:
        block = file.read(BLOCK)
        if not block:
            break
        searched = max(0, len(read) - 2)
        read += block
        if read[:1] == b"\n" or read[:2] == b"\r\n":
            return b""
        ends = [end for mark in (b"\n\n", b"\n\r\n") if (end := read.find(mark, searched)) >= 0]
        if ends:
            return bytes(read[: min(ends) + 1])
    return bytes(read)


def is_same(left: Path, right: Path) -> bool:
    """Whether two files hold the same bytes."""
    with opened(left) as (one, state), opened(right) as (other, other_state):
        if state.st_size != other_state.st_size:
            return False
        while block := one.read(COPIED):
            if block != other.read(COPIED):
                return False
        return not other.read(1)


def copy(source: Path, draft: Path) -> None:
    """Copies bytes, times, mode and, where we may, the owner; durable when it returns. Raises OSError."""
    with opened(source) as (file, state), draft.open("xb") as out:
        try:
            while block := file.read(COPIED):
                out.write(block)
            out.flush()
            if os.geteuid() == 0:
                os.fchown(out.fileno(), state.st_uid, state.st_gid)
            os.fchmod(out.fileno(), stat.S_IMODE(state.st_mode))
            os.utime(out.fileno(), ns=(state.st_atime_ns, state.st_mtime_ns))
            os.fsync(out.fileno())
        except BaseException:
            draft.unlink(missing_ok=True)
            raise


def sync(directory: Path) -> None:
    """Makes the names in a directory durable. Raises OSError where the disk fails."""
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in NOT_SYNCABLE:
            raise
    finally:
        os.close(descriptor)


_COUNTER: Final = itertools.count(1)


def fresh_unique() -> str:
    """A unique name after the Maildir specification: time, process and count, host."""
    now = time.time_ns()
    host = os.uname().nodename.replace("/", "\\057").replace(":", "\\072").replace(",", "\\054")
    return f"{now // 10**9}.M{now // 1000 % 10**6}P{os.getpid()}Q{next(_COUNTER)}.{host}"
