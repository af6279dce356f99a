"""Acting: the safety limit, journal entries for the plans, and what became of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from cleaner import actions
from cleaner.errors import SafetyStopError
from cleaner.ports import ChangeableMailbox
from cleaner.steps.task import Decision, Look, Task, Watch
from cleaner.values import ActionName, Entry, EntryState, Outcome, Verdict

LIMITED = (ActionName.MOVE, ActionName.DELETE)
"""What the safety limit counts; what goes to the review queue goes there to be looked at."""


def hold_back(task: Task, decisions: Sequence[Decision], seen: Look) -> Iterator[Decision]:
    """
    The decisions in their order, those HELD that the safety limit does not let go now.

    What waits for an answer goes on waiting. Of the rest the surest go, up to what is left of the limit.
    """
    held: set[str] = set()
    if task.safety is not None:
        moving = [d for d in decisions if d.plan.action in LIMITED]
        if task.awaits_answer:
            waiting = {sighting.fingerprint for sighting in seen.sightings if sighting.held}
            held |= {d.fingerprint for d in moving if d.fingerprint in waiting}
        free = sorted((d for d in moving if d.fingerprint not in held), key=lambda d: surest_first(task, d))
        left = max(task.safety.most(seen.total + task.moved_before) - task.moved_before, 0)
        # By fingerprint: copies of one message are remembered as one, so they wait together.
        held |= {d.fingerprint for d in free[left:]}
    for decision in decisions:
        is_held = decision.fingerprint in held and decision.plan.action in LIMITED
        yield replace(decision, outcome=Outcome.HELD) if is_held else decision


def surest_first(task: Task, decision: Decision) -> tuple[float, float, float]:
    """By how probable it is that the notice is spurious, then by age, the oldest first."""
    verdict = decision.verdict
    received = decision.heading.received or decision.notice.received or task.now
    return -sureness(verdict), -verdict.score, received.timestamp()


def sureness(verdict: Verdict) -> float:
    """The probability; where no model was asked, what the sum of the weights, which is log-odds, would make it."""
    if verdict.probability is not None:
        return verdict.probability
    return 0.5 + 0.5 * math.tanh(verdict.score / 2)


def stop_of(task: Task, decisions: Sequence[Decision], seen: Look) -> SafetyStopError | None:
    """
    What is to be told of what was held back.

    Nothing while somebody was asked already; nor of a run that was interrupted: the next one goes on with it.
    """
    held = sum(d.outcome is Outcome.HELD for d in decisions)
    if task.safety is None or task.awaits_answer or not held or not task.may_continue():
        return None
    done = sum(d.outcome is Outcome.DONE and d.plan.action in LIMITED for d in decisions)
    limit = task.safety.reached(seen.total + task.moved_before)
    return SafetyStopError(task.run, task.owner.address, done, held, limit)


def as_planned(decision: Decision) -> Decision:
    if decision.plan.action.changes_mailbox and decision.outcome is not Outcome.HELD:
        return replace(decision, outcome=Outcome.PLANNED)
    return decision


def act(
    task: Task, changes: ChangeableMailbox, decisions: Sequence[Decision], watch: Watch
) -> Iterator[Decision]:
    """Carries out the plans but those held back; each decision comes back with what became of it, in its old order."""
    planned = [
        d
        for d in decisions
        if d.plan.action.changes_mailbox and d.plan.target is not None and d.outcome is not Outcome.HELD
    ]
    for target in dict.fromkeys(d.plan.target for d in planned):
        if target is not None:
            changes.create(target)
    entries = list(intents(task, planned))
    settled: dict[tuple[str, str], Entry] = {}
    for entry in actions.perform(changes, task.journal, entries, task.may_continue, task.now):
        settled[entry.folder, entry.message] = entry
        watch("moving", len(settled), len(entries))
    for decision in decisions:
        yield with_outcome(decision, settled.get((decision.heading.folder, decision.heading.id)))


def intents(task: Task, planned: Sequence[Decision]) -> Iterator[Entry]:
    """
    A journal entry for each plan.

    The occurrence counts the copies of one message: an entry that was not carried out is taken up
    again, a further copy gets the next number.
    """
    taken: dict[tuple[str, ActionName], int] = {}
    for decision in planned:
        key = decision.fingerprint, decision.plan.action
        same = [e for e in decision.history if e.action is decision.plan.action]
        failed = [e for e in same if e.state in (EntryState.FAILED, EntryState.GONE)]
        here = [e for e in failed if (e.folder, e.message) == (decision.heading.folder, decision.heading.id)]
        if here:
            occurrence = here[-1].occurrence
        else:
            occurrence = max([taken.get(key, -1), *(e.occurrence for e in same)]) + 1
            taken[key] = occurrence
        yield Entry(
            id=0,
            run=task.run,
            mailbox=task.owner.address,
            fingerprint=decision.fingerprint,
            occurrence=occurrence,
            action=decision.plan.action,
            folder=decision.heading.folder,
            message=decision.heading.id,
            target=decision.plan.target or "",
            flags=decision.heading.flags,
            received=decision.heading.received,
            message_id=decision.notice.message_id,
            intended_at=task.now,
            ground=decision.verdict.ground,
        )


OUTCOMES = {
    EntryState.DONE: Outcome.DONE,
    EntryState.GONE: Outcome.GONE,
    EntryState.FAILED: Outcome.FAILED,
    EntryState.INTENDED: Outcome.PLANNED,
}


def with_outcome(decision: Decision, entry: Entry | None) -> Decision:
    if entry is None:
        return as_planned(decision)
    return replace(
        decision,
        outcome=OUTCOMES.get(entry.state, Outcome.NONE),
        entry=entry.id,
        new_id=entry.new_id,
        error=entry.error or decision.error,
    )
