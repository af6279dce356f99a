"""
One message explained: the use case behind `explain`.

The message is judged anew, with what is known now, and every piece of evidence is shown with what it saw,
what it weighs and what would have changed the verdict. For a journal entry, what was decided then is
shown beside it.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cleaner import classifier
from cleaner.config import MailboxSettings
from cleaner.errors import MessageGoneError, UsageError
from cleaner.service.classify import NOBODY, Judge, Judged, judge_batch, line, messages_of
from cleaner.service.context import Context
from cleaner.service.models import model_for
from cleaner.steps.lines import Line
from cleaner.values import Entry, Message, Notice, Verdict


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that can be said about one message."""

    line: Line
    notice: Notice
    verdict: Verdict
    would_change: tuple[str, ...]
    """Sentences: what would have made the verdict another."""
    entry: Entry | None = None
    """What the journal did with it."""
    then: Line | None = None
    """The line of the day it was judged, if that is still kept."""

    def to_json(self) -> Line:
        """The line with everything that is said to people, in the same words."""
        return {
            **self.line,
            "score": self.verdict.score,
            "forces": [one.force.value for one in self.verdict.evidence],
            "would_change": list(self.would_change),
            "journal": None
            if self.entry is None
            else {"entry": self.entry.id, "run": self.entry.run, "state": self.entry.state.value},
            "judged_then": self.then["verdict"] if self.then is not None else None,
        }


def explain_file(judge: Judge, path: Path) -> Explanation:
    """The first message of a file."""
    for message in messages_of(path):
        return explanation(judge, message)
    raise UsageError(f"{path} holds no message")


def explain_message(context: Context, address: str, folder: str, id: str) -> Explanation:
    """A message where it lies. Raises NotOptedInError, MessageGoneError."""
    mailbox = context.settings.mailbox(address)
    return explanation(judge_for(context, mailbox), fetch(context, mailbox, folder, id))


def explain_entry(context: Context, number: int) -> Explanation:
    """What the journal entry of that number moved, where it lies now."""
    entries = context.store.entries(id=number)
    if not entries:
        raise UsageError(f"the journal has no entry {number}; 'bounce-cleaner history' lists them")
    entry = entries[0]
    mailbox = context.settings.mailbox(entry.mailbox)
    seen = context.store.seen(mailbox.address).known((entry.fingerprint,)).get(entry.fingerprint)
    message = find(context, mailbox, entry)
    found = explanation(judge_for(context, mailbox), message)
    then = dict(seen.report) if seen is not None and seen.report is not None else None
    return Explanation(found.line, found.notice, found.verdict, found.would_change, entry, then)


def find(context: Context, mailbox: MailboxSettings, entry: Entry, purpose: str = "explain") -> Message:
    """The moved message: where it was moved to, or where it came from if it is back."""
    places = [(entry.target, entry.new_id), (entry.folder, entry.message)]
    for folder, place in places:
        with suppress(MessageGoneError):
            if place is not None:
                return fetch(context, mailbox, folder, place, purpose)
    raise MessageGoneError(entry.target, entry.new_id or entry.message)


def fetch(
    context: Context, mailbox: MailboxSettings, folder: str, id: str, purpose: str = "explain"
) -> Message:
    context.require_consent(mailbox)
    context.note_access(mailbox, purpose)
    with context.mailboxes.reading(mailbox) as reading:
        for message in reading.fetch(folder, (id,)):
            return message
    raise MessageGoneError(folder, id)


def judge_for(context: Context, mailbox: MailboxSettings) -> Judge:
    """Judges for a mailbox of the configuration, by what the store knows of it."""
    now = context.clock()
    seen = context.store.seen(mailbox.address)
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
        keys=context.keys(asks=False),
    )


def judge_for_organisation(context: Context, name: str) -> Judge:
    """Judges for an organisation as a whole, where it is not known whose mailbox it is."""
    return Judge(
        organisation=context.settings.judging(name),
        owner=context.settings.everybody(name),
        policy=context.settings.policy,
        sent=context.store.sent_record(NOBODY),
        now=context.clock(),
        model=model_for(context, name),
        keys=context.keys(asks=False),
    )


def explanation(judge: Judge, message: Message) -> Explanation:
    (judged,) = judge_batch(judge, (message,))
    return Explanation(
        line={**line(judge, judged), "folder": message.folder or None},
        notice=judged.notice,
        verdict=judged.verdict,
        would_change=changes(judged),
    )


def changes(judged: Judged) -> tuple[str, ...]:
    if not judged.notice.kind.is_judged:
        return ()
    return classifier.would_change(judged.notice, judged.verdict)
