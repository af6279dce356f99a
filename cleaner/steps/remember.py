"""Remembering: the judgements, so that each message is judged once (DESIGN.md, decision 18)."""

from __future__ import annotations

from collections.abc import Sequence

from cleaner.classifier.features import facts
from cleaner.steps.lines import kept, line_of_decision
from cleaner.steps.task import Decision, Look, Task
from cleaner.values import ActionName, Advice, SeenNotice, Verdict


def remember(task: Task, decisions: Sequence[Decision], seen: Look) -> None:
    """Keeps the judgements, and how far the folders were looked through if the run came to its end."""
    complete = task.may_continue()
    if complete and task.observations is not None and (seen.observed or seen.outside):
        task.observations.note(seen.observed, seen.outside)
    judged = (d for d in decisions if d.notice.kind.is_judged)
    task.memory.record((remembered(task, d) for d in judged), seen.cursors if complete else {})
    if complete and seen.gone:
        task.memory.note_gone(seen.gone)


def remembered(task: Task, decision: Decision) -> SeenNotice:
    notice = decision.notice
    found = findings(decision)
    return SeenNotice(
        fingerprint=decision.fingerprint,
        folder=decision.heading.folder,
        id=decision.heading.id,
        kind=notice.kind,
        opinion=decision.verdict.opinion,
        action=decision.plan.action,
        outcome=decision.outcome,
        judged_at=task.now,
        received=notice.received,
        knowledge=task.knowledge,
        lesson=decision.lesson,
        subject=notice.subject,
        reporter=notice.reporter,
        report=kept(line_of_decision(task.owner.address, decision)) if is_told_later(decision) else None,
        under=task.model.name if task.model is not None else "",
        probability=decision.verdict.probability,
        findings=found,
        is_strange=is_strange(task, found),
        shadow=said(task, decision.shadow),
    )


def findings(decision: Decision) -> tuple[str, ...]:
    """What the model saw; nothing where it was not asked."""
    if decision.verdict.probability is None:
        return ()
    return tuple(name for name, value in facts(decision.notice, decision.verdict.evidence).items() if value)


def is_strange(task: Task, found: tuple[str, ...]) -> bool | None:
    known = task.model.reference if task.model is not None else None
    return known.is_strange(found) if known is not None and found else None


def said(task: Task, shadow: Verdict | None) -> Advice | None:
    if shadow is None or task.shadow is None:
        return None
    return Advice(task.shadow.name, shadow.opinion, shadow.probability)


def is_told_later(decision: Decision) -> bool:
    """Whether somebody may ask later why it was moved, or was to be."""
    return decision.is_acted_on or decision.plan.action is ActionName.REPORT
