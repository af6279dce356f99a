"""
The manner of a mail: what shows, in its header, with what and where somebody writes.

Of the mail in Sent each trait is counted (`store/sent.py`); that is the profile of a mailbox, and all of it.
Traits are short texts, kind and value: the shape of the Message-ID without what changes from mail to mail, the
mail program without its version, the charset of the text, the zone and the part of the day of its Date, the
language or script of the subject.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from typing import Final

from cleaner.values import UNKNOWN, Headers

FIELDS: Final = frozenset(
    ("message-id", "user-agent", "x-mailer", "content-type", "content-language", "date")
)
"""What `manner` looks at, beside the subject."""
KINDS: Final = ("id", "mailer", "charset", "zone", "hour", "language")

MAX_VALUE: Final = 60
_UUID: Final = re.compile(
    r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})|([0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12})"
)
_PIECES: Final = re.compile(r"[0-9A-Za-z]+")
_WORD: Final = re.compile(r"[^\W\d_]+")
_CHARSET: Final = re.compile(r"""charset\s*=\s*["']?([\w.:+-]{1,40})""", re.IGNORECASE)
_ZONE: Final = re.compile(r"\s([+-]\d{4})\b")
_HOUR: Final = re.compile(r"\s(\d{1,2}):\d{2}\b")
_LANGUAGE: Final = re.compile(r"\s*([A-Za-z]{2,3})\b")
HOURS: Final = 6
"""Hours in a part of the day."""


def manner(headers: Headers, subject: str) -> tuple[str, ...]:
    """The traits of a mail, at most one of a kind; none of a kind that the header does not tell."""
    found = {
        "id": shape(headers.text("message-id")),
        "mailer": _mailer(headers),
        "charset": _match(_CHARSET, headers.text("content-type")),
        "zone": _match(_ZONE, headers.text("date")),
        "hour": _part_of_day(headers.text("date")),
        "language": _match(_LANGUAGE, headers.text("content-language")) or script(subject),
    }
    return tuple(f"{kind} {value[:MAX_VALUE]}" for kind, value in found.items() if value)


def kind_of(trait: str) -> str:
    return trait.partition(" ")[0]


def shape(message_id: str) -> str:
    """The form of the left side of a Message-ID: equal for all that one program makes."""
    left = message_id.strip().strip("<>").rpartition("@")[0][:250]
    if not left:
        return ""
    if (uuid := _UUID.fullmatch(left)) is not None:
        return "uuid" if uuid[1] else "UUID"
    return _PIECES.sub(_piece, left)


def _piece(match: re.Match[str]) -> str:
    text = match[0]
    if text.isdigit():
        return "9"
    for letter, alphabet in (("x", "0123456789abcdef"), ("X", "0123456789ABCDEF")):
        if len(text) >= 8 and not text.strip(alphabet):
            return f"{letter}{len(text)}"
    if text.isalpha() and (text.islower() or text.isupper()):
        return "a" if text.islower() else "A"
    return "m"


def script(text: str) -> str:
    """The script that most letters of a text are of: `LATIN`, `CYRILLIC`, `CJK` …"""
    scripts = Counter(
        unicodedata.name(letter, "").partition(" ")[0] for letter in text[:200] if letter.isalpha()
    )
    return scripts.most_common(1)[0][0] if scripts else ""


def _mailer(headers: Headers) -> str:
    """The first words of the name of the mail program; `none` where it does not name itself."""
    if UNKNOWN in (headers.get("user-agent"), headers.get("x-mailer")):
        return ""
    named = headers.text("user-agent") or headers.text("x-mailer")
    words = _WORD.findall(named[:200])[:2]
    return " ".join(words).casefold() or "none"


def _part_of_day(date: str) -> str:
    hour = _match(_HOUR, date)
    return f"{int(hour) // HOURS * HOURS:02}" if hour else ""


def _match(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text[:1_000])
    return match[1].casefold() if match is not None else ""


def questions(traits: tuple[str, ...]) -> Iterator[str]:
    """What is asked about these traits: how often each was counted, and how many mails tell its kind."""
    for trait in traits:
        yield trait
        yield kind_of(trait)
