"""
One process at a time.

On one machine a lock on a file beside the database, which the kernel lifts when the process ends, however it
ends; with PostgreSQL an advisory lock of the session. A database in memory belongs to one process.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TextIO

from sqlalchemy import func, select

from cleaner.errors import StoreError
from cleaner.store.database import Database

FOLDER: Final = ".locks"
"""Put to the name of the database file: the folder of its lock files, which are empty."""


class Locks:
    """Locks by name: `mailbox ann@harbor.example`, `run 20261124-1015-k7f3`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._names: set[str] = set()
        self._guard = threading.Lock()

    @contextmanager
    def hold(self, name: str) -> Iterator[bool]:
        """Holds the lock while the block runs; false, and nothing held, if somebody else has it."""
        digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
        path = self._database.path
        if not self._database.is_sqlite:
            lock = self._session(int(digest[:15], 16))
        elif path is not None:
            lock = _file(path.with_name(path.name + FOLDER) / digest[:32])
        else:
            lock = self._local(digest)
        with lock as held:
            yield held

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

    @contextmanager
    def _session(self, number: int) -> Iterator[bool]:
        with self._database.in_our_words(), self._database.engine.connect() as connection:
            # Held for hours: a transaction left open so long would keep the server from cleaning up.
            connection = connection.execution_options(isolation_level="AUTOCOMMIT")
            held = bool(connection.execute(select(func.pg_try_advisory_lock(number))).scalar())
            try:
                yield held
            finally:
                if held:
                    connection.execute(select(func.pg_advisory_unlock(number)))


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
