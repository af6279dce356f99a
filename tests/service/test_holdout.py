"""Whole parts held out: what a model says of what it was not made from."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cleaner.service.datasets import Labelled
from cleaner.service.holdout import by_chance, calibration_error, held, hold_outs, sender
from cleaner.service.teaching import Draft
from cleaner.values import Kind, Opinion, Verdict
from tests.service.hands import quiet
from tests.service.shelves import TOLD

STATES = ("full", "no-keys", "one-relay")


def drafts(count: int = 1800) -> Iterator[Draft]:
    """Notices of three worlds and two mail systems that the rules leave unsure; one finding tells them apart."""
    dice = random.Random(7)
    for number in range(count):
        spurious = number % 2 == 0
        known = {"kind:ndr": 1.0, **({TOLD: dice.uniform(0.6, 1.0)} if spurious else {})}
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
            verdict=Verdict(Opinion.UNSURE),
            facts=dict.fromkeys(STATES, known),
        )


DRAFTS = tuple(drafts())


def test_each_world_is_judged_by_a_model_without_it() -> None:
    parts = tuple(held(DRAFTS, "world", quiet))
    assert [part.name for part in parts] == ["world 0", "world 1", "world 2"]
    for part in parts:
        assert not part.advises
        assert part.by_rules().hits == 0
        assert part.removed().value == pytest.approx(1.0, abs=0.02)
        assert (part.lost().hits, part.lost().total) == (0, 300)
        before, after = part.unsure()
        assert (before, after < before / 2) == (600, True)


def test_a_world_that_is_the_contrary_of_the_others_shows() -> None:
    """What is learned elsewhere does not fit it, and the figures say so."""
    turned = [replace(d, spurious=not d.spurious) if d.group == "world 2" else d for d in DRAFTS]
    last = tuple(held(turned, "world", quiet))[-1]
    assert last.lost().hits > 100 or last.advises


def test_what_chance_makes_of_a_perfect_calibration_is_told_beside_the_error() -> None:
    exact = by_chance([(0.5, number % 2 == 0) for number in range(10_000)])
    assert float(exact.split("would show ")[1].split()[0]) < 0.01
    few = by_chance([(0.5, True), (0.5, False)] * 5)
    assert float(few.split("would show ")[1].split()[0]) > 0.1
    assert by_chance([]) == ""


def test_no_sending_domain_stands_on_both_sides() -> None:
    for part in held(DRAFTS, "sender domains", quiet):
        inside = {trial.draft.site for trial in part.trials}
        assert not inside & {draft.site for draft in DRAFTS if sender(draft) != part.name}


def test_the_card_has_a_table_for_worlds_families_and_languages() -> None:
    text = "\n".join(hold_outs(DRAFTS, quiet))
    assert all(f"| {way} left out |" in text for way in ("world", "family", "sender domains", "language"))
    assert all(f"\n| {name} |" in text for name in ("world 1", "exim", "fifth 3", "de"))
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
