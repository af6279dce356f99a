"""
Moving on servers without MOVE: copy, verify, mark as deleted, expunge just these.

Killed between copying and expunging, there are two of a message. So that the next move of it leaves one, it gets
a keyword before it is copied, which the copy inherits and loses last: a message that has the keyword was being
moved, and its copy, if there is one, has it too. Where the server keeps no keywords, an interruption may
leave a second copy, but never none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from cleaner.connectors.imap.errors import REFUSALS, shown
from cleaner.connectors.imap.fetching import MARK, STATE_ITEMS, fetched, heading_items
from cleaner.connectors.imap.grammar import expanded, number, sets, texts, values
from cleaner.connectors.imap.session import MISSING, Session
from cleaner.connectors.imap.wire import Answer, Status
from cleaner.errors import FolderMissingError
from cleaner.ports import Moved

GROUP: Final = 50
"""Messages moved with one command, once the first has shown that the server does it."""

_MARK: Final = MARK.encode()

Identity: TypeAlias = tuple[int, datetime | None, bytes]
"""Size, internal date, and a hash of the header, as far as it was asked for."""


@dataclass(frozen=True, slots=True)
class State:
    """A message as it stands in a folder."""

    identity: Identity
    is_marked: bool
    is_deleted: bool

    @property
    def size(self) -> int:
        return self.identity[0]


States: TypeAlias = Mapping[int, State]


@dataclass(frozen=True, slots=True)
class Before:
    """What must be known before a move by a server that does not tell new ids."""

    states: States
    next_uid: int


class Copying:
    """Works on the session's folders; expects the source to be open, and may leave another one open."""

    def __init__(self, session: Session) -> None:
        self._session = session

    # --- where the server does not tell new ids

    def before(self, uids: Collection[int], target: str) -> Before:
        return Before(self._states(uids), self.next_uid(target))

    def next_uid(self, folder: str) -> int:
        """The UID that the next message there gets, at least; 1 where the server does not tell."""
        answer = self._session.wire.command(b"STATUS", self._session.name_of(folder), b"(UIDNEXT)")
        for parts in answer.named(b"STATUS"):
            for value in values(parts):
                items = texts(value)
                if len(items) == 2 and items[0].upper() == b"UIDNEXT":
                    return number(items[1]) or 1
        return 1

    def arrived(self, states: States, folder: str, first: int) -> dict[int, int]:
        """The new UIDs of messages, among those that came into a folder since."""
        if not states:
            return {}
        self._session.examine(folder, anew=True)
        fresh = [uid for uid in self._session.search(b"UID %d:*" % first) if uid >= first]
        return paired(states, self._states(fresh))

    # --- without MOVE

    def move(self, folder: str, uids: Collection[int], target: str) -> dict[int, Moved]:
        """What became of each; those gone are left out."""
        self._session.wire.command(b"NOOP")
        states = self._states(uids)
        copies = self._left_behind(states, target)
        opened = self._session.select(folder)
        fresh = {uid: state for uid, state in states.items() if uid not in copies}
        if opened.keeps(_MARK):
            self._store(fresh, b"+FLAGS.SILENT", _MARK)
        made = copies | self._copy(folder, fresh, target)
        copies = self._verified(states, made, target)
        self._session.select(folder)
        kept, trouble = self._remove(copies)
        self._store([uid for uid in states if uid not in copies], b"-FLAGS.SILENT", _MARK)
        self._session.select(target)
        self._expunge([new for uid, new in made.items() if uid in kept or uid not in copies])
        done = {uid: new for uid, new in copies.items() if uid not in kept}
        self._store(done.values(), b"-FLAGS.SILENT", _MARK)
        self._session.select(folder)
        if kept:
            self._store(kept, b"-FLAGS.SILENT", _MARK)
            self._store([uid for uid in kept if not states[uid].is_deleted], b"-FLAGS.SILENT", b"\\Deleted")
        if kept and not done:
            # Dovecot says OK where the right to expunge is missing, and expunges nothing.
            trouble = trouble or Status(b"NO", b"NOPERM")
            raise self._session.change_refused(f"messages of {folder!r} cannot be taken out of it", trouble)
        still = self._session.still([uid for uid in states if uid not in done])
        said = (
            f"the server says {shown(trouble.text)!r}"
            if trouble is not None
            else "the server did not copy it"
        )
        return {uid: Moved(str(uid), str(new)) for uid, new in done.items()} | {
            uid: Moved(str(uid), error=said) for uid in still
        }

    def _left_behind(self, states: States, target: str) -> dict[int, int]:
        """Copies in the target that an interrupted move of these messages made."""
        marked = {uid: state for uid, state in states.items() if state.is_marked}
        if not marked:
            return {}
        self._session.select(target)
        return paired(marked, self._states(self._session.search(b"KEYWORD", _MARK)))

    def _copy(self, folder: str, states: States, target: str) -> dict[int, int]:
        """Old → new UIDs of what was copied."""
        if not states:
            return {}
        first = self.next_uid(target)
        made: dict[int, int] = {}
        for numbers in sets(states):
            answer = self._session.wire.command(b"UID COPY", numbers, self._session.name_of(target))
            if not answer.is_ok:
                self._refuse(folder, target, states, answer.status)
            made |= copied(answer)
        untold = {uid: state for uid, state in states.items() if uid not in made}
        found = self.arrived(untold, target, first)
        return made | {uid: new for uid, new in found.items() if new not in made.values()}

    def _refuse(self, folder: str, target: str, states: States, status: Status) -> None:
        """COPY does all or nothing. Raises for a refusal that every message would meet."""
        self._store(states, b"-FLAGS.SILENT", _MARK)
        if status.code in MISSING:
            raise FolderMissingError(self._session.address, target)
        if status.code in REFUSALS or status.kind == b"BAD":
            raise self._session.change_refused(
                f"messages of {folder!r} cannot be moved to {target!r}", status
            )

    def _verified(self, states: States, copies: Mapping[int, int], target: str) -> dict[int, int]:
        """The copies that are there, and as large as their originals; the others are not counted on."""
        if not copies:
            return {}
        self._session.select(target)
        there = self._states(copies.values(), with_header=False)
        return {
            uid: new for uid, new in copies.items() if new in there and there[new].size == states[uid].size
        }

    def _remove(self, copies: Mapping[int, int]) -> tuple[set[int], Status | None]:
        """Takes the originals away; returns those that stayed all the same, and what the server said."""
        trouble = self._expunge(copies)
        return self._session.still(tuple(copies)), trouble

    def _expunge(self, uids: Collection[int]) -> Status | None:
        """Removes these messages and no others; returns the first refusal."""
        trouble = self._store(uids, b"+FLAGS.SILENT", b"\\Deleted")
        if trouble is not None:
            return trouble
        answers = [self._session.wire.command(b"UID EXPUNGE", numbers) for numbers in sets(uids)]
        return next((answer.status for answer in answers if not answer.is_ok), None)

    # --- messages of the open folder

    def _store(self, uids: Iterable[int], how: bytes, flag: bytes) -> Status | None:
        answers = [self._session.wire.command(b"UID STORE", s, how, b"(%b)" % flag) for s in sets(uids)]
        return next((answer.status for answer in answers if not answer.is_ok), None)

    def _states(self, uids: Collection[int], *, with_header: bool = True) -> dict[int, State]:
        items = heading_items(()) if with_header else STATE_ITEMS
        found: dict[int, State] = {}
        for parts in self._session.wire.stream((b"UID FETCH", numbers, items) for numbers in sets(uids)):
            message = fetched(parts, bare=not with_header, raw=True)
            if message is not None and message.uid in uids:
                digest = hashlib.sha256(message.body).digest()
                found[message.uid] = State(
                    (message.size, message.received, digest),
                    is_marked=MARK in message.flags,
                    is_deleted="\\Deleted" in message.flags,
                )
        return found


def copied(answer: Answer) -> dict[int, int]:
    """COPYUID as old UID → new UID; empty where it is missing or does not add up."""
    words = (answer.code(b"COPYUID") or b"").split()
    if len(words) != 3:
        return {}
    old, new = expanded(words[1], GROUP), expanded(words[2], GROUP)
    return dict(zip(old, new, strict=True)) if len(old) == len(new) else {}


def paired(left: States, right: States) -> dict[int, int]:
    """Each message of one folder with its like in another; of several alike, in their order."""
    waiting: dict[Identity, list[int]] = {}
    for uid in sorted(right):
        waiting.setdefault(right[uid].identity, []).append(uid)
    found: dict[int, int] = {}
    for uid in sorted(left):
        alike = waiting.get(left[uid].identity)
        if alike:
            found[uid] = alike.pop(0)
    return found
