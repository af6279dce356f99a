"""
Bounds on a share that hold whatever the data look like.

Source: Clopper and Pearson, Biometrika 26 (1934). That a threshold chosen by such a bound keeps its promise:
Angelopoulos, Bates, Candès, Jordan, Lei, Learn then Test (2021); all thresholds here are allowed the same
number of losses, none, so that the laxest one which has none is the first that fixed-sequence testing
from the strictest on would end at.
"""

from __future__ import annotations

import math


def at_most(hits: int, total: int, confidence: float = 0.95) -> float:
    """
    The upper Clopper–Pearson bound of a share: `hits` of `total` were seen.

    One-sided. One where nothing was looked at.
    """
    if hits >= total:
        return 1.0
    doubt = 1.0 - confidence
    low, high = hits / total, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if cumulative(hits, total, middle) > doubt:
            low = middle
        else:
            high = middle
    return high


def cumulative(hits: int, total: int, share: float) -> float:
    """The probability of at most so many hits."""
    if share <= 0.0:
        return 1.0
    if share >= 1.0:
        return 1.0 if hits >= total else 0.0
    logs = (
        math.lgamma(total + 1)
        - math.lgamma(k + 1)
        - math.lgamma(total - k + 1)
        + k * math.log(share)
        + (total - k) * math.log1p(-share)
        for k in range(hits + 1)
    )
    return min(1.0, sum(math.exp(value) for value in logs))


def needed(share: float, confidence: float = 0.95) -> int:
    """How many must be looked at, none of them a hit, so that the share is at most this."""
    return math.ceil(math.log(1.0 - confidence) / math.log1p(-share))
