"""
The connection: one engine, read and write transactions, and errors in our words.

SQLite writes ahead (WAL) and syncs fully at each commit: a journalled intent must survive a power cut. A
write transaction takes the write lock at its start, so that it waits its turn instead of failing in
the middle when another process has written meanwhile.
"""

from __future__ import annotations

import os
import shlex
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import URL, Connection, Engine, StaticPool, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from cleaner.errors import StoreError
from cleaner.store.failures import sentence

BUSY: Final = timedelta(seconds=30)
CHUNK: Final = 400
"""Values in one IN list: SQLite takes 32,766 parameters, but long lists are slow to compile."""
BATCH: Final = 1_000
"""Rows deleted in one transaction by what goes on beside the work: short, so that nobody waits for it long."""
AGAIN: Final = 0.01
"""Seconds between tries of what SQLite does not wait for itself."""

SERVER_LOOKS: Final = {"tcp_keepalives_idle": 10, "tcp_keepalives_interval": 5, "tcp_keepalives_count": 3}
"""
Seconds, and times: after 25 seconds PostgreSQL notices that a machine is no more, and lifts its locks.

By default that takes Linux two hours (https://www.postgresql.org/docs/current/runtime-config-connection.html).
"""
CLIENT_LOOKS: Final = {
    "connect_timeout": 10,
    "keepalives_idle": 5,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 12_000,
}
"""
The same from our side, sooner: whoever was cut off knows it before others get his locks.

https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-KEEPALIVES
"""

T = TypeVar("T")


def chunks(values: Iterable[T]) -> Iterator[tuple[T, ...]]:
    """As many values at a time as one IN list bears."""
    every = tuple(values)
    for start in range(0, len(every), CHUNK):
        yield every[start : start + CHUNK]


class Database:
    """An open database."""

    def __init__(self, url: str, busy_timeout: timedelta = BUSY) -> None:
        parsed = _parsed(url)
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        self.path = _path(parsed) if self.is_sqlite else None
        self.is_in_memory = self.is_sqlite and self.path is None
        self.where = _where(parsed, self.path)
        self.connect_arguments: dict[str, Any] = {}
        """What PostgreSQL's driver is given beside the URL."""
        self._busy = busy_timeout.total_seconds()
        # In memory there is a single connection, which one thread has at a time.
        self._turn: AbstractContextManager[Any] = threading.RLock() if self.is_in_memory else nullcontext()
        if self.path is not None:
            _make_private(self.path)
        self.engine = self._sqlite(parsed) if self.is_sqlite else self._postgresql(parsed)

    def _sqlite(self, url: URL) -> Engine:
        options: dict[str, Any] = {"connect_args": {"timeout": self._busy}, "max_overflow": -1}
        if self.is_in_memory:
            options = {"poolclass": StaticPool, "connect_args": {"check_same_thread": False}}
        engine = create_engine(url, **options)
        event.listen(engine, "connect", self._prepare)
        event.listen(engine, "begin", _begin)
        return engine

    def _postgresql(self, url: URL) -> Engine:
        settings = {"lock_timeout": int(self._busy * 1000), "synchronous_commit": "on", **SERVER_LOOKS}
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        looks = {name: value for name, value in CLIENT_LOOKS.items() if name not in url.query}
        self.connect_arguments = {**looks, "options": options}
        try:
            return create_engine(
                url, pool_pre_ping=True, max_overflow=-1, connect_args=self.connect_arguments
            )
        except ModuleNotFoundError as error:
            raise StoreError(
                f"{self.where} needs the package {error.name}; install it: pip install 'bounce-cleaner[fleet]'"
            ) from error

    def _prepare(self, connection: Any, _record: Any) -> None:
        # We write BEGIN ourselves (see _begin): the driver would begin too late, at the first change.
        connection.isolation_level = None
        cursor = connection.cursor()
        if self.path is not None:
            self._write_ahead(cursor)
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        # What is erased is overwritten, not just marked as free.
        cursor.execute("PRAGMA secure_delete = ON")
        cursor.close()

    def _write_ahead(self, cursor: sqlite3.Cursor) -> None:
        """Of two processes that make the database together, SQLite refuses one without letting it wait."""
        until = time.monotonic() + self._busy
        while True:
            try:
                cursor.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                    raise
                time.sleep(AGAIN)
            else:
                return

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads."""
        with self._turn, self.in_our_words(), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def look(self) -> Iterator[Connection]:
        """For a single question: PostgreSQL need not be told that it begins and ends."""
        if self.is_sqlite:
            with self.read() as connection:
                yield connection
            return
        with self.in_our_words(), self.engine.connect() as connection:
            yield connection.execution_options(isolation_level="AUTOCOMMIT")

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that writes; durable when it ends without an error, else as if it never was."""
        with self._turn, self.in_our_words(), self.engine.connect() as connection:
            connection = connection.execution_options(begins_with=("BEGIN IMMEDIATE",))
            with connection.begin():
                yield connection

    def in_batches(self, step: Callable[[Connection], int]) -> int:
        """
        Repeats a step, each time in a transaction of its own, for as long as it deals with a full batch.

        Returns how many rows it dealt with.
        """
        total = 0
        while True:
            with self.write() as connection:
                done = step(connection)
            total += done
            if done < BATCH:
                return total

    @contextmanager
    def rebuild(self) -> Iterator[Connection]:
        """
        A write transaction that may make and replace tables.

        Where SQLite cannot alter a table, a new one takes its place; dropping the old one would take along the
        rows that refer to it. So references are not followed meanwhile, and are checked at the end.
        """
        with self._turn, self.in_our_words(), self.engine.connect() as connection:
            connection = connection.execution_options(
                begins_with=("PRAGMA foreign_keys = OFF", "BEGIN IMMEDIATE")
            )
            try:
                with connection.begin():
                    yield connection
                    if self.is_sqlite and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
                        raise StoreError(f"{self.where} cannot be upgraded without loss; it is as it was")
            finally:
                if self.is_sqlite:
                    _driver(connection).execute("PRAGMA foreign_keys = ON").close()

    def shrink_log(self) -> None:
        """
        Empties SQLite's write-ahead log into the database, so that what was erased does not stand there.

        While others read, it waits for the end of their reading, at most for the busy time-out.
        """
        if self.path is not None:
            with self.in_our_words(), self.engine.connect() as connection:
                _driver(connection).execute("PRAGMA wal_checkpoint(TRUNCATE)").close()

    @contextmanager
    def in_our_words(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            raise StoreError(sentence(error, self.where)) from error

    @property
    def driver_error(self) -> type[Exception]:
        """What the driver raises where it is used without SQLAlchemy."""
        error: type[Exception] = self.engine.dialect.loaded_dbapi.Error
        return error

    def close(self) -> None:
        self.engine.dispose()


def _begin(connection: Connection) -> None:
    for statement in connection.get_execution_options().get("begins_with", ("BEGIN",)):
        connection.exec_driver_sql(statement)


def _driver(connection: Connection) -> Any:
    """The driver's own connection: for what must stand outside of a transaction, which SQLAlchemy would begin."""
    return connection.connection.driver_connection


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        # It is not shown: it may hold a password.
        raise StoreError("store.url is not the URL of a database; write sqlite:///state.db") from error
    name = parsed.get_backend_name()
    if name not in ("sqlite", "postgresql"):
        raise StoreError(
            f"store.url: {name} is not supported; write sqlite:///state.db or postgresql://USER@HOST/DATABASE"
        )
    return parsed


def _path(url: URL) -> Path | None:
    return Path(url.database) if url.database and url.database != ":memory:" else None


def _where(url: URL, path: Path | None) -> str:
    if url.get_backend_name() == "sqlite":
        return str(path or "the database in memory")
    return url.render_as_string(hide_password=True)


def _make_private(path: Path) -> None:
    """Makes the database file, for its owner's eyes only; SQLite gives the files beside it the same rights."""
    if path.exists():
        return
    if not path.parent.is_dir():
        raise StoreError(
            f"{path}: its folder does not exist; make it: mkdir -p {shlex.quote(str(path.parent))}"
        )
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise StoreError(
            f"{path} cannot be made ({error.strerror}); give this account the right to write {path.parent}"
        ) from error
