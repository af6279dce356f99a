"""
One process at a time on one mailbox.

On one machine a lock on a file beside the database, which the kernel lifts when the process ends, however it
ends; with PostgreSQL an advisory lock of the session. A database in memory belongs to one process anyway.
"""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import text

from cleaner.errors import MailboxBusyError, StoreError
from cleaner.store.database import Database
from cleaner.values import address_key


@contextmanager
def held(database: Database, address: str) -> Iterator[None]:
    """Holds the lock of a mailbox. Raises MailboxBusyError if somebody else has it."""
    name = hashlib.sha256(address_key(address).encode()).hexdigest()
    if not database.is_sqlite:
        with _advisory(database, address, int(name[:15], 16)):
            yield
    elif database.path is not None:
        with _file(database.path.with_name(f"{database.path.name}.locks") / name[:32], address):
            yield
    else:
        yield


@contextmanager
def _file(path: Path, address: str) -> Iterator[None]:
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        file = path.open("w", encoding="ascii")
    except OSError as error:
        raise StoreError(f"{path.parent} cannot be written: {error.strerror}") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise MailboxBusyError(address) from None
        yield


@contextmanager
def _advisory(database: Database, address: str, number: int) -> Iterator[None]:
    with database.in_our_words(), database.engine.connect() as connection:
        taken = connection.execute(text("SELECT pg_try_advisory_lock(:number)"), {"number": number}).scalar()
        if not taken:
            raise MailboxBusyError(address)
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:number)"), {"number": number})
