"""A database of any earlier version, with something in every table, becomes one of this version and loses nothing."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    Date,
    DateTime,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    create_engine,
    insert,
    select,
    text,
)

from cleaner.store import Store, schema, tables
from cleaner.store.database import Database
from cleaner.store.hashing import Keyed
from cleaner.store.records import ConsentState
from cleaner.store.sealing import Seals
from cleaner.values import ActionName, Alert, EntryState, Opinion
from tests.store.samples import ANN, KEY

WHEN = datetime(2026, 3, 1, 12, tzinfo=UTC)
VALUES: dict[str, Any] = {
    "mailbox.address": ANN,
    "mailbox.definition": None,
    "consent.state": "opted-in",
    "run.state": "done",
    "run.kind": "scan",
    "journal.action": "move",
    "journal.state": "done",
    "journal.flags": [],
    "journal.ground": "closed",
    "notice.kind": "ndr",
    "notice.opinion": "backscatter",
    "notice.action": "move",
    "notice.outcome": "done",
    "label.truth": "genuine",
    "label.state": "confirmed",
    "label.origin": "command",
    "label.kind": "ndr",
    "label.opinion": "unsure",
    "label.features": {},
    "run_stop.run_id": "r1",
    "run.id": "r1",
    "schedule.claimed_by": None,
    "alert_due.sealed": Seals(KEY).seal(json.dumps(asdict(Alert("x", "x", "x"))).encode()),
}
"""What cannot be any text, by table and column."""


OLDER = schema.REVISIONS[:-1]


@pytest.fixture(
    params=[OLDER[0], *(pytest.param(one, marks=pytest.mark.nightly) for one in OLDER[1:-1]), OLDER[-1]]
)
def older(request: pytest.FixtureRequest, shared_url: str) -> tuple[str, str, dict[str, int]]:
    """The database as that version would have left it: its URL, the revision, and how many rows which table has."""
    revision: str = request.param
    Database(shared_url).close()
    engine = create_engine(shared_url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        build(connection, revision)
        counts = fill(connection)
    engine.dispose()
    return shared_url, revision, counts


def build(connection: Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(schema.MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def fill(connection: Connection) -> dict[str, int]:
    """One row in every table that there was then."""
    there = MetaData()
    there.reflect(connection)
    filled = {}
    for table in there.sorted_tables:
        if table.name == "alembic_version":
            continue
        row = {column.name: value_of(table, column) for column in table.columns}
        if table.name == "meta":
            row = {"name": schema.KEY_CHECK, "value": Keyed(KEY).check}
        connection.execute(insert(table).values(row))
        filled[table.name] = 1
    if connection.dialect.name == "postgresql":
        # As if the sequences had given these numbers.
        for table in there.sorted_tables:
            if "id" in table.c and isinstance(table.c.id.type, Integer):
                connection.execute(text(f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), 1)"))
    return filled


def value_of(table: Table, column: Column[Any]) -> Any:
    name = f"{table.name}.{column.name}"
    if name in VALUES:
        return VALUES[name]
    kinds: tuple[tuple[type, Any], ...] = (
        (Boolean, False),
        (Integer, 1),
        (Float, 0.5),
        (LargeBinary, bytes(16)),
        (JSON, {}),
        (DateTime, WHEN),
        (Date, date(2026, 3, 1)),
        (String, "x"),
    )
    return next(value for kind, value in kinds if isinstance(column.type, kind))


def test_nothing_is_lost(older: tuple[str, str, dict[str, int]]) -> None:
    """And the program goes on with it: nothing is asked, moved or judged a second time."""
    url, revision, counts = older
    with Store.open(url, KEY) as store:
        assert (store.upgraded_from, store.revision) == (revision, schema.REVISIONS[-1])
        with store._database.read() as connection:
            for name in counts:
                table = tables.metadata.tables[name]
                # Every column can be read as what it is now.
                rows = connection.execute(select(table)).all()
                # What was there, and in `meta` also which programs can work with the tables from now on.
                assert len(rows) == 1 + (name == tables.meta.name), name
        means_the_same(store)
    with Store.open(url, KEY) as store:
        assert store.upgraded_from is None
        store.erase(ANN)
        assert store.sent_record(ANN).mails() == 0
        assert len(store.entries(mailbox=ANN)) == 1


def means_the_same(store: Store) -> None:
    consent = store.consent.current(ANN)
    assert consent is not None
    assert (consent.state, consent.at) == (ConsentState.OPTED_IN, WHEN)
    (entry,) = store.entries(mailbox=ANN)
    assert (entry.action, entry.state) == (ActionName.MOVE, EntryState.DONE)
    assert store.seen(ANN).counts() == {(Opinion.BACKSCATTER, ActionName.MOVE): 1}
    assert store.sent_record(ANN).mails() == 1
    (access,) = store.accesses.list(ANN)
    assert (access.at, access.times) == (WHEN, 1)
    (run,) = store.runs.list()
    assert run.id == "r1"


def test_every_table_was_tried() -> None:
    """A table that a later migration adds has rows in the databases of the versions after it."""
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        build(connection, schema.REVISIONS[-1])
        assert set(fill(connection)) == set(tables.metadata.tables)
    engine.dispose()
