"""Hosts outside the closed set of an organisation's senders that sent mail which is proven its own."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import IntegrityError

from cleaner.store import tables
from cleaner.store.database import Database
from cleaner.values import OutsideSender

MOST: Final = 100
"""Kept of one organisation; the first already ends what is claimed."""


class OutsideBook:
    """What contradicts that an organisation's senders are a closed set."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, organisation: str) -> tuple[OutsideSender, ...]:
        """The earliest first."""
        c = tables.outside_sender.c
        query = select(tables.outside_sender).where(c.organisation == organisation)
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(c.day, c.domain, c.ip).limit(MOST)).all()
        return tuple(OutsideSender(row.domain, row.ip, row.name, row.day) for row in rows)


def keep(connection: Connection, organisation: str, senders: Iterable[OutsideSender]) -> None:
    """Keeps each once, with the day on which it was first seen."""
    c = tables.outside_sender.c
    wanted = {(one.domain, one.ip): one for one in senders}
    if not wanted:
        return
    there = connection.execute(select(c.domain, c.ip).where(c.organisation == organisation)).all()
    known = {(row.domain, row.ip) for row in there}
    for key, one in wanted.items():
        if key in known or len(known) >= MOST:
            continue
        known.add(key)
        fresh = insert(tables.outside_sender).values(
            organisation=organisation, domain=one.domain, ip=one.ip, name=one.name, day=one.day
        )
        # Another process may have seen the same host.
        with suppress(IntegrityError), connection.begin_nested():
            connection.execute(fresh)
