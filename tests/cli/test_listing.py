"""The table of judged messages fits its width and shows hostile text as text."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from cleaner.cli.listing import happened, table_of, tally, why

LINE: dict[str, Any] = {
    "mailbox": "ann@harbor.example",
    "folder": "INBOX",
    "id": "1712.M1P1.host",
    "received": "2026-11-02T10:15:00+00:00",
    "kind": "ndr",
    "family": "postfix",
    "recipients": [{"address": "bob@far.example"}],
    "verdict": "backscatter",
    "plan": "move",
    "outcome": "done",
    "error": None,
    "subject": "Undelivered Mail Returned to Sender",
    "because": "It did not leave through your relays.",
    "plan_reason": "Spurious notices are moved.",
}


def shown(*lines: dict[str, Any], width: int = 80, files: bool = False) -> str:
    stream = StringIO()
    console = Console(file=stream, width=width, markup=False, emoji=False, highlight=False)
    console.print(table_of(lines, files=files))
    return stream.getvalue()


@pytest.mark.parametrize("width", [60, 80, 200])
def test_it_fits_however_long_the_mail_makes_its_fields(width: int) -> None:
    long = LINE | {
        "recipients": [{"address": "x" * 300 + "@far.example"}],
        "family": "y" * 300,
        "because": "word " * 400,
        "id": "/a/b/" + "z" * 300,
    }
    for files in (False, True):
        assert all(len(line) <= width for line in shown(long, width=width, files=files).splitlines())


def test_a_row_tells_when_about_whom_what_and_why() -> None:
    text = shown(LINE, width=120)
    for word in ("2026-11-02", "bob@far.example", "ndr postfix", "backscatter", "moved", "your relays"):
        assert word in text
    assert "1712.M1P1.host" in shown(LINE, files=True)


def test_markup_and_escape_sequences_of_the_mail_are_shown_not_obeyed() -> None:
    hostile = LINE | {"recipients": [{"address": "[red]\x1b[31m:bomb:@far.example"}], "because": "[/]"}
    text = shown(hostile, width=120)
    assert "[red]\ufffd[31m:bomb:@far.example" in text
    assert "\x1b" not in text


def test_many_recipients_are_counted_and_without_any_the_subject_stands_in() -> None:
    many = LINE | {"recipients": [{"address": f"r{number}@far.example"} for number in range(9)]}
    assert "r0@far.example and 8 more" in " ".join(shown(many, width=120).split())
    assert "Undelivered Mail" in shown(LINE | {"recipients": []}, width=120)


@pytest.mark.parametrize(
    ("plan", "outcome", "words"),
    [
        ("move", "done", "moved"),
        ("move", "planned", "would be moved"),
        ("move", "gone", "gone meanwhile"),
        ("delete", "failed", "failed, stays"),
        ("wait", "none", "waits"),
        ("wait", "planned", "waits"),
        ("report", "none", "reported only"),
        ("none", "none", "stays"),
    ],
)
def test_what_happened_is_said_in_words(plan: str, outcome: str, words: str) -> None:
    assert happened(LINE | {"plan": plan, "outcome": outcome}) == words


def test_what_the_safety_limit_holds_back_is_told_from_what_would_be_moved() -> None:
    assert happened(LINE | {"plan": "move", "outcome": "planned", "held_back": True}) == "held back"
    assert happened(LINE | {"plan": "move", "outcome": "planned", "held_back": False}) == "would be moved"


def test_why_a_spurious_notice_stays_is_told() -> None:
    held = LINE | {"plan": "report", "outcome": "none", "plan_reason": "The mailbox is new."}
    assert why(held).endswith("The mailbox is new.")
    assert "Spurious notices" not in why(LINE)
    assert why(LINE | {"error": "it is broken"}) == "it is broken"


def test_the_tally_counts_notices_only() -> None:
    lines = [
        LINE,
        LINE,
        LINE | {"verdict": "unsure"},
        LINE | {"kind": "not-a-bounce", "verdict": "not-a-bounce"},
    ]
    assert tally(lines) == "3 notices: 2 backscatter, 1 unsure"
    assert tally(lines[3:]) == "no notices"
    assert tally([LINE | {"kind": "arf", "verdict": "not-a-bounce"}]) == "1 notice: 1 not ours to judge"
