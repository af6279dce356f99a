"""
What an interrupted move left on a server without MOVE: messages that bear our keyword, in whatever folder.

Only when a move was interrupted are all folders looked at, and each of them searched only if the server says that
messages in it may have the keyword.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress

from cleaner.connectors.imap.copying import expunge, store
from cleaner.connectors.imap.fetching import DELETED, MARK, fetched, heading_items
from cleaner.connectors.imap.grammar import sets
from cleaner.connectors.imap.session import Opened, Session
from cleaner.connectors.imap.wire import Status
from cleaner.errors import AskPersonError
from cleaner.ports import BegunMove
from cleaner.values import Heading

_MARK = MARK.encode()


class InFlightImap:
    """Satisfies `ports.InFlight`."""

    def __init__(self, session: Session, messages: Sequence[Heading]) -> None:
        self._session = session
        self._messages = tuple(messages)

    @property
    def messages(self) -> tuple[Heading, ...]:
        return self._messages

    def drop(self, folder: str, ids: Sequence[str]) -> None:
        self._session.select(folder)
        there = self._session.still([int(id) for id in ids])
        trouble = expunge(self._session, there)
        kept = self._session.still(tuple(there))
        if kept:
            deleted = {m.id for m in self._messages if m.folder == folder and "\\Deleted" in m.flags}
            store(self._session, (uid for uid in kept if str(uid) not in deleted), b"-FLAGS.SILENT", DELETED)
            raise self._session.change_refused(
                f"messages of {folder!r} cannot be taken out of it", trouble or Status(b"NO", b"NOPERM")
            )

    def land(self, not_deleted: Collection[tuple[str, str]]) -> None:
        by_folder: dict[str, list[Heading]] = {}
        for message in self._messages:
            by_folder.setdefault(message.folder, []).append(message)
        for folder, messages in by_folder.items():
            # In a folder of others, which they closed meanwhile, the keyword stays; nobody pairs it with anything.
            with suppress(AskPersonError):
                self._session.select(folder)
                free = [int(m.id) for m in messages if (folder, m.id) in not_deleted]
                rest = [int(m.id) for m in messages if (folder, m.id) not in not_deleted]
                store(self._session, free, b"-FLAGS.SILENT", DELETED, _MARK)
                store(self._session, rest, b"-FLAGS.SILENT", _MARK)


def in_flight(session: Session, moves: Sequence[BegunMove]) -> InFlightImap | None:
    near = tuple(dict.fromkeys(name for move in moves for name in (move.folder, move.target)))
    if session.has(b"MOVE") and not any(_may_bear(_opened(session, name)) for name in near):
        # It moves in one step, and did so before.
        return None
    names = dict.fromkeys((*near, *(folder.name for folder in session.folders().all)))
    messages = [message for name in names for message in _marked(session, name)]
    return InFlightImap(session, messages) if messages else None


def _opened(session: Session, folder: str) -> Opened | None:
    """None for a folder that is gone, or closed to us."""
    with suppress(AskPersonError):
        return session.examine(folder, anew=True)
    return None


def _may_bear(opened: Opened | None) -> bool:
    return opened is not None and _MARK.lower() in opened.used


def _marked(session: Session, folder: str) -> Iterator[Heading]:
    if not _may_bear(_opened(session, folder)):
        return
    uids = session.search(b"KEYWORD", _MARK)
    commands = ((b"UID FETCH", numbers, heading_items(())) for numbers in sets(uids))
    for parts in session.wire.stream(commands):
        found = fetched(parts)
        if found is not None and found.uid in uids:
            yield found.heading(folder)
