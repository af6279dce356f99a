"""
One mailbox's connection while it is at work: which folder is open, what the folders are called, reconnecting.

Folders are opened with EXAMINE, so that nothing in them changes, not even which mail counts as recent; with
SELECT only when something is to be changed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, TypeVar

from cleaner import __version__
from cleaner.connectors.imap import folders as naming
from cleaner.connectors.imap.connecting import Connection, back_off
from cleaner.connectors.imap.errors import is_busy, refused, shown
from cleaner.connectors.imap.folders import Folders
from cleaner.connectors.imap.grammar import expanded, number, sets, values
from cleaner.connectors.imap.wire import Answer, Status, Wire, Word, string
from cleaner.errors import AskPersonError, ChangeRefusedError, FolderMissingError, ServerUnavailableError

T = TypeVar("T")
log = logging.getLogger(__name__)

PAUSES: Final = (0.5, 2.0)
"""Seconds before each time that a broken connection is opened again, in one session."""

MISSING: Final = frozenset((b"NONEXISTENT", b"TRYCREATE"))

MAX_FOUND: Final = 10_000_000
"""Messages of one folder."""

SEARCHED: Final = 50_000
"""Messages searched at once where the answer is not compact: its line must stay below a megabyte."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A folder as SELECT or EXAMINE told of it."""

    folder: str
    can_change: bool
    exists: int
    validity: int
    next_uid: int | None
    flags: frozenset[bytes] = frozenset()
    """Those that can be kept, lower case."""
    used: frozenset[bytes] = frozenset()
    """Those that messages here may have, lower case."""

    def keeps(self, keyword: bytes) -> bool:
        """Whether a keyword can be given to messages here."""
        return b"\\*" in self.flags or keyword.lower() in self.flags


class RenumberedError(ServerUnavailableError):
    """UIDVALIDITY changed: the ids that we have may be those of other messages now."""


class Session:
    """One account's connection. Not for use by several threads at once."""

    def __init__(self, address: str, connect: Callable[[], Connection]) -> None:
        self.address = address
        self._connect = connect
        self._connection = connect()
        self._opened: Opened | None = None
        self._validity: dict[str, int] = {}
        self._folders: Folders | None = None
        self._pauses = list(PAUSES)

    @property
    def wire(self) -> Wire:
        return self._connection.wire

    def has(self, capability: bytes) -> bool:
        return self._connection.has(capability)

    def close(self) -> None:
        self._connection.close()

    # --- broken connections

    def patiently(self, work: Callable[[], T]) -> T:
        """What reads may be asked again, over a new connection."""
        while True:
            try:
                return work()
            except ServerUnavailableError as error:
                self.reconnect(error)

    def reconnect(self, error: ServerUnavailableError) -> None:
        """Opens the connection again after a pause; raises the error when that was done often enough."""
        if isinstance(error, RenumberedError):
            raise error
        self._connection.close(politely=False)
        self._opened = None
        if not self._pauses:
            raise error
        log.info("%s: %s Connecting again.", self.address, error)
        back_off(self._pauses.pop(0))
        self._connection = self._connect()

    # --- folders

    def folders(self) -> Folders:
        """All folders, asked for once."""
        if self._folders is None:
            self._folders = self.patiently(self._list)
        return self._folders

    def forget_folders(self) -> None:
        self._folders = None

    def _list(self) -> Folders:
        commands: list[Sequence[bytes]] = [_LIST_MARKED if self._marks_on_request else _LIST]
        if self.has(b"NAMESPACE"):
            commands.append((b"NAMESPACE",))
        if self.has(b"ID"):
            # Some providers let nobody in who does not say who he is (RFC 2971).
            commands.append((b"ID", b'("name" "bounce-cleaner" "version" "%b")' % __version__.encode()))
        listed, *others = self.wire.commands(commands)
        if not listed.is_ok:
            raise self.wire.broken("it does not list its folders", listed.status.text)
        spaces = naming.namespaces([parts for answer in others for parts in answer.named(b"NAMESPACE")])
        return naming.folders(listed.named(b"LIST"), spaces)

    @property
    def _marks_on_request(self) -> bool:
        return self.has(b"SPECIAL-USE") and self.has(b"LIST-EXTENDED")

    def name_of(self, folder: str) -> Word:
        """The folder's name as commands take it. Raises FolderMissingError for one that cannot be there."""
        raw = self.folders().raw_of(folder)
        if raw is None:
            raise FolderMissingError(self.address, folder)
        return string(raw)

    def examine(self, folder: str, *, anew: bool = False) -> Opened:
        """Opens a folder for reading, if no folder is open that will do. Raises FolderMissingError."""
        if self._opened is not None and self._opened.folder == folder and not anew:
            return self._opened
        return self._open(folder, b"EXAMINE")

    def refresh(self, folder: str) -> None:
        """
        Opens a folder for reading, and has it told what other programs took away meanwhile.

        Without NOOP a server may go on showing what is gone (RFC 9051 section 7.5.1); Dovecot does.
        """
        if self._opened is not None and self._opened.folder == folder:
            self.wire.command(b"NOOP")
        else:
            self.examine(folder)

    def select(self, folder: str) -> Opened:
        """Opens a folder for changing. Raises FolderMissingError, ChangeRefusedError."""
        if self._opened is not None and self._opened.folder == folder and self._opened.can_change:
            return self._opened
        opened = self._open(folder, b"SELECT")
        if not opened.can_change:
            raise ChangeRefusedError(
                f"{self.address}: nothing in {folder!r} can be changed",
                "the server opens it read-only; give this account the right to write there",
            )
        return opened

    def renumbered(self, folder: str) -> None:
        """Ids that were seen of that folder do not count any more."""
        self._validity.pop(folder, None)

    def _open(self, folder: str, command: bytes) -> Opened:
        name = self.name_of(folder)
        self._opened = None
        answer = self.wire.command(command, name)
        if not answer.is_ok:
            raise self._not_opened(folder, answer.status)
        opened = _opened(folder, command == b"SELECT", answer)
        if self._validity.setdefault(folder, opened.validity) != opened.validity:
            raise RenumberedError(self.address, f"the messages of {folder!r} got new numbers meanwhile")
        self._opened = opened
        return opened

    def _not_opened(self, folder: str, status: Status) -> Exception:
        if is_busy(status.code, status.text):
            return self.wire.broken(f"{folder!r} cannot be opened now", status.text)
        if status.code in MISSING:
            return FolderMissingError(self.address, folder)
        self.forget_folders()
        if folder not in self.folders().raw:
            return FolderMissingError(self.address, folder)
        return AskPersonError(
            f"{self.address}: the folder {folder!r} cannot be opened (the server says {shown(status.text)!r}); "
            "give this account the right to read it"
        )

    # --- messages of the open folder

    def search(self, *criteria: Word) -> list[int]:
        """UIDs by criteria, ascending."""
        compact = self.has(b"ESEARCH")
        if any(not isinstance(word, bytes) for word in criteria):
            answer = self.wire.command(b"UID SEARCH", *([b"RETURN (ALL)"] if compact else []), *criteria)
            return sorted(self._found(answer))
        plain = tuple(word for word in criteria if isinstance(word, bytes))
        if compact:
            commands = [(b"UID SEARCH RETURN (ALL)", *plain)]
        elif self._opened is None or self._opened.exists <= SEARCHED:
            commands = [(b"UID SEARCH", *plain)]
        else:
            starts = range(1, self._opened.exists + 1, SEARCHED)
            commands = [(b"UID SEARCH %d:%d" % (at, at + SEARCHED - 1), *plain) for at in starts[:-1]]
            commands.append((b"UID SEARCH %d:*" % starts[-1], *plain))
        found: set[int] = set()
        for answer in self.wire.commands(commands):
            found.update(self._found(answer))
        return sorted(found)

    def still(self, uids: Sequence[int]) -> set[int]:
        """Those of the UIDs that are in the open folder now."""
        if not uids:
            return set()
        # Not sent together: the server could search before it looks.
        self.wire.command(b"NOOP")
        search = b"UID SEARCH RETURN (ALL) UID" if self.has(b"ESEARCH") else b"UID SEARCH UID"
        answers = self.wire.commands((search, numbers) for numbers in sets(uids))
        return {uid for answer in answers for uid in self._found(answer)} & set(uids)

    def _found(self, answer: Answer) -> set[int]:
        if not answer.is_ok:
            raise self.wire.broken("it does not search", answer.status.text)
        found: set[int] = set()
        for parts in answer.named(b"SEARCH"):
            found.update(uid for value in values(parts) if (uid := number(value)) is not None)
        for parts in answer.named(b"ESEARCH"):
            words = values(parts)
            for key, value in pairwise(words):
                if isinstance(key, bytes) and key.upper() == b"ALL" and isinstance(value, bytes):
                    found.update(expanded(value, MAX_FOUND))
        return found

    def change_refused(self, what: str, status: Status) -> ChangeRefusedError | ServerUnavailableError:
        """What a NO to a change means."""
        if is_busy(status.code, status.text):
            return self.wire.broken(what, status.text)
        return refused(f"{self.address}: {what}", status.code, status.text)


_LIST: Final = (b"LIST", b'""', b"*")
_LIST_MARKED: Final = (b"LIST", b'""', b"*", b"RETURN (SPECIAL-USE)")


def _opened(folder: str, for_changes: bool, answer: Answer) -> Opened:
    used = next((parts[0] for parts in answer.named(b"FLAGS")), b"")
    kept = answer.code(b"PERMANENTFLAGS")
    if kept is None:
        kept = used
    return Opened(
        folder,
        can_change=for_changes and answer.status.code != b"READ-ONLY",
        exists=answer.counted(b"EXISTS") or 0,
        validity=number(answer.code(b"UIDVALIDITY")) or 0,
        next_uid=number(answer.code(b"UIDNEXT")),
        flags=_names(kept),
        used=_names(used),
    )


def _names(flags: bytes) -> frozenset[bytes]:
    return frozenset(flags.strip(b"() ").lower().split())
