"""The journal writes each change once, durably, and takes up again what was not made."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cleaner.store import Store
from cleaner.values import ActionName, EntryState
from tests.store.samples import ANN, BEN, KEY, NOW, entry


def test_an_entry_comes_back_as_it_was_written(store: Store) -> None:
    (written,) = store.journal(ANN).intend([entry(message_id="<x@y>")])
    assert written.id > 0
    assert store.entries(id=written.id) == (written,)
    done = replace(written, state=EntryState.DONE, new_id="n1", settled_at=NOW)
    store.journal(ANN).settle([done])
    assert store.entries(run="r1") == (done,)


def test_entries_come_back_in_the_order_given(store: Store) -> None:
    written = store.journal(ANN).intend([entry(number) for number in (3, 1, 2)])
    again = store.journal(ANN).intend([entry(2), entry(4), entry(1)])
    assert [e.fingerprint for e in written] == ["f3", "f1", "f2"]
    assert [e.fingerprint for e in again] == ["f2", "f4", "f1"]
    assert (again[0].id, again[2].id) == (written[2].id, written[1].id)


def test_the_same_change_is_not_written_twice(store: Store) -> None:
    journal = store.journal(ANN)
    (first,) = journal.intend([entry()])
    journal.settle([replace(first, state=EntryState.DONE, new_id="n1", settled_at=NOW)])
    (second,) = journal.intend([entry(run="r2")])
    assert (second.id, second.state, second.run) == (first.id, EntryState.DONE, "r1")


@pytest.mark.parametrize("change", [{"occurrence": 1}, {"action": ActionName.DELETE}, {"fingerprint": "g"}])
def test_another_copy_action_or_message_is_another_change(store: Store, change: dict[str, Any]) -> None:
    first, second = store.journal(ANN).intend([entry(), entry(**change)])
    assert first.id != second.id


def test_another_mailbox_has_changes_of_its_own(store: Store) -> None:
    (hers,) = store.journal(ANN).intend([entry()])
    (his,) = store.journal(BEN).intend([entry(mailbox=BEN)])
    assert hers.id != his.id
    store.journal(BEN).settle([replace(hers, state=EntryState.DONE)])
    assert store.journal(ANN).open() == (hers,)


def test_twice_in_one_call_is_one_change(store: Store) -> None:
    first, second = store.journal(ANN).intend([entry(), entry()])
    assert first == second
    assert len(store.entries()) == 1


@pytest.mark.parametrize("state", [EntryState.FAILED, EntryState.GONE])
def test_what_was_not_made_is_taken_up_again(store: Store, state: EntryState) -> None:
    journal = store.journal(ANN)
    (first,) = journal.intend([entry()])
    journal.settle([replace(first, state=state, error="no right", settled_at=NOW)])
    (again,) = journal.intend([entry(run="r2", message="elsewhere")])
    assert again == replace(entry(run="r2", message="elsewhere"), id=first.id)
    assert store.entries() == (again,)


@pytest.mark.parametrize(
    "state", [state for state in EntryState if state not in (EntryState.FAILED, EntryState.GONE)]
)
def test_what_was_made_stands(store: Store, state: EntryState) -> None:
    journal = store.journal(ANN)
    (first,) = journal.intend([entry()])
    journal.settle([settled := replace(first, state=state, new_id="n", settled_at=NOW)])
    assert journal.intend([entry(run="r2")]) == (settled,)


def test_open_are_only_those_that_an_interruption_left(store: Store) -> None:
    journal = store.journal(ANN)
    a, b, c, d = journal.intend([entry(number) for number in range(1, 5)])
    journal.settle([replace(a, state=EntryState.DONE), replace(b, state=EntryState.UNDOING)])
    journal.settle([replace(d, state=EntryState.FAILED)])
    assert [e.fingerprint for e in journal.open()] == ["f2", "f3"]
    assert store.journal(BEN).open() == ()
    assert c.state is EntryState.INTENDED


def test_nothing_to_write_is_fine(store: Store) -> None:
    journal = store.journal(ANN)
    assert journal.intend([]) == ()
    journal.settle([])
    assert journal.for_fingerprints([]) == {}


def test_more_than_one_statement_bears(store: Store) -> None:
    journal = store.journal(ANN)
    entries = journal.intend([entry(number) for number in range(1_001)])
    assert len({e.id for e in entries}) == 1_001
    journal.settle([replace(e, state=EntryState.DONE) for e in entries])
    assert len(journal.for_fingerprints([e.fingerprint for e in entries])) == 1_001
    assert journal.open() == ()


def test_what_was_ever_done_about_a_message(store: Store) -> None:
    journal = store.journal(ANN)
    journal.intend([entry(1), entry(1, occurrence=1), entry(2)])
    store.journal(BEN).intend([entry(3, mailbox=BEN)])
    found = journal.for_fingerprints(["f1", "f2", "f3", "f9"])
    assert {fingerprint: len(entries) for fingerprint, entries in found.items()} == {"f1": 2, "f2": 1}


def test_entries_are_found_by_what_is_given(store: Store) -> None:
    later = NOW + timedelta(hours=1)
    store.journal(ANN).intend([entry(1), entry(2, run="r2", intended_at=later)])
    store.journal(BEN).intend([entry(1, mailbox=BEN, run="r2")])
    assert len(store.entries()) == 3
    assert len(store.entries(run="r2")) == 2
    assert len(store.entries(mailbox="Ann@Harbor.example")) == 2
    assert len(store.entries(mailbox=ANN, since=NOW + timedelta(minutes=1))) == 1
    assert len(store.entries(mailbox=ANN, states=[EntryState.INTENDED], run="r1")) == 1
    assert store.entries(states=[EntryState.DONE]) == ()
    assert store.entry_counts(ANN) == {EntryState.INTENDED: 2}


def test_with_a_limit_the_latest_are_found_oldest_first(store: Store) -> None:
    store.journal(ANN).intend([entry(number) for number in range(5)])
    assert [e.fingerprint for e in store.entries(limit=2)] == ["f3", "f4"]


@pytest.mark.parametrize("id", [0, -1, 99, 2**63, 10**30])
def test_a_number_that_no_entry_has_finds_nothing(store: Store, id: int) -> None:
    store.journal(ANN).intend([entry()])
    assert store.entries(id=id) == ()


def test_killed_between_intent_and_result_the_intent_is_there(shared_url: str) -> None:
    program = textwrap.dedent(
        f"""
        import os, signal
        from cleaner.store import Store
        from tests.store.samples import ANN, KEY, entry
        store = Store.open({shared_url!r}, KEY)
        store.journal(ANN).intend([entry(7)])
        os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    killed = subprocess.run(
        [sys.executable, "-c", program], check=False, env=os.environ | {"PYTHONPATH": "."}
    )
    assert killed.returncode == -signal.SIGKILL
    with Store.open(shared_url, KEY) as store:
        (left,) = store.journal(ANN).open()
    assert (left.fingerprint, left.state) == ("f7", EntryState.INTENDED)


def test_killed_at_any_moment_all_that_was_promised_is_there(shared_url: str) -> None:
    """What `intend` and `settle` returned is on the disk; what they were at is there whole or not at all."""
    program = textwrap.dedent(
        f"""
        from dataclasses import replace
        from itertools import count
        from cleaner.store import Store
        from cleaner.values import EntryState
        from tests.store.samples import ANN, KEY, entry
        journal = Store.open({shared_url!r}, KEY).journal(ANN)
        for step in count(len(journal.for_fingerprints([f"f{{n}}" for n in range(9_999)]))):
            a, b = journal.intend([entry(step), entry(step, occurrence=1)])
            print(a.fingerprint, "intended", flush=True)
            journal.settle([replace(e, state=EntryState.DONE) for e in (a, b)])
            print(a.fingerprint, "done", flush=True)
        """
    )
    promised: dict[str, str] = {}
    for moment in (0.0, 0.01, 0.03, 0.1):
        with subprocess.Popen(
            [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": "."}
        ) as process:
            assert process.stdout is not None
            first = process.stdout.readline()
            time.sleep(moment)
            process.kill()
            for line in (first, *process.stdout):
                fingerprint, state = line.split()
                promised[fingerprint] = state
    with Store.open(shared_url, KEY) as store:
        found = store.journal(ANN).for_fingerprints([f"f{n}" for n in range(9_999)])
    assert promised.keys() <= found.keys()
    assert {len(pair) for pair in found.values()} == {2}
    assert all(one.state is other.state for one, other in found.values())
    assert {found[f][0].state for f, state in promised.items() if state == "done"} == {EntryState.DONE}
