"""The queue and the office of the scheduler, on a real PostgreSQL."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from cleaner.errors import StoreError, UsageError
from cleaner.store import Store, queue
from cleaner.store.fleet import FleetBook
from cleaner.store.queue import JOBS, Applied, Order, QueueState, due_migrations
from cleaner.store.schedule import Ended
from tests.store.samples import ANN, BEN, KEY, NOW

LATER = NOW + timedelta(minutes=5)
SHORT = 0.001
"""Seconds of a tick: each that is asked for is a new one."""
LONG = 1_000_000.0
"""Seconds of a tick that lasts as long as the test."""


@pytest.fixture
def shared(postgresql_server: str) -> str:
    """A database of its own."""
    name = f"fleet{uuid.uuid4().hex}"
    engine = create_engine(postgresql_server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return postgresql_server.removesuffix("/postgres") + f"/{name}"


@pytest.fixture
def store(shared: str) -> Iterator[Store]:
    with Store.open(shared, KEY) as store:
        store.fleet().queue.prepare()
        yield store


@pytest.fixture
def fleet(store: Store) -> FleetBook:
    store.schedule.plan({ANN: "imap", BEN: "imap"}, NOW)
    return store.fleet()


def jobs(store: Store) -> list[tuple[int, str, int]]:
    with store._database.read() as connection:
        query = f"SELECT (args->>'mailbox')::int, status::text, id FROM {JOBS} ORDER BY id"
        return [tuple(row) for row in connection.exec_driver_sql(query)]


def begin_job(store: Store, job: int) -> None:
    with store._database.write() as connection:
        connection.exec_driver_sql(f"UPDATE {JOBS} SET status = 'doing' WHERE id = {job}")


def end_job(store: Store, job: int, status: str) -> None:
    begin_job(store, job)
    with store._database.write() as connection:
        connection.exec_driver_sql(f"SELECT procrastinate_finish_job_v1({job}, '{status}', false)")


# --- its tables -------------------------------------------------------------------------------------


def test_a_file_has_no_queue() -> None:
    with (
        Store.open("sqlite://", KEY) as store,
        pytest.raises(UsageError, match="For several machines set"),
    ):
        store.fleet()


def test_its_tables_are_made_once_and_are_known_again(shared: str) -> None:
    with Store.open(shared, KEY) as store, Store.open(shared, KEY) as other:
        assert store.fleet().queue.state() is QueueState.ABSENT
        store.fleet().queue.prepare()
        other.fleet().queue.prepare()
        assert other.fleet().queue.state() is QueueState.CURRENT


def test_the_queue_of_another_program_is_refused(shared: str) -> None:
    with Store.open(shared, KEY) as store:
        store.fleet().queue.prepare()
        with store._database.write() as connection:
            connection.exec_driver_sql("DELETE FROM meta WHERE name = 'queue-schema'")
        assert store.fleet().queue.state() is QueueState.FOREIGN
        with pytest.raises(StoreError, match="of another program; give bounce-cleaner a database of its own"):
            store.fleet().queue.prepare()


NAMES = (
    "00.05.00_01_drop_started_at_column.sql",
    "03.04.00_01_pre_add_something.sql",
    "03.04.00_50_post_remove_something.sql",
    "03.09.00_01_pre_more.sql",
    "03.09.00_02_pre_and_more.sql",
    "03.09.00_50_post_less.sql",
    "__init__.py",
)


@pytest.mark.parametrize(
    ("applied", "due", "becomes"),
    [
        (Applied("03.09.00", "03.09.00"), (), Applied("03.09.00", "03.09.00")),
        (Applied("03.04.00", "03.04.00"), NAMES[3:5], Applied("03.09.00", "03.04.00")),
        (Applied("03.04.00", "03.01.00"), (NAMES[2], *NAMES[3:5]), Applied("03.09.00", "03.04.00")),
        (Applied("03.09.00", "03.04.00"), (), Applied("03.09.00", "03.04.00")),
        (Applied("04.00.00", "03.09.00"), (), Applied("04.00.00", "03.09.00")),
    ],
)
def test_what_takes_away_comes_a_version_later(
    applied: Applied, due: tuple[str, ...], becomes: Applied
) -> None:
    assert due_migrations(applied, NAMES) == (due, becomes)


def test_an_older_queue_is_upgraded(store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "09.00.00_01_pre_colour.sql").write_text(
        f"ALTER TABLE {JOBS} ADD COLUMN colour text DEFAULT '100%';\nSELECT 1;\n"
    )
    (tmp_path / "09.00.00_50_post_colour.sql").write_text("nonsense")
    monkeypatch.setattr(queue, "_folder", lambda: tmp_path)
    assert store.fleet().queue.state() is QueueState.OLDER
    store.fleet().queue.prepare()
    assert store.fleet().queue.state() is QueueState.CURRENT
    with store._database.read() as connection:
        assert connection.exec_driver_sql(f"SELECT colour FROM {JOBS}").all() == []


# --- the scheduler ----------------------------------------------------------------------------------


def test_what_is_due_is_put_into_the_queue_once(store: Store, fleet: FleetBook) -> None:
    assert fleet.tick("p1", SHORT, {"imap": 9}, NOW) == 2
    assert fleet.tick("p1", SHORT, {"imap": 9}, NOW) == 0
    assert [status for _, status, _ in jobs(store)] == ["todo", "todo"]


def test_no_more_than_a_server_bears(store: Store, fleet: FleetBook) -> None:
    assert fleet.tick("p1", SHORT, {"imap": 1}, NOW) == 1
    assert fleet.tick("p1", SHORT, {"imap": 1}, NOW) == 0
    assert fleet.refill("p1", {"imap": 1}, NOW) == 0
    assert fleet.refill("p1", {"imap": 2}, NOW) == 1


def test_a_tick_comes_once(store: Store, fleet: FleetBook) -> None:
    assert fleet.tick("p1", LONG, {}, NOW) == 0
    assert fleet.tick("p1", LONG, {"imap": 9}, NOW) is None
    assert fleet.tick("p2", LONG, {"imap": 9}, NOW) is None
    assert jobs(store) == []


def test_who_is_not_the_scheduler_gives_out_nothing(store: Store, fleet: FleetBook) -> None:
    """One that was held up for long, and does not know yet that another took over."""
    fleet.tick("p1", SHORT, {}, NOW)
    fleet.tick("p2", SHORT, {}, NOW)
    assert fleet.refill("p1", {"imap": 9}, NOW) is None
    assert jobs(store) == []
    office = fleet.office()
    assert office is not None
    assert office.holder == "p2"


def test_the_office_is_held_by_one_and_free_when_he_goes(shared: str, fleet: FleetBook) -> None:
    with Store.open(shared, KEY) as other:
        with fleet.candidate() as first, other.fleet().candidate() as second:
            assert (bool(first), bool(second)) == (True, False)
        with other.fleet().candidate() as second:
            assert second


def test_a_slow_server_does_not_keep_others_waiting(store: Store, fleet: FleetBook) -> None:
    slow = {f"s{number}@harbor.example": "slow" for number in range(5)}
    store.schedule.plan(slow, NOW)
    fleet.tick("p1", SHORT, {"slow": 5}, NOW)
    store.schedule.plan({**slow, ANN: "imap"}, NOW)
    fleet.tick("p1", SHORT, {"slow": 5, "imap": 5}, NOW)
    with store._database.read() as connection:
        query = f"SELECT priority, id FROM {JOBS} ORDER BY priority DESC, id"
        first = [row.id for row in connection.exec_driver_sql(query)][:2]
    assert first[1] == jobs(store)[-1][2]


# --- workers ----------------------------------------------------------------------------------------


def test_a_turn_is_taken_up_by_its_job_alone(store: Store, fleet: FleetBook) -> None:
    fleet.tick("p1", SHORT, {"imap": 9}, NOW)
    mailbox, _, job = jobs(store)[0]
    assert fleet.take_up([(mailbox, job + 1000)]) == [None]
    turn = fleet.take_up([(mailbox, job)])[0]
    assert turn is not None
    fleet.put_down([Ended(replace(turn, due=LATER, state="done"), NOW)])
    assert fleet.take_up([(mailbox, job)]) == [None]
    kept = next(t for t in store.schedule.all() if t.address == turn.address)
    assert (kept.due, kept.state, kept.claimed_by) == (LATER, "done", None)


def test_who_was_given_up_writes_nothing_over(store: Store, fleet: FleetBook) -> None:
    """The job was taken for dead, and another carries the mailbox by now."""
    fleet.tick("p1", SHORT, {"imap": 9}, NOW)
    mailbox, _, job = jobs(store)[0]
    late = fleet.take_up([(mailbox, job)])[0]
    assert late is not None
    end_job(store, job, "failed")
    (lost,) = fleet.cut_off()
    fleet.put_down([Ended(replace(lost, state="failed", due=NOW), NOW)])
    fleet.tick("p1", SHORT, {"imap": 9}, NOW)
    fleet.put_down([Ended(replace(late, due=LATER, state="done"), NOW)])
    kept = next(t for t in store.schedule.all() if t.address == late.address)
    assert (kept.state, kept.due) == ("failed", NOW)
    assert kept.claimed_by not in (None, late.claimed_by)


@pytest.mark.parametrize("status", ["failed", "succeeded"])
def test_a_job_that_ended_without_a_word_is_found(store: Store, fleet: FleetBook, status: str) -> None:
    fleet.tick("p1", SHORT, {"imap": 9}, NOW)
    assert fleet.cut_off() == ()
    end_job(store, jobs(store)[0][2], status)
    (lost,) = fleet.cut_off()
    assert lost.claimed_by == f"job {jobs(store)[0][2]}"


def test_a_job_that_somebody_deleted_is_found(store: Store, fleet: FleetBook) -> None:
    fleet.tick("p1", SHORT, {"imap": 9}, NOW)
    with store._database.write() as connection:
        connection.exec_driver_sql(f"DELETE FROM {JOBS}")
    assert {turn.address for turn in fleet.cut_off()} == {ANN, BEN}


def test_who_left_and_came_back_is_not_in_the_queue_twice(store: Store, fleet: FleetBook) -> None:
    fleet.tick("p1", SHORT, {"imap": 9}, NOW)
    before = jobs(store)
    store.erase(ANN)
    store.schedule.plan({ANN: "imap", BEN: "imap"}, NOW)
    assert fleet.tick("p1", SHORT, {"imap": 9}, NOW) == 1
    assert jobs(store) == before
    assert {turn.claimed_by for turn in store.schedule.all()} == {f"job {job}" for _, _, job in before}


def test_ends_of_turns_are_heard(store: Store, fleet: FleetBook) -> None:
    fleet.tick("p1", SHORT, {"imap": 9}, NOW)
    mailbox, _, job = jobs(store)[0]
    turn = fleet.take_up([(mailbox, job)])[0]
    assert turn is not None
    with fleet.bell() as bell:
        assert bell.wait(0) == frozenset()
        fleet.put_down([Ended(turn, NOW)])
        assert bell.wait(60) == {"imap"}


def test_what_is_at_work_is_waken_later(store: Store, fleet: FleetBook) -> None:
    store.schedule.plan({ANN: "imap", BEN: "other"}, NOW)
    fleet.tick("p1", SHORT, {"imap": 9}, NOW)
    assert fleet.waken({ANN, BEN}, NOW) == {ANN}
    mailbox, _, job = jobs(store)[0]
    turn = fleet.take_up([(mailbox, job)])[0]
    assert turn is not None
    fleet.put_down([Ended(replace(turn, due=LATER), NOW)])
    assert fleet.waken({ANN}, NOW) == frozenset()
    assert next(t for t in store.schedule.all() if t.address == ANN).due == NOW


def test_claims_of_jobs_are_no_process_s(store: Store, fleet: FleetBook) -> None:
    """An older version that still runs on this database leaves them alone, as does take_over."""
    fleet.tick("p1", SHORT, {"imap": 9}, NOW)
    store.schedule.join()
    assert store.schedule.take_over() == ()


def test_the_queue_works_in_the_transaction_that_it_is_given(store: Store, fleet: FleetBook) -> None:
    with store._database.write() as connection:
        fleet.queue.put(connection, [Order(1, 0)])
        connection.rollback()
    assert jobs(store) == []


def test_the_backlog_counts_what_nobody_has_begun(store: Store, fleet: FleetBook) -> None:
    def numbers() -> tuple[int, int, int]:
        found = fleet.backlog(NOW)
        return found.mailboxes, found.due, found.claimed

    assert numbers() == (2, 2, 0)
    fleet.tick("p1", SHORT, {"imap": 1}, NOW)
    assert numbers() == (2, 2, 0)
    assert fleet.backlog(NOW).oldest == NOW
    begin_job(store, jobs(store)[0][2])
    assert numbers() == (2, 1, 1)
