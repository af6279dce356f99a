"""
Judging files: the use case behind `classify`, and the judging part of `explain`.

Nothing is written, no mailbox is opened, no name server is asked unless the judge may (`--lookups`), and no consent is
needed: whoever has the file may ask what it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from cleaner import notices, policy
from cleaner.classifier import Model
from cleaner.pipeline import Lessons, judge_together, look_up
from cleaner.ports import SentRecord, Sources
from cleaner.service.mailfiles import MAX_FILE, messages_of, require
from cleaner.steps.lines import Line, line_of
from cleaner.values import (
    Arrival,
    Kind,
    Known,
    Message,
    Notice,
    Organisation,
    Owner,
    Plan,
    Policy,
    Verdict,
)

BATCH = 200
NOBODY = "nobody@invalid"
"""Whose sent record is asked where nobody's is meant: it is empty."""
MAX_BATCH = 32 * 1024 * 1024
"""Bytes of mail that are held to be judged together; a single message may be larger."""


@dataclass(frozen=True, slots=True)
class Judge:
    """For whom is judged: identities, organisation, policy and sent record."""

    organisation: Organisation
    owner: Owner
    policy: Policy
    sent: SentRecord
    now: datetime
    mailbox: str | None = None
    arrivals: tuple[Arrival, ...] = ()
    model: Model | None = None
    sources: Sources = field(default_factory=Sources)
    lessons: Lessons = lambda _asked, _since: ()
    """What is remembered of proven notices."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One message with all that was found out about it."""

    message: Message
    notice: Notice
    verdict: Verdict
    plan: Plan
    known: Known


def classify(judge: Judge, paths: Sequence[Path], *, all_messages: bool = False) -> Iterator[Line]:
    """One line for each notice in files, mbox files and folders; with `all_messages` for every message."""
    require(paths)
    for batch in batches(message for path in paths for message in messages_of(path)):
        for judged in judge_batch(judge, batch):
            if all_messages or judged.notice.kind.value != "not-a-bounce" or judged.notice.doubt:
                yield line(judge, judged)


def batches(messages: Iterable[Message]) -> Iterator[tuple[Message, ...]]:
    """As many as are judged together, and fewer where they are large."""
    batch: list[Message] = []
    size = 0
    for message in messages:
        batch.append(message)
        size += len(message.raw)
        if len(batch) == BATCH or size > MAX_BATCH:
            yield tuple(batch)
            batch, size = [], 0
    if batch:
        yield tuple(batch)


def judge_batch(by: Judge, messages: Sequence[Message]) -> Iterator[Judged]:
    """Judges messages as the pipeline does, as if they came now."""
    read = [(message, read_file(message)) for message in messages]
    known = look_up(
        [notice for _, notice in read], by.organisation, by.owner, by.sent, by.arrivals, by.now, by.sources
    )
    verdicts = judge_together([notice for _, notice in read], known, by.lessons, by.model)
    for (message, notice), verdict in zip(read, verdicts, strict=True):
        # As asked for by hand: neither the age of the message nor the grace period holds it back.
        when = policy.Situation(now=by.now, since=datetime.min.replace(tzinfo=by.now.tzinfo), by_hand=True)
        yield Judged(message, notice, verdict, policy.decide(notice, verdict, by.policy, when), known)


def read_file(message: Message) -> Notice:
    if message.unreadable:
        return Notice(Kind.NOT_A_BOUNCE, doubt=f"it cannot be read ({message.unreadable})")
    if len(message.raw) > MAX_FILE:
        return Notice(Kind.NOT_A_BOUNCE, doubt=f"larger than {MAX_FILE // 2**20} MB: left alone")
    return notices.read(message)


def line(by: Judge, judged: Judged) -> Line:
    notice = judged.notice
    return line_of(
        notice,
        judged.verdict,
        judged.plan,
        mailbox=by.mailbox,
        folder=None,
        id=judged.message.id,
        fingerprint=notice.fingerprint,
        error=notice.doubt or None,
    )
