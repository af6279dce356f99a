"""
Returned originals: attachments of the message as much as parts of its MIME.

An attached message can be had by itself, with the fields of its own header ([itemAttachment]: `$expand` of its item).
Which of them Graph tells for one that came inside another message is not documented: asked for are property 0x007D,
which EWS is documented to tell, and `internetMessageHeaders`. What neither tells is unknown, and after the first that
tells nothing only those are asked for that are in no part of the MIME.

[itemAttachment]: https://learn.microsoft.com/graph/api/attachment-get
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from cleaner.connectors.exchange.item import Item
from cleaner.connectors.exchange.originals import Original, better, has_original, lacks_trace
from cleaner.connectors.graph.errors import is_gone
from cleaner.connectors.graph.items import HEADER, expanding, header_of
from cleaner.connectors.graph.wire import Answer, Request, text_of

if TYPE_CHECKING:
    from cleaner.connectors.graph.session import Session

MOST: Final = 4
"""Attached messages of one notice that are looked at."""

LARGEST: Final = 8 * 1024 * 1024
"""Bytes of an attached message that is asked for."""

ATTACHED: Final = "#microsoft.graph.itemAttachment"
ITEM: Final = (
    f"microsoft.graph.itemAttachment/item($select=internetMessageHeaders;$expand={expanding(HEADER)})"
)
PLAIN_ITEM: Final = "microsoft.graph.itemAttachment/item"
"""As the documentation has it, for a service that takes no more."""


def with_originals(session: Session, items: Iterable[Item]) -> Iterator[Item]:
    """Those of the items whose returned original is told better by their attachments, with that."""
    asked = {item.id: item for item in items if item.has_attachments and _may_gain(session, item.mime)}
    if not asked:
        return
    attached = dict(_attached(session, tuple(asked)))
    originals = _originals(session, [(id, one) for id, ones in attached.items() for one in ones], asked)
    if originals and session.endpoint.tells_returned_headers is None:
        session.endpoint.tells_returned_headers = any(one.header.strip() for one in originals.values())
    for id, ones in attached.items():
        found = [originals[one] for one in ones if one in originals]
        mime = better(asked[id].mime, found)
        if mime != asked[id].mime:
            yield replace(asked[id], mime=mime)


def _may_gain(session: Session, mime: bytes) -> bool:
    if not has_original(mime):
        return True
    return session.endpoint.tells_returned_headers is not False and lacks_trace(mime)


def _attached(session: Session, ids: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """The ids of attached messages, for each message that has some."""
    requests = [
        Request("GET", session.path("messages", id, "attachments", select="id,name,contentType,size"))
        for id in ids
    ]
    for id, answer in zip(ids, session.batch(requests), strict=True):
        _check(session, answer)
        found = [
            text_of(one, "id")
            for one in (answer.values() if answer.is_ok else ())
            if text_of(one, "@odata.type").lower() == ATTACHED.lower() and _size(one) <= LARGEST
        ]
        if found:
            yield id, found[:MOST]


def _size(told: Mapping[str, object]) -> int:
    size = told.get("size")
    return size if isinstance(size, int) else 0


def _originals(
    session: Session, wanted: Sequence[tuple[str, str]], asked: Mapping[str, Item]
) -> Mapping[str, Original]:
    """The attached messages by the ids of the attachments; those that cannot be had are left out."""
    headers = _headers(session, wanted)
    bare = [(id, one) for id, one in wanted if not has_original(asked[id].mime)]
    requests = [
        Request("GET", session.path("messages", id, "attachments", one, "$value")) for id, one in bare
    ]
    mimes: dict[str, bytes] = {}
    for (_, one), answer in zip(bare, session.batch(requests), strict=True):
        _check(session, answer)
        if answer.is_ok and isinstance(answer.body, bytes):
            mimes[one] = answer.body
    return {
        one: Original(mimes.get(one, b""), headers.get(one, b""))
        for id, one in wanted
        if one in mimes or has_original(asked[id].mime)
    }


def _headers(session: Session, wanted: Sequence[tuple[str, str]]) -> Mapping[str, bytes]:
    """The headers that the attached messages came with, where they are told."""
    if session.endpoint.tells_returned_headers is False:
        return {}
    found: dict[str, bytes] = {}
    left = list(wanted)
    for expand in (ITEM, PLAIN_ITEM):
        requests = [
            Request("GET", session.path("messages", id, "attachments", one, expand=expand))
            for id, one in left
        ]
        refused: list[tuple[str, str]] = []
        for place, answer in zip(left, session.batch(requests), strict=True):
            if answer.status == 400 and not is_gone(answer):
                refused.append(place)
                continue
            _check(session, answer)
            item = answer.body.get("item") if answer.is_ok and isinstance(answer.body, dict) else None
            if isinstance(item, dict):
                found[place[1]] = header_of(item)
        left = refused
    return found


def _check(session: Session, answer: Answer) -> None:
    """Raises what speaks of more than this attachment."""
    if answer.status in (401, 403):
        raise session.trouble(answer)
