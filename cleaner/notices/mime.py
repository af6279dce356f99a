"""
A mail as a tree of parts, cut from its bytes.

Nothing is decoded, repaired or written anew before it is asked for: the bytes of a returned
original must stay as they are, because DKIM is verified over them. Lenient: a missing closing
boundary ends a part where its parent ends; a boundary that was lost on the way, broken by folding or never
declared is the first line of two dashes with fields of a part under it; a multipart without one is a text.
Bounded: `TooManyPartsError` tells that a message has more parts or levels than any notice needs.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote_to_bytes

from cleaner.notices.charsets import decode
from cleaner.notices.fields import decoded, unbase64
from cleaner.notices.limits import MAX_DEPTH, MAX_PART_TEXT, MAX_PARTS
from cleaner.values import MAX_HEADER_BYTES, MAX_HEADER_FIELDS, Headers

_TYPE: Final = re.compile(r"\s*([\w.+-]{1,60})\s*/\s*([\w.+-]{1,80})")
_PARAMETER: Final = re.compile(r";\s*([\w*.-]{1,40})\s*=\s*(?:\"([^\"]{0,500})\"|([^\s;\"]{1,500}))")
_PART_BEGINS: Final = re.compile(
    rb"^--([^\r\n]{1,200})\r?\n(?:[ \t][^\n]{0,200}\n)?content-(?:type|description|disposition|transfer-encoding):",
    re.IGNORECASE | re.MULTILINE,
)
_SEARCHED: Final = 64 * 1024
"""Bytes in which an undeclared boundary is looked for."""


_PREAMBLE: Final = 500
"""Bytes before the first part of a multipart that is declared as something else."""


class TooManyPartsError(Exception):
    """The message is over a cap; says which. It is left alone."""


@dataclass(slots=True, eq=False)
class Part:
    """
    One part: its header fields and its body as transferred.

    `type` is lower case, `text/plain` where none is declared (RFC 2045 section 5.2).
    """

    headers: Headers
    body: bytes
    type: str = "text/plain"
    parameters: Mapping[str, str] = field(default_factory=dict)
    parts: list[Part] = field(default_factory=list)
    _payload: bytes | None = None
    _text: str | None = None

    @property
    def encoding(self) -> str:
        """The transfer encoding as declared, lower case."""
        return self.headers.text("content-transfer-encoding").partition(";")[0].strip().lower()

    @property
    def payload(self) -> bytes:
        """The body after transfer decoding."""
        if self._payload is None:
            self._payload = _transfer_decoded(self.encoding, self.body)
        return self._payload

    @property
    def text(self) -> str:
        """The payload as text."""
        if self._text is None:
            self._text = decode(self.payload[:MAX_PART_TEXT], self.parameters.get("charset", ""))
        return self._text

    @property
    def disposition(self) -> str:
        """`attachment`, `inline` or empty, lower case."""
        return self.headers.text("content-disposition").partition(";")[0].strip().lower()

    @property
    def filename(self) -> str:
        """The file name that the part goes by, decoded; empty if it has none."""
        disposition = parameters(self.headers.text("content-disposition"))
        return decoded(disposition.get("filename") or self.parameters.get("name") or "")[:200]

    def leaves(self) -> Iterator[Part]:
        """Every part that has none in it, in order of appearance."""
        stack = [self]
        while stack:
            part = stack.pop()
            if part.parts:
                stack.extend(reversed(part.parts))
            else:
                yield part


def header_end(raw: bytes, start: int, stop: int) -> int:
    """Where the body begins in `raw[start:stop]`: behind the first empty line, `stop` if there is none."""
    for empty in (b"\n", b"\r\n"):
        if raw.startswith(empty, start, stop):
            return start + len(empty)
    plain = raw.find(b"\n\n", start, stop)
    crlf = raw.find(b"\n\r\n", start, plain if plain >= 0 else stop)
    return crlf + 3 if crlf >= 0 else plain + 2 if plain >= 0 else stop


def parse(raw: bytes) -> Part:
    """
    The tree of a mail's parts. What a `message/rfc822` part holds is not looked into.

    Raises TooManyPartsError for more header bytes, header fields, parts or levels than the caps allow.
    """
    body_start = header_end(raw, 0, len(raw))
    if body_start > MAX_HEADER_BYTES:
        raise TooManyPartsError(f"a header of more than {MAX_HEADER_BYTES // 1024} kB")
    return tree(Headers.parse(raw[:body_start]), raw[body_start:])


def tree(headers: Headers, body: bytes) -> Part:
    """The same where the header is parsed already."""
    if len(headers.items) >= MAX_HEADER_FIELDS:
        raise TooManyPartsError(f"more than {MAX_HEADER_FIELDS} header fields")
    root = _part(headers, body)
    left = MAX_PARTS
    level = [root]
    for _ in range(MAX_DEPTH):
        below: list[Part] = []
        for part in level:
            for piece in _pieces(part, left):
                body_start = header_end(piece, 0, len(piece))
                child = _part(Headers.parse(piece[:body_start]), piece[body_start:], part)
                part.parts.append(child)
                below.append(child)
                left -= 1
        if not below:
            return root
        level = below
    raise TooManyPartsError(f"more than {MAX_DEPTH} levels of parts")


def _part(headers: Headers, body: bytes, parent: Part | None = None) -> Part:
    declared = headers.text("content-type")
    found = _TYPE.match(declared)
    default = "message/rfc822" if parent is not None and parent.type == "multipart/digest" else "text/plain"
    name = f"{found[1]}/{found[2]}".lower() if found else default
    return Part(headers, body, name, parameters(declared))


def parameters(value: str) -> dict[str, str]:
    """The parameters of a Content-Type or Content-Disposition field (RFC 2045, RFC 2231), leniently."""
    found: dict[str, str] = {}
    for match in _PARAMETER.finditer(value[:4_000]):
        name, text = match[1].lower(), match[2] if match[2] is not None else match[3]
        if name.endswith("*"):
            charset, _, rest = text.partition("'")
            text = decode(unquote_to_bytes(rest.partition("'")[2]), charset)
        found.setdefault(name.partition("*")[0], text)
    return found


def _pieces(part: Part, most: int) -> list[bytes]:
    delimiter = _delimiter(part)
    if not delimiter:
        return []
    pieces: list[bytes] = []
    start: int | None = None
    for position, after in _delimiters(part.body, delimiter):
        if start is not None:
            pieces.append(part.body[start : position - 1].removesuffix(b"\r"))
            if len(pieces) > most:
                raise TooManyPartsError(f"more than {MAX_PARTS} parts")
        line_end = part.body.find(b"\n", after)
        if line_end < 0 or part.body[after : after + 2] == b"--":
            return pieces
        start = line_end + 1
    if start is not None:
        pieces.append(part.body[start:])
    return pieces


def _delimiter(part: Part) -> bytes:
    """What the lines between the parts begin with, as declared or else as it shows; empty for a single part."""
    if part.type == "application/octet-stream" and not part.filename:
        part.body = part.payload  # what Exchange makes of a multipart whose boundary it cannot read
        shown = _PART_BEGINS.search(part.body, 0, _PREAMBLE)
        return b"--" + shown[1].rstrip() if shown else b""
    if not part.type.startswith("multipart/"):
        return b""
    boundary = part.parameters.get("boundary", "").rstrip()
    declared = b"--" + boundary.encode("utf-8", "replace")
    if boundary and next(_delimiters(part.body, declared), None):
        return declared
    shown = _PART_BEGINS.search(part.body, 0, _SEARCHED)
    return b"--" + shown[1].rstrip() if shown else b""


def _delimiters(body: bytes, delimiter: bytes) -> Iterator[tuple[int, int]]:
    """Where each delimiter line starts, and where its delimiter ends."""
    position = 0 if body.startswith(delimiter) else body.find(b"\n" + delimiter) + 1
    while position or body.startswith(delimiter):
        after = position + len(delimiter)
        if body[after : after + 1] in b" \t\r\n" or body[after : after + 2] == b"--":
            yield position, after
        position = body.find(b"\n" + delimiter, after - 1) + 1
        if not position:
            return


def _transfer_decoded(encoding: str, body: bytes) -> bytes:
    if encoding == "base64":
        return unbase64(body)
    if encoding == "quoted-printable":
        return binascii.a2b_qp(body)
    return body
