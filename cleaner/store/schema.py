"""Building and upgrading the tables; alembic is imported only when there is something to do."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, func, inspect, select, text

from cleaner.errors import MasterKeyError, NewerStoreError, StoreError
from cleaner.store import indexes, tables
from cleaner.store.database import Database
from cleaner.store.hashing import Keyed

REVISIONS: Final = tuple(
    "0001 0002 0003 0004 0005 0006 0007 0008 0009 0010 0011 0012 0013 0014 0015 0016 0017".split()
)
"""All that this program knows, the oldest first; a test compares them with the migrations."""

MIGRATIONS: Final = Path(__file__).parent / "migrations"
VERSION: Final = "alembic_version"
KEY_CHECK: Final = "key-check"
MOVED: Final = "moved-to"
"""Where the contents were moved to: this database is of the past, and nothing may be added to it."""
BORNE_FROM: Final = "borne-from"
"""The oldest program that can work with the tables as they are, by its last revision."""
OLDEST: Final = "0013"
"""
What is written there. A migration that only adds (tables, columns with a default) leaves it alone: programs from before
go on beside those from after it, and the machines are upgraded one by one. One that takes away, or makes strict, names
here the first revision whose program does without; that release comes after one that did.
"""
UPGRADING: Final = 0x626F756E6365
"""The number of PostgreSQL's lock for upgrades: any, as long as all our processes have the same."""


class SchemaState(enum.Enum):
    """The database's tables compared with what this program works with."""

    EMPTY = "empty"
    OLDER = "older"
    CURRENT = "current"
    AHEAD = "ahead"
    """Of a newer program, but this one can work with them."""
    NEWER = "newer"
    FOREIGN = "foreign"
    """It holds tables, but not ours."""


def state_of(connection: Connection) -> SchemaState:
    names = set(inspect(connection).get_table_names())
    if VERSION not in names:
        # A database of PostgreSQL may be shared with others; a file of SQLite is ours alone or not ours.
        taken = names if connection.dialect.name == "sqlite" else names & tables.metadata.tables.keys()
        return SchemaState.FOREIGN if taken else SchemaState.EMPTY
    revision = revision_of(connection)
    if revision == REVISIONS[-1]:
        return SchemaState.CURRENT
    if revision in REVISIONS:
        return SchemaState.OLDER
    if not {tables.meta.name, tables.journal.name} <= names:
        return SchemaState.FOREIGN
    return SchemaState.AHEAD if _borne_from(connection) in REVISIONS else SchemaState.NEWER


def _borne_from(connection: Connection) -> str | None:
    m = tables.meta.c
    kept: bytes | None = connection.execute(select(m.value).where(m.name == BORNE_FROM)).scalar()
    return kept.decode("ascii", "replace") if kept is not None else None


def refuse_unbearable(database: Database) -> None:
    """Raises StoreError where a newer program has changed the tables so that this one cannot go on."""
    if database.is_in_memory:
        return
    with database.read() as connection:
        state = state_of(connection)
    _refuse_foreign(database, state)


def revision_of(connection: Connection) -> str | None:
    """Which of our versions the tables are of; None where there are none."""
    if not inspect(connection).has_table(VERSION):
        return None
    found: str | None = connection.execute(text(f"SELECT version_num FROM {VERSION}")).scalar()  # noqa: S608
    return found


def bring_up_to_date(database: Database, keyed: Keyed) -> tuple[str | None, str]:
    """
    Builds or upgrades the tables in one transaction; returns the revision that they were of if it was older,
    empty if there were none, and the one that they are of.

    Raises StoreError for a database of a newer or another program, or of another master key, which would
    silently match nothing.
    """
    with database.read() as connection:
        state = state_of(connection)
        found = revision_of(connection)
    before = found if state is SchemaState.OLDER else None
    if state is SchemaState.EMPTY:
        before = ""
    if state not in (SchemaState.CURRENT, SchemaState.AHEAD):
        _refuse_foreign(database, state)
        with database.rebuild() as connection:
            build(connection, keyed, in_memory=database.is_in_memory)
    if state is not SchemaState.AHEAD:
        indexes.complete(database)
    with database.read() as connection:
        rows = connection.execute(select(tables.meta.c.name, tables.meta.c.value)).all()
    kept = {row.name: row.value for row in rows}
    require_key(database, kept.get(KEY_CHECK), keyed)
    if MOVED in kept:
        raise StoreError(
            f"{database.where} was moved to {kept[MOVED].decode()}; write that in store.url, for nothing that "
            "is done from now on may be missing there"
        )
    return before, (found or REVISIONS[-1]) if state is SchemaState.AHEAD else REVISIONS[-1]


def require_key(database: Database, kept: bytes | None, keyed: Keyed) -> None:
    """Raises MasterKeyError if the database was written with another key than this."""
    if kept != keyed.check:
        raise MasterKeyError(
            f"{database.where} was written with another master key; put the old key back (store.key in the "
            "configuration), or name a new database in store.url"
        )


def _refuse_foreign(database: Database, state: SchemaState) -> None:
    if state is SchemaState.NEWER:
        raise NewerStoreError(
            f"{database.where} was written by a newer bounce-cleaner; upgrade the program, or restore the "
            "backup from before the upgrade"
        )
    if state is SchemaState.FOREIGN:
        raise StoreError(f"{database.where} is a database of another program; name another one in store.url")


def build(connection: Connection, keyed: Keyed, *, in_memory: bool = False) -> None:
    """Builds or upgrades the tables in the transaction of that connection."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(UPGRADING)))
    state = state_of(connection)
    if state in (SchemaState.CURRENT, SchemaState.AHEAD):
        return  # Another process was faster.
    if in_memory:
        # There is nothing to upgrade, and alembic need not be imported.
        tables.metadata.create_all(connection)
    else:
        _migrate(connection)
    if state is SchemaState.EMPTY:
        connection.execute(tables.meta.insert().values(name=KEY_CHECK, value=keyed.check))
    connection.execute(tables.meta.delete().where(tables.meta.c.name == BORNE_FROM))
    connection.execute(tables.meta.insert().values(name=BORNE_FROM, value=OLDEST.encode()))


def _migrate(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, REVISIONS[-1])
