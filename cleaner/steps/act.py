"""Acting: the safety limits, journal entries for the plans, and what became of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from cleaner import actions
from cleaner.errors import SafetyStopError
from cleaner.ports import ChangeableMailbox
from cleaner.steps.task import Decision, Task, Watch
from cleaner.values import ActionName, Entry, EntryState, Outcome


def over_limit(task: Task, decisions: Sequence[Decision], total: int) -> SafetyStopError | None:
    """The safety stop, if the run would move more than the limits allow."""
    if task.safety is None:
        return None
    moving = sum(d.plan.action in (ActionName.MOVE, ActionName.DELETE) for d in decisions)
    limit = ""
    if moving > task.safety.max_messages:
        limit = f"safety.max_messages = {task.safety.max_messages}"
    elif moving > task.safety.share_from and moving > task.safety.max_share * total:
        limit = f"safety.max_share = {task.safety.max_share:g}"
    return SafetyStopError(task.run, task.owner.address, moving, total, limit) if limit else None


def as_planned(decision: Decision) -> Decision:
    if decision.plan.action.changes_mailbox:
        return replace(decision, outcome=Outcome.PLANNED)
    return decision


def act(
    task: Task, changes: ChangeableMailbox, decisions: Sequence[Decision], watch: Watch
) -> Iterator[Decision]:
    """Carries out the plans; each decision comes back with what became of it, in its old order."""
    planned = [d for d in decisions if d.plan.action.changes_mailbox and d.plan.target is not None]
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
