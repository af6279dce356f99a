"""
Judging on whole labelled worlds: what the issue asks of rules alone, also where little or something wrong is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from zlib import crc32

import pytest

from cleaner import evidence
from cleaner.app import scratch_store
from cleaner.classifier import is_proven
from cleaner.pipeline import slim
from cleaner.service.ablation import KNOWLEDGE, knowing
from cleaner.service.datasets import HARD_TO_DECIDE, Mailbag, mailbags
from cleaner.service.evaluate import Case, Judgement, cases, figures, gathered, judge
from cleaner.service.withholding import (
    Withhold,
    everything,
    nothing,
    one_domain,
    relays_by_name,
    without_keys,
    wrong_relays,
)
from cleaner.steps.sent import outgoing
from cleaner.values import Headers, Heading, Lesson, Opinion

WORLDS = ("brunnwald", "harborline", "tresrios")
MARGIN = 0.5
"""How far below the threshold every genuine notice stays where all is known."""
REMOVES = 3.0
HALF_KNOWN = {
    "copies of sent mail": 0.6,
    "relays' addresses, known by name only": 0.75,
    "relays' addresses, wrong ones instead": 0.75,
    "client networks, wrong ones instead": 0.75,
    "DKIM keys": 0.75,
}
"""What is left out → the share that is still removed."""
SILENT = frozenset(("vacation-spurious", "challenge-spurious"))
"""Answers that return nothing of the mail: only a record known to be complete could tell."""


@cache
def mailboxes(world: Path, *, with_sent: bool) -> tuple[tuple[Case, ...], ...]:
    return tuple(cases(bag, scratch_store, with_sent=with_sent) for bag in mailbags(world))


def lessons(mailbox: Sequence[Case]) -> Iterator[Lesson]:
    for case in mailbox:
        if case.notice.kind.is_judged:
            yield evidence.lesson(case.notice, case.known, evidence.gather_first(case.notice, case.known))


def judged(read: Sequence[Sequence[Case]], *, learns: bool = True) -> tuple[Judgement, ...]:
    return tuple(one for mailbox in read for one in judge(mailbox, learns=learns))


@pytest.mark.corpus
@pytest.mark.parametrize("name", WORLDS)
def test_what_is_asked_of_rules_alone(corpus: Path, name: str) -> None:
    found = judged(mailboxes(corpus / "worlds" / name, with_sent=True))
    total = figures(found)
    assert total.lost.hits == 0
    assert total.ordinary_removed.hits == 0
    assert total.removed.value is not None
    assert total.removed.value >= 0.75
    genuine = [one for one in found if one.truth is Opinion.GENUINE]
    assert max(one.verdict.score for one in genuine) <= REMOVES - MARGIN
    proven = [one for one in genuine if any(e.force.value == "proof" for e in one.verdict.evidence)]
    assert sum(is_proven(one.verdict) for one in proven) >= 0.99 * len(proven) > 100


@pytest.mark.corpus
def test_every_hard_case(corpus: Path) -> None:
    found = [
        one
        for name in WORLDS
        for one in judged(mailboxes(corpus / "worlds" / name, with_sent=True))
        if one.truth is Opinion.BACKSCATTER and one.case.label.is_decidable
    ]
    tags = {tag for one in found for tag in one.case.label.tags} - HARD_TO_DECIDE - SILENT
    assert len(tags) > 10
    for tag in sorted(tags):
        with_tag = [one for one in found if tag in one.case.label.tags]
        removed = sum(one.opinion is Opinion.BACKSCATTER for one in with_tag)
        assert removed >= 0.6 * len(with_tag), tag


@pytest.mark.corpus
@pytest.mark.parametrize("name", WORLDS)
@pytest.mark.parametrize("left_out", KNOWLEDGE)
def test_nothing_genuine_goes_where_little_or_something_wrong_is_known(
    corpus: Path, name: str, left_out: str
) -> None:
    withhold, with_sent, learns = KNOWLEDGE[left_out]
    read = mailboxes(corpus / "worlds" / name, with_sent=with_sent)
    total = figures(judged([[knowing(case, withhold) for case in one] for one in read], learns=learns))
    assert total.lost.hits == 0
    assert total.ordinary_removed.hits == 0
    assert total.removed.value is not None
    assert total.removed.value >= HALF_KNOWN.get(left_out, 0.0)


def half(bag: Mailbag) -> Mailbag:
    """Every other mail of the Sent folder is lost."""
    return replace(bag, sent=tuple(path for path in bag.sent if crc32(path.name.encode()) % 2))


def days_missing(bag: Mailbag) -> Mailbag:
    """Of each week two days are lost: a program that was offline, a folder that was moved."""
    return replace(bag, sent=tuple(path for path in bag.sent if day_of(path).toordinal() % 7 > 1))


def begins_late(bag: Mailbag) -> Mailbag:
    """Only what was sent in the second half of the time is there."""
    days = sorted(map(day_of, bag.sent))
    return replace(bag, sent=tuple(path for path in bag.sent if day_of(path) >= days[len(days) // 2]))


def day_of(path: Path) -> date:
    mail = outgoing(Heading("Sent", path.name, Headers.parse(path.read_bytes()), 0))
    assert mail is not None
    return mail.time.date()


def skewed(case: Case, number: int) -> Case:
    """Clocks of reporters and of our own server differ by hours, to either side."""
    by = timedelta(hours=(number % 7 - 3) * 5)
    notice = case.notice
    received = notice.received and notice.received + by
    date = notice.returned.date and notice.returned.date - by
    return replace(
        case, notice=replace(notice, received=received, returned=replace(notice.returned, date=date))
    )


@pytest.mark.corpus
@pytest.mark.parametrize("name", WORLDS)
@pytest.mark.parametrize("damage", [half, days_missing, begins_late])
def test_nothing_genuine_goes_where_the_sent_record_has_holes(
    corpus: Path, name: str, damage: Callable[[Mailbag], Mailbag]
) -> None:
    read = [cases(damage(bag), scratch_store) for bag in mailbags(corpus / "worlds" / name)]
    for withhold in (everything, relays_by_name, wrong_relays, one_domain, without_keys):
        total = figures(judged([[knowing(case, withhold) for case in one] for one in read]))
        assert total.lost.hits == 0, withhold.__name__
        assert total.ordinary_removed.hits == 0, withhold.__name__
    assert total.removed.value is not None
    assert total.removed.value >= 0.75


@pytest.mark.corpus
@pytest.mark.parametrize("name", WORLDS)
def test_nothing_genuine_goes_where_clocks_are_wrong(corpus: Path, name: str) -> None:
    read = mailboxes(corpus / "worlds" / name, with_sent=True)
    total = figures(judged([[skewed(case, n) for n, case in enumerate(one)] for one in read]))
    assert total.lost.hits == total.ordinary_removed.hits == 0
    assert total.removed.value is not None
    assert total.removed.value >= 0.75


@pytest.mark.corpus
@pytest.mark.parametrize("name", WORLDS)
@pytest.mark.parametrize("withhold", [everything, relays_by_name, wrong_relays, nothing])
def test_a_newcomer_learns_from_colleagues_and_loses_nothing(
    corpus: Path, name: str, withhold: Withhold
) -> None:
    """Each mailbox in turn has three proven mails of its own and all that its colleagues' taught."""
    read = [
        tuple(knowing(case, withhold) for case in one)
        for one in mailboxes(corpus / "worlds" / name, with_sent=True)
    ]
    taught = [tuple(lessons(one)) for one in read]
    found: list[Judgement] = []
    for one, own in zip(read, taught, strict=True):
        colleagues = [
            replace(lesson, of_colleague=True)
            for other in taught
            if other is not own
            for lesson in other
            if lesson.is_proven
        ]
        few = [lesson for lesson in own if lesson.is_proven and lesson.original][:3]
        habits = evidence.learn((*colleagues, *few, *(lesson for lesson in own if not lesson.is_proven)))
        known = [replace(case, known=replace(case.known, habits=habits)) for case in one]
        found += judge(known, learns=False)
    total = figures(found)
    assert total.lost.hits == total.ordinary_removed.hits == 0
    assert total.removed.value is not None
    assert total.removed.value >= 0.85


@pytest.mark.corpus
def test_rules_that_learn_need_no_more_of_a_notice_than_is_kept_for_them(corpus: Path) -> None:
    """Between the two looks only `evidence.NEEDED` header fields are held."""
    found = 0
    for mailbox in mailboxes(corpus / "worlds" / "harborline", with_sent=True):
        for case, _ in gathered((mailbox,)):
            if case.notice.kind.is_judged:
                whole = evidence.gather_learned(case.notice, case.known)
                assert evidence.gather_learned(slim(case.notice), case.known) == whole
                found += len(whole)
    assert found > 1_000
