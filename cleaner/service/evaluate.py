"""
How often judging is right: the use case behind `evaluate`.

Labelled mail is judged as the pipeline does, and what came out is counted against what is true. Each share has
its 95 % interval (Wilson), because a rate without one says little about the next thousand messages.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from difflib import get_close_matches
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from cleaner import classifier, evidence, notices
from cleaner.classifier import Model
from cleaner.errors import UsageError
from cleaner.lookups import KnownHosts, KnownKeys, RecordedDns
from cleaner.pipeline import look_up
from cleaner.ports import SentRecord, Sources
from cleaner.service.classify import read_file
from cleaner.service.datasets import Labelled, Mailbag, mailbags
from cleaner.service.mailfiles import one_message
from cleaner.steps.sent import outgoing
from cleaner.store import Store
from cleaner.values import (
    Arrival,
    Evidence,
    Headers,
    Heading,
    Kind,
    Known,
    Lesson,
    Notice,
    Opinion,
    OutgoingMail,
    Verdict,
    address_key,
)

Z: Final = 1.959964
"""The normal quantile of a two-sided 95 % interval."""

NOTHING: Final[frozenset[str]] = frozenset()
WAYS: Final = ("set", "kind", "generator", "family", "language", "tag")
"""What figures are grouped by. The family is the mail system as we read it, the generator what really wrote it."""
NOT_TOLD: Final = "not told"
"""The language of notices whose label does not tell it."""


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many."""

    hits: int = 0
    total: int = 0

    @property
    def value(self) -> float | None:
        return self.hits / self.total if self.total else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % by Wilson's score (1927): sound also for none or all of few."""
        if not self.total:
            return None
        rate, n = self.hits / self.total, self.total
        middle = (rate + Z * Z / (2 * n)) / (1 + Z * Z / n)
        half = Z / (1 + Z * Z / n) * math.sqrt(rate * (1 - rate) / n + Z * Z / (4 * n * n))
        return max(0.0, middle - half), min(1.0, middle + half)

    def to_json(self) -> dict[str, Any]:
        return {"hits": self.hits, "total": self.total, "share": self.value, "interval": self.interval}


@dataclass(frozen=True, slots=True)
class Case:
    """One labelled message, read, with what is known beside it."""

    bag: str
    label: Labelled
    notice: Notice
    known: Known


@dataclass(frozen=True, slots=True)
class Judgement:
    """One labelled message, judged."""

    case: Case
    verdict: Verdict

    @property
    def truth(self) -> Opinion | None:
        return self.case.label.truth

    @property
    def opinion(self) -> Opinion:
        return self.verdict.opinion


@dataclass(frozen=True, slots=True)
class Figures:
    """What came out for one group of messages."""

    messages: int
    lost: Share
    """Genuine notices called backscatter: what must never happen."""
    ordinary_removed: Share
    """Messages that are no notices, or not ours to judge, called backscatter."""
    kept_as_genuine: Share
    """Genuine notices called genuine."""
    proven: Share
    """Of the genuine notices that carry a proof: called genuine."""
    removed: Share
    """Decidable backscatter called backscatter."""
    removed_hard: Share
    """The same of the cases in which `unsure` is a right answer; counted beside."""
    unsure: Share
    recognised: Share
    """Notices read as notices."""
    kind_right: Share
    recipients_right: Share
    mistaken: Share
    """Ordinary messages read as notices."""

    def to_json(self) -> dict[str, Any]:
        shares = {
            name: share.to_json()
            for name in self.__slots__
            if isinstance(share := getattr(self, name), Share)
        }
        return {"messages": self.messages, **shares}


@dataclass(frozen=True, slots=True)
class Answer:
    """What rules and model said of one notice that no proof settles."""

    spurious: bool
    score: float
    """The rules' sum."""
    probability: float
    removed: bool


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All figures, and the messages that went wrong."""

    total: Figures
    by: dict[str, dict[str, Figures]] = field(default_factory=dict)
    """One of `WAYS` → group → its figures."""
    mistakes: tuple[str, ...] = ()
    """Files of genuine notices and ordinary messages that would have been removed."""
    missing: tuple[str, ...] = ()
    """Labels whose message is not there: they are counted nowhere."""
    answers: tuple[Answer, ...] = ()
    """What was said of the notices that no proof settles: what diagrams are drawn of."""

    def to_json(self) -> dict[str, Any]:
        return {
            "total": self.total.to_json(),
            "by": {
                way: {name: figures.to_json() for name, figures in groups.items()}
                for way, groups in self.by.items()
            },
            "mistakes": list(self.mistakes),
            "missing": list(self.missing),
        }


def evaluate(
    paths: Sequence[Path],
    scratch: Callable[[], Store],
    *,
    without: frozenset[str] = NOTHING,
    with_sent: bool = True,
    model: Model | None = None,
) -> Evaluation:
    """
    Judges all labelled mail under `paths`, by the rules and, where one is given, a model.

    `without` leaves rules out; without `with_sent` nobody kept copies of what was sent. Raises UsageError.
    """
    require_rules(without)
    judgements: list[Judgement] = []
    missing: list[str] = []
    for house in houses(labelled(paths)):
        read = [cases(bag, scratch, with_sent=with_sent) for bag in house]
        judgements += judge_house(read, without, model)
        missing += (name for bag in house for name in bag.missing)
    require_messages(judgements, missing)
    return replace(summary(judgements), missing=tuple(missing), answers=tuple(answers(judgements)))


def answers(judgements: Iterable[Judgement]) -> Iterator[Answer]:
    for one in judgements:
        probability = one.verdict.probability
        if probability is not None and one.truth in (Opinion.GENUINE, Opinion.BACKSCATTER):
            spurious = one.truth is Opinion.BACKSCATTER
            yield Answer(spurious, one.verdict.score, probability, is_removed(one))


def labelled(paths: Sequence[Path]) -> Iterator[Mailbag]:
    """All labelled mail under `paths`. Raises UsageError."""
    return (bag for path in paths for bag in mailbags(path))


def require_rules(without: frozenset[str]) -> None:
    """Raises UsageError where a rule to be left out does not exist: the figures would be those of all rules."""
    for name in sorted(without - set(evidence.names())):
        near = get_close_matches(name, evidence.names(), n=1)
        hint = f"did you mean {near[0]}?" if near else "'bounce-cleaner rules' lists them"
        raise UsageError(f"there is no rule {name!r}; {hint}")


def require_messages(found: Sequence[object], missing: Sequence[str]) -> None:
    """Raises UsageError where there is nothing to measure."""
    if not found and missing:
        raise UsageError(f"no labelled message is there; the first of {len(missing):,} would be {missing[0]}")
    if not found:
        raise UsageError("the labels name no message, so there is nothing to measure")


# --- judging -------------------------------------------------------------------------------------


def cases(bag: Mailbag, scratch: Callable[[], Store], *, with_sent: bool = True) -> tuple[Case, ...]:
    """The messages of one mailbox, read, with what is known beside them."""
    return beside(bag, read_all(bag), scratch, with_sent=with_sent)


def read_all(bag: Mailbag) -> tuple[tuple[Labelled, Notice], ...]:
    return tuple((label, read_file(one_message(label.path))) for label in bag.messages)


def beside(
    bag: Mailbag,
    read: Sequence[tuple[Labelled, Notice]],
    scratch: Callable[[], Store],
    *,
    with_sent: bool = True,
    copies: Iterable[OutgoingMail] | None = None,
) -> tuple[Case, ...]:
    """Messages that are read already, with what is known beside them; `copies` instead of the files of sent mail."""
    arrivals = tuple(sorted((a for _, n in read if (a := arrival(n))), key=lambda arrival: arrival.time))
    now = max((n.received for _, n in read if n.received), default=datetime.now(UTC))
    with scratch() as store:
        record: SentRecord = store.sent_record(bag.owner.address or "nobody@invalid")
        if with_sent:
            record.add("Sent", sent_mails(bag.sent) if copies is None else copies, None)
        dns = RecordedDns(bag.dns)
        sources = Sources(
            KnownKeys(store.keys, lambda: now, dns, remembers=False), KnownHosts(dns, strangers=dns)
        )
        known = look_up([n for _, n in read], bag.organisation, bag.owner, record, arrivals, now, sources)
    return tuple(Case(bag.name, label, notice, known) for label, notice in read)


def arrival(notice: Notice) -> Arrival | None:
    """A notice as bursts count it, as the pipeline makes it of a heading."""
    if notice.received is None or not notices.is_likely(notice.headers):
        return None
    return Arrival(notice.received, notice.headers.text("subject"))


def sent_mails(paths: Iterable[Path]) -> Iterator[OutgoingMail]:
    for path in paths:
        headers = Headers.parse(path.read_bytes())
        mail = outgoing(Heading("Sent", path.name, headers, 0))
        if mail is not None:
            yield mail


def judge(
    read: Sequence[Case],
    without: frozenset[str] = NOTHING,
    model: Model | None = None,
    *,
    learns: bool = True,
) -> Iterator[Judgement]:
    """Judges the messages of one mailbox, having learned from those that are proven, as the pipeline does."""
    return judge_house((read,), without, model, learns=learns)


def judge_house(
    mailboxes: Sequence[Sequence[Case]],
    without: frozenset[str] = NOTHING,
    model: Model | None = None,
    *,
    learns: bool = True,
) -> Iterator[Judgement]:
    """The mailboxes of one organisation, whose proven mail teaches the others, too."""
    for case, found in gathered(mailboxes, without, learns=learns):
        if case.notice.kind.is_judged:
            yield Judgement(case, classifier.judge(case.notice, found, model))
        else:
            yield Judgement(case, Verdict(Opinion.NOT_A_BOUNCE))


def gathered(
    mailboxes: Sequence[Sequence[Case]],
    without: frozenset[str] = NOTHING,
    *,
    learns: bool = True,
    remembered: Callable[[tuple[Lesson, ...]], tuple[Lesson, ...]] = lambda lessons: lessons,
) -> Iterator[tuple[Case, tuple[Evidence, ...]]]:
    """
    The messages of an organisation's mailboxes with all that is found in each, in the pipeline's two looks.

    With `learns` each knows what the proven ones among all of them teach, else what it knew before. `remembered` says
    what is made of the lessons of a mailbox before anything is learned from them.
    """
    first = [[_first_look(case, without) for case in read] for read in mailboxes]
    lessons = [
        remembered(_lessons(read, found)) if learns else ()
        for read, found in zip(mailboxes, first, strict=True)
    ]
    for number, (read, looked) in enumerate(zip(mailboxes, first, strict=True)):
        others = (one for at, taught in enumerate(lessons) if at != number for one in taught)
        colleagues = tuple(replace(one, of_colleague=True) for one in others if one.is_proven)
        is_shared = any(case.known.organisation.shared for case in read[:1])
        habits = evidence.learn((*(() if is_shared else colleagues), *lessons[number]))
        for case, found in zip(read, looked, strict=True):
            knowing = replace(case, known=replace(case.known, habits=habits)) if learns else case
            yield knowing, (*found, *_second_look(knowing, without))


def _lessons(read: Sequence[Case], looked: Sequence[tuple[Evidence, ...]]) -> tuple[Lesson, ...]:
    return tuple(
        evidence.lesson(case.notice, case.known, found)
        for case, found in zip(read, looked, strict=True)
        if case.notice.kind.is_judged
    )


def houses(bags: Iterable[Mailbag]) -> Iterator[tuple[Mailbag, ...]]:
    """The mailboxes of each world together; a folder of single messages is by itself."""
    return (tuple(group) for _, group in groupby(bags, key=lambda bag: bag.name.partition("/")[0]))


def _first_look(case: Case, without: frozenset[str]) -> tuple[Evidence, ...]:
    return (
        evidence.gather_first(case.notice, case.known, without=without) if case.notice.kind.is_judged else ()
    )


def _second_look(case: Case, without: frozenset[str]) -> tuple[Evidence, ...]:
    if not case.notice.kind.is_judged:
        return ()
    return evidence.gather_learned(case.notice, case.known, without=without)


# --- counting ------------------------------------------------------------------------------------


def summary(judgements: Sequence[Judgement]) -> Evaluation:
    ways: dict[str, dict[str, list[Judgement]]] = {way: {} for way in WAYS}
    for judgement in judgements:
        label = judgement.case.label
        groups = (
            ("set", judgement.case.bag.partition("/")[0]),
            ("kind", label.kind.value),
            ("generator", label.generator),
            ("family", judgement.case.notice.family),
            ("language", label.language or (NOT_TOLD if judgement.case.notice.kind.is_judged else "")),
            *(("tag", tag) for tag in label.tags),
        )
        for way, group in groups:
            if group:
                ways[way].setdefault(group, []).append(judgement)
    return Evaluation(
        figures(judgements),
        {
            way: {name: figures(groups[name]) for name in sorted(groups)}
            for way, groups in ways.items()
            if groups
        },
        tuple(str(j.case.label.path) for j in judgements if is_mistake(j)),
    )


def is_mistake(judgement: Judgement) -> bool:
    return judgement.opinion is Opinion.BACKSCATTER and judgement.truth in (
        Opinion.GENUINE,
        Opinion.NOT_A_BOUNCE,
    )


def figures(judgements: Sequence[Judgement]) -> Figures:
    genuine = [j for j in judgements if j.truth is Opinion.GENUINE]
    spurious = [j for j in judgements if j.truth is Opinion.BACKSCATTER]
    ordinary = [j for j in judgements if j.truth is Opinion.NOT_A_BOUNCE]
    is_notice = [j for j in judgements if j.case.label.kind is not Kind.NOT_A_BOUNCE]
    no_notice = [j for j in judgements if j.case.label.kind is Kind.NOT_A_BOUNCE]
    return Figures(
        messages=len(judgements),
        lost=share(genuine, is_removed),
        ordinary_removed=share(ordinary, is_removed),
        kept_as_genuine=share(genuine, is_called_genuine),
        proven=share([j for j in genuine if classifier.is_proven(j.verdict)], is_called_genuine),
        removed=share([j for j in spurious if j.case.label.is_decidable], is_removed),
        removed_hard=share([j for j in spurious if not j.case.label.is_decidable], is_removed),
        unsure=share([*genuine, *spurious], lambda j: j.opinion is Opinion.UNSURE),
        recognised=share(is_notice, is_recognised),
        kind_right=share(is_notice, lambda j: j.case.notice.kind is j.case.label.kind),
        recipients_right=share(
            [j for j in is_notice if j.case.label.recipients is not None], has_right_recipients
        ),
        mistaken=share(no_notice, is_recognised),
    )


def share(judgements: Sequence[Judgement], hit: Callable[[Judgement], bool]) -> Share:
    return Share(sum(map(hit, judgements)), len(judgements))


def is_removed(judgement: Judgement) -> bool:
    return judgement.opinion is Opinion.BACKSCATTER


def is_called_genuine(judgement: Judgement) -> bool:
    return judgement.opinion is Opinion.GENUINE


def is_recognised(judgement: Judgement) -> bool:
    return judgement.case.notice.kind is not Kind.NOT_A_BOUNCE


def has_right_recipients(judgement: Judgement) -> bool:
    found = {address_key(r.address) for r in judgement.case.notice.recipients}
    found |= {address_key(r.original) for r in judgement.case.notice.recipients if r.original}
    wanted = judgement.case.label.recipients or frozenset()
    return wanted <= found
