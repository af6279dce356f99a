"""
Returned originals: attachments of the item as much as parts of its MIME.

A `message/rfc822` part becomes an item of its own on Exchange. Written into the MIME of the notice again, it has lost
its Received and DKIM-Signature fields (in 53 of 53 and 11 of 11 recorded); but asked for as an attachment, the item is
documented to tell the header that it came with, property 0x007D. That is put in the place of the rebuilt one. Where an
original is in no part of the MIME, it becomes one. An open server was seen to tell no such header: then the original
stays as it is, and what it lacks is unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from cleaner.connectors.ews import calls
from cleaner.connectors.ews.calls import Answer, T
from cleaner.connectors.ews.errors import AWAY, PASSING, THROTTLED
from cleaner.connectors.ews.items import HEADER, decoded, header_of
from cleaner.connectors.exchange.item import Item
from cleaner.connectors.exchange.originals import Original, better, has_original, lacks_trace

if TYPE_CHECKING:
    from cleaner.connectors.ews.session import Session

MOST: Final = 4
"""Attached messages of one notice that are looked at."""

AT_ONCE: Final = 30
"""Attached messages that are asked for at once."""


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
        told = better(mime, found)
        if told != mime:
            yield replace(asked[id], mime=told)


def _may_gain(session: Session, mime: bytes) -> bool:
    if not has_original(mime):
        return True
    return session.endpoint.tells_returned_headers is not False and lacks_trace(mime)


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
