"""Text from mail cannot steer the terminal that shows it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleaner.cli.text import count, safe, safe_lines


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[2J\x1b]0;title\x07hello", "\ufffd[2J\ufffd]0;title\ufffdhello"),
        ("\x9b31mred", "\ufffd31mred"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("a\u2066b\u2069c\u200e", "abc"),
        ("two\r\nlines\tand\u2028more", "two lines and more"),
        ("\ud800 lone", "\ufffd lone"),
        ("\x00", "\ufffd"),
        ("soft\u00adhyphen", "softhyphen"),
        ("z" + "\u0301" * 50, "z" + "\u0301" * 4),
    ],
)
def test_what_a_terminal_acts_on_is_taken_away(hostile: str, shown: str) -> None:
    assert safe(hostile) == shown


@pytest.mark.parametrize(
    "honest",
    ["Grüße aus Köln", "未達メール", "می\u200cخواهم", "[bold]not markup[/bold] :smile:", "пересылка", "👍🏽"],
)
def test_honest_text_stays(honest: str) -> None:
    assert safe(honest) == honest


def test_it_is_cut_to_the_limit() -> None:
    assert safe("x" * 1_000_000, 10) == "x" * 9 + "…"
    assert safe("x" * 10, 10) == "x" * 10


@given(st.text())
def test_whatever_it_is_given_it_is_one_printable_line(text: str) -> None:
    shown = safe(text)
    assert len(shown) <= 300
    assert all(character.isprintable() or character in "\u200c\u200d" for character in shown)
    shown.encode("utf-8")


def test_the_lines_of_an_error_stay_lines() -> None:
    assert safe_lines("2 faults\n  - one\x1b\n  - two") == "2 faults\n  - one\ufffd\n  - two"


def test_count() -> None:
    assert count(1, "message") == "1 message"
    assert count(1234, "message") == "1,234 messages"
    assert count(0, "mailbox", "mailboxes") == "0 mailboxes"
