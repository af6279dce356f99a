"""What was judged is remembered until something can change it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from cleaner.store import Store
from cleaner.store.seen import SeenBook
from cleaner.values import ActionName, Kind, Opinion, Outcome, SeenNotice, SentQuestion
from tests.store.test_store import ANN, KEY, NOW

NOTICE = SeenNotice(
    fingerprint="f1",
    folder="INBOX",
    id="m1",
    kind=Kind.NDR,
    opinion=Opinion.BACKSCATTER,
    action=ActionName.MOVE,
    outcome=Outcome.DONE,
    judged_at=NOW,
    received=NOW,
    knowledge="k1",
    report={"verdict": "backscatter"},
)


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.open("sqlite://", KEY) as store:
        yield store


@pytest.fixture
def seen(store: Store) -> SeenBook:
    return store.seen(ANN)


def test_a_notice_comes_back_by_its_fingerprint(seen: SeenBook) -> None:
    seen.record([NOTICE], {"INBOX": "17"})
    assert seen.known(["f1", "f2"]) == {"f1": NOTICE}
    assert (seen.cursor("INBOX"), seen.cursor("Sent")) == ("17", None)


def test_a_later_judgement_takes_the_place_of_the_earlier(seen: SeenBook) -> None:
    seen.record([NOTICE], {})
    later = replace(NOTICE, folder="Other", action=ActionName.NONE)
    seen.record([later], {"INBOX": "18"})
    assert seen.known(["f1"]) == {"f1": later}
    assert seen.counts() == {(Opinion.BACKSCATTER, ActionName.NONE): 1}


@pytest.mark.parametrize(
    ("notice", "pending"),
    [
        (NOTICE, False),
        (replace(NOTICE, outcome=Outcome.GONE), False),
        (replace(NOTICE, outcome=Outcome.FAILED), True),
        (replace(NOTICE, outcome=Outcome.PLANNED), True),
        (replace(NOTICE, action=ActionName.WAIT, outcome=Outcome.NONE), True),
        (replace(NOTICE, action=ActionName.REPORT, outcome=Outcome.NONE), True),
        (replace(NOTICE, action=ActionName.NONE, outcome=Outcome.NONE), False),
        (replace(NOTICE, opinion=Opinion.UNSURE, action=ActionName.NONE, knowledge="k0"), True),
        (replace(NOTICE, opinion=Opinion.UNSURE, action=ActionName.NONE), False),
    ],
)
def test_pending_is_what_can_still_change(seen: SeenBook, notice: SeenNotice, pending: bool) -> None:
    seen.record([notice], {})
    assert [n.fingerprint for n in seen.pending("k1")] == (["f1"] if pending else [])


def test_arrivals_since_a_time(seen: SeenBook) -> None:
    seen.record(
        [replace(NOTICE, fingerprint=f"f{n}", received=NOW - timedelta(hours=n)) for n in range(3)], {}
    )
    times = [arrival.time for arrival in seen.arrivals(NOW - timedelta(hours=1))]
    assert times == [NOW - timedelta(hours=1), NOW]


def test_the_completeness_of_the_record_is_measured_once_there_are_enough(
    store: Store, seen: SeenBook
) -> None:
    def proven(count: int, found: int) -> list[SeenNotice]:
        return [replace(NOTICE, fingerprint=f"p{n}", proven=True, in_record=n < found) for n in range(count)]

    seen.record(proven(19, 10), {})
    assert store.sent_record(ANN).ask(SentQuestion()).completeness is None
    seen.record(proven(20, 15), {})
    assert store.sent_record(ANN).ask(SentQuestion()).completeness == pytest.approx(0.75)
