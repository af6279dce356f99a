"""`report`: what was done since a time, as a table, as JSON and as a picture."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest

from cleaner.service.report import Day
from cleaner.service.report.chart import ceiling, svg
from cleaner.values import Opinion
from tests.cli.conftest import Ran

ANN = "ann@harbor.example"
Run = Callable[..., Ran]


def test_before_anything_was_done_it_says_so(run: Run, agreed: Path) -> None:
    shown = run("-c", agreed, "report")
    assert shown.code == 0
    assert "Nothing was judged" in shown.out


def test_it_counts_what_was_judged_moved_and_taken_back(run: Run, agreed: Path) -> None:
    run("-c", agreed, "scan")
    first, *_ = run("-c", agreed, "history", "--format", "jsonl").out.splitlines()
    run("-c", agreed, "undo", "--entry", json.loads(first)["entry"])
    told = json.loads(run("-c", agreed, "report", "--since", "1d", "--format", "jsonl").out)
    (harbor,) = told["organisations"]
    assert (harbor["name"], harbor["mailboxes"], harbor["taken_back"]) == ("harbor", 2, 1)
    for name in ("genuine", "backscatter", "unsure", "moved", "taken_back", "expired"):
        assert harbor[name] == sum(one[name] for one in told["mailboxes"])
    assert harbor["moved"] == harbor["backscatter"] > 1
    assert told["mailboxes"][0]["name"] == ANN
    assert sum(day["genuine"] for day in told["days"]) == harbor["genuine"]
    shown = run("-c", agreed, "report").out
    assert "harbor" in shown
    assert ANN in shown
    assert "█" in shown


def test_of_one_mailbox_alone(run: Run, agreed: Path) -> None:
    run("-c", agreed, "scan")
    told = json.loads(run("-c", agreed, "report", "--mailbox", ANN, "--format", "jsonl").out)
    assert [one["name"] for one in told["mailboxes"]] == [ANN]
    assert run("-c", agreed, "report", "--mailbox", "nobody@harbor.example").code == 2


def test_nothing_from_before_the_time_counts(run: Run, agreed: Path) -> None:
    run("-c", agreed, "scan")
    told = json.loads(run("-c", agreed, "report", "--since", "0", "--format", "jsonl").out)
    assert told["mailboxes"] == []


def test_the_picture_is_one(run: Run, agreed: Path, tmp_path: Path) -> None:
    run("-c", agreed, "scan")
    assert run("-c", agreed, "report", "--svg", tmp_path / "days.svg").code == 0
    root = ElementTree.fromstring((tmp_path / "days.svg").read_text())  # noqa: S314
    assert root.tag == "{http://www.w3.org/2000/svg}svg"


@pytest.mark.parametrize("count", [0, 1, 31, 2000])
def test_any_number_of_days_can_be_drawn(count: int) -> None:
    start = date(2026, 1, 1)
    days = [
        Day(start + timedelta(days=number), {Opinion.GENUINE: number, Opinion.BACKSCATTER: 2 * number})
        for number in range(count)
    ]
    drawn = ElementTree.fromstring(svg(days, "<Title> & more"))  # noqa: S314
    bars = [e for e in drawn.iter("{http://www.w3.org/2000/svg}rect") if e.get("height", "").count(".")]
    for bar in bars:
        assert float(bar.attrib["y"]) >= 30
        assert float(bar.attrib["height"]) > 0


def test_the_scale_ends_above_the_most_and_can_be_halved() -> None:
    for most in (0, 1, 2, 3, 9, 10, 11, 41, 99, 101, 12_345):
        top = ceiling(most)
        assert most <= top <= max(10 * most, 2)
        assert top % 2 == 0
