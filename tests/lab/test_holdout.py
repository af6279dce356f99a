"""Whole parts held out: what a model says of what it was not made from."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from cleaner.classifier.learning import FULL
from cleaner.lab.holdout import (
    Held,
    by_chance,
    calibration_error,
    circumstance,
    grouped,
    hold_outs,
    parts_of,
    sender,
    tried,
)
from cleaner.lab.teaching import Draft
from cleaner.service.datasets import Labelled
from cleaner.values import Evidence, Ground, Kind, Opinion, Side, Verdict
from tests.service.hands import quiet
from tests.service.shelves import TOLD

CONDITIONS = (FULL, "keys: away", "strangers: crm")

GROUND = Evidence(
    "closed_senders",
    side=Side.BACKSCATTER,
    seen="a stranger",
    reason="It is none of ours.",
    ground=Ground.CLOSED,
)


def drafts(count: int = 1800) -> Iterator[Draft]:
    """Notices of three worlds and two mail systems that the rules leave unsure; one finding tells them apart."""
    dice = random.Random(7)
    for number in range(count):
        spurious = number % 2 == 0
        known = {
            "kind:ndr": 1.0,
            "ground:closed": 1.0,
            **({TOLD: dice.uniform(0.6, 1.0)} if spurious else {}),
        }
        label = Labelled(
            Path(f"{number}.eml"),
            Kind.NDR,
            Opinion.BACKSCATTER if spurious else Opinion.GENUINE,
            language="de" if number % 7 == 0 else "",
        )
        yield Draft(
            spurious,
            f"world {number % 3}",
            f"cluster {number}",
            (number % 50,),
            label,
            family=("postfix", "exim")[number // 6 % 2],
            site=f"site{number % 40}.example",
            verdicts=dict.fromkeys(CONDITIONS, Verdict(Opinion.UNSURE, (GROUND,))),
            facts=dict.fromkeys(CONDITIONS, known),
        )


DRAFTS = tuple(drafts())


def worlds(drafts: Sequence[Draft], condition: str = FULL) -> list[Held]:
    trials = [one for one in tried(drafts, circumstance, quiet, "world") if one.condition == condition]
    return grouped(trials, lambda trial: trial.draft.group)


def test_each_world_is_judged_by_a_model_without_it() -> None:
    parts = worlds(DRAFTS)
    assert [part.name for part in parts] == ["world 0", "world 1", "world 2"]
    for part in parts:
        assert part.by_rules().hits == 0
        assert part.removed().value == pytest.approx(1.0, abs=0.02)
        assert (part.lost().hits, part.lost().total) == (0, 300)
        before, after = part.unsure()
        assert (before, after < before / 2) == (600, True)


def test_a_world_that_is_the_contrary_of_the_others_shows() -> None:
    """What is learned elsewhere does not fit it, and the figures say so."""
    turned = [replace(d, spurious=not d.spurious) if d.group == "world 2" else d for d in DRAFTS]
    assert worlds(turned)[-1].removed().value == 0.0


def test_a_circumstance_that_is_the_contrary_of_the_others_shows() -> None:
    """A model that had seen it in another world would know better."""
    turned = [replace(d, facts=d.facts | {"strangers: crm": mad(d.spurious)}) for d in DRAFTS]
    parts = worlds(turned, "strangers: crm")
    assert len(parts) == 3
    assert all(part.removed().value == 0.0 for part in parts)


def mad(spurious: bool) -> dict[str, float]:
    return {"kind:ndr": 1.0, "ground:closed": 1.0, **({} if spurious else {TOLD: 1.0})}


def test_what_chance_makes_of_a_perfect_calibration_is_told_beside_the_error() -> None:
    exact = by_chance([(0.5, number % 2 == 0) for number in range(10_000)])
    assert float(exact.split("would show ")[1].split()[0]) < 0.01
    few = by_chance([(0.5, True), (0.5, False)] * 5)
    assert float(few.split("would show ")[1].split()[0]) > 0.1
    assert by_chance([]) == ""


def test_no_sending_domain_stands_on_both_sides() -> None:
    for part in parts_of(tried(DRAFTS, sender, quiet, "sender"), sender):
        inside = {trial.draft.site for trial in part.trials}
        assert not inside & {draft.site for draft in DRAFTS if sender(draft) != (part.name,)}


def test_the_card_has_a_table_for_worlds_families_and_languages() -> None:
    text = "\n".join(hold_outs(DRAFTS, quiet))
    assert all(f"| {way} left out |" in text for way in ("world", "family", "sender domains", "language"))
    assert all(f"\n| {name} |" in text for name in ("world 1", "exim", "fifth 3", "de", *CONDITIONS))
    assert "expected calibration error" in text


@pytest.mark.parametrize(
    ("scored", "expected"),
    [
        ([], 0.0),
        ([(0.9, True)] * 9 + [(0.9, False)], 0.0),
        ([(0.9, False)] * 10, 0.9),
        ([(1.0, True), (0.0, False)], 0.0),
        ([(0.55, True)] * 5 + [(0.95, False)] * 5, 0.7),
    ],
)
def test_the_calibration_error(scored: list[tuple[float, bool]], expected: float) -> None:
    assert calibration_error(scored) == pytest.approx(expected)
