"""All folders of a mailbox, as FindFolder and GetFolder tell them; what they are called stands in `exchange.folders`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from cleaner.connectors.ews import calls
from cleaner.connectors.ews.calls import T
from cleaner.connectors.ews.errors import NO_FOLDER
from cleaner.connectors.exchange.folders import ROLES, Folders, Found, named
from cleaner.errors import ServerUnavailableError

if TYPE_CHECKING:
    from cleaner.connectors.ews.session import Session

TOP: Final = "msgfolderroot"
PAGE: Final = 1000
MOST: Final = 20
"""Pages of folders; who has more than twenty thousand has them unseen."""

FIELDS: Final = ("folder:DisplayName", "folder:ParentFolderId", "folder:FolderClass", "folder:TotalCount")


def read_folders(session: Session) -> Folders:
    """
    All folders below the top, and which of them is for what.

    Some servers tell that with each folder; Exchange does only from 2013 on, and if it is asked in the words of then,
    so that it takes a second request.
    """
    below = tuple(_below(session))
    known = {found.distinguished: found for found in below if found.distinguished in ROLES}
    if not {"inbox", "sentitems", "deleteditems"} <= known.keys():
        known = _known(session)
    if "inbox" not in known:
        raise ServerUnavailableError(session.place, "it tells of no inbox")
    return named(known, below)


def _known(session: Session) -> dict[str, Found]:
    known: dict[str, Found] = {}
    asked = [session.distinguished(name) for name in ROLES]
    answers = session.read("GetFolder", calls.get_folders(asked, FIELDS))
    for name, answer in zip(ROLES, answers, strict=False):
        if answer.is_ok:
            found = next((found for found in map(found_of, answer.all("Folders")) if found is not None), None)
            if found is not None:
                known[name] = found
        elif answer.code not in NO_FOLDER or name == "inbox":
            raise session.trouble(answer)
    return known


def _below(session: Session) -> Iterator[Found]:
    offset = 0
    for _ in range(MOST):
        asked = calls.find_folders(session.distinguished(TOP), FIELDS, offset, PAGE)
        answer = session.one("FindFolder", asked)
        if not answer.is_ok:
            raise session.trouble(answer)
        folders, is_last = answer.page("Folders")
        yield from (found for found in map(found_of, folders) if found is not None)
        offset += len(folders)
        if is_last or not folders:
            return


def found_of(element: Any) -> Found | None:
    """None for what is no folder; one of another kind than mail has its place in the tree all the same."""
    id = element.find(f"{T}FolderId")
    if id is None or not id.get("Id"):
        return None
    parent = element.find(f"{T}ParentFolderId")
    kind = str(element.findtext(f"{T}FolderClass") or "")
    total = element.findtext(f"{T}TotalCount") or ""
    return Found(
        str(id.get("Id")),
        "" if parent is None else str(parent.get("Id")),
        str(element.findtext(f"{T}DisplayName") or ""),
        int(total) if total.isascii() and total.isdigit() and len(total) < 12 else None,
        element.tag == f"{T}Folder" and (not kind or kind == "IPF" or kind.split(".")[:2] == ["IPF", "Note"]),
        str(element.findtext(f"{T}DistinguishedFolderId") or ""),
    )
