"""Building and upgrading the tables; alembic is imported only when there is something to do."""

from __future__ import annotations

import enum
from pathlib import Path

from sqlalchemy import Connection, inspect, select, text

from cleaner.errors import StoreError
from cleaner.store import tables
from cleaner.store.database import Database
from cleaner.store.hashing import Keyed

HEAD = "0001"
"""The revision that this program works with; a test compares it with the migrations."""

REVISIONS = ("0001",)


class SchemaState(enum.Enum):
    """The database's tables compared with what this program works with."""

    EMPTY = "empty"
    OLDER = "older"
    CURRENT = "current"
    NEWER = "newer"


def state_of(connection: Connection) -> SchemaState:
    if not inspect(connection).has_table("alembic_version"):
        return SchemaState.EMPTY
    revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if revision is None:
        return SchemaState.EMPTY
    if revision == HEAD:
        return SchemaState.CURRENT
    return SchemaState.OLDER if revision in REVISIONS else SchemaState.NEWER


def bring_up_to_date(database: Database) -> None:
    """Builds or upgrades the tables in one transaction. Raises StoreError for a newer database."""
    with database.read() as connection:
        state = state_of(connection)
    if state is SchemaState.CURRENT:
        return
    with database.write() as connection:
        state = state_of(connection)
        if state is SchemaState.NEWER:
            raise StoreError(
                f"{database.path or 'the database'} was written by a newer bounce-cleaner; "
                "upgrade the program, or restore the backup from before the upgrade"
            )
        if state is SchemaState.CURRENT:
            return
        if database.path is None and database.is_sqlite:
            # In memory there is nothing to upgrade, and alembic need not be imported.
            tables.metadata.create_all(connection)
        else:
            _migrate(connection)


def _migrate(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, HEAD)


def check_key(database: Database, keyed: Keyed) -> None:
    """Another master key would silently match nothing; it is noticed here. Raises StoreError."""
    with database.read() as connection:
        kept = connection.execute(
            select(tables.meta.c.value).where(tables.meta.c.name == "key-check")
        ).scalar()
    if kept is None:
        with database.write() as connection:
            connection.execute(tables.meta.insert().values(name="key-check", value=keyed.check))
    elif kept != keyed.check:
        raise StoreError(
            f"{database.path or 'the database'} was written with another master key; "
            "put the old key back (store.key in the configuration), or name a new database in store.url"
        )
