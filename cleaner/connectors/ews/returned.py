"""
Returned originals that are attachments of the item and not parts of its MIME.

A `message/rfc822` part becomes an item of its own on Exchange. Most servers write it into the MIME of the notice
again; where one does not, it is asked for and put there as the part that it was, under the header that it came with
if the server tells that (property 0x007D; Exchange is documented to, an open server was seen not to).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from cleaner.connectors.ews import calls
from cleaner.connectors.ews.calls import T
from cleaner.connectors.ews.errors import AWAY, PASSING
from cleaner.connectors.ews.items import HEADER, MAX_MESSAGE, Item, decoded, header_of
from cleaner.values import Headers

if TYPE_CHECKING:
    from cleaner.connectors.ews.session import Session

ORIGINALS: Final = (b"message/rfc822", b"message/global", b"text/rfc822-headers")
"""Types of a part that holds a returned original."""

MOST: Final = 4
"""Attached messages of one notice that are looked at."""

_CONTENT: Final = frozenset((b"content-type", b"content-transfer-encoding", b"mime-version", b"content-id"))
_BOUNDARY: Final = re.compile(
    rb'boundary[ \t]*=[ \t]*(?:"([^"\r\n]{1,200})"|([^\s;"]{1,200}))', re.IGNORECASE
)
_MARK: Final = b"=_returned-original"


def with_originals(session: Session, items: Iterable[Item]) -> Iterator[Item]:
    """Those of the items that had a returned original beside their MIME, with it."""
    lacking = {item.id: item for item in items if item.has_attachments and not has_original(item.mime)}
    if not lacking:
        return
    attached = dict(_attached(session, tuple(lacking)))
    originals = _originals(session, [id for ids in attached.values() for id in ids])
    for id, ids in attached.items():
        found = [originals[one] for one in ids if one in originals]
        if found:
            yield replace(lacking[id], mime=with_parts(lacking[id].mime, found))


def has_original(mime: bytes) -> bool:
    lower = mime[:MAX_MESSAGE].lower()
    return any(kind in lower for kind in ORIGINALS)


def _attached(session: Session, ids: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """The ids of attached messages, for each item that has some."""
    answers = session.read("GetItem", calls.get_items(ids, ("item:Attachments",)))
    for id, answer in zip(ids, answers, strict=False):
        found = [
            str(one.get("Id"))
            for element in (answer.all("Items") if answer.is_ok else ())
            for one in element.findall(f"{T}Attachments/{T}ItemAttachment/{T}AttachmentId")
        ]
        if found:
            yield id, found[:MOST]


def _originals(session: Session, ids: Sequence[str]) -> Mapping[str, bytes]:
    """The attached messages as bytes; those that cannot be had are left out."""
    if not ids:
        return {}
    found: dict[str, bytes] = {}
    answers = session.read("GetAttachment", calls.get_attachments(ids, (HEADER,)))
    for id, answer in zip(ids, answers, strict=False):
        if answer.code in PASSING or answer.code in AWAY:
            raise session.trouble(answer)
        for element in answer.all("Attachments") if answer.is_ok else ():
            original = _original(element)
            if original:
                found[id] = original
    return found


def _original(element: Any) -> bytes:
    """The attached item's MIME, under its header as received where that is told."""
    for item in element:
        mime = decoded(str(item.findtext(f"{T}MimeContent") or "")) if isinstance(item.tag, str) else b""
        if mime:
            header = header_of(item)
            return under(header, mime) if header.strip() else mime
    return b""


def under(header: bytes, mime: bytes) -> bytes:
    """The body of one rebuilt mail under the header that it came with; how it is written now says the new one."""
    came = [item for item in Headers.parse(header.lstrip(b"\r\n")) if item[0].strip().lower() not in _CONTENT]
    now = [item for item in Headers.parse(mime) if item[0].strip().lower() in _CONTENT]
    return _block((*came, *now)) + b"\r\n" + body_of(mime)


def body_of(mime: bytes) -> bytes:
    found = re.search(rb"\r?\n\r?\n", mime)
    return mime[found.end() :] if found else b""


def _block(items: Iterable[tuple[bytes, bytes]]) -> bytes:
    return b"".join(name + b":" + value + b"\r\n" for name, value in items)


def with_parts(mime: bytes, originals: Sequence[bytes]) -> bytes:
    """The notice with these as further parts: in its own multipart, else beside its body."""
    parts = [b"Content-Type: message/rfc822\r\n\r\n" + original + b"\r\n" for original in originals]
    headers = Headers.parse(mime)
    kind = next((value for name, value in headers if name.strip().lower() == b"content-type"), b"")
    boundary = _BOUNDARY.search(kind) if kind.strip().lower().startswith(b"multipart/") else None
    if boundary is not None:
        delimiter = b"--" + (boundary[1] or boundary[2])
        end = mime.rfind(delimiter + b"--")
        if end > 0:
            added = b"".join(delimiter + b"\r\n" + part for part in parts)
            return mime[:end] + added + mime[end:]
    outer = [item for item in headers if item[0].strip().lower() not in _CONTENT]
    inner = [item for item in headers if item[0].strip().lower() in _CONTENT]
    mark = _MARK
    while any(mark in text for text in (mime, *originals)):
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
