"""
Changing a Maildir: each change is one rename, so that nothing is ever half done.

Nothing is locked, since nothing in a Maildir is. What the caller is told about is durable before the
iterator ends: the journal never claims what a power cut undoes.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cleaner.connectors.maildir.files import (
    NO_RIGHT,
    REFUSALS,
    copy,
    fresh_unique,
    is_same,
    is_writable,
    sync,
    words,
)
from cleaner.connectors.maildir.names import RECENT, directory_of, name_with, renewed, unique_from, unique_of
from cleaner.connectors.maildir.reading import ReadingMaildir, flags_at
from cleaner.errors import ChangeRefusedError, MessageGoneError
from cleaner.ports import BegunMove, InFlight, Moved
from cleaner.values import Heading


class ChangingMaildir(ReadingMaildir):
    """A Maildir that may be changed."""

    def create(self, folder: str) -> None:
        levels = folder.split("/")
        for depth in range(1, len(levels) + 1):
            self._create("/".join(levels[:depth]))

    def move(self, folder: str, ids: Sequence[str], target: str) -> Iterator[Moved]:
        """
        By rename, within `new/` or `cur/`, so that a message that no mail program has seen stays so.

        A name that is taken in the target is never overwritten: the message gets another. Raises
        ChangeRefusedError for what would meet every message alike; the directories are synced when
        all are moved, the target's first.
        """
        destination = self._require(target)
        source = self._directory(folder)
        taken = set(self._look(target))
        try:
            for id in ids:
                yield Moved(id, id) if source == destination else self._move(folder, id, target, taken)
        finally:
            with self._changes(f"messages cannot be moved to {target!r}"):
                for directory in (destination, *([source] if source else [])):
                    for sub in ("cur", "new"):
                        sync(directory / sub)

    def in_flight(self, moves: Sequence[BegunMove]) -> InFlight | None:
        """
        A rename is one step, so only a move to another file system leaves a copy: same unique name, same bytes.

        Within one file system a like message in the target is its owner's, and stays.
        """
        halves: list[tuple[str, str]] = []
        for move in moves:
            copied = self._reach(move.folder, move.id, lambda path, m=move: self._left_copy(path, m))  # type: ignore[misc]
            if copied is not None:
                sync(copied.parent)
                halves += [(move.folder, move.id), (move.target, move.id)]
        messages = tuple(heading for folder, id in halves for heading in self.headings(folder, (id,)))
        return InFlightMaildir(self, messages) if messages else None

    def drop(self, folder: str, ids: Sequence[str]) -> None:
        """Removes messages for good."""
        with self._changes(f"messages of {folder!r} cannot be taken out of it"):
            for id in ids:
                self._reach(folder, id, Path.unlink)

    def set_flags(self, folder: str, id: str, flags: Sequence[str]) -> str:
        with self._changes(f"flags in {folder!r} cannot be changed"):
            place = self._reach(folder, id, lambda path: _flag(path, id, tuple(flags)))
        if place is None:
            raise MessageGoneError(folder, id)
        self._remember(folder, id, place)
        return id

    def append(self, folder: str, raw: bytes, flags: Sequence[str], received: datetime) -> str:
        directory = self._require(folder)
        unique = fresh_unique()
        draft = directory / "tmp" / unique
        place = _place(directory, unique, tuple(flags))
        with self._changes(f"nothing can be put into {folder!r}"):
            with draft.open("xb") as file:
                try:
                    file.write(raw)
                    file.flush()
                    os.fsync(file.fileno())
                    os.utime(draft, (received.timestamp(), received.timestamp()))
                    self._like_root(draft)
                    draft.rename(place)
                except BaseException:
                    draft.unlink(missing_ok=True)
                    raise
            sync(place.parent)
        return unique

    # --- folders

    def _create(self, folder: str) -> None:
        name = directory_of(folder)
        if name is None:
            raise ChangeRefusedError(
                f"{self._address}: the folder {folder!r} cannot be made",
                "a Maildir folder's name has no dots and no empty levels, and is not long; choose another name",
            )
        directory = self._directory(folder)
        path = self._root / name if directory is None else directory
        if all((path / sub).is_dir() for sub in ("cur", "new", "tmp")):
            return
        with self._changes(f"the folder {folder!r} cannot be made at {path}"):
            if path.is_symlink():
                # Completing what lies behind a link could change directories outside the mailbox.
                raise OSError(errno.ELOOP, "it is a link to something that is no Maildir folder")
            self._make(path)

    def _make(self, path: Path) -> None:
        for directory in (path, path / "tmp", path / "new", path / "cur"):
            if not directory.is_dir():
                directory.mkdir()
                self._like_root(directory)
        if path != self._root:
            mark = path / "maildirfolder"
            if not mark.exists():
                mark.touch(exist_ok=False)
                self._like_root(mark)
        sync(path)
        sync(self._root)

    def _like_root(self, path: Path) -> None:
        """The mailbox's own owner, where we may give things away, and its mode."""
        root = self._root.stat()
        if os.geteuid() == 0:
            os.chown(path, root.st_uid, root.st_gid, follow_symlinks=False)
        mode = stat.S_IMODE(root.st_mode)
        path.chmod(mode if path.is_dir() else mode & 0o666)

    # --- messages

    def _remember(self, folder: str, id: str, place: Path) -> None:
        """Where a message lies after a change of ours, so that the folder need not be read again for it."""
        seen = self._seen.get(folder)
        if seen is not None:
            seen.files[id] = str(place)

    def _move(self, folder: str, id: str, target: str, taken: set[str]) -> Moved:
        try:
            moved = self._reach(folder, id, lambda path: self._move_file(path, id, target, taken))
        except OSError as error:
            if error.errno in REFUSALS or self._closed(folder, target) is not None:
                what = f"messages of {folder!r} cannot be moved to {target!r}"
                raise self._refused(what, error, self._closed(folder, target)) from error
            return Moved(id, error=f"it cannot be moved to {target!r}: {words(error)}")
        if moved is None:
            return Moved(id, gone=True)
        new_id, place = moved
        taken.add(new_id)
        self._seen[folder].files.pop(id, None)
        self._remember(target, new_id, place)
        return Moved(id, new_id)

    def _move_file(self, path: Path, id: str, target: str, taken: set[str]) -> tuple[str, Path]:
        """Its new id, and where it lies now."""
        destination = self._require(target) / path.parent.name
        new_id = id
        if id in taken:
            new_id = renewed(id, fresh_unique())
        place = destination / path.name.replace(unique_from(id), unique_from(new_id), 1)
        if os.path.lexists(place):
            raise FileExistsError(errno.EEXIST, "in the way", str(place))
        try:
            path.rename(place)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            self._move_across(path, place)
        return new_id, place

    def _move_across(self, path: Path, place: Path) -> None:
        """
        To another file system, by way of `tmp/`; the original goes when the copy is durable.

        Killed in between, both are there, and `in_flight` finds them.
        """
        draft = place.parent.parent / "tmp" / unique_of(place.name)
        draft.unlink(missing_ok=True)
        copy(path, draft)
        draft.rename(place)
        sync(place.parent)
        try:
            path.unlink()
        except FileNotFoundError:
            # Renamed or taken away while we copied: then it is the original that counts.
            place.unlink()
            raise
        except OSError:
            place.unlink()
            raise

    def _left_copy(self, path: Path, move: BegunMove) -> Path | None:
        known = self._files(move.target).get(move.id)
        if known is None:
            return None
        other = Path(known)
        try:
            across = path.stat().st_dev != other.stat().st_dev
            return other if across and is_same(path, other) else None
        except FileNotFoundError:
            if path.exists():
                return None
            raise

    # --- refusals

    def _closed(self, *folders: str) -> Path | None:
        """The first directory of these folders that this process may not write in."""
        directories = [directory for name in folders if (directory := self._directory(name)) is not None]
        places = [directory / sub for directory in directories for sub in ("cur", "new")]
        return next((place for place in places if not is_writable(place)), None)

    @contextmanager
    def _changes(self, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self._refused(what, error) from error

    def _refused(self, what: str, error: OSError, closed: Path | None = None) -> ChangeRefusedError:
        why = words(error)
        if error.errno in NO_RIGHT:
            why = why if closed is None else f"this account has no right to write in {closed}"
            why += "; give it that right ('bounce-cleaner check' names every such place)"
        return ChangeRefusedError(f"{self._address}: {what}", why)


@dataclass(frozen=True, slots=True)
class InFlightMaildir:
    """Satisfies `ports.InFlight`."""

    mailbox: ChangingMaildir
    messages: tuple[Heading, ...]

    def drop(self, folder: str, ids: Sequence[str]) -> None:
        self.mailbox.drop(folder, ids)

    def land(self, not_deleted: Collection[tuple[str, str]]) -> None:
        """Nothing shows in a file that it was being moved."""


def _place(directory: Path, unique: str, flags: tuple[str, ...]) -> Path:
    """Where a message with these flags lies."""
    if RECENT not in flags:
        return directory / "cur" / name_with(unique, flags)
    named = name_with(unique, flags) if len(flags) > 1 else unique
    return directory / "new" / named


def _flag(path: Path, id: str, flags: tuple[str, ...]) -> Path:
    """Renames the file so that it has these flags; to the name it has when they are right already."""
    if set(flags_at(path)) == set(flags):
        if not os.path.lexists(path):
            raise FileNotFoundError(errno.ENOENT, "gone", str(path))
        return path
    place = _place(path.parent.parent, unique_from(id), flags)
    if place != path and os.path.lexists(place):
        raise FileExistsError(errno.EEXIST, "in the way", str(place))
    path.rename(place)
    for directory in {place.parent, path.parent}:
        sync(directory)
    return place
