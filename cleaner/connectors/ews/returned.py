"""
Returned originals: attachments of the item as much as parts of its MIME.

A `message/rfc822` part becomes an item of its own on Exchange. Written into the MIME of the notice again, it has lost
its Received and DKIM-Signature fields (in 53 of 53 and 11 of 11 recorded); but asked for as an attachment, the item is
documented to tell the header that it came with, property 0x007D. That is put in the place of the rebuilt one. Where an
original is in no part of the MIME, it becomes one. An open server was seen to tell no such header: then the original
stays as it is, and what it lacks is unknown.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from cleaner.connectors.ews import calls
from cleaner.connectors.ews.calls import Answer, T
from cleaner.connectors.ews.errors import AWAY, PASSING, THROTTLED
from cleaner.connectors.ews.items import HEADER, MAX_MESSAGE, Item, decoded, header_of
from cleaner.values import MAX_HEADER_BYTES, Headers

if TYPE_CHECKING:
    from cleaner.connectors.ews.session import Session

ORIGINALS: Final = (b"message/rfc822", b"message/global", b"text/rfc822-headers")
"""Types of a part that holds a returned original."""

MOST: Final = 4
"""Attached messages of one notice that are looked at."""

AT_ONCE: Final = 30
"""Attached messages that are asked for at once."""

MOST_PARTS: Final = 100
"""Parts of a notice that are looked at."""

_CONTENT: Final = frozenset((b"content-type", b"content-transfer-encoding", b"mime-version", b"content-id"))
_BOUNDARY: Final = re.compile(
    rb'boundary[ \t]*=[ \t]*(?:"([^"\r\n]{1,200})"|([^\s;"]{1,200}))', re.IGNORECASE
)
_MARK: Final = b"=_returned-original"
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


def with_originals(session: Session, items: Iterable[Item]) -> Iterator[Item]:
    """Those of the items whose returned original is told better by their attachments, with that."""
    asked = {item.id: item for item in items if item.has_attachments and _may_gain(session, item.mime)}
    if not asked:
        return
    attached = dict(_attached(session, tuple(asked)))
    originals = _originals(session, [id for ids in attached.values() for id in ids])
    if originals and session.endpoint.tells_returned_headers is None:
        session.endpoint.tells_returned_headers = any(one.header.strip() for one in originals.values())
    for id, ids in attached.items():
        found = [originals[one] for one in ids if one in originals]
        mime = asked[id].mime
        better = under_own_headers(mime, found) if embedded(mime) else with_parts(mime, found)
        if better != mime:
            yield replace(asked[id], mime=better)


def _may_gain(session: Session, mime: bytes) -> bool:
    if not has_original(mime):
        return True
    return session.endpoint.tells_returned_headers is not False and any(
        _RECEIVED.search(mime[start : start + MAX_HEADER_BYTES].partition(b"\r\n\r\n")[0]) is None
        for start, _ in embedded(mime)
    )


def has_original(mime: bytes) -> bool:
    lower = mime[:MAX_MESSAGE].lower()
    return any(kind in lower for kind in ORIGINALS)


def _attached(session: Session, ids: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """The ids of attached messages, for each item that has some."""
    for id, answer in _each(
        session, "GetItem", ids, lambda some: calls.get_items(some, ("item:Attachments",))
    ):
        found = [
            str(one.get("Id"))
            for element in (answer.all("Items") if answer.is_ok else ())
            for one in element.findall(f"{T}Attachments/{T}ItemAttachment/{T}AttachmentId")
        ]
        if found:
            yield id, found[:MOST]


def _originals(session: Session, ids: Sequence[str]) -> Mapping[str, Original]:
    """The attached messages; those that cannot be had are left out."""
    found: dict[str, Original] = {}
    for start in range(0, len(ids), AT_ONCE):
        part = ids[start : start + AT_ONCE]
        for id, answer in _each(
            session, "GetAttachment", part, lambda some: calls.get_attachments(some, (HEADER,))
        ):
            for element in answer.all("Attachments") if answer.is_ok else ():
                original = _original(element)
                if original is not None:
                    found[id] = original
    return found


def _each(
    session: Session, name: str, ids: Sequence[str], asked: Callable[[Sequence[str]], Any]
) -> Iterator[tuple[str, Answer]]:
    """
    What is said of each; those with which the server had trouble are asked for once more, and then left.

    A notice is not worth less than its attachment: what cannot be had of it is unknown.
    """
    told = dict(zip(ids, session.read(name, asked(ids), by_item=True), strict=False))
    again = [id for id, answer in told.items() if answer.code in PASSING]
    if again:
        told |= dict(zip(again, session.read(name, asked(again), by_item=True), strict=False))
    for id, answer in told.items():
        if answer.code in AWAY or answer.code in THROTTLED:
            raise session.trouble(answer)
        yield id, answer


def _original(element: Any) -> Original | None:
    for item in element:
        mime = decoded(str(item.findtext(f"{T}MimeContent") or "")) if isinstance(item.tag, str) else b""
        if mime:
            return Original(mime, header_of(item))
    return None


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
    marks = list(re.finditer(rb"(?:\A|\n)--" + re.escape(boundary) + rb"(?:--)?[ \t]*\r?\n?", mime))
    found: list[tuple[int, int]] = []
    for here, after in itertools.pairwise(marks[: MOST_PARTS + 1]):
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
    mark = _MARK
    while any(mark in text for text in (mime, *parts)):
        mark += b"-"
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
