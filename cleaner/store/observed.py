"""Hosts that an organisation's own mail was seen coming from, authentic: those that send for it."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import date, timedelta
from typing import Final

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from cleaner.store import outside as outside_senders
from cleaner.store import tables
from cleaner.store.database import Database
from cleaner.values import ObservedSender, OutsideSender, SeenBy

MOST: Final = 400
"""Kept of one organisation and way of seeing them: those that were seen on most days, of these the latest."""
KEPT: Final = timedelta(days=400)
"""A service that sends once a year is remembered until the next time."""


class ObservedBook:
    """The hosts of all organisations."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, organisation: str) -> tuple[ObservedSender, ...]:
        """Those seen on most days first."""
        with self._database.read() as connection:
            return _all(connection, organisation)


class StoredObservations:
    """Where what is seen of one organisation is noted."""

    def __init__(self, database: Database, organisation: str) -> None:
        self._database = database
        self._organisation = organisation

    def note(self, senders: Iterable[ObservedSender], outside: Iterable[OutsideSender]) -> None:
        seen = tuple(senders)
        with self._database.write() as connection:
            outside_senders.keep(connection, self._organisation, outside)
            there = {_key(one): one for one in _all(connection, self._organisation)}
            for one in seen:
                before = there.get(_key(one))
                if before is None:
                    _add(connection, self._organisation, one)
                elif before.last_day < one.last_day:
                    _renew(connection, self._organisation, one, before)
            if seen:
                _forget_rest(connection, self._organisation, max(one.last_day for one in seen) - KEPT)


_Key = tuple[str, str, SeenBy]


def _key(one: ObservedSender) -> _Key:
    return one.domain, one.ip, one.by


def _all(connection: Connection, organisation: str) -> tuple[ObservedSender, ...]:
    c = tables.observed_sender.c
    query = select(tables.observed_sender).where(c.organisation == organisation)
    rows = connection.execute(query.order_by(c.days.desc(), c.last_day.desc(), c.domain, c.ip)).all()
    return tuple(
        ObservedSender(row.domain, row.ip, row.name, row.first_day, row.last_day, row.days, SeenBy(row.by))
        for row in rows
    )


def _add(connection: Connection, organisation: str, one: ObservedSender) -> None:
    fresh = insert(tables.observed_sender).values(
        organisation=organisation,
        domain=one.domain,
        ip=one.ip,
        by=one.by.value,
        name=one.name,
        first_day=one.first_day,
        last_day=one.last_day,
        days=one.days,
    )
    # Another process may have seen the same host.
    with suppress(IntegrityError), connection.begin_nested():
        connection.execute(fresh)


def _renew(connection: Connection, organisation: str, one: ObservedSender, before: ObservedSender) -> None:
    """Seen on another day, it counts one day more: between two looks may lie more, and they do not matter."""
    c = tables.observed_sender.c
    connection.execute(
        update(tables.observed_sender)
        .where(
            c.organisation == organisation,
            c.domain == one.domain,
            c.ip == one.ip,
            c.by == one.by.value,
        )
        .values(last_day=one.last_day, days=before.days + 1, name=one.name or before.name)
    )


def _forget_rest(connection: Connection, organisation: str, before: date) -> None:
    """What was not seen for long, and what is more than is kept."""
    c = tables.observed_sender.c
    of_it = c.organisation == organisation
    connection.execute(delete(tables.observed_sender).where(of_it, c.last_day < before))
    every = _all(connection, organisation)
    for by in SeenBy:
        for one in [one for one in every if one.by is by][MOST:]:
            connection.execute(
                delete(tables.observed_sender).where(
                    of_it, c.domain == one.domain, c.ip == one.ip, c.by == by.value
                )
            )
