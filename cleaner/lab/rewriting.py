"""
Raw messages, rewritten: every text of a notice, whatever transfer encoding it stands in.

A returned original stands in a part of its own, in the text, quoted, indented, or encoded as base64 or
quoted-printable. Whoever wants to say "this mail left by another server" must find its header in all of them. A
message that nothing is changed in stays the same to the byte: signatures and MIME boundaries depend on it.
"""

from __future__ import annotations

import base64
import binascii
import enum
import quopri
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

MAX_DEPTH: Final = 12
"""Parts within parts that are looked into."""

SIGNED: Final = frozenset(
    """
    arc-authentication-results arc-message-signature arc-seal bcc cc content-description content-disposition
    content-id content-transfer-encoding content-type date dkim-signature from in-reply-to list-archive list-help
    list-id list-owner list-post list-subscribe list-unsubscribe message-id mime-version references reply-to
    resent-cc resent-date resent-from resent-message-id resent-sender resent-to sender subject to
    """.split()
)
"""Fields that signatures cover, or that are one; trace fields never are (RFC 6376 section 5.4.1)."""


class Place(enum.Enum):
    """Which text of a notice it is."""

    HEADER = "header"
    """The notice's own header."""
    ATTACHED = "attached"
    """The header of a mail that is attached as one."""
    TEXT = "text"
    """Anything below it: words, the report's fields, the returned original with its header."""


Edit = Callable[[Place, str], str]
"""The text, as Latin-1 so that no byte is lost, and with LF as its line end → what stands there instead."""


def rewrite(raw: bytes, edit: Edit) -> bytes:
    """A message with all its texts edited."""
    return _message(raw, edit, Place.HEADER, 0)


def _message(raw: bytes, edit: Edit, place: Place, depth: int) -> bytes:
    header, body = _split(raw)
    kind, encoding, boundary = _content(header)
    written = _body(body, edit, kind, encoding, boundary, depth)
    return _edited(header, edit, place) + written


def _body(body: bytes, edit: Edit, kind: str, encoding: str, boundary: bytes, depth: int) -> bytes:
    if depth >= MAX_DEPTH:
        return body
    if kind.startswith("multipart/") and boundary:
        return _multipart(body, edit, boundary, depth)
    if not kind.startswith(("text/", "message/")):
        return body
    if encoding not in ("base64", "quoted-printable"):
        return _leaf(body, edit, kind, depth)
    start = len(body) - len(body.lstrip(b"\r\n"))
    content, rest = body[start:], b""
    try:
        if encoding == "base64":
            rest = content[len(content.rstrip()) :]
            decoded = base64.b64decode(content)
        else:
            decoded = quopri.decodestring(content)
    except binascii.Error:
        return body
    written = _leaf(decoded, edit, kind, depth)
    if written == decoded:
        return body
    encoded = (
        base64.encodebytes(written).rstrip(b"\n") if encoding == "base64" else quopri.encodestring(written)
    )
    if b"\r\n" in body:
        encoded = encoded.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    return body[:start] + encoded + rest


def _leaf(content: bytes, edit: Edit, kind: str, depth: int) -> bytes:
    if kind in ("message/rfc822", "message/global", "message/news"):
        start = len(content) - len(content.lstrip(b"\r\n"))
        return content[:start] + _message(content[start:], edit, Place.ATTACHED, depth + 1)
    return _edited(content, edit, Place.TEXT)


def _multipart(body: bytes, edit: Edit, boundary: bytes, depth: int) -> bytes:
    """Its parts edited; preamble and epilogue stay, and so does every delimiter."""
    pieces = re.split(rb"(?m)(^--" + re.escape(boundary) + rb"(?:--)?[ \t]*\r?(?:\n|\Z))", body)
    written = [pieces[0]]
    closed = False
    for delimiter, part in zip(pieces[1::2], pieces[2::2], strict=True):
        closed = closed or delimiter.rstrip().endswith(boundary + b"--")
        written += (delimiter, part if closed else _message(part, edit, Place.TEXT, depth + 1))
    return b"".join(written)


def _split(raw: bytes) -> tuple[bytes, bytes]:
    """The header with its last line end, and what follows from the empty line on."""
    if raw[:1] in (b"\n", b"\r"):
        return b"", raw
    ends = [at + 1 for empty in (b"\n\n", b"\n\r\n") if (at := raw.find(empty)) >= 0]
    return (raw[: min(ends)], raw[min(ends) :]) if ends else (raw, b"")


_CONTENT: Final = re.compile(rb"(?im)^content-(type|transfer-encoding)[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)")
_BOUNDARY: Final = re.compile(rb'(?i)\bboundary[ \t]*=[ \t]*(?:"([^"\n]{1,200})"|([^\s;"]{1,200}))')


def _content(header: bytes) -> tuple[str, str, bytes]:
    """Its type, transfer encoding and boundary."""
    kind, encoding, boundary = "text/plain", "", b""
    for name, value in reversed(_CONTENT.findall(header)):
        if name.lower() == b"type":
            kind = value.partition(b";")[0].strip().decode("latin-1").lower() or kind
            found = _BOUNDARY.search(value)
            boundary = (found[1] or found[2]).rstrip() if found is not None else b""
        else:
            encoding = value.partition(b";")[0].strip().decode("latin-1").lower()
    return kind, encoding, boundary


def _edited(raw: bytes, edit: Edit, place: Place) -> bytes:
    text = raw.decode("latin-1")
    dos = "\r\n" in text and text.count("\r\n") == text.count("\n")
    plain = text.replace("\r\n", "\n") if dos else text
    written = edit(place, plain)
    if written == plain:
        return raw
    return (written.replace("\n", "\r\n") if dos else written).encode("latin-1", "replace")


# --- header fields within a text ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Field:
    """One header field as it stands there: the raw value after the colon, folds included."""

    name: str
    value: str

    @property
    def key(self) -> str:
        return self.name.strip().lower()

    @property
    def unfolded(self) -> str:
        return " ".join(line.strip() for line in self.value.split("\n"))


Fields = tuple[Field, ...]

_NAMED: Final = re.compile(r"([!-9;-~]{1,76}[ \t]?):(.*)", re.DOTALL)
_PREFIX: Final = re.compile(r"((?:> ?){1,8}|[ \t]{1,12})?[!-9;-~]{1,76}[ \t]?:")
_SPEAKS: Final = frozenset(("from", "date", "subject", "message-id", "to"))
"""A returned header has some of these; the fields of a report have none."""
FEWEST: Final = 3
"""Fields that make a header; single words with a colon are prose."""


def edit_headers(text: str, change: Callable[[Fields], Sequence[Field]]) -> str:
    """The text with every returned header in it changed, quoted and indented ones too."""
    lines = text.split("\n")
    written: list[str] = []
    at = 0
    while at < len(lines):
        found = _header_at(lines, at)
        if found is None:
            written.append(lines[at])
            at += 1
            continue
        end, prefix, fields = found
        changed = tuple(change(fields))
        if changed == fields:
            written += lines[at:end]
        else:
            written += (prefix + line for one in changed for line in f"{one.name}:{one.value}".split("\n"))
        at = end
    return "\n".join(written)


def headers_of(text: str) -> Iterator[Fields]:
    """Every returned header in a text."""
    found: list[Fields] = []

    def see(fields: Fields) -> Fields:
        found.append(fields)
        return fields

    edit_headers(text, see)
    return iter(found)


def _header_at(lines: Sequence[str], at: int) -> tuple[int, str, Fields] | None:
    """Where the header ends that begins in this line, how its lines are quoted, and its fields."""
    first = _PREFIX.match(lines[at])
    if first is None:
        return None
    prefix = first[1] or ""
    fields: list[Field] = []
    end = at
    while end < len(lines) and lines[end].startswith(prefix):
        line = lines[end][len(prefix) :]
        named = _NAMED.match(line)
        if line[:1] in (" ", "\t") and line.strip() and fields:
            fields[-1] = Field(fields[-1].name, f"{fields[-1].value}\n{line}")
        elif named is not None:
            fields.append(Field(named[1], named[2]))
        else:
            break
        end += 1
    speaking = {field.key for field in fields} & _SPEAKS
    if len(fields) < FEWEST or len(speaking) < 2:
        return None
    return end, prefix, tuple(fields)


_FIELD_LINE: Final = re.compile(r"(?:[> \t]{0,12})([!-9;-~]{1,76})[ \t]?:")


def edit_unsigned(text: str, change: Callable[[str], str], beside: frozenset[str] = frozenset()) -> str:
    """The text with its lines changed, but for those of fields that a signature may cover, or named `beside`."""
    written = []
    kept = False
    for line in text.split("\n"):
        if line[:1] not in (" ", "\t") or not kept:
            named = _FIELD_LINE.match(line)
            kept = named is not None and named[1].lower() in SIGNED | beside
        written.append(line if kept else change(line))
    return "\n".join(written)
