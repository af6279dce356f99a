"""
One message explained: the use case behind `explain`.

The message is judged anew, with what is known now, and every piece of evidence is shown with what it saw,
what it weighs and what would have changed the verdict. Of a message in a mailbox it is also told what `scan`
does with it and what was done with it before; one that is no longer there is explained from what was kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from cleaner import policy
from cleaner.config import MailboxSettings
from cleaner.errors import FolderMissingError, MessageGoneError, UsageError
from cleaner.ports import Mailbox
from cleaner.service import remedies
from cleaner.service.classify import NOBODY, Judge, Judged, judge_batch, line
from cleaner.service.context import Context
from cleaner.service.mailfiles import messages_of
from cleaner.service.models import model_for
from cleaner.service.past import Past, Step, past_of
from cleaner.service.scan import preview_until
from cleaner.steps.lines import Line
from cleaner.values import (
    Entry,
    Evidence,
    Kind,
    Message,
    Notice,
    Opinion,
    Outcome,
    Plan,
    Recipient,
    Safety,
    Side,
    Verdict,
)


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that can be said about one message."""

    line: Line
    notice: Notice
    verdict: Verdict
    would_change: tuple[str, ...] = ()
    """Sentences: what would have made the verdict another."""
    would_prove: tuple[str, ...] = ()
    """Sentences: proofs that mail of the owner could carry from now on."""
    limits: tuple[str, ...] = ()
    """Sentences: what the sum and the model must reach."""
    stops: str = ""
    """A sentence: what else holds a move back."""
    past: Past = field(default_factory=Past)
    entry: Entry | None = None
    """What the journal did with it last."""
    then: Mapping[str, Any] | None = None
    """The line of the day it was judged, if that is still kept."""
    is_gone: bool = False
    """The message itself is not there any more; all this is from what was kept."""

    @property
    def history(self) -> tuple[Step, ...]:
        return self.past.steps()

    def to_json(self) -> Line:
        """The line with everything that is said to people, in the same words."""
        notice, returned = self.notice, self.notice.returned
        return {
            **self.line,
            "score": self.verdict.score,
            "forces": [one.force.value for one in self.verdict.evidence],
            "would_change": list(self.would_change),
            "would_prove": list(self.would_prove),
            "limits": [*self.limits, *filter(None, (self.stops,))],
            "sender": notice.sender or None,
            "reporter": notice.reporter or None,
            "diagnostics": [recipient.diagnostic for recipient in notice.recipients],
            "returned_from": list(returned.from_addresses),
            "returned_to": list(returned.to_addresses),
            "history": [step.to_json() for step in self.history],
            "put_back": self.past.put_back is not None,
            "gone": self.is_gone,
            "journal": None
            if self.entry is None
            else {"entry": self.entry.id, "run": self.entry.run, "state": self.entry.state.value},
            "judged_then": self.then["verdict"] if self.then is not None else None,
        }


def explain_file(judge: Judge, path: Path) -> Explanation:
    """The one message of a file, or of standard input (`-`). Raises UsageError for a folder or several."""
    if path.is_dir():
        raise UsageError(
            f"{path} is a folder, and one message is explained at a time: name a file in it, or judge all of them "
            f"with 'bounce-cleaner classify {path}'"
        )
    messages = messages_of(path)
    message = next(messages, None)
    if message is None:
        raise UsageError(f"{path} holds no message")
    if next(messages, None) is not None:
        raise UsageError(
            f"{path} holds several messages, and one is explained at a time: "
            f"'bounce-cleaner classify {path}' judges all of them"
        )
    return explanation(judge, message)


def explain_message(context: Context, address: str, folder: str, id: str) -> Explanation:
    """A message where it lies. Raises NotOptedInError, UsageError."""
    mailbox = context.settings.mailbox(address)
    with opened(context, mailbox, "explain") as reading:
        try:
            message = message_at(reading, folder, id)
        except (MessageGoneError, FolderMissingError):
            raise not_there(mailbox.address, reading, folder, id) from None
        return of_mailbox(context, mailbox, message, reading)


def not_there(address: str, reading: Mailbox, folder: str, id: str) -> UsageError:
    """What to write instead of a folder or id that does not exist."""
    names = [found.name for found in reading.folders()]
    if folder in names:
        return UsageError(
            f"there is no message {id!r} in the folder {folder!r} of {address}; "
            f"'bounce-cleaner scan --dry-run --all --format jsonl --mailbox {address}' prints the ids"
        )
    by_key = {name.casefold(): name for name in names}
    near = [by_key[key] for key in get_close_matches(folder.casefold(), by_key, n=3)]
    told = f"did you mean {' or '.join(map(repr, near))}?" if near else f"it has: {', '.join(names[:20])}"
    return UsageError(f"{address} has no folder {folder!r}; {told}")


def explain_entry(context: Context, number: int) -> Explanation:
    """What the journal entry of that number moved, where it lies now, or what was kept of it."""
    entries = context.store.entries(id=number)
    if not entries:
        raise UsageError(f"the journal has no entry {number}; 'bounce-cleaner history' lists them")
    entry = entries[0]
    mailbox = context.settings.mailbox(entry.mailbox)
    with opened(context, mailbox, "explain") as reading:
        try:
            message = message_of(reading, entry)
        except MessageGoneError:
            return from_memory(context, mailbox, entry)
        return of_mailbox(context, mailbox, message, reading, entry)


# --- where the message is ------------------------------------------------------------------------


@contextmanager
def opened(context: Context, mailbox: MailboxSettings, purpose: str) -> Iterator[Mailbox]:
    context.require_consent(mailbox)
    context.note_access(mailbox, purpose)
    with context.mailboxes.reading(mailbox) as reading:
        yield reading


def message_at(reading: Mailbox, folder: str, id: str) -> Message:
    for message in reading.fetch(folder, (id,)):
        return message
    raise MessageGoneError(folder, id)


def message_of(reading: Mailbox, entry: Entry) -> Message:
    """The moved message: where it was moved to, or where it came from if it is back."""
    for folder, place in ((entry.target, entry.new_id), (entry.folder, entry.message)):
        with suppress(MessageGoneError, FolderMissingError):
            if place is not None:
                return message_at(reading, folder, place)
    raise MessageGoneError(entry.target, entry.new_id or entry.message)


def find(context: Context, mailbox: MailboxSettings, entry: Entry, purpose: str = "explain") -> Message:
    with opened(context, mailbox, purpose) as reading:
        return message_of(reading, entry)


def fetch(
    context: Context, mailbox: MailboxSettings, folder: str, id: str, purpose: str = "explain"
) -> Message:
    with opened(context, mailbox, purpose) as reading:
        return message_at(reading, folder, id)


# --- who judges ----------------------------------------------------------------------------------


def judge_for(context: Context, mailbox: MailboxSettings, *, asks: bool = False) -> Judge:
    """Judges for a mailbox of the configuration, by what the store knows of it; `asks`: DNS, too."""
    now = context.clock()
    seen = context.memory(mailbox)
    return Judge(
        organisation=context.settings.judging(mailbox.organisation),
        owner=mailbox.owner(),
        policy=mailbox.policy,
        sent=context.store.sent_record(mailbox.address),
        now=now,
        mailbox=mailbox.address,
        arrivals=seen.arrivals(now - mailbox.policy.since),
        lessons=seen.lessons,
        model=model_for(context, mailbox.organisation),
        sources=context.sources(mailbox.organisation, asks=asks),
    )


def judge_for_organisation(context: Context, name: str, *, asks: bool = False) -> Judge:
    """Judges for an organisation as a whole, where it is not known whose mailbox it is."""
    return Judge(
        organisation=context.settings.judging(name),
        owner=context.settings.everybody(name),
        policy=context.settings.policy,
        sent=context.store.sent_record(NOBODY),
        now=context.clock(),
        model=model_for(context, name),
        sources=context.sources(name, asks=asks),
    )


# --- what is said --------------------------------------------------------------------------------


def explanation(judge: Judge, message: Message) -> Explanation:
    """A file: its age and what was done before do not matter."""
    (judged,) = judge_batch(judge, (message,))
    return said(judge, judged, {**line(judge, judged), "folder": message.folder or None})


def of_mailbox(
    context: Context, mailbox: MailboxSettings, message: Message, reading: Mailbox, entry: Entry | None = None
) -> Explanation:
    """A message of a mailbox, with its past, and the plan that `scan` has with it."""
    judge = judge_for(context, mailbox)
    (judged,) = judge_batch(judge, (message,))
    past = recorded(context, mailbox, judged.notice.fingerprint, message, reading)
    judged = replace(judged, plan=planned(context, mailbox, judged, past))
    at = {**line(judge, judged), "folder": message.folder, "id": message.id}
    if (moved := past.moved) is not None:
        # As `scan` printed it on the day: the place before, and the one after.
        at |= {"folder": moved.folder, "id": moved.message, "new_id": moved.new_id, "entry": moved.id}
        at |= {"outcome": Outcome.DONE.value}
    entry = entry or (past.entries[-1] if past.entries else None)
    then = past.then(entry) if entry is not None else None
    told = said(judge, judged, at, safety=context.settings.safety)
    return replace(told, past=past, entry=entry, then=then)


def recorded(
    context: Context, mailbox: MailboxSettings, fingerprint: str, message: Message, reading: Mailbox
) -> Past:
    entries = context.store.journal(mailbox.address).for_fingerprints((fingerprint,)).get(fingerprint, ())
    seen = context.store.seen(mailbox.address).known((fingerprint,)).get(fingerprint)
    return past_of(entries, seen, message, reading)


def planned(context: Context, mailbox: MailboxSettings, judged: Judged, past: Past) -> Plan:
    if (moved := past.moved) is not None:
        return Plan(moved.action, f"It was moved to {moved.target} and lies there.", moved.target)
    situation = policy.Situation(
        now=context.clock(),
        put_back=past.put_back is not None,
        preview_until=preview_until(context, mailbox),
        record_begins=judged.known.sent.begins,
    )
    return policy.decide(judged.notice, judged.verdict, mailbox.policy, situation)


def said(judge: Judge, judged: Judged, at: Line, safety: Safety | None = None) -> Explanation:
    moves = judged.plan.action.changes_mailbox and at["outcome"] == Outcome.NONE.value
    return Explanation(
        line=at,
        notice=judged.notice,
        verdict=judged.verdict,
        would_change=remedies.would_change(judged.notice, judged.verdict, judged.known, judge.mailbox),
        would_prove=remedies.would_prove(judged.notice, judged.verdict, judged.known),
        limits=remedies.limits(judged.verdict, judge.model),
        stops=stops(safety) if safety is not None and moves else "",
    )


def stops(safety: Safety) -> str:
    return (
        f"Of this mailbox at most {safety.max_messages:,} messages are moved within a day, and at most "
        f"{safety.max_share:.0%} of those in its folders where that is more than {safety.share_from:,}; beyond that "
        "the surest go, and somebody is asked first about the rest ([safety] max_messages, max_share, share_from)."
    )


def from_memory(context: Context, mailbox: MailboxSettings, entry: Entry) -> Explanation:
    """A message that is no longer there. Raises MessageGoneError where nothing was kept of it."""
    seen = context.store.seen(mailbox.address).known((entry.fingerprint,)).get(entry.fingerprint)
    entries = context.store.journal(mailbox.address).for_fingerprints((entry.fingerprint,))
    past = Past(entries.get(entry.fingerprint, (entry,)), seen)
    then = past.then(entry)
    if then is None:
        raise MessageGoneError(entry.target, entry.new_id or entry.message)
    return Explanation(
        dict(then), remembered(then), judged_then(then), past=past, entry=entry, then=then, is_gone=True
    )


def remembered(then: Mapping[str, Any]) -> Notice:
    received = then["received"]
    return Notice(
        Kind(then["kind"]),
        family=then["family"] or "",
        message_id=then["message_id"],
        subject=then["subject"],
        received=datetime.fromisoformat(received) if received else None,
        recipients=tuple(
            Recipient(one["address"], status=one["status"], action=one["action"])
            for one in then["recipients"]
        ),
    )


def judged_then(then: Mapping[str, Any]) -> Verdict:
    """What the mail said is not kept, so its evidence quotes nothing."""
    evidence = tuple(
        Evidence(one["rule"], Side(one["side"]), one.get("seen", ""), one["reason"], weight=one["weight"])
        for one in then["evidence"]
    )
    signed = {Side.BACKSCATTER: 1.0, Side.GENUINE: -1.0, Side.NEUTRAL: 0.0}
    score = round(sum(signed[one.side] * one.weight for one in evidence), 3)
    return Verdict(
        Opinion(then["verdict"]), evidence, score, then["because"], then["probability"], then["model"]
    )
