"""
Whether anything came into a mailbox, with one request: how many messages each folder holds, and the newest one.

What is moved in with an old date shows in the number; the next look finds it in any case.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cleaner.connectors.graph.cursor import short
from cleaner.connectors.graph.errors import is_gone
from cleaner.connectors.graph.wire import Answer, Request, text_of
from cleaner.connectors.roles import INBOX

if TYPE_CHECKING:
    from cleaner.connectors.graph.session import Session


def pulse_of(session: Session, folders: Sequence[str]) -> str | None:
    """A text that changes when a message comes into one of the folders; None where that is not told."""
    ids = ["inbox" if folder == INBOX else session.folder(folder) for folder in folders]
    asked = [id for id in ids if id is not None]
    answers = session.batch([request for id in asked for request in _requests(session, id)])
    pairs = dict(zip(asked, zip(answers[::2], answers[1::2], strict=True), strict=True))
    told = ["missing" if id is None else _told(session, *pairs[id]) for id in ids]
    return None if None in told else " ".join(filter(None, told))


def _requests(session: Session, id: str) -> tuple[Request, Request]:
    newest = session.path(
        "mailFolders", id, "messages", select="receivedDateTime", orderby="receivedDateTime desc", top="1"
    )
    folder = session.path("mailFolders", id, select="totalItemCount")
    return Request("GET", folder), Request("GET", newest)


def _told(session: Session, folder: Answer, newest: Answer) -> str | None:
    for answer in (folder, newest):
        if is_gone(answer):
            return "missing"
        if answer.status in (401, 403, 404):
            raise session.trouble(answer)
    total = folder.body.get("totalItemCount") if folder.is_ok and isinstance(folder.body, dict) else None
    if total is None or not newest.is_ok:
        return None
    first = next(newest.values(), {})
    return f"{total}.{text_of(first, 'receivedDateTime')}.{short(text_of(first, 'id'))}"
