"""
The connection: one engine, read and write transactions, and errors in our words.

SQLite writes ahead (WAL) and syncs fully at each commit: a journalled intent must survive a power cut. A
write transaction takes the write lock at its start, so that it waits its turn instead of failing in
the middle when another process has written meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, StaticPool, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, SQLAlchemyError

from cleaner.errors import StoreError

BUSY = timedelta(seconds=30)
CHUNK = 400
"""Values in one IN list: SQLite takes 32,766 parameters, but long lists are slow to compile."""


class Database:
    """An open database."""

    def __init__(self, url: str, busy_timeout: timedelta = BUSY) -> None:
        self.url = url
        try:
            parsed = make_url(url)
        except ArgumentError as error:
            raise StoreError(f"store.url: {url!r} is not a database URL; write sqlite:///state.db") from error
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        self.path = Path(parsed.database) if self.is_sqlite and parsed.database else None
        if self.path is not None and not self.path.parent.is_dir():
            raise StoreError(f"{self.path}: its folder does not exist; make it: mkdir -p {self.path.parent}")
        self.engine = self._engine(busy_timeout)

    def _engine(self, busy_timeout: timedelta) -> Engine:
        if not self.is_sqlite:
            return create_engine(self.url, pool_pre_ping=True)
        options: dict[str, Any] = {"connect_args": {"timeout": busy_timeout.total_seconds()}}
        if self.path is None:
            options = {"poolclass": StaticPool, "connect_args": {"check_same_thread": False}}
        engine = create_engine(self.url, **options)
        event.listen(engine, "connect", self._prepare)
        event.listen(engine, "begin", _begin)
        return engine

    def _prepare(self, connection: Any, _record: Any) -> None:
        # We write BEGIN ourselves (see _begin): the driver would begin too late, at the first change.
        connection.isolation_level = None
        cursor = connection.cursor()
        if self.path is not None:
            cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads."""
        with self.in_our_words(), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that writes; durable when it ends without an error, else as if it never was."""
        with self.in_our_words(), self.engine.connect() as connection:
            connection = connection.execution_options(writes=True)
            with connection.begin():
                yield connection

    @contextmanager
    def in_our_words(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            raise StoreError(self._sentence(error)) from error

    def _sentence(self, error: SQLAlchemyError) -> str:
        where = str(self.path) if self.path is not None else "the database"
        what = str(error.orig) if isinstance(error, DatabaseError) else type(error).__name__
        remedies = {
            "locked": f"{where} is in use by another process for too long; try again when it has finished",
            "full": f"{where} cannot grow: the disk is full. Make room and repeat the command",
            "readonly": f"{where} cannot be written: give this account the right to write it and its folder",
            "unable to open": f"{where} cannot be opened: give this account the right to write its folder",
            "not a database": f"{where} is not a database of this program; name another file in store.url",
            "malformed": f"{where} is damaged; restore it from a backup",
            "disk i/o": f"{where} cannot be read or written: the disk reports an error ({what})",
        }
        for mark, sentence in remedies.items():
            if mark in what.lower():
                return sentence
        return f"{where}: {what}"

    def close(self) -> None:
        self.engine.dispose()


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
