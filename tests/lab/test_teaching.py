"""From a world to rows: what is found of each notice in each circumstance."""

from __future__ import annotations

from pathlib import Path

import pytest

from cleaner.app import scratch_store
from cleaner.classifier.base import Row
from cleaner.classifier.learning import FULL, condition_of
from cleaner.lab.circumstances import circumstances
from cleaner.lab.policies import Policy
from cleaner.lab.teaching import TAUGHT_IN, Draft, Lexicon, drafts, like
from cleaner.values import Opinion
from tests.classifier.test_learning import quiet
from tests.evidence.scene import FROM_STRANGER, mail, report

NAMES = ("as-it-is", "half-copies", "no-copies", "open")
FULL_TOO, HALF, NO_COPIES, OPEN = (condition_of("as it is", name) for name in NAMES)


@pytest.fixture(scope="module")
def drafted(harbor: Path) -> tuple[Draft, ...]:
    return drafts([harbor], scratch_store, quiet, Lexicon(), NAMES)


def test_it_is_trained_in_some_of_every_family_and_never_where_a_policy_is_false() -> None:
    known = {one.name: one for one in circumstances()}
    assert set(TAUGHT_IN) <= set(known)
    assert {known[name].family for name in TAUGHT_IN} == {one.family for one in known.values()}
    assert Policy.FALSE not in {known[name].policy for name in TAUGHT_IN}
    assert condition_of(known["as-it-is"].family, "as-it-is") == FULL == FULL_TOO


def test_each_notice_is_judged_in_each_circumstance(drafted: tuple[Draft, ...]) -> None:
    assert {draft.spurious for draft in drafted} == {True, False}
    assert all(set(draft.verdicts) == {FULL, HALF, NO_COPIES, OPEN} for draft in drafted)
    assert not any(
        v.opinion is Opinion.BACKSCATTER for d in drafted if not d.spurious for v in d.verdicts.values()
    )


def test_where_a_proof_settles_the_matter_there_is_nothing_to_learn(drafted: tuple[Draft, ...]) -> None:
    genuine = [draft for draft in drafted if not draft.spurious]
    proven = [draft for draft in genuine if FULL not in draft.facts]
    assert proven
    assert Opinion.GENUINE in {draft.verdicts[FULL].opinion for draft in proven}
    assert sum(NO_COPIES in d.facts for d in genuine) > sum(FULL in d.facts for d in genuine)


def test_the_ground_goes_with_the_policy(drafted: tuple[Draft, ...]) -> None:
    closed = [d for d in drafted if d.spurious and "ground:closed" in d.facts.get(FULL, {})]
    assert closed
    assert not any("ground:closed" in d.facts.get(OPEN, {}) for d in drafted)


def test_equal_findings_are_kept_once_and_come_back_from_the_base_as_they_were(
    drafted: tuple[Draft, ...],
) -> None:
    rows = [draft.row() for draft in drafted if draft.facts]
    again = [Row.from_json(row.as_json()) for row in rows]
    assert [[(e.condition, dict(e.features.facts)) for e in row.examples()] for row in again] == [
        [(e.condition, {k: round(v, 4) for k, v in e.features.facts.items()}) for e in row.examples()]
        for row in map(in_order, rows, again)
    ]
    shared = [row for row in rows if len(row.facts) > len({id(e.features) for e in row.examples()})]
    assert shared


def in_order(row: Row, other: Row) -> Row:
    """The conditions of a row in the order of another: in the base, those of equal findings stand together."""
    facts = {condition: row.facts[condition] for condition in other.facts}
    return Row(row.spurious, row.group, row.cluster, row.words, facts)


def test_like_is_what_speaks_of_one_mail() -> None:
    one, other = (
        report(mail(FROM_STRANGER, message_id="<1@a.example>"), failed=f"{n}@far.example") for n in "ab"
    )
    assert like(one) == like(other)
    assert like(one) != like(report(mail(FROM_STRANGER, message_id="<2@a.example>")))
