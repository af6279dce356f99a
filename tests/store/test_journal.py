"""The journal writes each change once, and takes up again what failed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from cleaner.store import Store
from cleaner.values import EntryState
from tests.store.test_store import ANN, KEY, NOW, entry


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.open("sqlite://", KEY) as store:
        yield store


def test_an_entry_comes_back_as_it_was_written(store: Store) -> None:
    (written,) = store.journal(ANN).intend([entry(message_id="<x@y>")])
    assert written.id > 0
    assert store.entries(id=written.id) == (written,)
    done = replace(written, state=EntryState.DONE, new_id="n1", settled_at=NOW)
    store.journal(ANN).settle([done])
    assert store.entries(run="r1") == (done,)


def test_the_same_change_is_not_written_twice(store: Store) -> None:
    journal = store.journal(ANN)
    (first,) = journal.intend([entry()])
    journal.settle([replace(first, state=EntryState.DONE, new_id="n1", settled_at=NOW)])
    (second,) = journal.intend([entry(run="r2")])
    assert (second.id, second.state, second.run) == (first.id, EntryState.DONE, "r1")
    (copy,) = journal.intend([entry(occurrence=1)])
    assert copy.id != first.id


@pytest.mark.parametrize("state", [EntryState.FAILED, EntryState.GONE])
def test_what_failed_is_taken_up_again(store: Store, state: EntryState) -> None:
    journal = store.journal(ANN)
    (first,) = journal.intend([entry()])
    journal.settle([replace(first, state=state, error="no right", settled_at=NOW)])
    (again,) = journal.intend([entry(run="r2")])
    assert (again.id, again.state, again.run, again.error) == (first.id, EntryState.INTENDED, "r2", None)


def test_open_are_only_those_that_an_interruption_left(store: Store) -> None:
    journal = store.journal(ANN)
    a, b, c = journal.intend([entry(1), entry(2), entry(3)])
    journal.settle([replace(a, state=EntryState.DONE), replace(b, state=EntryState.UNDOING)])
    assert [e.fingerprint for e in journal.open()] == ["f2", "f3"]
    assert store.journal("ben@harbor.example").open() == ()
    assert c.state is EntryState.INTENDED


def test_entries_are_found_by_what_is_given(store: Store) -> None:
    store.journal(ANN).intend([entry(1), entry(2, run="r2", intended_at=NOW + timedelta(hours=1))])
    store.journal("ben@harbor.example").intend([entry(1, run="r2")])
    assert len(store.entries()) == 3
    assert len(store.entries(run="r2")) == 2
    assert len(store.entries(mailbox="Ann@Harbor.example")) == 2
    assert len(store.entries(mailbox=ANN, since=NOW + timedelta(minutes=1))) == 1
    assert [e.run for e in store.entries(limit=2)] == ["r2", "r2"]
    assert store.entry_counts(ANN) == {EntryState.INTENDED: 2}
    found = store.journal(ANN).for_fingerprints(["f1", "f2", "f9"])
    assert {fingerprint: len(entries) for fingerprint, entries in found.items()} == {"f1": 1, "f2": 1}
