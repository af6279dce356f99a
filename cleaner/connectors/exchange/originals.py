"""
Returned originals under the header that they came with.

A `message/rfc822` part becomes an item of its own on Exchange, and written into the MIME of the notice again it has
lost its trace and its signatures (in 53 of 53 and 11 of 11 recorded). Where the server tells the header that it
came with, that is put in the place of the rebuilt one; where an original is in no part of the MIME, it becomes one.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from cleaner.connectors.exchange.item import MAX_MESSAGE
from cleaner.values import MAX_HEADER_BYTES, Headers

ORIGINALS: Final = (b"message/rfc822", b"message/global", b"text/rfc822-headers")
"""Types of a part that holds a returned original."""

MOST_PARTS: Final = 100
"""Parts of a notice that are looked at."""

_CONTENT: Final = frozenset((b"content-type", b"content-transfer-encoding", b"mime-version", b"content-id"))
_BOUNDARY: Final = re.compile(
    rb'boundary[ \t]*=[ \t]*(?:"([^"\r\n]{1,200})"|([^\s;"]{1,200}))', re.IGNORECASE
)
_MARK: Final = b"=_returned-original-"
_RECEIVED: Final = re.compile(rb"^received[ \t]*:", re.IGNORECASE | re.MULTILINE)
_SIGNATURE: Final = b"dkim-signature"


@dataclass(frozen=True, slots=True)
class Original:
    """An attached message as the server writes it, and the header that it came with, where that is told."""

    mime: bytes
    header: bytes

    @property
    def whole(self) -> bytes:
        return under(self.header, self.mime) if self.header.strip() else self.mime


def better(mime: bytes, originals: Sequence[Original]) -> bytes:
    """The notice with what its attachments tell better: other headers, else further parts."""
    return under_own_headers(mime, originals) if embedded(mime) else with_parts(mime, originals)


def lacks_trace(mime: bytes) -> bool:
    """Whether an attached mail of the notice has no Received field."""
    return any(
        _RECEIVED.search(mime[start : start + MAX_HEADER_BYTES].partition(b"\r\n\r\n")[0]) is None
        for start, _ in embedded(mime)
    )


def has_original(mime: bytes) -> bool:
    lower = mime[:MAX_MESSAGE].lower()
    return any(kind in lower for kind in ORIGINALS)


def under(header: bytes, mime: bytes) -> bytes:
    """
    The body of one rebuilt mail under the header that it came with.

    How the body is written now, the new header says; but a signature may cover those fields, too, and then
    the header stays as it came. A signature over letters that the server has changed is left out.
    """
    came = [item for item in Headers.parse(header.lstrip(b"\r\n")).items if item[0].strip()]
    if not header.isascii():
        came = [item for item in came if item[0].strip().lower() != _SIGNATURE]
    if not any(item[0].strip().lower() == _SIGNATURE for item in came):
        now = [item for item in Headers.parse(mime) if item[0].strip().lower() in _CONTENT]
        came = [*(item for item in came if item[0].strip().lower() not in _CONTENT), *now]
    return _block(came) + b"\r\n" + body_of(mime)


def embedded(mime: bytes) -> list[tuple[int, int]]:
    """Where the attached mails of a notice begin and end, those in its own multipart."""
    boundary = _boundary_of(mime)
    if boundary is None:
        return []
    marks = re.finditer(rb"(?:\A|\n)--" + re.escape(boundary) + rb"(?:--)?[ \t]*\r?\n?", mime)
    found: list[tuple[int, int]] = []
    for here, after in itertools.pairwise(itertools.islice(marks, MOST_PARTS + 1)):
        start = here.end()
        header = Headers.parse(mime[start : start + MAX_HEADER_BYTES])
        kind = header.text("content-type").partition(";")[0].strip().lower()
        blank = re.compile(rb"\r?\n\r?\n").search(mime, start, after.start() + 1)
        if kind == "message/rfc822" and blank is not None and not header.text("content-transfer-encoding"):
            found.append((blank.end(), after.start()))
    return found


def under_own_headers(mime: bytes, originals: Sequence[Original]) -> bytes:
    """The notice with its attached mails under the headers that they came with, where those are told."""
    places = embedded(mime)
    if len(places) != len(originals):
        return mime
    parts: list[bytes] = []
    at = 0
    for (start, end), original in zip(places, originals, strict=True):
        inner = mime[start:end]
        parts += [
            mime[at:start],
            under(original.header, inner) if _is_same(inner, original.header) else inner,
        ]
        at = end
    return b"".join((*parts, mime[at:]))


def _is_same(inner: bytes, header: bytes) -> bool:
    """Whether a header is that of this mail: they name the same Message-ID."""
    came = Headers.parse(header.lstrip(b"\r\n")).text("message-id")
    return bool(header.strip()) and came == Headers.parse(inner).text("message-id")


def _boundary_of(mime: bytes) -> bytes | None:
    kind = next(
        (value for name, value in Headers.parse(mime) if name.strip().lower() == b"content-type"), b""
    )
    found = _BOUNDARY.search(kind) if kind.strip().lower().startswith(b"multipart/") else None
    return None if found is None else found[1] or found[2]


def body_of(mime: bytes) -> bytes:
    found = re.search(rb"\r?\n\r?\n", mime)
    return mime[found.end() :] if found else b""


def _block(items: Iterable[tuple[bytes, bytes]]) -> bytes:
    return b"".join(name + b":" + value + b"\r\n" for name, value in items)


def with_parts(mime: bytes, originals: Sequence[Original]) -> bytes:
    """The notice with these as further parts: in its own multipart, else beside its body."""
    if not originals:
        return mime
    parts = [b"Content-Type: message/rfc822\r\n\r\n" + one.whole + b"\r\n" for one in originals]
    boundary = _boundary_of(mime)
    if boundary is not None and (end := mime.rfind(b"--" + boundary + b"--")) > 0:
        added = b"".join(b"--" + boundary + b"\r\n" + part for part in parts)
        return mime[:end] + added + mime[end:]
    headers = Headers.parse(mime)
    outer = [item for item in headers if item[0].strip().lower() not in _CONTENT]
    inner = [item for item in headers if item[0].strip().lower() in _CONTENT]
    # A mail that holds its own digest cannot be written: the mark stands in none of them.
    mark = _MARK + sha256(b"".join((mime, *parts))).hexdigest()[:32].encode("ascii")
    first = _block(inner) + b"\r\n" + body_of(mime) + b"\r\n"
    top = (
        _block(outer)
        + b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="'
        + mark
        + b'"\r\n\r\n'
    )
    return (
        top + b"".join(b"--" + mark + b"\r\n" + part for part in (first, *parts)) + b"--" + mark + b"--\r\n"
    )
