"""A mailbox whose worker ended comes again: at once the first time, later and later if that goes on."""

from __future__ import annotations

from datetime import timedelta

from cleaner.service.fleet.sweeping import again
from cleaner.service.serve.carrying import FIRST
from cleaner.store.records import Turn
from tests.service.hands import ANN, Hands


def test_it_comes_first_once_and_then_waits_as_one_that_fails(hands: Hands) -> None:
    context = hands.app.context
    turn = Turn(ANN, "mailboxes", hands.now, claimed_by="job 1", pulse="as it was", state="done")
    first = again(context, turn).turn
    assert (first.due, first.failures, first.state, first.pulse) == (FIRST, 1, "failed", None)
    assert first.claimed_by == "job 1"
    second = again(context, first).turn
    assert (second.due - hands.now, second.failures) == (timedelta(minutes=10), 2)
    third = again(context, second).turn
    assert (third.due - hands.now, third.failures) == (timedelta(minutes=20), 3)
