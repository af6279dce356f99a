"""The journal: every intended and completed change, from which undo works."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, func, insert, select, update

from cleaner.store import tables
from cleaner.store.database import CHUNK, Database
from cleaner.store.owners import ensured, row_id
from cleaner.values import ActionName, Entry, EntryState, address_key

OPEN = tuple(state.value for state in EntryState if state.is_open)


class StoredJournal:
    """The journal of one mailbox; satisfies `ports.Journal`."""

    def __init__(self, database: Database, address: str) -> None:
        self._database = database
        self._address = address

    def intend(self, entries: Sequence[Entry]) -> tuple[Entry, ...]:
        with self._database.write() as connection:
            mailbox = ensured(connection, self._address)
            return tuple(_intend(connection, mailbox, entry) for entry in entries)

    def settle(self, entries: Sequence[Entry]) -> None:
        with self._database.write() as connection:
            for entry in entries:
                connection.execute(
                    update(tables.journal)
                    .where(tables.journal.c.id == entry.id)
                    .values(
                        state=entry.state.value,
                        new_id=entry.new_id,
                        error=entry.error,
                        settled_at=entry.settled_at,
                    )
                )

    def open(self) -> tuple[Entry, ...]:
        query = _entries().where(
            tables.mailbox.c.address == address_key(self._address), tables.journal.c.state.in_(OPEN)
        )
        with self._database.read() as connection:
            return tuple(_entry(row) for row in connection.execute(query))

    def for_fingerprints(self, fingerprints: Sequence[str]) -> Mapping[str, tuple[Entry, ...]]:
        found: dict[str, list[Entry]] = {}
        with self._database.read() as connection:
            mailbox = row_id(connection, self._address)
            for start in range(0, len(fingerprints) if mailbox is not None else 0, CHUNK):
                query = _entries().where(
                    tables.journal.c.mailbox_id == mailbox,
                    tables.journal.c.fingerprint.in_(fingerprints[start : start + CHUNK]),
                )
                for row in connection.execute(query):
                    found.setdefault(row.fingerprint, []).append(_entry(row))
        return {fingerprint: tuple(entries) for fingerprint, entries in found.items()}


def _intend(connection: Connection, mailbox: int, entry: Entry) -> Entry:
    """Writes one intent, or finds it; one that failed or found its message gone is taken up again."""
    j = tables.journal.c
    found = connection.execute(
        _entries().where(
            j.mailbox_id == mailbox,
            j.fingerprint == entry.fingerprint,
            j.occurrence == entry.occurrence,
            j.action == entry.action.value,
        )
    ).first()
    values = _values(entry)
    if found is None:
        made = insert(tables.journal).values(mailbox_id=mailbox, **values).returning(j.id)
        return replace(entry, id=int(connection.execute(made).scalar_one()))
    known = _entry(found)
    if known.state not in (EntryState.FAILED, EntryState.GONE):
        return known
    connection.execute(update(tables.journal).where(j.id == known.id).values(**values))
    return replace(entry, id=known.id)


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
    }


def find_entries(
    database: Database,
    *,
    id: int | None = None,
    run: str | None = None,
    mailbox: str | None = None,
    since: datetime | None = None,
    states: Iterable[EntryState] | None = None,
    limit: int | None = None,
) -> tuple[Entry, ...]:
    """Entries of any mailbox that fit all that is given; the oldest first, with a limit the latest ones."""
    j = tables.journal.c
    query = _entries()
    if id is not None:
        query = query.where(j.id == id)
    if run is not None:
        query = query.where(j.run == run)
    if mailbox is not None:
        query = query.where(tables.mailbox.c.address == address_key(mailbox))
    if since is not None:
        query = query.where(j.intended_at >= since)
    if states is not None:
        query = query.where(j.state.in_([state.value for state in states]))
    with database.read() as connection:
        if limit is None:
            return tuple(_entry(row) for row in connection.execute(query))
        latest = connection.execute(query.order_by(None).order_by(j.id.desc()).limit(limit)).all()
        return tuple(_entry(row) for row in reversed(latest))


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
    )
