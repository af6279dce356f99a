"""What is published is remembered with its times, in bounds."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cleaner.store import Store
from cleaner.store import dns as archive
from tests.store.samples import NOW

SPF = ("harbor.example", "TXT")
OLD = ("v=spf1 mx -all",)
NEW = ("v=spf1 include:far.example -all",)
HOUR = timedelta(hours=1)


def times(store: Store, name: str = SPF[0]) -> list[tuple[tuple[str, ...], int, int]]:
    return [
        (state.records, (state.first_seen - NOW) // HOUR, (state.last_seen - NOW) // HOUR)
        for state in store.dns.states([name])
    ]


def test_each_state_is_remembered_from_when_to_when(store: Store) -> None:
    for hours, records in ((0, OLD), (10, OLD), (20, NEW), (30, NEW), (40, OLD), (50, ())):
        store.dns.remember({SPF: records}, NOW + hours * HOUR)
    assert times(store) == [(OLD, 0, 10), (NEW, 20, 30), (OLD, 40, 40), ((), 50, 50)]


def test_that_it_still_stands_is_not_written_each_time(store: Store) -> None:
    for hours in (0, 1, 5, 7, 8):
        store.dns.remember({SPF: OLD}, NOW + hours * HOUR)
    assert times(store) == [(OLD, 0, 7)]


def test_a_clock_that_went_back_changes_nothing(store: Store) -> None:
    store.dns.remember({SPF: OLD}, NOW)
    store.dns.remember({SPF: NEW}, NOW - HOUR)
    store.dns.remember({SPF: OLD}, NOW - 20 * HOUR)
    assert times(store) == [(OLD, 0, 0)]


def test_names_and_kinds_are_told_apart(store: Store) -> None:
    store.dns.remember(
        {SPF: OLD, ("harbor.example", "MX"): ("mx.harbor.example",), ("x.example", "A"): ()}, NOW
    )
    found = store.dns.states(["harbor.example", "y.example"])
    assert {(state.name, state.kind, state.records) for state in found} == {
        (*SPF, OLD),
        ("harbor.example", "MX", ("mx.harbor.example",)),
    }
    assert store.dns.states([]) == ()


def test_of_a_name_that_changes_all_the_time_the_latest_states_stay(store: Store) -> None:
    for number in range(archive.MAX_STATES + 5):
        store.dns.remember({("www.example", "A"): (f"192.0.2.{number}",)}, NOW + number * HOUR)
    found = store.dns.states(["www.example"])
    assert len(found) == archive.MAX_STATES
    assert found[-1].records == (f"192.0.2.{archive.MAX_STATES + 4}",)


def test_of_too_many_names_those_seen_last_stay(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_ROWS", 3)
    for number in range(4):
        store.dns.remember({(f"n{number}.example", "A"): ()}, NOW + number * HOUR)
        store.dns.remember({SPF: OLD}, NOW + number * 7 * HOUR)
    found = store.dns.states([SPF[0], *(f"n{number}.example" for number in range(4))])
    assert {state.name for state in found} == {SPF[0], "n2.example", "n3.example"}
