"""
One process at a time.

On one machine a lock on a file beside the database, which the kernel lifts when the process ends, however it
ends; with PostgreSQL an advisory lock of a session. A database in memory belongs to one process.

A session can end before its process does: the server is restarted, the network breaks. Then its locks are lifted,
and whoever held one can find out: `Hold.is_kept`.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

from sqlalchemy import Connection, func, select
from sqlalchemy.exc import SQLAlchemyError

from cleaner.errors import StoreError
from cleaner.store.database import Database

FOLDER: Final = ".locks"
"""Put to the name of the database file: the folder of its lock files, which are empty."""


LOOKS: Final = 1.0
"""Seconds between looks at whether a session still lives."""


@dataclass(frozen=True, slots=True)
class Hold:
    """What asking for a lock gave; true if it is held."""

    is_held: bool
    is_kept: Callable[[], bool] = lambda: True
    """Whether it is still held: false once it was lifted behind our back, at most a second later."""

    def __bool__(self) -> bool:
        return self.is_held


class Locks:
    """Locks by name: `mailbox ann@harbor.example`, `run 20261124-1015-k7f3`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._names: set[str] = set()
        self._guard = threading.Lock()
        self._session = Session(database)

    @contextmanager
    def hold(self, name: str) -> Iterator[Hold]:
        """Holds the lock while the block runs; a false value, and nothing held, if somebody else has it."""
        digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
        path = self._database.path
        if not self._database.is_sqlite:
            with self._session.hold(int(digest[:15], 16)) as hold:
                yield hold
            return
        lock = (
            _file(path.with_name(path.name + FOLDER) / digest[:32])
            if path is not None
            else self._local(digest)
        )
        with lock as held:
            yield Hold(held)

    def is_any_held(self) -> bool:
        """Whether any process is at work, as far as lock files beside the database tell."""
        path = self._database.path
        if path is None:
            return False
        for one in path.with_name(path.name + FOLDER).glob("*"):
            with _file(one) as free:
                if not free:
                    return True
        return False

    @contextmanager
    def _local(self, name: str) -> Iterator[bool]:
        with self._guard:
            held = name not in self._names
            self._names.add(name)
        try:
            yield held
        finally:
            if held:
                self._names.discard(name)

    def close(self) -> None:
        self._session.close()


class Session:
    """
    The one connection to PostgreSQL that holds all advisory locks of this process.

    A session gets a lock that it already has once more, so that who holds what is noted here, too.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._guard = threading.Lock()
        self._connection: Connection | None = None
        self._held: set[int] = set()
        self._number = 0
        """Of this session: another one took over nothing."""
        self._looked = 0.0

    @contextmanager
    def hold(self, number: int) -> Iterator[Hold]:
        with self._database.in_our_words():
            session = self._take(number)
        if session is None:
            yield Hold(False)
            return
        try:
            yield Hold(True, lambda: self._is_kept(session))
        finally:
            self._give_back(number, session)

    def _take(self, number: int) -> int | None:
        """The session that holds it now; None if somebody else does."""
        with self._guard:
            if number in self._held and self._lives():
                return None
            try:
                got = self._try(number)
            except SQLAlchemyError:
                # The first thing after a restart of the server: the session was the old server's.
                self._lose()
                got = self._try(number)
            if got:
                self._held.add(number)
            return self._number if got else None

    def _try(self, number: int) -> bool:
        return bool(self._open().execute(select(func.pg_try_advisory_lock(number))).scalar())

    def _give_back(self, number: int, session: int) -> None:
        with self._guard:
            if session != self._number or self._connection is None:
                return
            self._held.discard(number)
            try:
                self._connection.execute(select(func.pg_advisory_unlock(number)))
            except SQLAlchemyError:
                # The connection broke, and the lock is lifted with it.
                self._lose()

    def _is_kept(self, session: int) -> bool:
        with self._guard:
            if session != self._number:
                return False
            return time.monotonic() - self._looked < LOOKS or self._lives()

    def _open(self) -> Connection:
        if self._connection is None:
            # Held for hours: a transaction left open so long would keep the server from cleaning up.
            self._connection = self._database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            self._number += 1
            self._looked = time.monotonic()
        return self._connection

    def _lives(self) -> bool:
        if self._connection is None:
            return False
        try:
            self._connection.execute(select(1))
        except SQLAlchemyError:
            self._lose()
            return False
        self._looked = time.monotonic()
        return True

    def _lose(self) -> None:
        connection, self._connection = self._connection, None
        self._held.clear()
        self._number += 1
        if connection is not None:
            with suppress(SQLAlchemyError):
                connection.invalidate()
            with suppress(SQLAlchemyError):
                connection.close()

    def close(self) -> None:
        """Lets go of everything that is still held."""
        with self._guard:
            if self._connection is not None:
                self._lose()


@contextmanager
def _file(path: Path) -> Iterator[bool]:
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        file = _locked(path)
    except OSError as error:
        raise StoreError(
            f"{path.parent} cannot be written ({error.strerror}); give this account the right to write it"
        ) from error
    if file is None:
        yield False
        return
    with file:
        try:
            yield True
        finally:
            # Still locked: whoever opened it meanwhile finds that it is not the one in the folder any more.
            with suppress(OSError):
                path.unlink()


def _locked(path: Path) -> TextIO | None:
    """The file, open and locked; None if somebody else has it."""
    while True:
        file = path.open("w", encoding="ascii")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_in_place(path, file):
                return file
        except BlockingIOError:
            file.close()
            return None
        except BaseException:
            file.close()
            raise
        file.close()


def _is_in_place(path: Path, file: TextIO) -> bool:
    """Whether the file is the one in the folder, or was removed between opening and locking."""
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False
