"""Runs are numbered so that people can type them, and none claims to be at work when it is not."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from datetime import timedelta, timezone

import pytest

from cleaner.errors import UsageError
from cleaner.store import Store
from tests.store.samples import ANN, BEN, KEY, NOW, entry


def test_numbers_sort_by_time_and_can_be_typed(store: Store) -> None:
    first = store.runs.start("scan", NOW)
    east = NOW.astimezone(timezone(timedelta(hours=9)))
    second = store.runs.start("undo", east + timedelta(minutes=1))
    assert first < second
    assert re.fullmatch(r"20261120-1200-[2-9a-z]{4}", first)
    assert [run.id for run in store.runs.list()] == [second, first]
    assert [run.id for run in store.runs.list(limit=1)] == [second]


def test_a_number_is_given_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    letters = iter("aaaaaaaabbbb")
    monkeypatch.setattr("cleaner.store.runs.secrets.choice", lambda _: next(letters))
    assert [store.runs.start("scan", NOW)[-4:] for _ in range(2)] == ["aaaa", "bbbb"]


def test_a_run_keeps_what_came_of_it(store: Store) -> None:
    number = store.runs.start("scan", NOW)
    store.runs.finish(number, NOW, state="partly", looked_at=7, moved=3, since=NOW - timedelta(days=1))
    run = store.runs.get(number)
    assert (run.kind, run.state, run.looked_at, run.moved) == ("scan", "partly", 7, 3)
    assert (run.started, run.finished, run.since) == (NOW, NOW, NOW - timedelta(days=1))


def test_a_run_that_never_was_is_said(store: Store) -> None:
    with pytest.raises(UsageError, match="history"):
        store.runs.get("20261120-1200-zzzz")


def test_what_the_safety_limit_stopped_can_be_confirmed_once(store: Store) -> None:
    number = store.runs.start("scan", NOW)
    for address in (BEN, ANN):
        store.runs.stop(number, address)
    store.runs.finish(number, NOW, state="stopped")
    assert store.runs.stopped(number) == (ANN, BEN)
    store.runs.confirm(ANN, NOW)
    assert store.runs.stopped(number) == (BEN,)
    assert (store.runs.waiting(ANN), store.runs.waiting(BEN)) == (None, number)
    assert (store.runs.confirmed_at(ANN), store.runs.confirmed_at(BEN)) == (NOW, None)
    store.runs.confirm(ANN, NOW + timedelta(days=1))
    assert store.runs.confirmed_at(ANN) == NOW
    assert store.runs.stopped("20261120-1200-zzzz") == ()


def test_what_is_settled_otherwise_asks_no_more_and_counts_as_no_answer(store: Store) -> None:
    number = store.runs.start("scan", NOW)
    for address in (ANN, BEN):
        store.runs.stop(number, address)
    store.runs.settle(ANN)
    assert store.runs.stopped(number) == (BEN,)
    assert (store.runs.waiting(ANN), store.runs.confirmed_at(ANN)) == (None, None)


def test_runs_of_one_mailbox_that_an_earlier_version_stopped_are_answered_together(store: Store) -> None:
    first, second = (store.runs.start("scan", NOW + timedelta(hours=hour)) for hour in (0, 1))
    for number in (first, second):
        store.runs.stop(number, ANN)
    assert store.runs.waiting(ANN) == second
    store.runs.confirm(ANN, NOW)
    assert (store.runs.stopped(first), store.runs.stopped(second)) == ((), ())


def test_a_run_that_goes_on_is_at_work_again_and_goes_on_once(shared_url: str) -> None:
    with Store.open(shared_url, KEY) as store, Store.open(shared_url, KEY) as other:
        number = store.runs.start("scan", NOW)
        store.runs.finish(number, NOW, state="stopped")
        store.runs.resume(number)
        assert other.runs.get(number).state == "running"
        for book in (store.runs, other.runs):
            with pytest.raises(UsageError, match="already"):
                book.resume(number)
        store.runs.finish(number, NOW, state="done")
        other.runs.resume(number)
        assert store.runs.get(number).state == "running"


def test_a_run_at_work_is_running_also_for_others(shared_url: str) -> None:
    with Store.open(shared_url, KEY) as store, Store.open(shared_url, KEY) as other:
        number = store.runs.start("scan", NOW)
        assert store.runs.get(number).state == "running"
        assert other.runs.get(number).state == "running"
        store.runs.finish(number, NOW, state="done")
        assert other.runs.get(number).state == "done"


def test_a_run_whose_process_was_killed_is_interrupted(shared_url: str) -> None:
    program = (
        "import os, signal\n"
        "from cleaner.store import Store\n"
        "from tests.store.samples import KEY, NOW\n"
        f"store = Store.open({shared_url!r}, KEY)\n"
        "print(store.runs.start('scan', NOW), flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run(
        [sys.executable, "-c", program],
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": "."},
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    with Store.open(shared_url, KEY) as store:
        run = store.runs.get(killed.stdout.strip())
    assert (run.state, run.finished) == ("interrupted", None)


def test_a_run_left_without_an_end_is_interrupted(shared_url: str) -> None:
    with Store.open(shared_url, KEY) as store:
        number = store.runs.start("scan", NOW)
    with Store.open(shared_url, KEY) as store:
        assert store.runs.get(number).state == "interrupted"


def test_scans_that_did_nothing_are_forgotten_after_a_time(store: Store) -> None:
    idle, moved, stopped, fresh = (store.runs.start("scan", NOW) for _ in range(4))
    undone = store.runs.start("undo", NOW)
    store.journal(ANN).intend([entry(run=moved)])
    store.runs.finish(idle, NOW, state="done")
    store.runs.finish(moved, NOW, state="done")
    store.runs.stop(stopped, ANN)
    store.runs.finish(stopped, NOW, state="stopped")
    store.runs.finish(fresh, NOW + timedelta(days=2), state="done")
    store.runs.finish(undone, NOW, state="done")
    assert store.runs.forget_idle(NOW + timedelta(days=1)) == 1
    assert {run.id for run in store.runs.list()} == {moved, stopped, fresh, undone}
