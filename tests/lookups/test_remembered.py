"""The policies of another time, out of the archive."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from cleaner.lookups import RememberedDns
from cleaner.lookups.recorded import RecordedDns
from cleaner.lookups.remembered import MAX_MOMENTS, merged, moments, reached, read_states
from cleaner.lookups.resolvers import MAX_VALUES, FirstOf, Noting
from cleaner.ports import DnsState
from cleaner.store import Store
from cleaner.values import ABSENT, UNKNOWN
from tests.store.samples import KEY, NOW

DAY = timedelta(days=1)
Answers = Mapping[tuple[str, str], tuple[str, ...]]
FIRST: Answers = {
    ("harbor.example", "TXT"): ("v=spf1 mx -all",),
    ("harbor.example", "MX"): ("mx.harbor.example",),
}
SECOND: Answers = {
    ("harbor.example", "TXT"): ("v=spf1 include:far.example -all",),
    ("far.example", "TXT"): (),
}


def states_of(*steps: Answers) -> tuple[DnsState, ...]:
    states: tuple[DnsState, ...] = ()
    for number, answers in enumerate(steps):
        states = merged(states, answers, NOW + number * DAY)
    return states


def test_a_resolver_of_a_time_tells_what_stood_then() -> None:
    states = states_of(FIRST, SECOND)
    then, last = RememberedDns(states, NOW), RememberedDns(states)
    assert then.texts("Harbor.Example.") == FIRST["harbor.example", "TXT"]
    assert last.texts("harbor.example") == SECOND["harbor.example", "TXT"]
    assert then.texts("far.example") is UNKNOWN, "it was not asked about yet"
    assert last.texts("far.example") is ABSENT, "it was asked about, and there was none"
    assert last.exchangers("harbor.example") == ("mx.harbor.example",)
    assert last.addresses("mx.harbor.example") is UNKNOWN
    assert last.names("192.0.2.1") is UNKNOWN


@pytest.mark.parametrize(
    "steps", [(FIRST,), (FIRST, SECOND), (FIRST, SECOND, FIRST), (FIRST, FIRST, SECOND, {})]
)
def test_what_is_merged_is_what_the_archive_will_hold(steps: tuple[Answers, ...]) -> None:
    with Store.open("sqlite://", KEY) as store:
        for number, answers in enumerate(steps):
            store.dns.remember(answers, NOW + number * DAY)
        kept = store.dns.states(["harbor.example", "far.example"])
    assert set(kept) == set(states_of(*steps))


def test_all_that_a_policy_leads_to_is_read_and_nothing_else() -> None:
    answers: Answers = {
        ("harbor.example", "TXT"): (
            "v=spf1 include:a.example mx a:web.harbor.example include:%{o}.b.example -all",
        ),
        ("_dmarc.harbor.example", "TXT"): ("v=DMARC1; p=reject",),
        ("harbor.example", "MX"): ("mx.harbor.example",),
        ("mx.harbor.example", "A"): ("192.0.2.1",),
        ("web.harbor.example", "A"): ("192.0.2.2",),
        ("a.example", "TXT"): ("v=spf1 include:%{o}.c.example redirect=harbor.example",),
        ("harbor.example.b.example", "TXT"): ("v=spf1 -all",),
        ("harbor.example.c.example", "TXT"): ("v=spf1 -all",),
    }
    others: Answers = {("quay.example", "TXT"): ("v=spf1 include:a.example -all",), ("z.example", "TXT"): ()}
    with Store.open("sqlite://", KEY) as store:
        store.dns.remember({**answers, **others}, NOW)
        read = read_states(store.dns, ["harbor.example"])
        both = read_states(store.dns, ["harbor.example", "quay.example"])
    assert {(state.name, state.kind) for state in read} == answers.keys()
    assert set(reached(both, "harbor.example")) == set(read)
    assert {state.name for state in reached(both, "quay.example")} >= {"quay.example", "a.example"}


def test_moments_are_when_something_changed_and_rather_those_of_policies() -> None:
    assert moments(states_of(FIRST, FIRST, SECOND)) == (NOW, NOW + 2 * DAY)
    restless = [{("www.example", "A"): (f"192.0.2.{number}",)} for number in range(MAX_MOMENTS + 10)]
    found = moments(states_of(FIRST, *restless))
    assert len(found) == MAX_MOMENTS
    assert found[0] == NOW, "the policy itself is not crowded out"


def test_only_policies_are_noted_of_texts_and_nothing_of_silence() -> None:
    zone: dict[str, Any] = {
        "harbor.example": {"TXT": ["v=spf1 -all", "verification=1"], "MX": ["20 b.example", "10 a.example"]},
        "_dmarc.harbor.example": ["v=DMARC1; p=reject", "x"],
        "plain.example": ["x"],
        "many.example": {"A": [f"192.0.2.{number}" for number in range(MAX_VALUES + 1)]},
    }
    noting = Noting(RecordedDns(zone))
    noting.texts("Harbor.example.")
    noting.texts("_dmarc.harbor.example")
    noting.texts("plain.example")
    noting.exchangers("harbor.example")
    noting.addresses("none.example", 6)
    noting.addresses("many.example")
    noting.names("192.0.2.1")
    assert noting.noted == {
        ("harbor.example", "TXT"): ("v=spf1 -all",),
        ("_dmarc.harbor.example", "TXT"): ("v=DMARC1; p=reject",),
        ("plain.example", "TXT"): (),
        ("harbor.example", "MX"): ("a.example", "b.example"),
        ("none.example", "AAAA"): (),
    }
    silent = Noting(RecordedDns(None))
    silent.texts("harbor.example")
    assert silent.noted == {}


def test_the_second_is_asked_only_where_the_first_is_silent() -> None:
    zone = {"harbor.example": {"TXT": ["v=spf1 -all"], "A": ["192.0.2.1"], "MX": ["10 mx.harbor.example"]}}
    second = RecordedDns({**zone, "192.0.2.1": {"PTR": ["harbor.example"]}})
    for first, is_silent in ((RecordedDns(None), True), (RecordedDns({}), False)):
        both = FirstOf(first, second)
        assert (both.texts("harbor.example") is not ABSENT) is is_silent
        assert (both.addresses("harbor.example") is not ABSENT) is is_silent
        assert (both.exchangers("harbor.example") is not ABSENT) is is_silent
        assert (both.names("192.0.2.1") is not ABSENT) is is_silent
