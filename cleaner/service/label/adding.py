"""
Taking down what somebody says of messages: files, messages of a mailbox, journal entries.

Each message is judged as it is now, and what the rules found is kept with the label. A file is bound to the
mailbox that it was sent to, where that is known here, so that its owner can have it erased.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Final

from cleaner.config import MailboxSettings
from cleaner.errors import UsageError
from cleaner.service.classify import Judge, judge_batch, read_file
from cleaner.service.context import Context
from cleaner.service.explain import fetch, find, judge_for, judge_for_organisation
from cleaner.service.mailfiles import messages_of
from cleaner.steps.specimens import specimen_of
from cleaner.store.labelling import Grade, Kept, Origin, Statement
from cleaner.values import Kind, Message, Notice, Opinion, Specimen, address_key

TRUTHS: Final = (Opinion.GENUINE, Opinion.BACKSCATTER, Opinion.NOT_A_BOUNCE)
"""What can be true of a message."""

BATCH: Final = 100
"""Messages judged and kept together."""


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody says of messages, and for whom."""

    truth: Opinion
    by: str | None = None
    """None: the account that gives the command."""
    why: str = ""
    mailbox: str | None = None
    organisation: str | None = None
    origin: Origin = Origin.ADMINISTRATOR


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one message."""

    source: str
    """The file, or the message's id."""
    kept: Kept | None = None
    kind: Kind = Kind.NOT_A_BOUNCE
    mailbox: str | None = None
    error: str = ""


@dataclass(slots=True)
class Judges:
    """Who judges for which mailbox or organisation, each made once."""

    context: Context
    _made: dict[tuple[str | None, str], Judge] = field(default_factory=dict)

    def for_(self, mailbox: MailboxSettings | None, organisation: str) -> Judge:
        key = mailbox.address if mailbox is not None else None, organisation
        if key not in self._made:
            self._made[key] = (
                judge_for(self.context, mailbox)
                if mailbox is not None
                else judge_for_organisation(self.context, organisation)
            )
        return self._made[key]


# --- files ----------------------------------------------------------------------------------------


def add_files(context: Context, paths: Iterable[Path], said: Said) -> Iterator[Answer]:
    """Labels every message of files, mbox files and folders. Raises UsageError for a path that is not there."""
    check(context, said)
    judges = Judges(context)
    messages = (message for path in paths for message in messages_of(path))
    while batch := tuple(islice(messages, BATCH)):
        yield from add_batch(context, judges, batch, said)


def check(context: Context, said: Said) -> None:
    """Raises UsageError for a mailbox or organisation that is not there."""
    if said.mailbox is not None:
        context.settings.mailbox(said.mailbox)
    names = [organisation.name for organisation in context.settings.organisations]
    if said.organisation is not None and said.organisation not in names:
        raise UsageError(
            f"there is no organisation {said.organisation!r} in {context.settings.path}; "
            f"write one of {', '.join(names)}"
        )


def add_batch(context: Context, judges: Judges, messages: Sequence[Message], said: Said) -> Iterator[Answer]:
    """The answers in the order of the messages."""
    answers: list[Answer] = []
    keeping: list[tuple[int, Specimen, Statement]] = []
    for message in messages:
        answer, specimen, statement = weighed(context, judges, message, said)
        if specimen is not None and statement is not None:
            keeping.append((len(answers), specimen, statement))
        answers.append(answer)
    kept = keep(context, [(specimen, statement) for _, specimen, statement in keeping])
    for (place, _, _), one in zip(keeping, kept, strict=True):
        answers[place] = replace(answers[place], kept=one)
    yield from answers


def weighed(
    context: Context, judges: Judges, message: Message, said: Said
) -> tuple[Answer, Specimen | None, Statement | None]:
    """A message judged for whom it was sent to, with what is to be kept; or why it cannot be."""
    notice = read_file(message)
    fault = notice.doubt or ("it holds no message" if not notice.headers.items else "")
    if fault:
        return Answer(message.id, error=fault), None, None
    mailbox = whose(context, notice, said)
    try:
        organisation = organisation_of(context, mailbox, notice, said)
    except UsageError as error:
        return Answer(message.id, error=str(error)), None, None
    (judged,) = judge_batch(judges.for_(mailbox, organisation), (message,))
    specimen = specimen_of(message, judged.notice, judged.verdict)
    address = mailbox.address if mailbox is not None else None
    answer = Answer(message.id, kind=judged.notice.kind, mailbox=address)
    return answer, specimen, stated(context, said, organisation, address)


def whose(context: Context, notice: Notice, said: Said) -> MailboxSettings | None:
    """The mailbox that is meant, else the one that the message was sent to, where there is just one."""
    if said.mailbox is not None:
        return context.settings.mailbox(said.mailbox)
    addressed = frozenset(map(address_key, notice.delivered_to)) | addressees(notice)
    fitting = [
        mailbox
        for mailbox in context.settings.mailboxes
        if mailbox.owner().addresses & addressed and said.organisation in (None, mailbox.organisation)
    ]
    return fitting[0] if len(fitting) == 1 else None


def addressees(notice: Notice) -> frozenset[str]:
    """Ordinary mail is not read as far as its addressees; whose it is matters all the same."""
    if notice.delivered_to:
        return frozenset()
    fields = (value for name in ("delivered-to", "to") for value in notice.headers.all(name))
    words = (word for value in fields for word in value[:10_000].replace(",", " ").split())
    return frozenset(address_key(word) for word in words if "@" in word)


def organisation_of(context: Context, mailbox: MailboxSettings | None, notice: Notice, said: Said) -> str:
    if mailbox is not None:
        return mailbox.organisation
    if said.organisation is not None:
        return said.organisation
    names = [organisation.name for organisation in context.settings.organisations]
    if len(names) == 1:
        return names[0]
    addressed = (context.settings.organisation_of(address) for address in notice.delivered_to)
    found = {organisation.name for organisation in addressed if organisation is not None}
    if len(found) == 1:
        return found.pop()
    raise UsageError(
        f"it does not tell whose it is; say so with --organisation NAME ({', '.join(names)}), or --mailbox"
    )


# --- mailboxes and journal ------------------------------------------------------------------------


def add_message(context: Context, address: str, folder: str, id: str, said: Said) -> Answer:
    """Labels a message where it lies. Raises NotOptedInError, MessageGoneError."""
    mailbox = context.settings.mailbox(address)
    return add_fetched(context, mailbox, fetch(context, mailbox, folder, id, "label"), said)


def add_entry(context: Context, number: int, said: Said) -> Answer:
    """Labels what the journal entry of that number moved, where it lies now."""
    entries = context.store.entries(id=number)
    if not entries:
        raise UsageError(f"the journal has no entry {number}; 'bounce-cleaner history' lists them")
    mailbox = context.settings.mailbox(entries[0].mailbox)
    message = find(context, mailbox, entries[0], "label")
    return add_fetched(context, mailbox, message, said, entry=number)


def add_fetched(
    context: Context, mailbox: MailboxSettings, message: Message, said: Said, entry: int | None = None
) -> Answer:
    answer, specimen, statement = weighed(
        context, Judges(context), message, replace(said, mailbox=mailbox.address)
    )
    if specimen is None or statement is None:
        return answer
    (kept,) = keep(context, [(specimen, replace(statement, entry=entry))])
    return replace(answer, kept=kept)


# --- keeping --------------------------------------------------------------------------------------


def stated(context: Context, said: Said, organisation: str, mailbox: str | None) -> Statement:
    return Statement(
        organisation=organisation,
        truth=said.truth,
        by=said.by or context.actor,
        at=context.clock(),
        why=said.why,
        mailbox=mailbox,
        origin=said.origin,
    )


def keep(context: Context, said: Sequence[tuple[Specimen, Statement]]) -> tuple[Kept, ...]:
    context.expire_samples()
    return context.store.labels.add(said, keep_samples=bool(context.settings.labels.keep_samples))


def disputed(context: Context, answers: Iterable[Answer]) -> tuple[int, ...]:
    """Of the labels that were just kept those that training leaves out, because like notices are said to differ."""
    kept = {a.kept.label for a in answers if a.kept is not None and a.kept.label is not None}
    return tuple(
        label.id
        for one in context.store.labels.contradictions(with_any_of=sorted(kept))
        if one.grade is Grade.SAME_FINDINGS
        for label in one.labels
        if label.id in kept
    )
