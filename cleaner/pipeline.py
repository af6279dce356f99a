"""
The whole way of a message, on one page.

    connect → fetch → read → look up → gather evidence → classify → decide → act → record

`clean` is that sentence for one mailbox. It decides about all messages before it touches the first, so
that the safety limit can let the surest go and hold back the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from cleaner import classifier, evidence, notices, policy
from cleaner.classifier import Model
from cleaner.errors import SkipMessageError
from cleaner.ports import SentRecord, Sources
from cleaner.steps.act import act, as_planned, hold_back, stop_of
from cleaner.steps.look import arrivals_of, fetch, look
from cleaner.steps.observe import with_observed
from cleaner.steps.propose import Judged, note_moved_in, note_moved_out
from cleaner.steps.remember import remember
from cleaner.steps.targets import require_fit, with_trash
from cleaner.steps.task import Cleaned, Decision, Reading, Sighting, Task, Watch
from cleaner.values import (
    Arrival,
    Evidence,
    FoundKeys,
    Habits,
    Headers,
    Kind,
    Known,
    Lesson,
    Message,
    Notice,
    Opinion,
    Organisation,
    Owner,
    Verdict,
)

Lessons = Callable[[frozenset[str], datetime | None], Sequence[Lesson]]
"""What is remembered about the machines, domains and ids asked about, and about strangers since a time."""

NO_SOURCES = Sources()

EVER = datetime.min.replace(tzinfo=UTC)
BATCH = 100
"""Messages fetched, asked about and judged together: bounds memory and the number of look-ups."""


def clean(task: Task, watch: Watch, *, keep_others: bool = False) -> Cleaned:
    """
    Cleans one mailbox: the sentence in this module's first line.

    Raises AskPersonError where the policy names a folder to move into that is for other mail.
    """
    folders = task.mailbox.folders()
    task = replace(task, policy=with_trash(task.policy, folders))
    require_fit(task.owner.address, task.policy, folders)
    seen = look(task, folders, watch, keep_others=keep_others)
    decisions = tuple(decide_all(with_observed(task, seen), seen.sightings, watch))
    if task.changes is None:
        decisions = tuple(as_planned(decision) for decision in decisions)
        return Cleaned(seen, decisions, interrupted=not task.may_continue())
    decisions = tuple(act(task, task.changes, tuple(hold_back(task, decisions, seen)), watch))
    note_moved_out(task, seen.taken_back, lambda messages: judge_others(task, messages))
    remember(task, decisions, seen)
    note_moved_in(task, lambda messages: judge_others(task, messages))
    stop = stop_of(task, decisions, seen)
    return Cleaned(seen, decisions, stopped=stop, interrupted=not task.may_continue())


def decide_all(task: Task, sightings: Sequence[Sighting], watch: Watch) -> Iterator[Decision]:
    """
    Reads all notices first, batch by batch, and decides then.

    What the proven ones teach about the ways of our mail is known only when the last is read.
    """
    arrivals = arrivals_of(task, sightings)
    readings: list[Reading] = []
    for start in range(0, len(sightings), BATCH):
        if not task.may_continue():
            return
        watch("reading", start, len(sightings))
        readings += read_batch(task, sightings[start : start + BATCH], arrivals)
    habits = habits_of(task, [reading.lesson for reading in readings])
    for number, reading in enumerate(readings):
        watch("judging", number, len(readings))
        yield decide(task, reading, habits)
    watch("judging", len(readings), len(readings))


def read_batch(task: Task, sightings: Sequence[Sighting], arrivals: tuple[Arrival, ...]) -> Iterator[Reading]:
    by_place = {(s.heading.folder, s.heading.id): s for s in sightings}
    read = [
        (by_place[heading.folder, heading.id], read_or_doubt(message))
        for heading, message in fetch(task.mailbox, [s.heading for s in sightings])
    ]
    known = known_to(task, [notice for _, notice in read], arrivals)
    for sighting, notice in read:
        found, lesson = first_look(notice, known)
        yield Reading(sighting, slim(notice), known, found, lesson)


def habits_of(task: Task, lessons: Sequence[Lesson]) -> Habits:
    """What these lessons and those remembered teach."""
    return learned(lessons, task.memory.lessons)


def learned(lessons: Sequence[Lesson], remembered: Lessons) -> Habits:
    return evidence.learn((*remembered(evidence.asked(lessons), evidence.strangers_since(lessons)), *lessons))


def decide(task: Task, reading: Reading, habits: Habits) -> Decision:
    sighting, notice, known = reading.sighting, reading.notice, reading.known
    verdict, shadow = second_look_beside(
        notice, replace(known, habits=habits), reading.found, task.model, task.shadow
    )
    plan = policy.decide(notice, verdict, task.policy, situation(task, sighting, known))
    return Decision(
        sighting.heading,
        sighting.fingerprint,
        slimmer(notice),
        verdict,
        plan,
        error=notice.doubt or None,
        history=sighting.history,
        lesson=reading.lesson,
        shadow=shadow,
    )


def judge_others(task: Task, messages: Sequence[Message]) -> list[Judged]:
    """Judges messages that no run decided about, as if they had just been seen."""
    read = [notices.read(message) for message in messages]
    known = known_to(task, read, task.memory.arrivals(task.now - task.policy.since))
    verdicts = judge_together(read, known, task.memory.lessons, task.model)
    return list(zip(messages, read, verdicts, strict=True))


def known_to(task: Task, batch: Sequence[Notice], arrivals: tuple[Arrival, ...]) -> Known:
    return look_up(batch, task.organisation, task.owner, task.sent, arrivals, task.now, task.sources)


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
    sources: Sources = NO_SOURCES,
) -> Known:
    """Asks the sent record, and the sources beside it, once for all that is mentioned."""
    judged = [notice for notice in batch if notice.kind.is_judged]
    wanted = evidence.wanted_keys(judged, organisation)
    found = sources.keys.find(wanted) if sources.keys is not None and wanted else FoundKeys()
    if found.keys:
        organisation = replace(organisation, found_keys=found.keys)
    known = Known(
        organisation,
        owner,
        sent=sent.ask(evidence.question(judged)),
        arrivals=arrivals,
        now=now,
        absent_keys=found.absent,
        outside_senders=sources.outside_senders,
        observed=evidence.places(sources.observed),
    )
    if sources.teachings is not None:
        groups = frozenset(map(evidence.likeness, judged))
        known = replace(known, taught=sources.teachings.taught(groups))
    if sources.hosts is not None:
        known = replace(known, hosts=sources.hosts.find(evidence.wanted_hosts(judged, known)))
    return known


def judge_together(
    batch: Sequence[Notice], known: Known, remembered: Lessons, model: Model | None = None
) -> tuple[Verdict, ...]:
    """What every caller beside `clean` asks: verdicts on notices that are at hand all at once."""
    looked = [first_look(notice, known) for notice in batch]
    lessons = [lesson for _, lesson in looked]
    known = replace(known, habits=learned(lessons, remembered))
    return tuple(
        second_look(notice, known, found, model) for notice, (found, _) in zip(batch, looked, strict=True)
    )


def first_look(notice: Notice, known: Known) -> tuple[tuple[Evidence, ...], Lesson]:
    """What can be found in the notice by itself, and what it teaches about the others."""
    if not notice.kind.is_judged:
        return (), Lesson()
    found = evidence.gather_first(notice, known)
    return found, evidence.lesson(notice, known, found)


def second_look(
    notice: Notice, known: Known, found: tuple[Evidence, ...], model: Model | None = None
) -> Verdict:
    """The verdict, once it is known what the others teach."""
    return second_look_beside(notice, known, found, model, None)[0]


def second_look_beside(
    notice: Notice, known: Known, found: tuple[Evidence, ...], model: Model | None, shadow: Model | None
) -> tuple[Verdict, Verdict | None]:
    """The verdict, and the one that there would be with a candidate in the model's place."""
    if not notice.kind.is_judged:
        because = notice.doubt or "This is not a notice to be judged."
        return Verdict(Opinion.NOT_A_BOUNCE, because=because), None
    gathered = (*found, *evidence.gather_learned(notice, known))
    return classifier.judge_beside(notice, gathered, model, shadow)


def situation(task: Task, sighting: Sighting, known: Known) -> policy.Situation:
    return policy.Situation(
        now=task.now,
        put_back=sighting.put_back,
        preview_until=task.preview_until,
        # What was to be moved and is held back does not become old mail by waiting.
        since=EVER if sighting.held else task.since,
        record_begins=known.sent.begins,
    )


def slim(notice: Notice) -> Notice:
    """The notice without what only the first look needed: thousands are held until all are read."""
    fields = notice.returned.headers.only(evidence.NEEDED)
    returned = replace(notice.returned, raw=b"", headers=fields)
    return replace(notice, headers=notice.headers.only(evidence.NEEDED), returned=returned)


def slimmer(notice: Notice) -> Notice:
    """The notice without what only judging needed: thousands of decisions are held until the run acts."""
    returned = replace(notice.returned, raw=b"", headers=Headers(), text="", hops=())
    return replace(notice, headers=Headers(), returned=returned, text="", hops=())
