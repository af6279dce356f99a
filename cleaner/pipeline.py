"""
The whole way of a message, on one page.

    connect → fetch → read → look up → gather evidence → classify → decide → act → record

`clean` is that sentence for one mailbox. It decides about all messages before it touches the first, so
that the safety limits can stop a run while nothing has happened yet.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from cleaner import classifier, evidence, notices, policy
from cleaner.classifier import Model
from cleaner.errors import SkipMessageError
from cleaner.ports import Keys, SentRecord
from cleaner.steps.act import act, as_planned, over_limit
from cleaner.steps.look import arrivals_of, fetch, look
from cleaner.steps.remember import remember
from cleaner.steps.targets import require_fit
from cleaner.steps.task import Cleaned, Decision, Sighting, Task, Watch
from cleaner.values import (
    Arrival,
    Headers,
    Kind,
    Known,
    Message,
    Notice,
    Opinion,
    Organisation,
    Owner,
    Verdict,
)

BATCH = 100
"""Messages fetched, asked about and judged together: bounds memory and the number of look-ups."""


def clean(task: Task, watch: Watch, *, keep_others: bool = False) -> Cleaned:
    """
    Cleans one mailbox: the sentence in this module's first line.

    Raises AskPersonError where the policy names a folder to move into that is for other mail.
    """
    require_fit(task.owner.address, task.policy, task.mailbox.folders())
    seen = look(task, watch, keep_others=keep_others)
    decisions = tuple(decide_all(task, seen.sightings, watch))
    stop = over_limit(task, decisions, seen.total)
    if stop is None and task.changes is not None:
        decisions = tuple(act(task, task.changes, decisions, watch))
        remember(task, decisions, seen.cursors)
    else:
        decisions = tuple(as_planned(decision) for decision in decisions)
    return Cleaned(seen, decisions, stopped=stop, interrupted=not task.may_continue())


def decide_all(task: Task, sightings: Sequence[Sighting], watch: Watch) -> Iterator[Decision]:
    arrivals = arrivals_of(task, sightings)
    for start in range(0, len(sightings), BATCH):
        if not task.may_continue():
            return
        watch("judging", start, len(sightings))
        yield from decide_batch(task, sightings[start : start + BATCH], arrivals)
    watch("judging", len(sightings), len(sightings))


def decide_batch(
    task: Task, sightings: Sequence[Sighting], arrivals: tuple[Arrival, ...]
) -> Iterator[Decision]:
    by_place = {(s.heading.folder, s.heading.id): s for s in sightings}
    read = [
        (by_place[heading.folder, heading.id], read_or_doubt(message))
        for heading, message in fetch(task.mailbox, [s.heading for s in sightings])
    ]
    known = look_up(
        [notice for _, notice in read],
        task.organisation,
        task.owner,
        task.sent,
        arrivals,
        task.now,
        task.keys,
    )
    for sighting, notice in read:
        verdict = judge(notice, known, task.model)
        plan = policy.decide(notice, verdict, task.policy, situation(task, sighting, known))
        yield Decision(
            sighting.heading,
            sighting.fingerprint,
            slim(notice),
            verdict,
            plan,
            error=notice.doubt or None,
            history=sighting.history,
            in_record=(notice.returned.message_id or "") in known.sent.by_message_id,
        )


def read_or_doubt(message: Message | SkipMessageError) -> Notice:
    if isinstance(message, SkipMessageError):
        return Notice(Kind.NOT_A_BOUNCE, doubt=str(message))
    return notices.read(message)


def look_up(
    batch: Sequence[Notice],
    organisation: Organisation,
    owner: Owner,
    sent: SentRecord,
    arrivals: tuple[Arrival, ...],
    now: datetime,
    keys: Keys | None = None,
) -> Known:
    """Asks the sent record, and where keys are looked for their source, once for all that these notices mention."""
    judged = [notice for notice in batch if notice.kind.is_judged]
    if keys is not None and (wanted := evidence.wanted_keys(judged, organisation)):
        organisation = replace(organisation, found_keys=keys.find(wanted))
    return Known(organisation, owner, sent=sent.ask(evidence.question(judged)), arrivals=arrivals, now=now)


def judge(notice: Notice, known: Known, model: Model | None = None) -> Verdict:
    """What every caller, cleaning or explaining, asks about one notice."""
    if not notice.kind.is_judged:
        return Verdict(Opinion.NOT_A_BOUNCE, because=notice.doubt or "This is not a notice to be judged.")
    return classifier.judge(notice, evidence.gather(notice, known), model)


def situation(task: Task, sighting: Sighting, known: Known) -> policy.Situation:
    return policy.Situation(
        now=task.now,
        put_back=sighting.put_back,
        preview_until=task.preview_until,
        since=task.since,
        record_begins=known.sent.begins,
    )


def slim(notice: Notice) -> Notice:
    """The notice without what only judging needed: thousands of decisions are held until the run acts."""
    returned = replace(notice.returned, raw=b"", headers=Headers(), text="", hops=())
    return replace(notice, headers=Headers(), returned=returned, text="", hops=())
