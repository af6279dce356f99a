"""What was judged is remembered until something can change it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cleaner.errors import StoreError
from cleaner.store import Store
from cleaner.store.records import Consent, ConsentState
from cleaner.values import ActionName, Kind, Lesson, Opinion, Outcome
from tests.store.samples import ANN, BEN, NOW, notice


def test_a_notice_comes_back_by_its_fingerprint(store: Store) -> None:
    seen = store.seen(ANN)
    seen.record([notice()], {"INBOX": "17"})
    assert seen.known(["f1", "f2"]) == {"f1": notice()}
    assert (seen.cursor("INBOX"), seen.cursor("Sent")) == ("17", None)
    assert store.seen(BEN).known(["f1"]) == {}
    assert store.seen(BEN).cursor("INBOX") is None


def test_a_later_judgement_takes_the_place_of_the_earlier(store: Store) -> None:
    seen = store.seen(ANN)
    seen.record([notice(), notice(fingerprint="f2")], {"INBOX": "17"})
    later = notice(folder="Other", action=ActionName.NONE, kind=Kind.DELAY, report=None)
    seen.record([later], {"INBOX": "18"})
    told = seen.known(["f1", "f2"])
    assert told == {"f1": replace(later, report=notice().report), "f2": notice(fingerprint="f2")}
    assert seen.cursor("INBOX") == "18"
    assert seen.counts() == {
        (Opinion.BACKSCATTER, ActionName.NONE): 1,
        (Opinion.BACKSCATTER, ActionName.MOVE): 1,
    }


def test_why_it_was_moved_is_kept_until_there_is_a_newer_reason(store: Store) -> None:
    """What was put back is judged again, stays, and can still be explained."""
    seen = store.seen(ANN)
    seen.record([notice(report={"because": "first"})], {})
    seen.record([notice(action=ActionName.NONE, report=None)], {})
    assert seen.known(["f1"])["f1"].report == {"because": "first"}
    seen.record([notice(report={"because": "second"})], {})
    assert seen.known(["f1"])["f1"].report == {"because": "second"}


def test_of_two_copies_in_one_look_the_last_is_kept(store: Store) -> None:
    store.seen(ANN).record([notice(id="m1"), notice(id="m2")], {})
    assert store.seen(ANN).known(["f1"])["f1"].id == "m2"


def test_judgements_and_cursors_are_kept_together_or_not_at_all(store: Store) -> None:
    broken: Any = {"INBOX": None}
    with pytest.raises(StoreError):
        store.seen(ANN).record([notice()], broken)
    assert store.seen(ANN).known(["f1"]) == {}


def test_more_than_one_statement_bears(store: Store) -> None:
    many = [notice(fingerprint=f"f{number}") for number in range(1_001)]
    store.seen(ANN).record(many, {})
    store.seen(ANN).record(many, {})
    assert len(store.seen(ANN).known([n.fingerprint for n in many])) == 1_001


@pytest.mark.parametrize(
    ("changes", "pending"),
    [
        ({}, False),
        ({"outcome": Outcome.GONE}, False),
        ({"outcome": Outcome.FAILED}, True),
        ({"outcome": Outcome.PLANNED}, True),
        ({"action": ActionName.WAIT, "outcome": Outcome.NONE}, True),
        ({"action": ActionName.REPORT, "outcome": Outcome.NONE}, True),
        ({"action": ActionName.NONE, "outcome": Outcome.NONE}, False),
        ({"opinion": Opinion.UNSURE, "action": ActionName.NONE, "knowledge": "k0"}, True),
        ({"opinion": Opinion.UNSURE, "action": ActionName.NONE}, False),
        ({"opinion": Opinion.GENUINE, "action": ActionName.NONE, "knowledge": "k0"}, False),
    ],
)
def test_pending_is_what_can_still_change(store: Store, changes: dict[str, Any], pending: bool) -> None:
    store.seen(ANN).record([notice(**changes)], {})
    assert [n.fingerprint for n in store.seen(ANN).pending("k1")] == (["f1"] if pending else [])


def test_arrivals_since_a_time_by_time(store: Store) -> None:
    notices = [notice(fingerprint=f"f{n}", received=NOW - timedelta(hours=n)) for n in range(3)]
    store.seen(ANN).record([*notices, notice(fingerprint="undated", received=None)], {})
    times = [arrival.time for arrival in store.seen(ANN).arrivals(NOW - timedelta(hours=1))]
    assert times == [NOW - timedelta(hours=1), NOW]


def test_arrivals_tell_subjects_apart_without_telling_them(store: Store) -> None:
    subjects = {"f1": "Re: Pills", "f2": "AW: pills", "f3": "Watches", "f4": ""}
    store.seen(ANN).record(
        [notice(fingerprint=f, subject=s, reporter="MX.far.example") for f, s in subjects.items()], {}
    )
    arrivals = store.seen(ANN).arrivals(NOW)
    assert len({arrival.subject for arrival in arrivals}) == 3
    assert {arrival.reporter for arrival in arrivals} == {arrivals[0].reporter}
    assert "pills" not in repr(arrivals).lower()
    assert "far" not in repr(arrivals)


PROVEN = Lesson(
    NOW.date(),
    "<1@mx>",
    "far.example",
    "192.0.2.10",
    "192.0.2.0/24",
    author="harbor.example",
    signed=True,
    in_record=True,
)
SEEN = Lesson(
    NOW.date(), "<2@mx>", "far.example", "198.51.100.66", "198.51.100.0/24", author="harbor.example"
)


def test_lessons_come_back_in_the_words_of_the_question(store: Store) -> None:
    store.seen(ANN).record([notice(lesson=PROVEN), notice(fingerprint="f2", lesson=SEEN)], {})
    names = frozenset(("<1@mx>", "far.example", "192.0.2.10", "192.0.2.0/24", "harbor.example"))
    assert store.seen(ANN).lessons(names) == (PROVEN,)
    assert store.seen(ANN).lessons(names | {"<2@mx>", "198.51.100.66", "198.51.100.0/24"}) == (PROVEN, SEEN)
    assert store.seen(BEN).lessons(names) == ()


def test_lessons_about_what_nobody_asked_tell_it_apart_without_telling_it(store: Store) -> None:
    other = replace(PROVEN, machine="192.0.2.11", original="<3@mx>")
    store.seen(ANN).record([notice(lesson=PROVEN), notice(fingerprint="f2", lesson=other)], {})
    first, second = store.seen(ANN).lessons(frozenset())
    assert first.machine != second.machine
    assert first.author == second.author
    assert "192.0.2" not in repr((first, second))
    assert (first.day, first.signed, first.is_proven) == (PROVEN.day, True, True)


def test_only_lessons_about_proven_mail_are_counted(store: Store) -> None:
    assert store.seen(ANN).proven() == 0
    store.seen(ANN).record([notice(lesson=PROVEN), notice(fingerprint="f2", lesson=SEEN)], {})
    assert (store.seen(ANN).proven(), store.seen(BEN).proven()) == (1, 0)


def test_a_later_lesson_takes_the_place_of_the_earlier(store: Store) -> None:
    store.seen(ANN).record([notice(lesson=PROVEN)], {})
    store.seen(ANN).record([notice(lesson=replace(PROVEN, in_record=False))], {})
    assert store.seen(ANN).lessons(frozenset()) == ()
    store.seen(ANN).record([notice(lesson=Lesson())], {})
    assert store.seen(ANN).lessons(frozenset({"192.0.2.10"})) == ()


def test_after_opting_out_a_scan_that_is_still_at_work_keeps_nothing(store: Store) -> None:
    store.consent.record(Consent(ANN, NOW, ConsentState.OPTED_OUT, "ann", ""))
    store.seen(ANN).record([notice()], {"INBOX": "17"})
    assert store.seen(ANN).known(["f1"]) == {}
    assert store.seen(ANN).cursor("INBOX") is None
    store.consent.record(Consent(ANN, NOW, ConsentState.OPTED_IN, "ann", "owner"))
    store.seen(ANN).record([replace(notice(), report=None)], {})
    assert len(store.seen(ANN).known(["f1"])) == 1


def test_colleagues_learn_what_is_proven_and_no_other_organisation_does(store: Store) -> None:
    both = [notice(lesson=PROVEN), notice(fingerprint="f2", lesson=SEEN)]
    store.seen(ANN, "harbor").record(both, {})
    names = frozenset(
        ("<1@mx>", "far.example", "192.0.2.10", "192.0.2.0/24", "harbor.example", "198.51.100.66")
    )
    assert store.seen(BEN, "harbor").lessons(names) == (replace(PROVEN, of_colleague=True),)
    assert PROVEN in store.seen(ANN, "harbor").lessons(names)
    assert store.seen(BEN, "harbor").proven() == 1
    for other in ("", "quay"):
        assert store.seen(BEN, other).lessons(names) == ()
        assert store.seen(BEN, other).proven() == 0


def test_where_nothing_is_shared_colleagues_learn_nothing(store: Store) -> None:
    store.seen(ANN).record([notice(lesson=PROVEN)], {})
    assert store.seen(BEN, "harbor").lessons(frozenset()) == ()


def test_who_opts_out_teaches_nobody_any_more(store: Store) -> None:
    store.seen(ANN, "harbor").record([notice(lesson=PROVEN)], {})
    store.erase(ANN)
    assert store.seen(BEN, "harbor").lessons(frozenset()) == ()
