"""Mail taken apart without losing a byte: each part's header and body as they came."""

from __future__ import annotations

import base64
import binascii
import email.header
import email.utils
import quopri
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import Message
from email.parser import BytesHeaderParser
from functools import cached_property
from typing import Final

DEEPEST: Final = 20

_BLANK: Final = re.compile(rb"\r?\n\r?\n|\A\r?\n")


@dataclass(frozen=True)
class Part:
    """One part, or a whole message."""

    header: bytes
    body: bytes
    depth: int = 0
    parsed: Message = field(default_factory=Message, repr=False)

    @classmethod
    def of(cls, raw: bytes, depth: int = 0) -> Part:
        found = _BLANK.search(raw)
        header, body = (raw[: found.end()], raw[found.end() :]) if found else (raw, b"")
        return cls(header, body, depth, BytesHeaderParser().parsebytes(header))

    @cached_property
    def type(self) -> str:
        return self.parsed.get_content_type()

    @cached_property
    def children(self) -> tuple[Part, ...]:
        boundary = self.parsed.get_boundary()
        if not self.type.startswith("multipart/") or not boundary or self.depth >= DEEPEST:
            return ()
        line = re.compile(
            rb"(?:\A|\r?\n)--"
            + re.escape(boundary.encode("utf-8", "surrogateescape"))
            + rb"(--)?[ \t]*(?=\r?\n|\Z)"
        )
        marks = list(line.finditer(self.body))
        found = []
        for at, mark in enumerate(marks):
            if mark[1]:
                break
            end = marks[at + 1].start() if at + 1 < len(marks) else len(self.body)
            found.append(Part.of(_without_first_line_end(self.body[mark.end() : end]), self.depth + 1))
        return tuple(found)

    @cached_property
    def content(self) -> bytes:
        """The body, decoded."""
        encoding = str(self.parsed.get("Content-Transfer-Encoding", "")).strip().lower()
        if encoding == "base64":
            try:
                packed = re.sub(rb"[^A-Za-z0-9+/]", b"", self.body)
                return base64.b64decode(packed + b"=" * (-len(packed) % 4))
            except binascii.Error:
                return self.body
        if encoding == "quoted-printable":
            return quopri.decodestring(self.body)
        return self.body

    @cached_property
    def text(self) -> str:
        """Letters that no charset was named for are dropped."""
        charset = self.parsed.get_content_charset() or "us-ascii"
        try:
            return self.content.decode(charset, "ignore")
        except LookupError:
            return self.content.decode("us-ascii", "ignore")

    @property
    def name(self) -> str | None:
        given = self.parsed.get_filename()
        return readable(given) if given else None

    def get(self, field_name: str) -> str | None:
        """A field's value, unfolded, as it stands."""
        value = self.parsed.get(field_name)
        return None if value is None else unfolded(str(value))

    def date(self) -> datetime | None:
        value = self.get("Date")
        return read_date(value) if value else None

    def addresses(self, field_name: str) -> list[tuple[str, str]]:
        values = [unfolded(str(value)) for value in self.parsed.get_all(field_name, [])]
        return [
            (readable(name), address) for name, address in email.utils.getaddresses(values) if address or name
        ]


def unfolded(value: str) -> str:
    return re.sub(r"\r?\n(?=[ \t])", "", value).strip()


def readable(value: str) -> str:
    """With encoded words decoded."""
    if "=?" not in value:
        return value.encode("ascii", "ignore").decode() if not value.isascii() else value
    try:
        return str(email.header.make_header(email.header.decode_header(value)))
    except (ValueError, LookupError, email.errors.MessageError):
        return value


def read_date(value: str) -> datetime | None:
    try:
        found = email.utils.parsedate_to_datetime(value)
    except (ValueError, IndexError, TypeError, OverflowError):
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _without_first_line_end(raw: bytes) -> bytes:
    return raw[2:] if raw.startswith(b"\r\n") else raw[1:] if raw.startswith(b"\n") else raw
