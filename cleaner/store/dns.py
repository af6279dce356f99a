"""
The archive of published policies: who could send for our domains, and since when.

What stands in the Domain Name System is public, and nothing about persons, so it stays when somebody opts out. A state
that returns after another is a state of its own: only so it can be told since when one has held without a break.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from cleaner.ports import DnsState
from cleaner.store import tables
from cleaner.store.database import Database, chunks

OFTEN: Final = timedelta(hours=6)
"""That something still stands is not noted more often than this."""
MAX_STATES: Final = 40
"""Of one name and kind; some names change their addresses by the hour."""
MAX_ROWS: Final = 200_000
"""Of all: those that were not seen for the longest time go."""


class DnsBook:
    """Satisfies `ports.DnsArchive`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def states(self, names: Iterable[str]) -> tuple[DnsState, ...]:
        """All that is remembered of those names, the earliest first."""
        with self._database.read() as connection:
            return tuple(
                DnsState(row.name, row.kind, tuple(row.records), row.first_seen, row.last_seen)
                for row in _rows(connection, names)
            )

    def remember(self, answers: Mapping[tuple[str, str], tuple[str, ...]], at: datetime) -> None:
        with self._database.read() as connection:
            latest = _latest(connection, answers)
        if not any(_is_news(latest.get(key), records, at) for key, records in answers.items()):
            return
        with self._database.write() as connection:
            latest = _latest(connection, answers)
            news = {
                key: records for key, records in answers.items() if _is_news(latest.get(key), records, at)
            }
            added = [
                key for key, records in news.items() if not _goes_on(connection, latest.get(key), records, at)
            ]
            for name, kind in added:
                _add(connection, name, kind, news[name, kind], at)
            if added:
                _bound(connection)


def _rows(connection: Connection, names: Iterable[str]) -> Iterable[Any]:
    d = tables.dns_state.c
    for asked in chunks(sorted(set(names))):
        query = select(tables.dns_state).where(d.name.in_(asked)).order_by(d.first_seen, d.id)
        yield from connection.execute(query)


def _latest(connection: Connection, answers: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Any]:
    return {(row.name, row.kind): row for row in _rows(connection, (name for name, _ in answers))}


def _is_news(latest: Any | None, records: tuple[str, ...], at: datetime) -> bool:
    if latest is None:
        return True
    if at < latest.last_seen:
        # The clock went back, or another process was later.
        return False
    return tuple(latest.records) != records or latest.last_seen + OFTEN <= at


def _goes_on(connection: Connection, latest: Any | None, records: tuple[str, ...], at: datetime) -> bool:
    if latest is None or tuple(latest.records) != records:
        return False
    d = tables.dns_state.c
    connection.execute(update(tables.dns_state).where(d.id == latest.id).values(last_seen=at))
    return True


def _add(connection: Connection, name: str, kind: str, records: tuple[str, ...], at: datetime) -> None:
    d = tables.dns_state.c
    fresh = insert(tables.dns_state).values(
        name=name, kind=kind, records=list(records), first_seen=at, last_seen=at
    )
    # PostgreSQL lets several write at once, and another may have been faster.
    with suppress(IntegrityError), connection.begin_nested():
        connection.execute(fresh)
    same = (d.name == name) & (d.kind == kind)
    old = select(d.id).where(same).order_by(d.first_seen.desc()).offset(MAX_STATES)
    ids = connection.execute(old).scalars().all()
    if ids:
        connection.execute(delete(tables.dns_state).where(d.id.in_(ids)))


def _bound(connection: Connection) -> None:
    d = tables.dns_state.c
    count = connection.execute(select(func.count()).select_from(tables.dns_state)).scalar_one()
    if count > MAX_ROWS:
        oldest = select(d.id).order_by(d.last_seen).limit(count - MAX_ROWS)
        connection.execute(
            delete(tables.dns_state).where(d.id.in_(connection.execute(oldest).scalars().all()))
        )
