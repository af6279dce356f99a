"""
What is to be done about a verdict: a function of verdict, settings and situation, readable aloud.

The first sentence that applies decides. Everything before the last two keeps a message where it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase

from cleaner.values import (
    ActionName,
    Notice,
    Opinion,
    Plan,
    Policy,
    Verdict,
    address_key,
)


@dataclass(frozen=True, slots=True)
class Situation:
    """What the policy must know beside the verdict."""

    now: datetime
    put_back: bool = False
    """The message was restored by undo, or moved back by its owner."""
    preview_until: datetime | None = None
    since: datetime | None = None
    """The user asked for everything since then: old mail may be moved."""
    record_begins: datetime | None = None
    """The time of the oldest mail in the sent record."""
    by_hand: bool = False
    """A file is judged, not a mailbox cleaned: its age and the mailbox's preview do not matter."""


def decide(notice: Notice, verdict: Verdict, policy: Policy, situation: Situation) -> Plan:
    """The plan for one message."""
    if not notice.kind.is_judged:
        return nothing("This is not a notice to be judged.")
    if situation.put_back:
        return nothing("It was put back before, so it stays.")
    if pattern := left_to(notice, policy):
        return nothing(f"Its address fits {pattern!r}, which reads its own bounces.")
    if verdict.opinion is not Opinion.BACKSCATTER:
        return keep(verdict, policy)
    if not situation.by_hand:
        held = held_back(notice, policy, situation)
        if held is not None:
            return held
    return act(policy)


def nothing(reason: str) -> Plan:
    return Plan(ActionName.NONE, reason)


def keep(verdict: Verdict, policy: Policy) -> Plan:
    """Genuine stays; unsure stays, or goes to the review queue."""
    if verdict.opinion is Opinion.UNSURE and policy.review_unsure:
        return Plan(ActionName.REVIEW, "Nobody can tell, so a person is asked.", policy.review)
    if verdict.opinion is Opinion.UNSURE:
        return nothing("Nobody can tell, so it stays.")
    return nothing("It is about your own mail, so it stays.")


def held_back(notice: Notice, policy: Policy, situation: Situation) -> Plan | None:
    """Why a notice that should go does not go now; None if nothing holds it."""
    received = notice.received
    if received is None:
        return report("Its time of arrival is not known, so it is only reported.")
    if is_history(received, policy, situation):
        return report("It is old mail, and that is only reported unless asked for.")
    if received > situation.now - policy.grace:
        return Plan(ActionName.WAIT, "It has just come; the copy in Sent may be slower.")
    if situation.preview_until is not None and situation.now < situation.preview_until:
        until = f"{situation.preview_until:%Y-%m-%d}"
        return report(f"This mailbox is only reported on until {until}.")
    return None


def is_history(received: datetime, policy: Policy, situation: Situation) -> bool:
    """Older than the policy looks back, or than the sent record reaches (DESIGN.md, decision 17)."""
    if situation.since is not None:
        return received < situation.since
    if policy.since and received < situation.now - policy.since:
        return True
    return situation.record_begins is not None and received < situation.record_begins


def report(reason: str) -> Plan:
    return Plan(ActionName.REPORT, reason)


def act(policy: Policy) -> Plan:
    if policy.action is ActionName.MOVE:
        return Plan(ActionName.MOVE, "It is about mail that you did not send.", policy.quarantine)
    if policy.action is ActionName.DELETE:
        return Plan(ActionName.DELETE, "It is about mail that you did not send.", policy.trash or "Trash")
    return report("It is about mail that you did not send; you asked for reports only.")


def left_to(notice: Notice, policy: Policy) -> str | None:
    """The `leave` pattern that an address of this notice fits (DESIGN.md, decision 15)."""
    for address in map(address_key, notice.delivered_to):
        for pattern in policy.leave:
            if fnmatchcase(address, pattern.casefold()):
                return pattern
    return None
