"""Learning works: thirty labels teach a kind of backscatter that the bundled model misses, and cost nothing else."""

from __future__ import annotations

from functools import cache

import pytest

from cleaner.classifier.base import Row, locked
from cleaner.classifier.learning import Learned
from tests.service.strange_world import base, first, notices, outcome, taught, wrong

LABELS = 30
WORLD = list(notices())


@cache
def rows() -> tuple[Row, ...]:
    return base()


@cache
def before() -> Learned:
    return taught(rows(), [])


def test_thirty_labels_close_half_of_the_gap_and_nothing_else_gets_worse() -> None:
    labels, rest = first(LABELS, WORLD)
    untaught = outcome(before(), rest)
    assert untaught.removed < 0.3 * untaught.spurious
    learned = taught(rows(), labels)
    after = outcome(learned, rest)
    assert after.removed >= untaught.removed + (untaught.spurious - untaught.removed) / 2
    assert after.lost == 0
    elsewhere = list(locked(rows()))
    old, new = outcome(before(), elsewhere), outcome(learned, elsewhere)
    assert new.lost == old.lost == 0
    assert new.removed >= 0.99 * old.removed
    assert learned.guarantee.holds


@pytest.mark.parametrize("every", [20])
def test_with_one_wrong_label_in_twenty_nothing_genuine_is_lost(every: int) -> None:
    labels, rest = first(200, WORLD)
    learned = taught(rows(), wrong(labels, every))
    after = outcome(learned, rest)
    assert after.lost <= 0.01 * after.genuine
    assert outcome(learned, list(locked(rows()))).lost == 0
