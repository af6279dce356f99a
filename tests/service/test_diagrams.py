"""Diagrams: what stands in them is what was measured."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from cleaner.errors import UsageError
from cleaner.service.diagrams import curve, reliability, trade, write
from cleaner.service.evaluate import Answer
from cleaner.service.svg import LEFT, TOP, WIDE, Curve, Diagram, drawn

ANSWERS = (
    *(Answer(spurious=True, score=4.0, probability=0.95, removed=True) for _ in range(9)),
    Answer(spurious=False, score=1.0, probability=0.95, removed=False),
    *(Answer(spurious=False, score=-2.0, probability=0.05, removed=False) for _ in range(10)),
)


def test_reliability_sets_the_share_against_the_probability() -> None:
    low, high = reliability(ANSWERS).curves[0].points
    assert low == pytest.approx((0.05, 0.0))
    assert high == pytest.approx((0.95, 0.9))


def test_equal_answers_stand_or_fall_together() -> None:
    assert curve(ANSWERS, lambda a: a.probability)[0] == pytest.approx((1.0, 0.9))
    assert curve(ANSWERS, lambda a: a.score)[0] == pytest.approx((1.0, 1.0))
    assert curve(ANSWERS, lambda a: a.score)[-1] == pytest.approx((1.0, 0.45))


def test_what_is_in_use_is_one_point() -> None:
    assert trade(ANSWERS).curves[2].points == ((1.0, 1.0),)


def test_the_files_are_drawings(tmp_path: Path) -> None:
    paths = tuple(write(ANSWERS, tmp_path / "new"))
    assert [path.name for path in paths] == ["reliability.svg", "precision-recall.svg"]
    for path in paths:
        assert ElementTree.parse(path).getroot().tag.endswith("svg")  # noqa: S314  # written above


def test_names_cannot_break_out_and_points_stay_inside() -> None:
    text = drawn(Diagram("<b>", "a", "b", (Curve("</svg>", ((2.0, 9.0),), marked=True),)))
    root = ElementTree.fromstring(text)  # noqa: S314  # written above
    (dot,) = root.iter("{http://www.w3.org/2000/svg}circle")
    assert (float(dot.get("cx", "")), float(dot.get("cy", ""))) == (LEFT + WIDE, TOP)


def test_without_answers_there_is_nothing_to_draw(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing to draw"):
        tuple(write((), tmp_path))


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        tuple(write(ANSWERS, tmp_path / "file"))
