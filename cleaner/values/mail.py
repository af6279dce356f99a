"""What a connector sees."""

from __future__ import annotations

import enum
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Final

from cleaner.values.fields import ABSENT, MAX_HEADER_BYTES, MAX_HEADER_FIELDS, UNKNOWN, Field


class FolderRole(enum.Enum):
    """What a folder is for (RFC 6154), as the server or its name says."""

    INBOX = "inbox"
    SENT = "sent"
    TRASH = "trash"
    JUNK = "junk"
    DRAFTS = "drafts"
    ARCHIVE = "archive"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder by its full name, levels separated by `/` whatever the server uses."""

    name: str
    role: FolderRole = FolderRole.NONE
    messages: int | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """
    What stands in a folder.

    `ids` are those that may be new since the cursor given (a connector may list one again, never
    leave one out), oldest first: by date, or by arrival where the system numbers its messages so; `cursor` is
    what to give next time, opaque to everyone but the connector; `total` counts all messages of the folder.
    A connector may list a part of the new ones: `left` counts those that come with the next cursor.
    """

    ids: tuple[str, ...]
    cursor: str
    total: int
    left: int = 0


@dataclass(frozen=True, slots=True)
class Headers:
    """
    The header fields of one mail, in order, as raw bytes.

    Each item is the name as written and the raw value after the colon, folds included, the final
    line end left out. `unknown` holds the names (lower case) whose absence means nothing here.
    """

    items: tuple[tuple[bytes, bytes], ...] = ()
    unknown: frozenset[str] = frozenset()
    _values: Mapping[str, list[bytes]] = field(init=False, repr=False, compare=False)
    _told: dict[str, Field] = field(init=False, repr=False, compare=False)
    """What was asked before: thirty questions about the same few fields come to each notice."""

    def __post_init__(self) -> None:
        values: dict[str, list[bytes]] = {}
        for name, value in self.items:
            key = _short_name(name) if len(name) <= _SHORT else _field_name(name)
            if key in values:
                values[key].append(value)
            else:
                values[key] = [value]
        object.__setattr__(self, "_values", values)
        object.__setattr__(self, "_told", {})

    @classmethod
    def parse(cls, block: bytes, unknown: frozenset[str] = frozenset()) -> Headers:
        """
        The fields of a header block, read leniently and in linear time.

        Reading ends at the first empty line; CRLF and LF end a line, a bare CR does not. A line
        without a colon that is not a continuation is skipped, an mbox `From ` line too. At most
        MAX_HEADER_BYTES and MAX_HEADER_FIELDS are looked at; what is beyond is left out.
        """
        block = _up_to_empty_line(block[:MAX_HEADER_BYTES])
        items = _FIELD.findall(block)
        if b"\r" in block:
            items = [(name, value.removesuffix(b"\r")) for name, value in items]
        return cls(tuple(items[:MAX_HEADER_FIELDS]), unknown)

    @property
    def names(self) -> Collection[str]:
        """The names of the fields, lower case."""
        return self._values

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._values

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        return iter(self.items)

    def raw(self, name: str) -> tuple[bytes, ...]:
        """The raw values of every field of that name, topmost first."""
        return tuple(self._values.get(name.lower(), ()))

    def all(self, name: str) -> tuple[str, ...]:
        """The unfolded values of every field of that name; 8-bit bytes read as UTF-8, else Latin-1."""
        return tuple([_unfold(value) for value in self._values.get(name.lower(), ())])

    def get(self, name: str) -> Field:
        """The first unfolded value of that name, `ABSENT` or `UNKNOWN`."""
        told = self._told.get(name)
        if told is None:
            told = self._told[name] = self._first(name.lower())
        return told

    def _first(self, name: str) -> Field:
        if name in self._values:
            return _unfold(self._values[name][0])
        return UNKNOWN if name in self.unknown else ABSENT

    def only(self, names: frozenset[str]) -> Headers:
        """Those fields alone."""
        kept = tuple(
            item for item in self.items if item[0].decode("ascii", "replace").strip().lower() in names
        )
        return Headers(kept, self.unknown)

    def text(self, name: str) -> str:
        """Like `get`, with an empty text for what is missing: for where the difference does not matter."""
        value = self.get(name)
        return value if isinstance(value, str) else ""


_FIELD: Final = re.compile(rb"(?m)(?:^|\A[ \t]++)([^ \t\n:][^ \n:]*+[ \t]*+):([^\n]*+(?:\n[ \t][^\n]*+)*+)")


def _up_to_empty_line(block: bytes) -> bytes:
    if block[:1] in (b"\r", b"\n"):
        return b""
    for empty in (b"\n\n", b"\n\r"):
        block = block.partition(empty)[0]
    return block


_SHORT: Final = 64
"""Bytes of a field name up to which it is remembered: mails share a few hundred names."""


def _field_name(name: bytes) -> str:
    return name.decode("ascii", "replace").strip().lower()


_short_name = lru_cache(maxsize=2_000)(_field_name)


def _unfold(value: bytes) -> str:
    flat = value
    if b"\n" in value:
        flat = b" ".join([line.strip(b" \t\r") for line in value.split(b"\n")])
    try:
        return flat.decode("utf-8").strip()
    except UnicodeDecodeError:
        return flat.decode("latin-1").strip()


@dataclass(frozen=True, slots=True)
class Heading:
    """A message seen without its body: what the shortlist is made from."""

    folder: str
    id: str
    headers: Headers
    size: int
    received: datetime | None = None
    """The internal date: when the message came into the mailbox."""
    flags: tuple[str, ...] = ()
    unreadable: str = ""
    """Why its header cannot be read; such a message is left alone and counted."""


@dataclass(frozen=True, slots=True)
class Message:
    """
    One mail of a mailbox, raw.

    `rebuilt`: the server wrote the MIME anew (EWS, Graph), so that trace fields which a returned
    original lacks are unknown, not absent. `header`: with `rebuilt`, the header block as received where the
    server keeps it (property 0x007D, internetMessageHeaders); reading believes it and not the one in `raw`.
    `unreadable`: why its bytes cannot be had; it is left alone.
    """

    folder: str
    id: str
    raw: bytes
    received: datetime | None = None
    flags: tuple[str, ...] = ()
    rebuilt: bool = False
    header: bytes = b""
    unreadable: str = ""
