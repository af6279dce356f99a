"""
Making text from mail fit to be shown on a terminal.

Whoever sends mail chooses subjects, addresses and host names, and a terminal obeys what it is sent: escape
sequences rewrite the screen, and bidirectional controls (Unicode Standard Annex 9) make one text look
like another. Everything that a command prints and did not write itself goes through `safe`.
"""

from __future__ import annotations

import unicodedata
from typing import Final

_JOINERS: Final = frozenset("\u200c\u200d")
"""Zero-width (non-)joiner: invisible, harmless, and needed to write Persian and several Indic scripts."""
_UNSHOWABLE: Final = frozenset(("Cc", "Cs", "Co", "Cn"))
_MAX_MARKS: Final = 4
"""Combining marks on one character; Vietnamese and Thai need two, pointed Hebrew three."""


def safe(text: object, limit: int = 300) -> str:
    """
    The text on one line, without anything that a terminal would act on, and at most so long.

    White space of any kind becomes one space; format characters (bidirectional controls among them)
    are left out; control characters, surrogates and unassigned ones are shown as `�`.
    """
    shown: list[str] = []
    marks = 0
    for character in str(text)[: 4 * limit]:
        category = unicodedata.category(character)
        marks = marks + 1 if category[0] == "M" else 0
        if character.isspace():
            if shown and shown[-1] != " ":
                shown.append(" ")
        elif category in _UNSHOWABLE:
            shown.append("\ufffd")
        elif (category != "Cf" or character in _JOINERS) and marks <= _MAX_MARKS:
            shown.append(character)
    line = "".join(shown).strip()
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def safe_lines(text: str, limit: int = 4_000) -> str:
    """A text of several lines of our own making, such as an error, that may quote mail."""
    return "\n".join(
        line[: len(line) - len(line.lstrip(" "))] + safe(line, 1_000) for line in text[:limit].split("\n")
    )


def count(number: int, noun: str, plural: str = "") -> str:
    """`1 message`, `2 messages`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
