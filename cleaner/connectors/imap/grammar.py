"""
The words of IMAP: taking responses apart, and writing commands (RFC 9051 section 9).

Lenient towards what servers write, and linear in its length.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Final, TypeAlias

Value: TypeAlias = "bytes | tuple[Value, ...] | None"
"""A string or atom, NIL, or a list in parentheses."""

MAX_SET: Final = 900
"""Bytes of a sequence set: some servers take no longer command lines than 1,000 (RFC 2683 section 3.2.1.5)."""

MAX_DEPTH: Final = 50
MAX_UID: Final = 2**32 - 1

_TOKEN: Final = re.compile(
    rb'(?P<open>\()|(?P<close>\))|"(?P<quoted>(?:[^"\\]|\\.)*+)"'
    rb'|(?P<atom>(?:[^\[ ()"]++|\[[^\]]{0,1024}+\]|\[)++)'
)
_LITERAL: Final = re.compile(rb"~?\{\d+\+?\}$")
_ESCAPED: Final = re.compile(rb"\\(.)")
_DATE: Final = re.compile(rb" ?(\d{1,2})-([A-Za-z]{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)")
_MONTHS: Final = {
    name: number
    for number, name in enumerate(b"jan feb mar apr may jun jul aug sep oct nov dec".split(), start=1)
}
_PLAIN: Final = re.compile(rb"[\x20-\x7e]*")
_RANGE: Final = re.compile(rb"(\d{1,10})(?::(\d{1,10}))?")


class GrammarError(ValueError):
    """What the server wrote is not IMAP."""


def values(parts: Sequence[bytes]) -> tuple[Value, ...]:
    """
    What a response says, as nested tuples.

    `parts` are its text and its literals by turns, so that it always begins and ends with text.
    """
    stack: list[list[Value]] = [[]]
    for place, part in enumerate(parts):
        if place % 2:
            stack[-1].append(part)
            continue
        text = _LITERAL.sub(b"", part) if place + 1 < len(parts) else part
        for match in _TOKEN.finditer(text):
            kind = match.lastgroup
            if kind == "open":
                if len(stack) > MAX_DEPTH:
                    raise GrammarError("too many lists in each other")
                stack.append([])
            elif kind == "close":
                if len(stack) == 1:
                    raise GrammarError("a list ends that has not begun")
                done = tuple(stack.pop())
                stack[-1].append(done)
            elif kind == "quoted":
                stack[-1].append(_ESCAPED.sub(rb"\1", match["quoted"]))
            else:
                atom = match["atom"]
                stack[-1].append(None if atom.upper() == b"NIL" else atom)
    if len(stack) > 1:
        raise GrammarError("a list does not end")
    return tuple(stack[0])


def texts(value: Value) -> tuple[bytes, ...]:
    """The strings of a list; what is none is left out."""
    return tuple(item for item in value if isinstance(item, bytes)) if isinstance(value, tuple) else ()


def number(value: Value) -> int | None:
    return int(value) if isinstance(value, bytes) and value.isdigit() and len(value) < 20 else None


def quoted(text: bytes) -> bytes | None:
    """As a quoted string; None for what only a literal can hold."""
    if not _PLAIN.fullmatch(text):
        return None
    return b'"' + text.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def ranges(uids: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Neighbouring numbers together, ascending."""
    first = last = None
    for uid in sorted(set(uids)):
        if first is None or last is None:
            first = last = uid
        elif uid == last + 1:
            last = uid
        else:
            yield first, last
            first = last = uid
    if first is not None and last is not None:
        yield first, last


def sets(uids: Iterable[int]) -> tuple[bytes, ...]:
    """Sequence sets that together hold these numbers, each short enough for a command line."""
    found: list[bytes] = []
    items: list[bytes] = []
    length = 0
    for first, last in ranges(uids):
        item = b"%d" % first if first == last else b"%d:%d" % (first, last)
        if items and length + len(item) > MAX_SET:
            found.append(b",".join(items))
            items, length = [], 0
        items.append(item)
        length += len(item) + 1
    if items:
        found.append(b",".join(items))
    return tuple(found)


def expanded(sequence: bytes, most: int) -> tuple[int, ...]:
    """
    The numbers of a sequence set in its own order, which COPYUID depends on (RFC 4315 section 3).

    Empty for what is no set, or names more than `most`.
    """
    found: list[int] = []
    for item in sequence.split(b","):
        match = _RANGE.fullmatch(item)
        if match is None:
            return ()
        first, last = int(match[1]), int(match[2] or match[1])
        step = 1 if first <= last else -1
        if len(found) + abs(last - first) + 1 > most:
            return ()
        found.extend(range(first, last + step, step))
    return tuple(found)


def internal_date(value: Value) -> datetime | None:
    """An INTERNALDATE; None for one that is no date."""
    match = _DATE.fullmatch(value) if isinstance(value, bytes) else None
    if match is None:
        return None
    day, name, year, hour, minute, second = match.groups()[:6]
    offset = timedelta(hours=int(match[8]), minutes=int(match[9]))
    zone = timezone(-offset if match[7] == b"-" else offset) if offset < timedelta(days=1) else UTC
    try:
        month = _MONTHS[name.lower()]
        return datetime(int(year), month, int(day), int(hour), int(minute), min(int(second), 59), tzinfo=zone)
    except (KeyError, ValueError):
        return None


def date_time(when: datetime) -> bytes:
    """A time as APPEND takes it, whatever language this machine speaks."""
    name = list(_MONTHS)[when.month - 1].decode().capitalize()
    at = when if when.tzinfo is not None else when.replace(tzinfo=UTC)
    return f'"{at.day:02}-{name}-{at.year:04} {at:%H:%M:%S %z}"'.encode()
