"""The journal: every intended and completed change, from which undo works."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, TypeAlias

from sqlalchemy import Connection, Row, Select, bindparam, func, insert, select, text, update

from cleaner.store import tables
from cleaner.store.database import Database, chunks
from cleaner.store.owners import ensured, row_id
from cleaner.values import ActionName, Entry, EntryState, Ground, address_key

Key: TypeAlias = tuple[str, int, ActionName]

IS_OPEN: Final = text("journal.state IN ('intended', 'undoing')")
"""In the words of the index over them."""
OPEN: Final = tuple(state.value for state in EntryState if state.is_open)
UNTOUCHED: Final = (EntryState.FAILED, EntryState.GONE)
"""States in which the change was not made, so that it may be tried again."""
LARGEST: Final = 2**63 - 1


class StoredJournal:
    """The journal of one mailbox; satisfies `ports.Journal`."""

    def __init__(self, database: Database, address: str) -> None:
        self._database = database
        self._address = address

    def intend(self, entries: Sequence[Entry]) -> tuple[Entry, ...]:
        with self._database.write() as connection:
            return _intend(connection, ensured(connection, self._address), entries)

    def settle(self, entries: Sequence[Entry]) -> None:
        if not entries:
            return
        j = tables.journal.c
        with self._database.write() as connection:
            mailbox = ensured(connection, self._address)
            connection.execute(
                update(tables.journal).where(j.id == bindparam("entry"), j.mailbox_id == mailbox),
                [
                    {
                        "entry": entry.id,
                        "state": entry.state.value,
                        "new_id": entry.new_id,
                        "error": entry.error,
                        "settled_at": entry.settled_at,
                    }
                    for entry in entries
                ],
            )

    def open(self) -> tuple[Entry, ...]:
        query = _entries().where(tables.mailbox.c.address == address_key(self._address), IS_OPEN)
        with self._database.read() as connection:
            return tuple(_entry(row) for row in connection.execute(query))

    def for_fingerprints(self, fingerprints: Sequence[str]) -> Mapping[str, tuple[Entry, ...]]:
        found: dict[str, list[Entry]] = {}
        with self._database.read() as connection:
            mailbox = row_id(connection, self._address)
            for entry in _about(connection, mailbox, fingerprints) if mailbox is not None else ():
                found.setdefault(entry.fingerprint, []).append(entry)
        return {fingerprint: tuple(entries) for fingerprint, entries in found.items()}


def _intend(connection: Connection, mailbox: int, entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """Writes the intents that are new, and those again whose change was tried and not made."""
    known = _by_key(_about(connection, mailbox, [entry.fingerprint for entry in entries]))
    fresh = {_key(entry): entry for entry in entries if _key(entry) not in known}
    again = {
        key: replace(entry, id=known[key].id)
        for entry in entries
        if (key := _key(entry)) in known and known[key].state in UNTOUCHED
    }
    if again:
        connection.execute(
            update(tables.journal).where(tables.journal.c.id == bindparam("entry")),
            [{"entry": entry.id, **_values(entry)} for entry in again.values()],
        )
    if fresh:
        connection.execute(
            insert(tables.journal),
            [{"mailbox_id": mailbox, **_values(entry)} for entry in fresh.values()],
        )
        # Asked for afterwards: with RETURNING, rows are inserted one by one where their order must be known.
        written = _by_key(_about(connection, mailbox, [entry.fingerprint for entry in fresh.values()]))
        fresh = {key: replace(entry, id=written[key].id) for key, entry in fresh.items()}
    recorded = known | again | fresh
    return tuple(recorded[_key(entry)] for entry in entries)


def _key(entry: Entry) -> Key:
    return entry.fingerprint, entry.occurrence, entry.action


def _by_key(entries: Iterable[Entry]) -> dict[Key, Entry]:
    return {_key(entry): entry for entry in entries}


def _about(connection: Connection, mailbox: int, fingerprints: Sequence[str]) -> list[Entry]:
    """All entries of a mailbox about those messages, oldest first for each."""
    j = tables.journal.c
    return [
        _entry(row)
        for some in chunks(dict.fromkeys(fingerprints))
        for row in connection.execute(_entries().where(j.mailbox_id == mailbox, j.fingerprint.in_(some)))
    ]


def _values(entry: Entry) -> dict[str, Any]:
    return {
        "run": entry.run,
        "fingerprint": entry.fingerprint,
        "occurrence": entry.occurrence,
        "action": entry.action.value,
        "folder": entry.folder,
        "message": entry.message,
        "target": entry.target,
        "new_id": entry.new_id,
        "flags": list(entry.flags),
        "received": entry.received,
        "message_id": entry.message_id,
        "state": entry.state.value,
        "intended_at": entry.intended_at,
        "settled_at": entry.settled_at,
        "error": entry.error,
        "ground": entry.ground.value if entry.ground is not None else None,
    }


def find_entries(
    database: Database,
    *,
    id: int | None = None,
    run: str | None = None,
    mailbox: str | None = None,
    ground: Ground | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    states: Iterable[EntryState] | None = None,
    limit: int | None = None,
) -> tuple[Entry, ...]:
    """Entries of any mailbox that fit all that is given; the oldest first, with a limit the latest ones."""
    j = tables.journal.c
    query = _entries()
    if id is not None:
        if not 0 < id <= LARGEST:
            return ()
        query = query.where(j.id == id)
    if run is not None:
        query = query.where(j.run == run)
    if ground is not None:
        query = query.where(j.ground == ground.value)
    if mailbox is not None:
        query = query.where(tables.mailbox.c.address == address_key(mailbox))
    if since is not None:
        query = query.where(j.intended_at >= since)
    if until is not None:
        query = query.where(j.intended_at <= until)
    if states is not None:
        wanted = [state.value for state in states]
        if set(wanted) <= set(OPEN):
            # Of millions few are open, and an index holds only these.
            query = query.where(IS_OPEN)
        query = query.where(j.state.in_(wanted))
    with database.read() as connection:
        if limit is None:
            return tuple(_entry(row) for row in connection.execute(query))
        # By the time where that bounds them: by number, all since the first would be gone through.
        order = (j.intended_at.desc(), j.id.desc()) if since is not None else (j.id.desc(),)
        latest = connection.execute(query.order_by(None).order_by(*order).limit(limit)).all()
        return tuple(_entry(row) for row in sorted(latest, key=lambda row: row.id))


def count_moved(database: Database, address: str, actions: Iterable[ActionName], since: datetime) -> int:
    """How many messages of a mailbox were moved after that time, wherever they are now."""
    j = tables.journal.c
    untouched = j.state.in_((EntryState.INTENDED.value, EntryState.FAILED.value))
    query = (
        select(func.count())
        .select_from(tables.journal)
        .join(tables.mailbox)
        .where(
            tables.mailbox.c.address == address_key(address),
            j.intended_at > since,
            j.action.in_([action.value for action in actions]),
            ~untouched,
            (j.state != EntryState.GONE.value) | j.new_id.is_not(None),
        )
    )
    with database.read() as connection:
        return connection.execute(query).scalar_one()


def count_entries(database: Database, address: str) -> Mapping[EntryState, int]:
    """How many entries of a mailbox are in which state."""
    query = (
        select(tables.journal.c.state, func.count())
        .join_from(tables.journal, tables.mailbox)
        .where(tables.mailbox.c.address == address_key(address))
        .group_by(tables.journal.c.state)
    )
    with database.read() as connection:
        return {EntryState(state): count for state, count in connection.execute(query)}


def _entries() -> Select[Any]:
    return (
        select(tables.journal, tables.mailbox.c.address)
        .join_from(tables.journal, tables.mailbox)
        .order_by(tables.journal.c.id)
    )


def _entry(row: Row[Any]) -> Entry:
    return Entry(
        id=row.id,
        run=row.run,
        mailbox=row.address,
        fingerprint=row.fingerprint,
        occurrence=row.occurrence,
        action=ActionName(row.action),
        folder=row.folder,
        message=row.message,
        target=row.target,
        new_id=row.new_id,
        flags=tuple(row.flags),
        received=row.received,
        message_id=row.message_id,
        state=EntryState(row.state),
        intended_at=row.intended_at,
        settled_at=row.settled_at,
        error=row.error,
        ground=Ground(row.ground) if row.ground is not None else None,
    )
