"""Which alarms were told when, so that one of them is not told at every run."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from cleaner.store import tables
from cleaner.store.database import Database
from cleaner.store.hashing import Keyed


class AlertBook:
    """Times by keyed hashes of what was told."""

    def __init__(self, database: Database, keyed: Keyed) -> None:
        self._database = database
        self._keyed = keyed

    def told(self, key: str) -> datetime | None:
        table = tables.alert
        with self._database.read() as connection:
            query = select(table.c.at).where(table.c.key == self._keyed.hash("alert", key))
            found: datetime | None = connection.execute(query).scalar()
        return found

    def note(self, key: str, at: datetime) -> None:
        table, hashed = tables.alert, self._keyed.hash("alert", key)
        with self._database.write() as connection:
            if connection.execute(update(table).where(table.c.key == hashed).values(at=at)).rowcount == 0:
                # PostgreSQL lets several write at once, and another may have been faster.
                with suppress(IntegrityError), connection.begin_nested():
                    connection.execute(insert(table).values(key=hashed, at=at))

    def forget(self, before: datetime) -> None:
        with self._database.write() as connection:
            connection.execute(delete(tables.alert).where(tables.alert.c.at < before))
