"""Promotion: a new model takes the place only where it is not worse."""

from __future__ import annotations

from collections.abc import Sequence

from cleaner.classifier.features import Features
from cleaner.classifier.learning import Example
from cleaner.classifier.model import Model
from cleaner.classifier.promotion import TOLERANCE, Tally, asked, compare

TOLD = "ground:closed"


def example(told: float, *, spurious: bool) -> Example:
    return Example(Features({TOLD: told}), spurious, "g", f"{told} {spurious}")


LOCKED = [example(1.0, spurious=True)] * 50 + [example(0.2, spurious=False)] * 50
OLD = Model("old", -3.0, {TOLD: 7.0}, remove=0.95)


def objections(
    new: Model, locked: Sequence[Example] = LOCKED, own: Sequence[tuple[Example, float]] = ()
) -> str:
    return "; ".join(o for comparison in compare(OLD, new, locked, own) for o in comparison.objections)


def test_an_equal_model_may_take_the_place() -> None:
    assert objections(Model("new", -3.0, {TOLD: 7.0}, remove=0.95)) == ""


def test_one_that_loses_a_genuine_notice_may_not() -> None:
    assert "lose 50 of 50 genuine notices, the model in use 0" in objections(
        Model("new", 5.0, {}, remove=0.95)
    )


def test_one_that_removes_noticeably_less_may_not() -> None:
    assert "remove 0 of 50 spurious" in objections(Model("new", -5.0, {}, remove=0.95))


def test_a_little_less_is_tolerated() -> None:
    """One of two hundred, and not three."""
    assert TOLERANCE == 0.01
    many = [example(1.0, spurious=True)] * 200
    weaker = Model("new", 0.0, {TOLD: 7.0, "x": -9.0}, remove=0.95)
    doubted = Example(Features({TOLD: 1.0, "x": 1.0}), True, "g", "d")
    assert objections(weaker, [*many[1:], doubted]) == ""
    assert "remove 197 of 200" in objections(weaker, [*many[3:], doubted, doubted, doubted])


def test_own_labels_count_by_what_was_said_without_them() -> None:
    genuine = example(0.2, spurious=False)
    assert objections(OLD, own=[(genuine, 0.99)]).startswith("on your own labels it would lose 1 of 1")
    assert objections(OLD, own=[(genuine, 0.5)]) == ""


def test_where_there_is_no_model_yet_nothing_is_removed_by_it() -> None:
    (comparison,) = compare(None, OLD, LOCKED, ())
    assert comparison.old == Tally(50, 0, 50, 0)
    assert comparison.objections == ()


def test_without_a_ground_nothing_counts_as_removed() -> None:
    untold = Example(Features({"burst:backscatter": 1.0}), False, "g", "b")
    assert objections(Model("new", 5.0, {TOLD: 1.0}, remove=0.95), [untold] * 20) == ""
    assert len(asked(OLD, [untold])) == 1


def test_nor_where_something_speaks_for_the_mail() -> None:
    written = Example(Features({TOLD: 1.0, "written_before:genuine": 1.0}), False, "g", "b")
    assert objections(Model("new", 5.0, {TOLD: 1.0}, remove=0.95), [written] * 20) == ""
