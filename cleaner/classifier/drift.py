"""
Whether what arrives still is what a model fits: shares by day, compared by a test that allows for bad days.

Notices come in swarms: five hundred about one forged mail are one event. So no notice counts as an observation of its
own: how much the daily shares of one and the same time differ from each other says how much chance there is in them
(overdispersion, estimated by Pearson's statistic over the days and never below one: McCullagh and Nelder, Generalized
Linear Models, 1989, section 4.5), and a difference of two times is held against that, by Student's t with the
days' degrees of freedom. A share must also have risen by a margin that matters, over enough notices and days.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cleaner.classifier.bounds import cumulative

Z: Final = 3.09
"""The normal quantile beyond which one in a thousand lies: how rare chance alone must make a warning."""
MARGIN: Final = 0.1
"""By how much a share must have risen: ten of a hundred notices more."""
FEWEST: Final = 50
"""Notices of the days that are looked at; fewer tell nothing."""
FEWEST_DAYS: Final = 3
BEFORE_DAYS: Final = 7
"""Days that must have been seen before, where days are compared with days."""
TOLERATED: Final = 0.01
"""The share of moved messages that owners may take back: what the model's promise allows to be lost."""
FEWEST_BACK: Final = 3
UNLIKE: Final = 0.25
"""
The population stability index of a finding from which its share has changed much.

By custom; what it is by chance: Yurdakul and Naranjo, Statistical properties of the population stability index (2020).
"""


@dataclass(frozen=True, slots=True)
class Part:
    """So many of so many, on one day."""

    hits: int
    total: int


@dataclass(frozen=True, slots=True)
class Rise:
    """A share now beside what it was, or should be."""

    now: float | None
    notices: int
    usual: float | None
    is_told: bool = False
    """It has risen by more than chance and by more than the margin."""


def rise(recent: Sequence[Part], before: Sequence[Part]) -> Rise:
    """Whether a share is higher in the recent days than in those before."""
    recent, before = seen(recent), seen(before)
    now, usual = pooled(recent), pooled(before)
    notices, earlier = total(recent), total(before)
    if now is None or usual is None:
        return Rise(now, notices, usual)
    enough = min(notices, earlier) >= FEWEST and len(recent) >= FEWEST_DAYS and len(before) >= BEFORE_DAYS
    if not enough or now - usual < MARGIN or not lasts(recent, usual):
        return Rise(now, notices, usual)
    both = pooled((*recent, *before)) or 0.0
    error = math.sqrt(both * (1 - both) * (1 / notices + 1 / earlier))
    freedom = len(recent) + len(before) - 2
    return Rise(now, notices, usual, is_beyond(now - usual, error, (recent, before), freedom))


def exceeds(recent: Sequence[Part], others: Sequence[Part], expected: float) -> Rise:
    """
    Whether a share is higher in the recent days than training lets one expect.

    The other days only help to tell how much days differ.
    """
    recent, others = seen(recent), seen(others)
    now, notices = pooled(recent), total(recent)
    if now is None or notices < FEWEST or len(recent) < FEWEST_DAYS:
        return Rise(now, notices, expected)
    if now - expected < MARGIN or not lasts(recent, expected):
        return Rise(now, notices, expected)
    # Where nothing is expected, the error is that of one in so many.
    share = min(max(expected, 1 / notices), 1 - 1 / notices)
    freedom = len(recent) - 1 + max(0, len(others) - 1)
    error = math.sqrt(share * (1 - share) / notices)
    return Rise(now, notices, expected, is_beyond(now - expected, error, (recent, others), freedom))


def lasts(recent: Sequence[Part], usual: float) -> bool:
    """Whether it was so on most days: one swarm is one day's matter, however large."""
    return sum(day.hits / day.total >= usual + MARGIN for day in recent) * 2 > len(recent)


def is_beyond(difference: float, error: float, times: Sequence[Sequence[Part]], freedom: int) -> bool:
    if error == 0:
        return difference > 0
    t = difference / (error * math.sqrt(max(1.0, dispersion(times, freedom))))
    return normal_of(t, freedom) > Z


def dispersion(times: Iterable[Sequence[Part]], freedom: int) -> float:
    """How much more the days of one time differ than notices would that came one by one."""
    pearson = 0.0
    for days in times:
        share = pooled(days)
        if share is None or share in (0.0, 1.0):
            continue
        pearson += sum((d.hits - d.total * share) ** 2 / (d.total * share * (1 - share)) for d in days)
    return pearson / freedom if freedom else math.inf


def normal_of(t: float, freedom: int) -> float:
    """The normal deviate as rare as this t (Wallace, Annals of Mathematical Statistics 30, 1959)."""
    if freedom < 1:
        return 0.0
    return (8 * freedom + 1) / (8 * freedom + 3) * math.sqrt(freedom * math.log1p(t * t / freedom))


def too_many_back(back: int, moved: int) -> bool:
    """Whether owners took back more than the promise allows, by more than chance (binomial, one in a thousand)."""
    if back < FEWEST_BACK or moved < back:
        return False
    return 1.0 - cumulative(back - 1, moved, TOLERATED) < 0.001


def stability(now: float, notices: int, usual: float, trained: int) -> float:
    """
    The population stability index of one finding: there or not, now and in training.

    Half a notice is added to each side, so that what was never seen can be compared, too.
    """
    there, was = smoothed(now, notices), smoothed(usual, trained)
    return (there - was) * math.log(there / was) + (was - there) * math.log((1 - there) / (1 - was))


def is_more_than_chance(index: float, notices: int, trained: int, spread: float) -> bool:
    """
    Whether an index of one finding is beyond what samples of that size give by chance.

    By chance it is distributed as (1/n + 1/m) times chi-squared (Yurdakul and Naranjo 2020), here with the
    dispersion of the days (Rao and Scott 1981). Asked of some twenty findings, hence four standard deviations.
    """
    return bool(notices and trained) and index > 16.0 * (spread / notices + 1 / trained)


def smoothed(share: float, count: int) -> float:
    return (share * count + 0.5) / (count + 1)


def unlike(
    now: Mapping[str, float], notices: int, usual: Mapping[str, float], trained: int
) -> dict[str, float]:
    """Finding → its index, for all that were made now or in training."""
    names = sorted({*now, *usual})
    return {n: stability(now.get(n, 0.0), notices, usual.get(n, 0.0), trained) for n in names}


def seen(days: Iterable[Part]) -> tuple[Part, ...]:
    return tuple(day for day in days if day.total > 0)


def total(days: Iterable[Part]) -> int:
    return sum(day.total for day in days)


def pooled(days: Iterable[Part]) -> float | None:
    days = tuple(days)
    whole = total(days)
    return sum(day.hits for day in days) / whole if whole else None
