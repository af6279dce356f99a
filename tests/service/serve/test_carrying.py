"""A turn is carried out wherever it is claimed, and a busy server is left alone as long as it asks to be."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta

import pytest

from cleaner.config import MailboxSettings
from cleaner.errors import ServerUnavailableError
from cleaner.service.serve.carrying import Carried, asked_pause, carry_out
from cleaner.store.records import Turn
from cleaner.store.schedule import Ended
from tests.service.hands import ANN, BEN, Hands
from tests.service.serve.test_service import put_between

LONGEST = timedelta(hours=6)


def claimed(hands: Hands) -> tuple[Turn, ...]:
    """As any process claims what is due."""
    schedule = hands.app.context.store.schedule
    schedule.join()
    return schedule.turns((), ["mailboxes"], hands.now, lambda due: due["mailboxes"][:1])


def carried(hands: Hands, turn: Turn) -> Carried:
    return carry_out(hands.app.context, turn, lambda: False, chance=0.5)


def written_down(hands: Hands, ended: Ended) -> None:
    hands.app.context.store.schedule.turns([ended], (), hands.now, lambda _: ())


def dues(hands: Hands) -> dict[str, timedelta]:
    return {turn.address: turn.due - hands.now for turn in hands.app.context.store.schedule.all()}


@pytest.fixture
def planned(hands: Hands) -> Hands:
    hands.opt_in(ANN, BEN)
    hands.app.context.store.schedule.plan({ANN: "mailboxes", BEN: "mailboxes"}, hands.now)
    return hands


def busy(hands: Hands, again_in: float | None) -> None:
    def inside(_mailbox: MailboxSettings) -> None:
        raise ServerUnavailableError("mailboxes", "it is busy", again_in)

    put_between(hands, inside)


def test_one_that_was_claimed_is_carried_out_by_whoever_has_it(planned: Hands) -> None:
    (turn,) = claimed(planned)
    one = carried(planned, turn)
    written_down(planned, one.ended)
    assert one.worked.turn.state == "done"
    assert planned.folder(ANN, ".Backscatter")
    assert dues(planned)[ANN] == timedelta(minutes=5)


def test_what_one_mailbox_is_told_counts_for_all_of_its_server(planned: Hands) -> None:
    busy(planned, 1800)
    schedule = planned.app.context.store.schedule
    schedule.plan({ANN: "mailboxes", BEN: "mailboxes", "carl@harbor.example": "another"}, planned.now)
    (turn,) = claimed(planned)
    written_down(planned, carried(planned, turn).ended)
    assert dues(planned) == {
        ANN: timedelta(minutes=30),
        BEN: timedelta(minutes=30),
        "carl@harbor.example": timedelta(0),
    }
    assert claimed(planned) == ()


def test_a_short_one_does_not_bring_a_failing_mailbox_back_sooner(planned: Hands) -> None:
    busy(planned, 20)
    (turn,) = claimed(planned)
    written_down(planned, carried(planned, turn).ended)
    assert dues(planned) == {ANN: timedelta(minutes=10), BEN: timedelta(seconds=20)}


def test_without_one_only_the_mailbox_itself_waits(planned: Hands) -> None:
    busy(planned, None)
    (turn,) = claimed(planned)
    written_down(planned, carried(planned, turn).ended)
    assert dues(planned) == {ANN: timedelta(minutes=10), BEN: timedelta(0)}


def test_one_that_is_due_later_anyway_stays_so(planned: Hands) -> None:
    later = planned.now + timedelta(hours=2)
    (turn,) = claimed(planned)
    written_down(
        planned, Ended(replace(turn, due=later), planned.now, None, planned.now + timedelta(hours=1))
    )
    assert dues(planned) == {ANN: timedelta(hours=2), BEN: timedelta(hours=1)}


@pytest.mark.parametrize("asked", [math.nan, -5.0, 0.0, None])
def test_what_is_no_pause_is_none(asked: float | None) -> None:
    assert asked_pause(ServerUnavailableError("x", "y", asked), LONGEST) is None


@pytest.mark.parametrize("asked", [1e300, math.inf, 10**6])
def test_no_server_puts_its_mailboxes_off_for_ever(asked: float) -> None:
    assert asked_pause(ServerUnavailableError("x", "y", asked), LONGEST) == LONGEST
