"""
Reading a Maildir: nothing on disk changes, not even from `new/` to `cur/`.

Other programs deliver, rename and delete meanwhile. A file that was renamed between listing and opening
is looked for again by its unique name; a message counts as gone only when a fresh look does not show it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final, TypeAlias, TypeVar

from cleaner.connectors.maildir.cursor import Cursor
from cleaner.connectors.maildir.files import (
    MAX_MESSAGE,
    NotAMessageError,
    header_block,
    is_writable,
    opened,
    words,
)
from cleaner.connectors.maildir.names import directory_of, flags_of, folder_of, id_of, unique_of
from cleaner.connectors.roles import INBOX, role_of
from cleaner.errors import AskPersonError, FolderMissingError, UnreadableMessageError
from cleaner.ports import Obstacle
from cleaner.values import Folder, Headers, Heading, Listing, Message

T = TypeVar("T")
Stamp: TypeAlias = tuple[tuple[int, int], ...]
"""Time of last change and inode of each directory of a folder."""

TRIES: Final = 5
"""Times a message is looked for that another program renames while we reach for it."""

SETTLED: Final = 50 * 10**6
"""Nanoseconds after which a directory's time stamp is trusted to show a further change."""

SETTLED_COARSE: Final = 2 * 10**9
"""The same where the file system keeps whole seconds (ext3, ext4 with small inodes, FAT, old file servers)."""


@dataclass(slots=True)
class Contents:
    """The message files of a folder as last seen: unique name → file, and the directories' stamps then."""

    files: dict[str, str] = field(default_factory=dict)
    """Paths as texts: making path objects of all takes longer than reading the directory."""
    stamp: Stamp | None = None
    """None: something changed just then, so the next doubt needs a new look."""


class ReadingMaildir:
    """One Maildir with its sub-folders, read-only."""

    def __init__(self, address: str, root: Path, targets: Sequence[str] = ()) -> None:
        """`targets` are folders that may be made later. Raises AskPersonError where there is no Maildir."""
        self._address = address
        self._root = root
        self._targets = tuple(targets)
        self._seen: dict[str, Contents] = {}
        self._message_ids: dict[str, dict[str, str]] = {}
        with self._readable():
            missing = [sub for sub in ("cur", "new") if not (root / sub).is_dir()]
            if not missing:
                os.scandir(root).close()
        if missing:
            raise AskPersonError(
                f"{address}: there is no Maildir at {root} (no folder {missing[0]!r} in it); "
                "correct the path of its server"
            )

    @property
    def address(self) -> str:
        return self._address

    def folders(self) -> tuple[Folder, ...]:
        names = (INBOX, *sorted(self._directories()))
        return tuple(Folder(name, role_of(name)) for name in names)

    def list(self, folder: str, cursor: str | None = None) -> Listing:
        """What changed since the cursor, by st_ctime; why nothing is missed stands in `cursor.py`."""
        directory = self._require(folder)
        with self._readable():
            now = Cursor.now(directory)
            since = now.changed_since(cursor)
            files = self._look(folder)
            found = self._changed(folder, files, since) if self._is_changed(directory, since) else {}
        ids = sorted(found, key=lambda unique: (found[unique], unique))
        return Listing(tuple(ids), str(now), len(files))

    def present(self, folder: str, ids: Sequence[str]) -> frozenset[str]:
        with self._readable():
            return frozenset(ids).intersection(self._files(folder))

    def skim(self, folder: str, ids: Sequence[str], fields: Collection[str]) -> Iterator[Heading]:
        return self.headings(folder, ids, fields)

    def headings(self, folder: str, ids: Sequence[str], fields: Collection[str] = ()) -> Iterator[Heading]:  # noqa: ARG002
        """Always whole headers: reading less of a file saves nothing."""
        for id in ids:
            try:
                heading = self._reach(folder, id, partial(_heading, folder, id))
            except OSError as error:
                heading = Heading(folder, id, Headers(), 0, unreadable=words(error))
            if heading is not None:
                yield heading

    def fetch(self, folder: str, ids: Sequence[str]) -> Iterator[Message]:
        """Those that cannot be read are passed over; the first of them is raised when the others are out."""
        failed: UnreadableMessageError | None = None
        for id in ids:
            try:
                message = self._reach(folder, id, partial(_message, folder, id))
            except OSError as error:
                failed = failed or UnreadableMessageError(folder, id, words(error))
                continue
            if message is not None:
                yield message
        if failed is not None:
            raise failed

    def find(self, folder: str, message_id: str) -> tuple[str, ...]:
        """Each message's Message-ID is read once while the mailbox is open: contents do not change."""
        known = self._message_ids.setdefault(folder, {})
        with self._readable():
            files = self._files(folder)
        unread = [id for id in files if id not in known]
        for heading in self.headings(folder, unread):
            known[heading.id] = _bare_id(heading.headers.text("message-id"))
        wanted = _bare_id(message_id)
        return tuple(id for id, bare in known.items() if bare == wanted and bare and id in files)

    def obstacles(self) -> tuple[Obstacle, ...]:
        places = [self._root]
        for directory in (self._root, *(self._root / name for name in self._directories().values())):
            places += [directory / sub for sub in ("cur", "new", "tmp") if (directory / sub).is_dir()]
        unfit = tuple(
            Obstacle(
                f"the folder {name!r} cannot be made in a Maildir",
                "name another one: without dots and control characters, and of at most some 200 letters",
            )
            for name in self._targets
            if directory_of(name) is None
        )
        return unfit + tuple(
            Obstacle(
                f"{place} cannot be written by this account; messages cannot be moved there or away",
                'give the account that runs bounce-cleaner this right, or set policy.action = "report"',
            )
            for place in places
            if not is_writable(place)
        )

    def close(self) -> None:
        self._seen.clear()
        self._message_ids.clear()

    # --- folders

    def _directories(self) -> dict[str, str]:
        """Sub-folders by their names. Some servers write the names in UTF-8 instead of modified UTF-7."""
        found: dict[str, str] = {}
        with self._readable(), os.scandir(self._root) as entries:
            names = [entry.name for entry in entries if entry.name.startswith(".") and len(entry.name) > 1]
            for name in names:
                folder = folder_of(name)
                canonical = directory_of(folder) == name
                if folder == INBOX or not _is_text(folder) or not _is_folder(self._root / name):
                    continue
                if canonical or folder not in found:
                    found[folder] = name
        return found

    def _directory(self, folder: str) -> Path | None:
        """The directory of a folder that is there."""
        name = directory_of(folder)
        with self._readable():
            if name is not None and _is_folder(self._root / name):
                return self._root / name
        other = self._directories().get(folder)
        return None if other is None else self._root / other

    def _require(self, folder: str) -> Path:
        directory = self._directory(folder)
        if directory is None:
            raise FolderMissingError(self._address, folder)
        return directory

    # --- files

    def _files(self, folder: str) -> dict[str, str]:
        """The message files as they are now; the directories are read only if they changed."""
        directory = self._directory(folder)
        seen = self._seen.get(folder)
        if seen is not None and seen.stamp is not None and seen.stamp == _stamp(directory):
            return seen.files
        return self._look(folder)

    def _look(self, folder: str) -> dict[str, str]:
        """
        Reads the directories. Raises OSError.

        A directory that changes while it is read may show a renamed file under neither name (POSIX
        leaves that open), so it is read until it holds still.
        """
        directory = self._directory(folder)
        files: dict[str, str] = {}
        stamp: Stamp = ()
        began = 0
        for _ in range(TRIES):
            began = time.time_ns()
            stamp = _stamp(directory)
            latest = {} if directory is None else _scan(directory)
            kept = {id: path for id, path in files.items() if id not in latest and os.path.lexists(path)}
            files = latest | kept
            if stamp == _stamp(directory):
                break
        settled = all(_settles(changed) < began for changed, _ in stamp)
        self._seen[folder] = Contents(files, stamp if settled else None)
        return files

    def _reach(self, folder: str, id: str, use: Callable[[Path], T]) -> T | None:
        """What `use` makes of the message's file as it is called now; None if it is gone. Raises OSError."""
        seen = self._seen.get(folder)
        path = None if seen is None else seen.files.get(id)
        for _ in range(TRIES):
            if path is not None:
                try:
                    return use(Path(path))
                except FileNotFoundError:
                    # What we remember is wrong, whatever the directories' stamps say.
                    self._seen.pop(folder, None)
            path = self._files(folder).get(id)
            if path is None:
                return None
        # Renamed again and again under our hands: its time of change is new, so it is listed again.
        return None

    def _changed(self, folder: str, files: dict[str, str], since: int) -> dict[str, int]:
        """The messages that changed since then, with their internal dates."""
        found: dict[str, int] = {}
        for id, path in files.items():
            try:
                state = os.lstat(path)
            except FileNotFoundError:
                again = self._reach(folder, id, Path.lstat)
                if again is None:
                    continue
                state = again
            if state.st_ctime_ns >= since:
                found[id] = state.st_mtime_ns
        return found

    def _is_changed(self, directory: Path, since: int) -> bool:
        """
        Whether any message can have come or been renamed since then.

        Both change `new/` or `cur/` themselves; a quiet folder costs no look at its files.
        """
        return any((directory / sub).stat().st_ctime_ns >= since for sub in ("new", "cur"))

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            place = error.filename or self._root
            raise AskPersonError(
                f"{self._address}: {place} cannot be read ({words(error)}); give this account the right "
                "to, or correct the path of its server"
            ) from error


def _is_folder(directory: Path) -> bool:
    return (directory / "cur").is_dir()


def _is_text(name: str) -> bool:
    """Whether a folder's name can be written down: one in no known encoding is left alone."""
    return name.isascii() or not any("\ud800" <= character <= "\udfff" for character in name)


def _settles(changed: int) -> int:
    return changed + (SETTLED if changed % 10**9 else SETTLED_COARSE)


def _stamp(directory: Path | None) -> Stamp:
    if directory is None:
        return ()
    stamps: list[tuple[int, int]] = []
    for sub in ("new", "cur"):
        with suppress(FileNotFoundError):
            state = (directory / sub).stat()
            stamps.append((state.st_mtime_ns, state.st_ino))
    return tuple(stamps)


def _scan(directory: Path) -> dict[str, str]:
    files: dict[str, str] = {}
    for sub in ("new", "cur"):
        place = directory / sub
        with suppress(FileNotFoundError), os.scandir(place) as entries:
            for entry in entries:
                if not entry.name.startswith(".") and not entry.is_dir(follow_symlinks=False):
                    files[id_of(unique_of(entry.name))] = entry.path
    return files


def flags_at(path: Path) -> tuple[str, ...]:
    """The flags of the message in that file."""
    return flags_of(path.name, in_new=path.parent.name == "new")


def _time(state: os.stat_result) -> datetime | None:
    try:
        return datetime.fromtimestamp(state.st_mtime, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _heading(folder: str, id: str, path: Path) -> Heading:
    with opened(path) as (file, state):
        block = header_block(file)
    return Heading(folder, id, Headers.parse(block), state.st_size, _time(state), flags_at(path))


def _message(folder: str, id: str, path: Path) -> Message:
    with opened(path) as (file, state):
        if state.st_size > MAX_MESSAGE:
            raise NotAMessageError(f"larger than {MAX_MESSAGE // 2**20} MB")
        return Message(folder, id, file.read(MAX_MESSAGE), _time(state), flags_at(path))


def _bare_id(value: str) -> str:
    return value.partition("<")[2].partition(">")[0].strip() or value.strip(" <>")
