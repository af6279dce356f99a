"""What the scheduler of a fleet does about mailboxes whose worker ended, on a real PostgreSQL."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from cleaner.app import App
from cleaner.errors import CleanerError
from cleaner.service import demo
from cleaner.service.fleet.scheduler import Scheduler
from cleaner.store import Store
from cleaner.store.records import Turn
from cleaner.store.schedule import Ended
from tests.store.samples import ANN, KEY, NOW, entry


@pytest.fixture
def store(postgresql_server: str) -> Iterator[Store]:
    name = f"scheduler{uuid.uuid4().hex}"
    engine = create_engine(postgresql_server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    with Store.open(postgresql_server.removesuffix("/postgres") + f"/{name}", KEY) as store:
        store.fleet().queue.prepare()
        yield store


@pytest.fixture
def scheduler(store: Store, tmp_path: Path) -> Iterator[Scheduler]:
    def failed(error: CleanerError) -> None:
        raise error

    with App.open(demo.build(tmp_path / "demo", NOW), clock=lambda: NOW) as app:
        scheduler = Scheduler(replace(app.context, store=store), failed)
        yield scheduler
        scheduler.end()
        scheduler._upkeep.close(10)


def worker_ends(store: Store, failures: int) -> None:
    """Ann's mailbox was given out, after so many failures, and its worker is no more."""
    fleet = store.fleet()
    store.schedule.plan({ANN: "mailboxes"}, NOW)
    fleet.tick("p1", 0.001, {"mailboxes": 1}, NOW)
    if failures:
        before = replace(only(store), failures=failures, state="failed", due=NOW)
        fleet.put_down([Ended(before, NOW)])
        fleet.tick("p1", 0.001, {"mailboxes": 1}, NOW)
    with store._database.write() as connection:
        connection.exec_driver_sql("DELETE FROM procrastinate_jobs")


def only(store: Store) -> Turn:
    (turn,) = store.schedule.all()
    return turn


def test_a_mailbox_that_ends_its_workers_waits_also_with_changes_left_open(
    store: Store, scheduler: Scheduler
) -> None:
    store.journal(ANN).intend((entry(),))
    worker_ends(store, failures=1)
    scheduler._keep_house(scheduler.context)
    turn = only(store)
    assert (turn.claimed_by, turn.failures) == (None, 2)
    assert turn.due >= NOW + timedelta(minutes=5)


def test_the_first_time_it_comes_at_once(store: Store, scheduler: Scheduler) -> None:
    store.journal(ANN).intend((entry(),))
    worker_ends(store, failures=0)
    scheduler._keep_house(scheduler.context)
    turn = only(store)
    assert (turn.claimed_by, turn.failures) == (None, 1)
    assert turn.due < NOW
