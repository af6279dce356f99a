"""One message in the JSON of the contract (DESIGN.md, Contracts)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cleaner.steps.task import Decision
from cleaner.values import (
    Evidence,
    Heading,
    Kind,
    Notice,
    Opinion,
    Outcome,
    Plan,
    Recipient,
    Returned,
    Verdict,
)

Line = dict[str, Any]


BESIDE = frozenset(("subject", "because", "plan_reason", "held_back"))
"""Keys of a line that only the tables for people need; they are no part of the contract."""


KEPT_RECIPIENTS = 10
"""A report can name thousands; to tell later what it was about, the first are enough."""


def contract(line: Line) -> Line:
    """The line as `--format jsonl` prints it: the keys of the contract and no others."""
    return {key: value for key, value in line.items() if key not in BESIDE}


def kept(line: Line) -> Line:
    """The line as it is remembered: without what the evidence quoted from the mail."""
    evidence = [{key: value for key, value in one.items() if key != "seen"} for one in line["evidence"]]
    return {**line, "recipients": line["recipients"][:KEPT_RECIPIENTS], "evidence": evidence}


def iso(time: datetime | None) -> str | None:
    return time.isoformat() if time is not None else None


def line_of(
    notice: Notice,
    verdict: Verdict,
    plan: Plan,
    *,
    mailbox: str | None,
    folder: str | None,
    id: str,
    fingerprint: str,
    outcome: Outcome = Outcome.NONE,
    new_id: str | None = None,
    entry: int | None = None,
    error: str | None = None,
) -> Line:
    """The object that `--format jsonl` prints for one message."""
    return {
        "mailbox": mailbox,
        "folder": folder,
        "id": id,
        "fingerprint": fingerprint,
        "message_id": notice.message_id,
        "received": iso(notice.received),
        "kind": notice.kind.value,
        "family": notice.family,
        "recipients": [_recipient(recipient) for recipient in notice.recipients],
        "returned": _returned(notice.returned),
        "verdict": verdict.opinion.value,
        "probability": verdict.probability,
        "model": verdict.model,
        "evidence": [_evidence(evidence) for evidence in verdict.evidence],
        "plan": plan.action.value,
        "outcome": (Outcome.PLANNED if outcome is Outcome.HELD else outcome).value,
        "new_id": new_id,
        "entry": entry,
        "error": error,
        "subject": notice.subject,
        "because": verdict.because,
        "plan_reason": plan.reason,
        "held_back": outcome is Outcome.HELD,
    }


def line_of_decision(mailbox: str, decision: Decision) -> Line:
    return line_of(
        decision.notice,
        decision.verdict,
        decision.plan,
        mailbox=mailbox,
        folder=decision.heading.folder,
        id=decision.heading.id,
        fingerprint=decision.fingerprint,
        outcome=decision.outcome,
        new_id=decision.new_id,
        entry=decision.entry,
        error=decision.error,
    )


def line_of_other(mailbox: str, heading: Heading, fingerprint: str, plan: Plan) -> Line:
    """A message that is no notice by its header, for `--all`; or one whose header cannot be read."""
    notice = Notice(
        Kind.NOT_A_BOUNCE,
        message_id=heading.headers.text("message-id") or None,
        subject=heading.headers.text("subject"),
        received=heading.received,
    )
    return line_of(
        notice,
        Verdict(Opinion.NOT_A_BOUNCE, because="This is not a notice."),
        plan,
        mailbox=mailbox,
        folder=heading.folder,
        id=heading.id,
        fingerprint=fingerprint,
        error=heading.unreadable or None,
    )


def _recipient(recipient: Recipient) -> Line:
    return {
        "address": recipient.address,
        "original": recipient.original,
        "status": recipient.status,
        "action": recipient.action,
        "reporter": recipient.reporter,
    }


def _returned(returned: Returned) -> Line:
    return {
        "completeness": returned.completeness.value,
        "message_id": returned.message_id,
        "subject": returned.subject,
        "date": iso(returned.date),
    }


def _evidence(evidence: Evidence) -> Line:
    return {
        "rule": evidence.rule,
        "side": evidence.side.value,
        "weight": round(evidence.weight, 3),
        "seen": evidence.seen,
        "reason": evidence.reason,
    }
