"""The bounds: known values, and what holds for all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleaner.classifier.bounds import at_most, cumulative, needed


@pytest.mark.parametrize(
    ("hits", "total", "bound"),
    [
        (0, 10, 0.2589),  # 1 - 0.05 ** (1 / 10)
        (0, 299, 0.00997),
        (1, 10, 0.3942),  # tables of the binomial distribution
        (5, 10, 0.7776),
        (10, 10, 1.0),
        (0, 0, 1.0),
    ],
)
def test_known_bounds(hits: int, total: int, bound: float) -> None:
    assert at_most(hits, total) == pytest.approx(bound, abs=1e-4)


def test_how_many_are_needed() -> None:
    assert (needed(0.01), needed(0.001)) == (299, 2995)
    assert at_most(0, needed(0.01)) <= 0.01 < at_most(0, needed(0.01) - 1)


@given(st.integers(1, 3000), st.data())
def test_the_bound_is_what_it_says(total: int, data: st.DataObject) -> None:
    """At the bound, so few hits are just as improbable as is allowed."""
    hits = data.draw(st.integers(0, total - 1))
    bound = at_most(hits, total)
    assert hits / total < bound <= 1.0
    assert cumulative(hits, total, bound) == pytest.approx(0.05, abs=1e-3)
