"""How far transport logs were read."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from cleaner.store import tables
from cleaner.store.database import Database
from cleaner.store.hashing import Keyed


@dataclass(frozen=True, slots=True)
class ReadLog:
    """A log that was read before."""

    offset: int
    since: datetime
    """When it was last read from its beginning."""


class LedgerBook:
    """The logs that were read, by their first bytes."""

    def __init__(self, database: Database, keyed: Keyed) -> None:
        self._database = database
        self._keyed = keyed

    def get(self, head: bytes) -> ReadLog | None:
        table = tables.ledger_file
        query = select(table.c.offset, table.c.since).where(table.c.head == self._hash(head))
        with self._database.read() as connection:
            row = connection.execute(query).first()
        return ReadLog(row.offset, row.since) if row is not None else None

    def note(self, head: bytes, read: ReadLog) -> None:
        table = tables.ledger_file
        values = {"offset": read.offset, "since": read.since}
        key = self._hash(head)
        with self._database.write() as connection:
            if connection.execute(update(table).where(table.c.head == key).values(values)).rowcount == 0:
                # PostgreSQL lets several write at once, and another may have been faster.
                with suppress(IntegrityError), connection.begin_nested():
                    connection.execute(insert(table).values(head=key, **values))

    def _hash(self, head: bytes) -> bytes:
        return self._keyed.hash("log", head.decode("latin-1"))
