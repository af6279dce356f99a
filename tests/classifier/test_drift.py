"""A rise is told when it is one, and never of a few notices, a single swarm, or days that differ anyway."""

from __future__ import annotations

import random

import pytest

from cleaner.classifier.drift import (
    UNLIKE,
    Part,
    exceeds,
    is_more_than_chance,
    normal_of,
    rise,
    stability,
    too_many_back,
)


def days(count: int, share: float, notices: int = 20) -> list[Part]:
    return [Part(round(notices * share), notices) for _ in range(count)]


def test_a_share_that_has_doubled_for_a_week_is_told() -> None:
    found = rise(days(7, 0.4), days(28, 0.2))
    assert (found.now, found.usual, found.notices) == (0.4, 0.2, 140)
    assert found.is_told
    assert exceeds(days(7, 0.4), days(28, 0.4), 0.06).is_told


@pytest.mark.parametrize(
    ("recent", "before"),
    [
        pytest.param(days(7, 0.25), days(28, 0.2), id="hardly more"),
        pytest.param(days(7, 0.1), days(28, 0.4), id="less"),
        pytest.param(days(7, 1.0, 5), days(28, 0.0), id="a few notices"),
        pytest.param(days(2, 1.0, 200), days(28, 0.1), id="two days"),
        pytest.param(days(7, 0.5), days(6, 0.1), id="too short a time before"),
        pytest.param([*days(6, 0.2), Part(500, 500)], days(28, 0.2), id="one swarm"),
        pytest.param(
            [Part(0, 20), Part(20, 20), Part(0, 20), Part(20, 20), Part(20, 20)],
            [Part(20 * (n % 3 == 0), 20) for n in range(28)],
            id="days that differ anyway",
        ),
        pytest.param([], [], id="nothing"),
        pytest.param([Part(0, 0)], [Part(0, 0)], id="empty days"),
    ],
)
def test_what_is_no_rise_is_not_told(recent: list[Part], before: list[Part]) -> None:
    assert not rise(recent, before).is_told


def test_what_training_lets_one_expect_is_not_told() -> None:
    assert not exceeds(days(7, 0.12), days(28, 0.12), 0.06).is_told
    assert not exceeds(days(7, 0.5, 5), days(28, 0.5, 5), 0.06).is_told
    assert not exceeds([Part(200, 200)], [], 0.06).is_told
    assert exceeds(days(7, 1.0), [], 0.0).is_told


def test_of_weeks_in_which_nothing_changed_hardly_one_is_told() -> None:
    """Mail that comes in swarms, from few a day to many; by chance alone one in a thousand may be told."""
    dice = random.Random(5)
    told = tried = 0
    for mean in (5, 20, 100):
        for share in (0.05, 0.15, 0.4):
            for _ in range(150):
                week = [swarms(dice, share, mean) for _ in range(7)]
                month = [swarms(dice, share, mean) for _ in range(28)]
                told += rise(week, month).is_told + exceeds(week, month, share).is_told
                tried += 2
    assert told / tried < 0.01


def swarms(dice: random.Random, share: float, mean: int) -> Part:
    hits = total = 0
    wanted = dice.randrange(2 * mean + 1)
    while total < wanted:
        size = 1 if dice.random() < 0.8 else dice.randrange(5, 60)
        hits += size * (dice.random() < share)
        total += size
    return Part(hits, total)


def test_with_many_days_student_s_t_is_the_normal_deviate() -> None:
    assert normal_of(3.09, 10_000) == pytest.approx(3.09, abs=0.01)
    # A t of 4.144 with 10 degrees of freedom is as rare as 3.09 (one in a thousand, one-sided).
    assert normal_of(4.144, 10) == pytest.approx(3.09, abs=0.01)


def test_few_taken_back_of_many_are_what_was_promised() -> None:
    assert not too_many_back(2, 2)
    assert not too_many_back(3, 200)
    assert not too_many_back(10, 1000)
    assert too_many_back(5, 50)
    assert too_many_back(30, 1000)


def test_the_stability_index_is_the_customary_one() -> None:
    """(0.6 - 0.3) ln(0.6 / 0.3) + (0.4 - 0.7) ln(0.4 / 0.7), for samples so large that smoothing is nothing."""
    assert stability(0.6, 10**7, 0.3, 10**7) == pytest.approx(0.3758, abs=0.001)
    assert stability(0.3, 100, 0.3, 1000) == pytest.approx(0.0, abs=1e-4)
    assert 0 < stability(0.0, 50, 0.0, 3000) < UNLIKE


def test_a_large_index_of_few_notices_may_be_chance() -> None:
    assert not is_more_than_chance(0.3, 40, 2000, 1.0)
    assert is_more_than_chance(0.3, 400, 2000, 1.0)
    assert not is_more_than_chance(0.3, 400, 2000, 20.0)
    assert not is_more_than_chance(9.0, 0, 2000, 1.0)
