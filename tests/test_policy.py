"""The policy: a spurious notice goes only when nothing speaks for waiting, and everything else stays."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cleaner.policy import Situation, decide
from cleaner.values import ActionName, Kind, Notice, Opinion, Policy, Verdict

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
NOTICE = Notice(Kind.NDR, received=NOW - timedelta(hours=1), delivered_to=("ann@harbor.example",))
POLICY = Policy()
SPURIOUS = Verdict(Opinion.BACKSCATTER)
HERE = Situation(NOW)


def action(
    notice: Notice = NOTICE,
    verdict: Verdict = SPURIOUS,
    policy: Policy = POLICY,
    situation: Situation = HERE,
) -> ActionName:
    plan = decide(notice, verdict, policy, situation)
    assert plan.reason.endswith(".")
    assert (plan.target is not None) == plan.action.changes_mailbox
    return plan.action


def test_a_spurious_notice_goes_to_the_quarantine() -> None:
    plan = decide(NOTICE, SPURIOUS, POLICY, HERE)
    assert (plan.action, plan.target) == (ActionName.MOVE, "Backscatter")


@pytest.mark.parametrize("opinion", [Opinion.GENUINE, Opinion.UNSURE, Opinion.NOT_A_BOUNCE])
def test_everything_else_stays(opinion: Opinion) -> None:
    assert action(verdict=Verdict(opinion)) is ActionName.NONE


@pytest.mark.parametrize("kind", [Kind.ARF, Kind.NOT_A_BOUNCE])
def test_what_is_not_ours_to_judge_stays_whatever_the_verdict(kind: Kind) -> None:
    assert action(replace(NOTICE, kind=kind)) is ActionName.NONE


def test_what_was_put_back_stays() -> None:
    assert action(situation=replace(HERE, put_back=True)) is ActionName.NONE


def test_mailboxes_that_machines_read_are_left_alone() -> None:
    for address in ("list-bounces@harbor.example", "News-Bounces+ann=x@harbor.example"):
        assert action(replace(NOTICE, delivered_to=(address,))) is ActionName.NONE
    near_miss = replace(NOTICE, delivered_to=("bounces@harbor.example",))
    assert action(near_miss) is ActionName.MOVE


def test_fresh_ones_wait_for_the_grace_period() -> None:
    fresh = replace(NOTICE, received=NOW - POLICY.grace + timedelta(seconds=1))
    assert action(fresh) is ActionName.WAIT
    assert action(replace(NOTICE, received=NOW - POLICY.grace)) is ActionName.MOVE
    assert action(fresh, policy=replace(POLICY, grace=timedelta(0))) is ActionName.MOVE


def test_a_new_mailbox_is_only_reported_on() -> None:
    preview = replace(HERE, preview_until=NOW + timedelta(seconds=1))
    assert action(situation=preview) is ActionName.REPORT
    assert action(situation=replace(HERE, preview_until=NOW)) is ActionName.MOVE


def test_old_mail_is_history_unless_asked_for() -> None:
    old = replace(NOTICE, received=NOW - timedelta(days=31))
    assert action(old) is ActionName.REPORT
    assert action(old, situation=replace(HERE, since=NOW - timedelta(days=40))) is ActionName.MOVE
    assert action(old, situation=replace(HERE, since=NOW - timedelta(days=20))) is ActionName.REPORT
    assert action(old, policy=replace(POLICY, since=timedelta(0))) is ActionName.MOVE


def test_from_before_the_sent_record_begins_is_history_too() -> None:
    assert action(situation=replace(HERE, record_begins=NOW)) is ActionName.REPORT
    assert action(situation=replace(HERE, record_begins=NOW - timedelta(days=9))) is ActionName.MOVE


def test_a_file_judged_by_hand_is_judged_whatever_its_age() -> None:
    old = replace(NOTICE, received=NOW - timedelta(days=3000))
    assert action(old, situation=replace(HERE, by_hand=True)) is ActionName.MOVE


def test_without_a_time_of_arrival_nothing_is_moved() -> None:
    assert action(replace(NOTICE, received=None)) is ActionName.REPORT


@pytest.mark.parametrize(
    ("changes", "expected", "target"),
    [
        ({"action": ActionName.REPORT}, ActionName.REPORT, None),
        ({"action": ActionName.DELETE}, ActionName.DELETE, "Trash"),
        ({"action": ActionName.DELETE, "trash": "Papierkorb"}, ActionName.DELETE, "Papierkorb"),
        ({"quarantine": "Q"}, ActionName.MOVE, "Q"),
    ],
)
def test_the_action_is_the_configured_one(
    changes: dict[str, object], expected: ActionName, target: str | None
) -> None:
    plan = decide(NOTICE, SPURIOUS, replace(POLICY, **changes), HERE)  # type: ignore[arg-type]
    assert (plan.action, plan.target) == (expected, target)


def test_unsure_ones_go_to_review_where_that_is_wanted() -> None:
    plan = decide(NOTICE, Verdict(Opinion.UNSURE), replace(POLICY, review_unsure=True), HERE)
    assert (plan.action, plan.target) == (ActionName.REVIEW, "Backscatter/Review")
    assert (
        action(verdict=Verdict(Opinion.GENUINE), policy=replace(POLICY, review_unsure=True))
        is ActionName.NONE
    )
