"""HTML to words, and the form in which texts are compared; no HTML takes long."""

from __future__ import annotations

import pytest

from cleaner.notices import original, text
from cleaner.notices.mime import parse


@pytest.mark.parametrize("unit", ["<div>", "<", "<a href=http://x.example/", "<p><br>\n", "<b><p></b>"])
def test_hostile_html_ends(unit: str) -> None:
    """The parser's time grows with the square of its depth: ten seconds for 256 kB, were it asked."""
    assert isinstance(text.from_html(unit * (300_000 // len(unit)) + "words"), str)


def test_blocks_are_lines() -> None:
    assert (
        text.from_html("<p>one</p><style>x{}</style><p>two &amp; three</p>").split()
        == "one two & three".split()
    )


def test_spellings_of_one_text_are_equal() -> None:
    assert text.fold("Ｕndelivered \n  MAIL") == "undelivered mail"


def test_links_are_found_in_words_and_in_references() -> None:
    found = text.links_in("see http://a.example/x.", '<a href="https://b.example/y">z</a>')
    assert found == ("https://b.example/y", "http://a.example/x")


@pytest.mark.parametrize("filler", [b" ", b"\t", b" \t \n", b"> "])
def test_white_space_is_searched_in_linear_time(filler: bytes) -> None:
    root = parse(b"Subject: x\n\n" + filler * (250_000 // len(filler)))
    assert original.find(root, (root,)).raw == b""
