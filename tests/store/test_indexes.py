"""On PostgreSQL indexes are made beside the work, completed when that was broken off, and by one process at a time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, create_engine, func, select, text

from cleaner.store import Store, indexes, schema, tables
from tests.store.conftest import new_database
from tests.store.samples import ANN, KEY, entry

BEFORE = schema.REVISIONS[schema.REVISIONS.index("0014") - 1]
"""The revision that they came after."""
NEW = frozenset(index.name for table in tables.metadata.sorted_tables for index in table.indexes)


@pytest.fixture
def older(postgresql_server: str) -> str:
    """A database as the version before had it, with something in it."""
    url = new_database(postgresql_server)
    with Store.open(url, KEY) as store:
        store.journal(ANN).intend([entry()])
    execute(
        url, "DROP INDEX ix_access_mailbox_id_id", "CREATE INDEX ix_access_mailbox_id ON access (mailbox_id)"
    )
    # What came later is not there either.
    execute(url, *(f"DROP TABLE {name}" for name in ("dns_state", "outside_sender", "observed_sender")))
    execute(
        url,
        *(f"ALTER TABLE lesson DROP COLUMN {name}" for name in ("at", "selector", "stranger", "submitted")),
    )
    execute(url, "ALTER TABLE journal DROP COLUMN ground")
    execute(url, "DROP INDEX ix_journal_open", f"UPDATE alembic_version SET version_num = '{BEFORE}'")  # noqa: S608
    return url


def execute(url: str, *statements: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def valid_indexes(url: str) -> frozenset[str]:
    engine = create_engine(url)
    with engine.connect() as connection:
        found = frozenset(connection.execute(text(indexes.FINISHED)).scalars())
    engine.dispose()
    return found


def test_an_older_database_gets_them_and_loses_those_that_they_replace(older: str) -> None:
    assert not valid_indexes(older) >= NEW
    with Store.open(older, KEY) as store:
        assert store.upgraded_from == BEFORE
        assert len(store.entries()) == 1
    assert valid_indexes(older) >= NEW
    assert valid_indexes(older).isdisjoint(indexes.REPLACED)


def test_while_they_are_made_others_write(older: str) -> None:
    """Made as usual, an index waits for whoever is writing, and everybody who comes later waits for the index."""
    engine = create_engine(older)
    # New columns have come already, while another process had the indexes in hand.
    with engine.connect() as other:
        other.execute(select(func.pg_advisory_lock(indexes.INDEXING)))
        Store.open(older, KEY).close()
    engine.dispose()
    engine = create_engine(older)
    with engine.connect() as slow, ThreadPoolExecutor(1) as pool:
        slow.execute(text("UPDATE journal SET error = 'not yet committed'"))
        opened = pool.submit(lambda: Store.open(older, KEY).close())
        while not is_making(engine, "journal"):
            assert not opened.done()
        execute(older, "SET lock_timeout = '10s'", ANOTHER)
        assert not opened.done()
        slow.rollback()
        opened.result(60)
    engine.dispose()
    assert valid_indexes(older) >= NEW


ANOTHER = """
INSERT INTO journal
  (run, mailbox_id, fingerprint, occurrence, action, folder, message, target, flags, state, intended_at)
SELECT run, mailbox_id, 'f9', occurrence, action, folder, message, target, flags, state, intended_at FROM journal
"""


def is_making(engine: Engine, table: str) -> bool:
    query = text("SELECT 1 FROM pg_stat_progress_create_index WHERE relid = CAST(:name AS regclass)")
    with engine.connect() as connection:
        return connection.execute(query, {"name": table}).first() is not None


def test_one_that_was_broken_off_is_made_anew(older: str) -> None:
    Store.open(older, KEY).close()
    execute(older, "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_journal_open'::regclass")
    assert "ix_journal_open" not in valid_indexes(older)
    Store.open(older, KEY).close()
    assert valid_indexes(older) >= NEW


def test_while_another_process_makes_them_work_goes_on(older: str) -> None:
    engine = create_engine(older)
    with engine.connect() as other:
        other.execute(select(func.pg_advisory_lock(indexes.INDEXING)))
        with Store.open(older, KEY) as store:
            assert store.revision == schema.REVISIONS[-1]
            assert len(store.journal(ANN).open()) == 1
        assert "ix_journal_open" not in valid_indexes(older)
    engine.dispose()
    Store.open(older, KEY).close()
    assert valid_indexes(older) >= NEW
