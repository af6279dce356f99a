"""
Indexes on PostgreSQL that migrations leave out, because making them on a big table would keep everybody from writing.

They are made one by one while all machines go on working (CREATE INDEX CONCURRENTLY, which no transaction may hold).
Until one is there, questions are answered by what it replaces, which goes only afterwards.
https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, Index, func, select, text
from sqlalchemy.schema import CreateIndex

from cleaner.store import tables
from cleaner.store.database import Database

INDEXING: Final = 0x696E64657865
"""The number of the lock of the one process that makes indexes."""

REPLACED: Final = (
    "ix_access_mailbox_id",
    "ix_lesson_mailbox_id_proven_day",
    "ix_lesson_organisation_proven_day",
)
"""Indexes of earlier versions that others serve for now."""

FINISHED: Final = """
SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indisvalid AND pg_table_is_visible(c.oid)
"""


def complete(database: Database) -> None:
    """Makes the indexes that are missing; does nothing where another process is at it."""
    if database.is_sqlite:
        return
    with database.read() as connection:
        if not _missing(connection) and not _replaced(connection):
            return
    with database.in_our_words(), database.engine.connect() as connection:
        connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        if not connection.execute(select(func.pg_try_advisory_lock(INDEXING))).scalar():
            return
        try:
            _complete(connection)
        finally:
            connection.execute(select(func.pg_advisory_unlock(INDEXING)))


def _complete(connection: Connection) -> None:
    # It waits for every transaction that began before, however long that lasts.
    connection.execute(text("SET lock_timeout = 0"))
    try:
        for index in _missing(connection):
            # One that was broken off stays behind, and serves nobody.
            connection.execute(text(f"DROP INDEX CONCURRENTLY IF EXISTS {index.name}"))
            statement = str(CreateIndex(index).compile(dialect=connection.dialect))
            connection.execute(text(statement.replace("CREATE INDEX", "CREATE INDEX CONCURRENTLY", 1)))
        for name in _replaced(connection):
            connection.execute(text(f"DROP INDEX CONCURRENTLY IF EXISTS {name}"))
    finally:
        connection.execute(text("RESET lock_timeout"))


def _missing(connection: Connection) -> tuple[Index, ...]:
    there = _names(connection)
    every = (index for table in tables.metadata.sorted_tables for index in table.indexes)
    return tuple(sorted((i for i in every if i.name not in there), key=lambda index: str(index.name)))


def _replaced(connection: Connection) -> tuple[str, ...]:
    there = _names(connection)
    return tuple(name for name in REPLACED if name in there)


def _names(connection: Connection) -> frozenset[str]:
    return frozenset(connection.execute(text(FINISHED)).scalars())
