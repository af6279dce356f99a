"""
All folders of a mailbox, with one batch: a round of changes since nothing, and the well-known ones by their names.

What a mailFolder of v1.0 is for it does not say itself (`wellKnownName` is a property of beta), so that those that we
need are asked for. Names follow the language that the mailbox was first opened in, and may be changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from cleaner.connectors.exchange.folders import ROLES, Folders, Found, named
from cleaner.connectors.graph.errors import is_gone, is_without_rounds
from cleaner.connectors.graph.wire import Answer, Request, text_of
from cleaner.errors import AskPersonError, ServerUnavailableError

if TYPE_CHECKING:
    from cleaner.connectors.graph.session import Session

FIELDS: Final = "displayName,parentFolderId,totalItemCount,isHidden"

PAGE: Final = 500
MOST: Final = 50
"""Pages of folders; who has more than that has them unseen."""

SEARCH: Final = "mailSearchFolder"
"""The type of a folder that holds no mail of its own."""


def read_folders(session: Session) -> Folders:
    asked = [Request("GET", session.path("mailFolders", name, select=FIELDS)) for name in ROLES]
    # Without a selection, so that what is told beyond the documentation (`sizeInBytes`) comes with it.
    below = Request("GET", session.path("mailFolders", "delta"), prefer=(f"odata.maxpagesize={PAGE}",))
    answers = session.batch([*asked, below])
    known: dict[str, Found] = {}
    for name, answer in zip(ROLES, answers, strict=False):
        if answer.is_ok:
            found = found_of(answer.body)
            if found is not None:
                known[name] = found
        elif not is_gone(answer) or name == "inbox":
            raise session.trouble(answer)
    if "inbox" not in known:
        raise ServerUnavailableError(session.place, "it tells of no inbox")
    return named(known, tuple(_below(session, answers[-1])))


def _below(session: Session, answer: Answer) -> Iterator[Found]:
    if is_without_rounds(answer):
        yield from _walked(session)
        return
    for _ in range(MOST):
        if not answer.is_ok:
            raise session.trouble(answer)
        yield from (found for found in map(found_of, answer.values()) if found is not None)
        link = link_of(session, answer, "nextLink")
        if link is None:
            return
        answer = session.read(Request("GET", link, prefer=(f"odata.maxpagesize={PAGE}",)))


def _walked(session: Session) -> Iterator[Found]:
    """The same level by level, where no round of changes is to be had."""
    options = {"select": f"{FIELDS},childFolderCount", "top": str(PAGE)}
    level = [session.path("mailFolders", **options)]
    for _ in range(MOST):
        if not level:
            return
        answers = session.batch([Request("GET", path) for path in level])
        level = []
        for answer in answers:
            if is_gone(answer):
                continue
            if not answer.is_ok:
                raise session.trouble(answer)
            for told in answer.values():
                if (found := found_of(told)) is not None:
                    yield found
                    if told.get("childFolderCount"):
                        level.append(session.path("mailFolders", found.id, "childFolders", **options))
            if (following := link_of(session, answer, "nextLink")) is not None:
                level.append(following)


def found_of(told: Mapping[str, Any]) -> Found | None:
    """None for what is no folder any more; one that is hidden has its place in the tree all the same."""
    id = text_of(told, "id")
    if not id or "@removed" in told:
        return None
    total = told.get("totalItemCount")
    return Found(
        id,
        text_of(told, "parentFolderId"),
        text_of(told, "displayName"),
        total if isinstance(total, int) and total >= 0 else None,
        told.get("isHidden") is not True and SEARCH not in text_of(told, "@odata.type"),
        stamp=_stamp(told),
    )


def _stamp(told: Mapping[str, Any]) -> str:
    """How much a folder holds, in three ways: who puts one message in and takes another out changes one of them."""
    counts = [told.get(name) for name in ("totalItemCount", "unreadItemCount", "sizeInBytes")]
    return ".".join(map(str, counts)) if all(isinstance(count, int) for count in counts) else ""


def link_of(session: Session, answer: Answer, name: str) -> str | None:
    """
    A link to go on with, below the root; None where there is none.

    Raises AskPersonError for one that leads elsewhere: it would be asked for with our token.
    """
    link = text_of(answer.body, f"@odata.{name}").replace(" ", "%20")
    if not link:
        return None
    root = session.endpoint.wire.root
    if not link.startswith(f"{root}/") or not link.isascii() or not link.isprintable():
        raise AskPersonError(
            f"{session.server.name}: {session.place} sends us elsewhere to go on; correct cloud or endpoint"
        )
    return link.removeprefix(root)
