"""
Mailboxes on disk: Maildir and its sub-folders (Maildir++), as Dovecot, Courier, Exim and Postfix write them.

Ids are the unique parts of file names, which stay when flags change or the message moves to another
folder; the internal date is the file's modification time. Nothing is locked, since nothing in a Maildir
is: each change is one rename, other programs may rename the same file meanwhile, and then it is looked
for again.
"""

from __future__ import annotations

import errno
import itertools
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cleaner.config import MailboxSettings, Server
from cleaner.connectors.maildir_names import (
    INBOX,
    RECENT,
    directory_of,
    flags_of,
    folder_of,
    name_with,
    role_of,
    unique_of,
)
from cleaner.errors import (
    AskPersonError,
    ChangeRefusedError,
    FolderMissingError,
    MessageGoneError,
    UnreadableMessageError,
)
from cleaner.ports import Moved
from cleaner.values import MAX_HEADER_BYTES, Folder, Headers, Heading, Listing, Message

MAX_MESSAGE: Final = 64 * 1024 * 1024
"""Bytes; larger messages are left alone: no notice comes near it."""

SLACK: Final = timedelta(minutes=10)
"""How far the clock of a file server may differ from ours before a new message could be missed."""

TRIES: Final = 5
"""Times a message is looked for that another program renames while we reach for it."""

BLOCK: Final = 16 * 1024


class ReadingMaildir:
    """A Maildir opened for reading: nothing on disk changes, not even from `new/` to `cur/`."""

    def __init__(self, address: str, root: Path) -> None:
        """Raises AskPersonError where there is no Maildir."""
        self._address = address
        self._root = root
        self._found: dict[str, dict[str, Path]] = {}
        try:
            missing = [sub for sub in ("cur", "new") if not (root / sub).is_dir()]
        except OSError as error:
            raise AskPersonError(
                f"{address}: {root} cannot be opened ({error.strerror}); give this account the right"
            ) from error
        if missing:
            raise AskPersonError(
                f"{address}: there is no Maildir at {root} (no folder {missing[0]!r} in it); "
                "correct the path of its server"
            )

    @property
    def address(self) -> str:
        return self._address

    def folders(self) -> tuple[Folder, ...]:
        names = [INBOX]
        with os.scandir(self._root) as entries:
            names += sorted(
                folder_of(entry.name)
                for entry in entries
                if len(entry.name) > 1 and entry.name.startswith(".") and self._is_folder(Path(entry.path))
            )
        return tuple(Folder(name, role_of(name)) for name in names)

    def list(self, folder: str, cursor: str | None = None) -> Listing:
        """
        By the time of last change (st_ctime): delivery, a move from another folder and a change of flags
        all set it, and nobody can set it back. A cursor from the future (the clock was put back) lists all.
        """
        now = time.time_ns()
        since = _since(cursor, now)
        total = 0
        found: list[tuple[int, str]] = []
        self._require(folder)
        for path in self._paths(folder):
            total += 1
            try:
                state = path.lstat()
            except FileNotFoundError:
                continue
            if state.st_ctime_ns >= since:
                found.append((state.st_mtime_ns, unique_of(path.name)))
        ids = dict.fromkeys(unique for _, unique in sorted(found))
        return Listing(tuple(ids), str(now), total)

    def present(self, folder: str, ids: Sequence[str]) -> frozenset[str]:
        return frozenset(id for id in ids if self._locate(folder, id) is not None)

    def headings(self, folder: str, ids: Sequence[str]) -> Iterator[Heading]:
        for id in ids:
            for _ in range(TRIES):
                path = self._locate(folder, id)
                if path is None:
                    break
                try:
                    yield _heading(folder, id, path)
                except FileNotFoundError:
                    continue
                break

    def fetch(self, folder: str, ids: Sequence[str]) -> Iterator[Message]:
        for id in ids:
            for _ in range(TRIES):
                path = self._locate(folder, id)
                if path is None:
                    break
                try:
                    yield _message(folder, id, path)
                except FileNotFoundError:
                    continue
                break

    def find(self, folder: str, message_id: str) -> tuple[str, ...]:
        if self._directory(folder) is None:
            return ()
        ids = [unique_of(path.name) for path in self._paths(folder)]
        return tuple(
            heading.id
            for heading in self.headings(folder, ids)
            if heading.headers.text("message-id") == message_id
        )

    def obstacles(self) -> tuple[str, ...]:
        closed = [path for path in (self._root, self._root / "cur", self._root / "new") if not _is_open(path)]
        return tuple(f"{path} cannot be written by this account" for path in closed)

    def close(self) -> None:
        self._found.clear()

    # --- where things are

    def _is_folder(self, path: Path) -> bool:
        return (path / "cur").is_dir()

    def _directory(self, folder: str) -> Path | None:
        """The directory of a folder that is there."""
        name = directory_of(folder)
        if name is None:
            return None
        path = self._root / name
        return path if self._is_folder(path) else None

    def _require(self, folder: str) -> Path:
        path = self._directory(folder)
        if path is None:
            raise FolderMissingError(self._address, folder)
        return path

    def _paths(self, folder: str) -> Iterator[Path]:
        """The files of a folder's messages; remembers them for `_locate`."""
        index: dict[str, Path] = {}
        directory = self._directory(folder)
        for sub in () if directory is None else ("new", "cur"):
            with suppress(FileNotFoundError), os.scandir(f"{directory}/{sub}") as entries:
                for entry in entries:
                    if not entry.name.startswith(".") and not entry.is_dir():
                        index[unique_of(entry.name)] = Path(entry.path)
        self._found[folder] = index
        yield from index.values()

    def _locate(self, folder: str, id: str) -> Path | None:
        """The message's file as it is called now."""
        path = self._found.get(folder, {}).get(id)
        if path is not None and os.path.lexists(path):
            return path
        for _ in self._paths(folder):
            break
        return self._found[folder].get(id)


class ChangingMaildir(ReadingMaildir):
    """A Maildir that may be changed."""

    def create(self, folder: str) -> None:
        name = directory_of(folder)
        if name is None:
            raise ChangeRefusedError(
                f"{self._address}: the folder {folder!r} cannot be made",
                "a Maildir folder's name has no dots; choose another name",
            )
        path = self._root / name
        if path == self._root or all((path / sub).is_dir() for sub in ("cur", "new", "tmp")):
            return
        try:
            self._make(path)
        except OSError as error:
            raise ChangeRefusedError(
                f"{self._address}: the folder {folder!r} cannot be made at {path}", _words(error)
            ) from error

    def _make(self, path: Path) -> None:
        parent = self._root.stat()
        for directory in (path, path / "tmp", path / "new", path / "cur"):
            if not directory.is_dir():
                directory.mkdir()
                self._like_parent(directory, parent)
        mark = path / "maildirfolder"
        if not mark.exists():
            mark.touch()
            self._like_parent(mark, parent)
        _sync(self._root)

    def _like_parent(self, path: Path, parent: os.stat_result) -> None:
        """The mailbox's own mode, and its owner where we may give things away."""
        mode = parent.st_mode & 0o777
        path.chmod(mode if path.is_dir() else mode & 0o666)
        if os.geteuid() == 0:
            os.chown(path, parent.st_uid, parent.st_gid)

    def move(self, folder: str, ids: Sequence[str], target: str) -> Iterator[Moved]:
        """
        By rename, within `new/` or `cur/`, so that a message not seen by a mail program stays so.

        The directories are synced when all are moved and before the iterator ends: what the caller
        writes down after that survives a power cut.
        """
        source, destination = self._require(folder), self._require(target)
        taken = {unique_of(path.name) for path in self._paths(target)}
        try:
            for id in ids:
                yield self._move(folder, id, destination, taken)
        finally:
            self._found.pop(target, None)
            for directory in (destination, source):
                for sub in ("cur", "new"):
                    _sync(directory / sub)

    def _move(self, folder: str, id: str, destination: Path, taken: set[str]) -> Moved:
        for _ in range(TRIES):
            path = self._locate(folder, id)
            if path is None:
                return Moved(id, gone=True)
            new_id = id if id not in taken else _fresh_unique()
            place = destination / path.parent.name / path.name.replace(id, new_id, 1)
            if os.path.lexists(place):
                taken.add(new_id)
                continue
            try:
                path.rename(place)
            except FileNotFoundError:
                continue
            except OSError as error:
                return Moved(id, error=f"cannot be moved to {destination}: {_words(error)}")
            taken.add(new_id)
            self._found[folder].pop(id, None)
            return Moved(id, new_id)
        return Moved(id, error="another program keeps renaming it; the next run tries again")

    def set_flags(self, folder: str, id: str, flags: Sequence[str]) -> str:
        for _ in range(TRIES):
            path = self._locate(folder, id)
            if path is None:
                break
            if _flags(path) == tuple(flags):
                return id
            sub = "new" if RECENT in flags else "cur"
            name = id if sub == "new" else name_with(id, tuple(flags))
            try:
                path.rename(path.parent.parent / sub / name)
            except FileNotFoundError:
                continue
            except OSError as error:
                raise ChangeRefusedError(f"{self._address}: flags in {folder!r}", _words(error)) from error
            self._found.pop(folder, None)
            return id
        raise MessageGoneError(folder, id)

    def append(self, folder: str, raw: bytes, flags: Sequence[str], received: datetime) -> str:
        directory = self._require(folder)
        unique = _fresh_unique()
        draft = directory / "tmp" / unique
        place = directory / ("new" if RECENT in flags else "cur")
        place /= unique if RECENT in flags else name_with(unique, tuple(flags))
        try:
            with draft.open("xb") as file:
                file.write(raw)
                file.flush()
                os.fsync(file.fileno())
            os.utime(draft, (received.timestamp(), received.timestamp()))
            self._like_file(draft)
            draft.rename(place)
            _sync(place.parent)
        except OSError as error:
            draft.unlink(missing_ok=True)
            raise ChangeRefusedError(
                f"{self._address}: nothing can be put into {folder!r}", _words(error)
            ) from error
        return unique

    def _like_file(self, path: Path) -> None:
        self._like_parent(path, self._root.stat())


def open_reading(server: Server, mailbox: MailboxSettings) -> ReadingMaildir:
    return ReadingMaildir(mailbox.address, server.path_of(mailbox.address))


def open_changing(server: Server, mailbox: MailboxSettings) -> ChangingMaildir:
    return ChangingMaildir(mailbox.address, server.path_of(mailbox.address))


def _since(cursor: str | None, now: int) -> int:
    """Nanoseconds since which a change counts; 0 for all."""
    if cursor is None or not cursor.isascii() or not cursor.isdigit():
        return 0
    before = int(cursor)
    slack = int(SLACK.total_seconds() * 1e9)
    return before - slack if before <= now else 0


def _flags(path: Path) -> tuple[str, ...]:
    return flags_of(path.name, in_new=path.parent.name == "new")


def _time(state: os.stat_result) -> datetime:
    return datetime.fromtimestamp(state.st_mtime, UTC)


def _heading(folder: str, id: str, path: Path) -> Heading:
    """Raises FileNotFoundError if it was renamed meanwhile; what cannot be read says so in itself."""
    try:
        with path.open("rb") as file:
            state = os.fstat(file.fileno())
            block = _header_block(iter(lambda: file.read(BLOCK), b""))
    except FileNotFoundError:
        if path.is_symlink():
            return Heading(folder, id, Headers(), 0, unreadable="a link to a file that is not there")
        raise
    except OSError as error:
        return Heading(folder, id, Headers(), 0, unreadable=_words(error))
    return Heading(folder, id, Headers.parse(block), state.st_size, _time(state), _flags(path))


def _header_block(blocks: Iterable[bytes]) -> bytes:
    """Up to the first empty line, at most MAX_HEADER_BYTES."""
    read = b""
    for block in blocks:
        searched = max(0, len(read) - 3)
        read += block
        ends = [end for mark in (b"\n\n", b"\n\r\n") if (end := read.find(mark, searched)) >= 0]
        if ends:
            return read[: min(ends) + 1]
        if len(read) >= MAX_HEADER_BYTES:
            break
    return read


def _message(folder: str, id: str, path: Path) -> Message:
    try:
        with path.open("rb") as file:
            state = os.fstat(file.fileno())
            if state.st_size > MAX_MESSAGE:
                raise UnreadableMessageError(folder, id, f"larger than {MAX_MESSAGE // 2**20} MB")
            return Message(folder, id, file.read(MAX_MESSAGE), _time(state), _flags(path))
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UnreadableMessageError(folder, id, _words(error)) from error


_COUNTER = itertools.count(1)


def _fresh_unique() -> str:
    """A unique name after the Maildir specification: time, process and count, host."""
    now = time.time_ns()
    host = os.uname().nodename.replace("/", "\\057").replace(":", "\\072")
    return f"{now // 10**9}.M{now // 1000 % 10**6}P{os.getpid()}Q{next(_COUNTER)}.{host}"


def _sync(directory: Path) -> None:
    """Makes the names in a directory durable; file systems that cannot are left to their ways."""
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)


def _is_open(path: Path) -> bool:
    return os.access(path, os.W_OK | os.X_OK)


def _words(error: OSError) -> str:
    remedies = {
        errno.EACCES: "this account has no right to write there",
        errno.EPERM: "this account has no right to write there",
        errno.EROFS: "the file system is read-only",
        errno.ENOSPC: "the disk is full",
        errno.EDQUOT: "the quota is used up",
        errno.EXDEV: "it lies on another file system; name a folder on the same one",
        errno.EEXIST: "a file of that name is in the way",
        errno.ENOTDIR: "a file of that name is in the way",
    }
    return remedies.get(error.errno or 0, error.strerror or type(error).__name__)
