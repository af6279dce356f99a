"""
What an open policy allows: how much goes after so many proven notices, and after so many labels.

Where no policy closes the set of our senders, two grounds grow with time: *measured*, from thousands of proven notices,
and *taught*, from labels. A world is judged with as many proven notices as are asked for: fewer of its own, or its own
again as if about other mails. Labels are given as by an administrator who follows the program: to one notice of the
largest group of like ones that are unsure and that a label would reach, then of the next, in each world. What was
labelled is not counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from cleaner import classifier
from cleaner.classifier import Model
from cleaner.evidence.likeness import likeness
from cleaner.evidence.rules.taught import reaches
from cleaner.lab.measure import chosen
from cleaner.lab.scene import Scene
from cleaner.service.evaluate import Case, Judgement, Share, beside, figures, gathered
from cleaner.store import Store
from cleaner.values import Lesson, Opinion

PROVEN: Final = (30, 300, 3_000)
LABELS: Final = (0, 5, 10, 20, 30)


@dataclass(frozen=True, slots=True)
class Point:
    """What came of so many proven notices and labels, in all worlds together."""

    circumstance: str
    proven: int | None
    """None: those that the worlds have."""
    labels: int
    removed: Share
    """Of the decidable backscatter that is not labelled."""
    lost: Share
    mistakes: tuple[str, ...] = ()


def points(
    worlds: Sequence[Scene],
    scratch: Callable[[], Store],
    circumstances: Sequence[str],
    model: Model | None = None,
    *,
    proven: Sequence[int] = PROVEN,
    labels: Sequence[int] = LABELS,
) -> Iterator[Point]:
    """The curve of each circumstance: over proven notices without labels, then over labels. Raises UsageError."""
    for circumstance in chosen(circumstances):
        houses = [known_in(circumstance(world), scratch) for world in worlds]
        for count in proven:
            judged = [one for house in houses for one in judged_with(house, model, proven=count)]
            yield counted(circumstance.name, count, 0, judged)
        asked = [ranked(house, model) for house in houses]
        for count in labels:
            judged = []
            for house, groups in zip(houses, asked, strict=True):
                labelled = groups[:count]
                truths = {likeness(one.notice): one.label.truth for one in labelled if one.label.truth}
                paths = {one.label.path for one in labelled}
                judged += (
                    one
                    for one in judged_with(taught(house, truths), model)
                    if one.case.label.path not in paths
                )
            yield counted(circumstance.name, None, count, judged)


House = tuple[tuple[Case, ...], ...]
"""The mailboxes of one world."""


def known_in(scene: Scene, scratch: Callable[[], Store]) -> House:
    return tuple(
        beside(box.bag, [(one.label, one.notice) for one in box.letters], scratch, copies=box.sent)
        for box in scene.boxes
    )


def judged_with(house: House, model: Model | None, proven: int | None = None) -> Iterator[Judgement]:
    def remembered(lessons: tuple[Lesson, ...]) -> tuple[Lesson, ...]:
        return lessons if proven is None else with_proven(lessons, proven // len(house))

    for case, found in gathered(house, remembered=remembered):
        if case.notice.kind.is_judged:
            yield Judgement(case, classifier.judge(case.notice, found, model))


def with_proven(lessons: tuple[Lesson, ...], count: int) -> tuple[Lesson, ...]:
    """So many lessons of proven mails: some of those, or all of them again as if of other mails."""
    shown = [one for one in lessons if one.is_proven and one.original]
    others = tuple(one for one in lessons if not (one.is_proven and one.original))
    if not shown:
        return lessons
    again = (
        replace(shown[number % len(shown)], original=f"{shown[number % len(shown)].original} {number}")
        for number in range(count)
    )
    return (*others, *again)


def ranked(house: House, model: Model | None) -> list[Case]:
    """One notice of each group of like ones that are unsure, of the largest group first."""
    groups: dict[str, list[Case]] = {}
    for one in judged_with(house, model):
        if one.opinion is Opinion.UNSURE and reaches(one.case.notice, one.case.known):
            groups.setdefault(likeness(one.case.notice), []).append(one.case)
    # The oldest is what a list begins with; of groups of one size, a fixed order.
    found = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    return [min(cases, key=_age) for _, cases in found]


def _age(case: Case) -> tuple[bool, str, str]:
    received = case.notice.received
    return received is None, received.isoformat() if received else "", case.label.path.name


def taught(house: House, truths: dict[str, Opinion]) -> House:
    return tuple(
        tuple(replace(case, known=replace(case.known, taught=truths)) for case in mailbox)
        for mailbox in house
    )


def counted(name: str, proven: int | None, labels: int, judged: Sequence[Judgement]) -> Point:
    found = figures(judged)
    wrong = tuple(
        str(one.case.label.path)
        for one in judged
        if one.opinion is Opinion.BACKSCATTER and one.truth is Opinion.GENUINE
    )
    return Point(name, proven, labels, found.removed, found.lost, wrong)
