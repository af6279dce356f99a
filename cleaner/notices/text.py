"""
What a text part says: HTML to text, and the form in which texts are compared.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from html import unescape
from typing import Final

from selectolax.lexbor import LexborHTMLParser

from cleaner.notices.limits import MAX_HTML, MAX_LINKS

_LINK: Final = re.compile(r"https?://[^\s<>\"'\])}]{3,500}", re.IGNORECASE)
_HREF: Final = re.compile(r"href\s{0,3}=\s{0,3}[\"']?\s{0,3}(https?://[^\s\"'>]{3,500})", re.IGNORECASE)
_BLANK_LINES: Final = re.compile(r"\n[ \t\r\xa0]*(?:\n[ \t\r\xa0]*)+")
_TAG: Final = re.compile(r"<[^<>]{0,1000}>")
_PRE: Final = re.compile(r"<(?:pre|textarea|xmp|plaintext)\b|white-space", re.IGNORECASE)
"""Where line ends and spaces of the source count."""
_BLOCK: Final = re.compile(
    r"<(?:br|/?(?:p|div|tr|td|th|li|ul|ol|dl|dt|dd|h[1-6]|table|blockquote|hr|center|section|article))\b",
    re.IGNORECASE,
)
_EDGES: Final = re.compile(r" ?\n ?")
_OPENING: Final = re.compile(r"<(/?)[a-zA-Z]")
_MOST_OPEN: Final = 1_500
"""Levels above which HTML is not parsed: the parser's time grows with the square of its depth."""
_SKIPPED: Final = ("script", "style", "head", "template")


def fold(text: str) -> str:
    """The form in which texts are compared: NFKC, case-folded, white space collapsed."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return " ".join(text.casefold().split())


class Phrases:
    """
    Many phrases looked for in one text: by the two characters that they begin with.

    Hundreds are looked for in every subject of a mailbox; one by one that costs more than all the rest.
    """

    def __init__(self, phrases: Iterable[str]) -> None:
        self._by_start: dict[str, tuple[str, ...]] = {}
        for phrase in phrases:
            self._by_start[phrase[:2]] = (*self._by_start.get(phrase[:2], ()), phrase)

    def are_in(self, text: str) -> bool:
        """Whether one of them, each at least two characters long, stands in the text."""
        return any(
            text.startswith(phrases, at)
            for at in range(len(text) - 1)
            if (phrases := self._by_start.get(text[at : at + 2])) is not None
        )


def from_html(html: str) -> str:
    """The words of an HTML text, a line for each block."""
    html = html[:MAX_HTML]
    if html.count("<") > _MOST_OPEN and _depth(html) > _MOST_OPEN:
        return _BLANK_LINES.sub("\n\n", unescape(_TAG.sub("\n", html))).strip()
    as_written = bool(_PRE.search(html))
    if not as_written:
        html = _BLOCK.sub(r"\n\g<0>", " ".join(html.split()))
    tree = LexborHTMLParser(html)
    tree.strip_tags(list(_SKIPPED))
    if tree.body is None:
        return ""
    text = tree.body.text(separator="\n" if as_written else "", strip=False)
    if not as_written:
        text = _EDGES.sub("\n", text)
    return _BLANK_LINES.sub("\n\n", text).strip()


def _depth(html: str) -> int:
    """How deep elements are nested at most, taking every one that is left open for a level."""
    depth = deepest = 0
    for match in _OPENING.finditer(html):
        depth += -1 if match[1] else 1
        deepest = max(deepest, depth)
    return deepest


def links_in(text: str, html: str = "") -> tuple[str, ...]:
    """The http(s) addresses in a text and in the references of its HTML form, without doubles."""
    found = dict.fromkeys(match[1] for match in _HREF.finditer(html[:MAX_HTML]))
    found.update(dict.fromkeys(match[0].rstrip(".,;:!?") for match in _LINK.finditer(text)))
    return tuple(found)[:MAX_LINKS]
