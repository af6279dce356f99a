"""
Moving on servers without MOVE: copy, verify, mark as deleted, expunge just these.

Interrupted between copying and expunging, there are two of a message. So that they are known for what they are, wherever
their owner puts them meanwhile, a message gets a keyword before it is copied, which the copy inherits. The original
goes before the copy loses the keyword; when a move is given up, the original loses it before the copy goes. So an
original without it, beside a copy with it, is to stay. What an interruption left is found by `inflight.py`, and settled
before anything else is moved. Where the server keeps no keywords, an interruption may leave a second copy, but
never none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from cleaner.connectors.imap.errors import REFUSALS, shown
from cleaner.connectors.imap.fetching import DELETED, MARK, STATE_ITEMS, fetched, heading_items
from cleaner.connectors.imap.grammar import expanded, number, sets, texts, values
from cleaner.connectors.imap.session import MISSING, Session
from cleaner.connectors.imap.wire import Answer, Status
from cleaner.errors import AskPersonError, FolderMissingError
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
        self._cleared: set[str] = set()

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
        for name in (target, folder):
            self._clear(name)
        opened = self._session.select(folder)
        self._session.wire.command(b"NOOP")
        states = self._states(uids)
        first = self.next_uid(target)
        if opened.keeps(_MARK):
            store(self._session, states, b"+FLAGS.SILENT", _MARK)
        made = self._copy(folder, states, target)
        try:
            made |= self._untold(states, made, target, first)
            result, trouble = self._complete(folder, states, made, target)
        except AskPersonError as error:
            # Another program closed or removed a folder just now: what became of the messages, the next run finds out.
            raise self._session.wire.broken(f"moving to {target!r} was interrupted ({error})") from error
        if trouble is not None:
            raise self._session.change_refused(f"messages of {folder!r} cannot be taken out of it", trouble)
        return result

    def _clear(self, folder: str) -> None:
        """
        Takes the keyword from messages that are in no move, once for each folder.

        Interrupted moves were settled before this one began, so it stands for nothing here.
        """
        if folder in self._cleared:
            return
        self._cleared.add(folder)
        if _MARK.lower() not in self._session.examine(folder).used:
            return
        marked = self._session.search(b"KEYWORD", _MARK)
        if marked:
            self._session.select(folder)
            store(self._session, marked, b"-FLAGS.SILENT", _MARK)

    def _copy(self, folder: str, states: States, target: str) -> dict[int, int]:
        """Old → new UIDs of what was copied, as far as the server tells."""
        made: dict[int, int] = {}
        for numbers in sets(states):
            answer = self._session.wire.command(b"UID COPY", numbers, self._session.name_of(target))
            if not answer.is_ok:
                self._refuse(folder, target, states, answer.status)
            made |= copied(answer)
        return {uid: new for uid, new in made.items() if uid in states}

    def _refuse(self, folder: str, target: str, states: States, status: Status) -> None:
        """COPY does all or nothing. Raises for a refusal that every message would meet."""
        store(self._session, states, b"-FLAGS.SILENT", _MARK)
        if status.code in MISSING:
            raise FolderMissingError(self._session.address, target)
        if status.code in REFUSALS or status.kind == b"BAD":
            raise self._session.change_refused(
                f"messages of {folder!r} cannot be moved to {target!r}", status
            )

    def _untold(self, states: States, made: Mapping[int, int], target: str, first: int) -> dict[int, int]:
        untold = {uid: state for uid, state in states.items() if uid not in made}
        found = self.arrived(untold, target, first)
        return {uid: new for uid, new in found.items() if new not in made.values()}

    def _complete(
        self, folder: str, states: States, made: Mapping[int, int], target: str
    ) -> tuple[dict[int, Moved], Status | None]:
        """Takes away the originals whose copies are there; the second result refuses that for all of them."""
        there: States = {}
        if made:
            self._session.examine(target, anew=True)
            there = self._states(made.values(), with_header=False)
        good = {uid: n for uid, n in made.items() if n in there and there[n].size == states[uid].size}
        self._session.select(folder)
        present = self._session.still(tuple(states))
        # The original or its copy was taken away in this moment, with the keyword: only a look at all folders tells.
        lost = {uid for uid in states if uid not in present or (uid in made and made[uid] not in there)}
        ready = [uid for uid in good if uid not in lost]
        trouble = expunge(self._session, ready)
        kept = self._session.still(ready)
        done = {uid: good[uid] for uid in ready if uid not in kept}
        back = [uid for uid in states if uid not in done and uid not in lost]
        store(self._session, (uid for uid in kept if not states[uid].is_deleted), b"-FLAGS.SILENT", DELETED)
        store(self._session, back, b"-FLAGS.SILENT", _MARK)
        if made:
            self._session.select(target)
            expunge(self._session, [made[uid] for uid in back if uid in made])
            store(self._session, done.values(), b"-FLAGS.SILENT", _MARK)
            self._session.select(folder)
        if kept and not done and not lost:
            # Dovecot says OK where the right to expunge is missing, and expunges nothing.
            return {}, trouble or Status(b"NO", b"NOPERM")
        said = (
            f"the server says {shown(trouble.text)!r}"
            if trouble is not None
            else "the server did not copy it"
        )
        return {
            **{uid: Moved(str(uid), str(new)) for uid, new in done.items()},
            **{uid: Moved(str(uid), unclear=True) for uid in lost},
            **{uid: Moved(str(uid), error=said) for uid in back},
        }, None

    def _states(self, uids: Collection[int], *, with_header: bool = True) -> dict[int, State]:
        """Messages of the open folder."""
        items = heading_items(()) if with_header else STATE_ITEMS
        found: dict[int, State] = {}
        for parts in self._session.wire.stream((b"UID FETCH", numbers, items) for numbers in sets(uids)):
            message = fetched(parts, bare=not with_header)
            if message is not None and message.uid in uids:
                digest = hashlib.sha256(message.body).digest()
                found[message.uid] = State(
                    (message.size, message.received, digest), is_deleted="\\Deleted" in message.flags
                )
        return found


# --- messages of the open folder


def store(session: Session, uids: Iterable[int], how: bytes, *flags: bytes) -> Status | None:
    """Gives flags, or takes them; returns the first refusal."""
    written = b"(%b)" % b" ".join(flags)
    answers = [session.wire.command(b"UID STORE", numbers, how, written) for numbers in sets(uids)]
    return next((answer.status for answer in answers if not answer.is_ok), None)


def expunge(session: Session, uids: Collection[int]) -> Status | None:
    """Removes these messages and no others; returns the first refusal."""
    trouble = store(session, uids, b"+FLAGS.SILENT", DELETED)
    if trouble is not None:
        return trouble
    answers = [session.wire.command(b"UID EXPUNGE", numbers) for numbers in sets(uids)]
    return next((answer.status for answer in answers if not answer.is_ok), None)


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
