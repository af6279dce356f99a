"""
What FETCH answers: header fields, sizes, dates, flags, whole messages.

Always BODY.PEEK, so that nothing becomes read, and always a part of stated length, so that a message costs no
more than what is looked at of it (RFC 9051 section 6.4.5).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

from cleaner.connectors.imap.grammar import GrammarError, internal_date, number, texts, values
from cleaner.connectors.imap.wire import Parts
from cleaner.values import MAX_HEADER_BYTES, Headers, Heading, Message

T = TypeVar("T")

MAX_MESSAGE: Final = 2 * 1024 * 1024
"""Bytes of a message that are fetched: as many as its reader looks at (`cleaner.notices.limits.MAX_READ`)."""

MAX_FIELDS: Final = 64 * 1024
"""Bytes of chosen header fields."""

MARK: Final = "$BounceCleanerMoving"
"""Keyword of a message that is being copied to another folder, there and here."""

RECENT: Final = "\\recent"
DELETED: Final = b"\\Deleted"

_SYSTEM: Final = {
    flag.lower(): flag for flag in ("\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft", "$Forwarded")
}
_NOT_THE_OWNERS: Final = (RECENT, MARK.lower())
_PART: Final = re.compile(rb"<0\.\d+>")
_SKIMMED: Final = re.compile(
    rb"\d+ FETCH \(UID (\d+) BODY\[HEADER\.FIELDS \([^()\[\]]*\)\](?:<0>)? \{\d+\}", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Fetched:
    """One message, as far as it was asked for."""

    uid: int
    body: bytes
    size: int = 0
    received: datetime | None = None
    flags: tuple[str, ...] = ()

    def heading(self, folder: str) -> Heading:
        headers = Headers.parse(self.body)
        return Heading(folder, str(self.uid), headers, self.size, self.received, self.flags)

    def message(self, folder: str) -> Message:
        return Message(folder, str(self.uid), self.body, self.received, self.flags)


def fields_item(fields: Collection[str]) -> bytes:
    """The item that asks for these header fields, or for the whole header."""
    if not fields:
        return b"BODY.PEEK[HEADER]<0.%d>" % MAX_HEADER_BYTES
    names = " ".join(sorted(fields)).upper().encode("ascii")
    return b"BODY.PEEK[HEADER.FIELDS (%b)]<0.%d>" % (names, MAX_FIELDS)


def without_parts(items: bytes) -> bytes:
    """The same of whole headers and messages, for a server that does not give out parts of them."""
    return _PART.sub(b"", items)


def skim_items(fields: Collection[str]) -> bytes:
    return b"(UID %b)" % fields_item(fields)


def heading_items(fields: Collection[str]) -> bytes:
    return b"(UID RFC822.SIZE INTERNALDATE FLAGS %b)" % fields_item(fields)


MESSAGE_ITEMS: Final = b"(UID RFC822.SIZE INTERNALDATE FLAGS BODY.PEEK[]<0.%d>)" % MAX_MESSAGE
STATE_ITEMS: Final = b"(UID RFC822.SIZE INTERNALDATE FLAGS)"


def fetched(parts: Parts, *, bare: bool = False) -> Fetched | None:
    """
    A FETCH response; None for another one, and for one that tells of a change nobody asked about.

    `bare`: no body was asked for. The form that Dovecot and most others write for skimming is taken apart
    by one expression, since there are tens of thousands.
    """
    if len(parts) == 3 and parts[2] == b")" and (match := _SKIMMED.fullmatch(parts[0])) is not None:
        return Fetched(int(match[1]), parts[1])
    word = parts[0].split(b" ", 2)
    if len(word) < 3 or word[1].upper() != b"FETCH":
        return None
    try:
        (items,) = values([word[2], *parts[1:]])
    except (GrammarError, ValueError):
        return None
    if not isinstance(items, tuple):
        return None
    found = {
        key.upper(): value
        for key, value in zip(items[::2], items[1::2], strict=False)
        if isinstance(key, bytes)
    }
    uid = number(found.get(b"UID"))
    bodies = [value for key, value in found.items() if key.startswith((b"BODY[", b"RFC822.HEADER"))]
    if uid is None or not (bodies or bare):
        return None
    body = bodies[0] if bodies else b""
    return Fetched(
        uid,
        body if isinstance(body, bytes) else b"",
        number(found.get(b"RFC822.SIZE")) or 0,
        internal_date(found.get(b"INTERNALDATE")),
        flags_of(texts(found.get(b"FLAGS"))),
    )


def flags_of(written: Iterable[bytes]) -> tuple[str, ...]:
    """Flags as we write them, without those that belong to a session or to our own work."""
    names = [flag.decode("utf-8", "replace") for flag in written]
    return tuple(_SYSTEM.get(name.lower(), name) for name in names if name.lower() not in _NOT_THE_OWNERS)


def in_order(asked: Iterable[int], found: Iterable[tuple[int, T]]) -> Iterator[T]:
    """What was found in the order asked; held back is only what comes before its turn."""
    turns = list(dict.fromkeys(asked))
    held: dict[int, T] = {}
    turn = 0
    for uid, item in found:
        held[uid] = item
        while turn < len(turns) and turns[turn] in held:
            yield held.pop(turns[turn])
            turn += 1
    for uid in turns[turn:]:
        if uid in held:
            yield held.pop(uid)
