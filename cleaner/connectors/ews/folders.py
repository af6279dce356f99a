"""
Folders as the server names them, and as we do.

What a folder is for is told by its distinguished id, whatever language its name is in; only what Exchange has no id
for (a second folder of sent mail, an archive) goes by its name. Names are those that Outlook shows, from below the
top of the mailbox. A search folder, and one for appointments or contacts, holds no mail of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from cleaner.connectors.ews import calls
from cleaner.connectors.ews.calls import T
from cleaner.connectors.ews.errors import NO_FOLDER
from cleaner.connectors.roles import INBOX, role_of
from cleaner.errors import ServerUnavailableError
from cleaner.values import Folder, FolderRole

if TYPE_CHECKING:
    from cleaner.connectors.ews.session import Session

ROLES: Final = {
    "inbox": FolderRole.INBOX,
    "sentitems": FolderRole.SENT,
    "deleteditems": FolderRole.TRASH,
    "junkemail": FolderRole.JUNK,
    "drafts": FolderRole.DRAFTS,
}
"""Distinguished ids that Exchange 2010 knows."""

TOP: Final = "msgfolderroot"
PAGE: Final = 1000
MOST: Final = 20
"""Pages of folders; who has more than twenty thousand has them unseen."""

DEEPEST: Final = 300
"""Levels; Exchange allows as many."""

SLASH: Final = "∕"
"""Stands for a `/` inside a name."""

FIELDS: Final = ("folder:DisplayName", "folder:ParentFolderId", "folder:FolderClass", "folder:TotalCount")


@dataclass(frozen=True, slots=True)
class Found:
    """A folder as an answer tells of it."""

    id: str
    parent: str
    name: str
    total: int | None
    is_for_mail: bool
    distinguished: str = ""
    """What it is for, where that is told with it."""


@dataclass(frozen=True, slots=True)
class Folders:
    """All mail folders of a mailbox."""

    top: str = ""
    ids: Mapping[str, str] = field(default_factory=dict)
    """Our name → the server's id."""
    totals: Mapping[str, int] = field(default_factory=dict)
    """Id → how many messages it held."""
    all: tuple[Folder, ...] = ()


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


def named(known: Mapping[str, Found], below: tuple[Found, ...]) -> Folders:
    """The folders with their whole names, the inbox first."""
    inbox = known["inbox"]
    top = inbox.parent
    by_id = {found.id: found for found in (*below, inbox)}
    roles = {found.id: ROLES[name] for name, found in known.items() if name in ROLES}
    ids = {INBOX: inbox.id}
    for found in by_id.values():
        name = _path(found, by_id, top, inbox.id)
        if found.is_for_mail and name:
            ids.setdefault(name, found.id)
    marked = frozenset(roles.values()) - {FolderRole.SENT}
    order = (INBOX, *sorted(name for name in ids if name != INBOX))
    totals = {found.id: found.total for found in by_id.values() if found.total is not None}
    folders = tuple(
        Folder(name, roles.get(ids[name]) or _by_name(name, marked), totals.get(ids[name])) for name in order
    )
    return Folders(top, ids, totals, folders)


def _path(found: Found, by_id: Mapping[str, Found], top: str, inbox: str) -> str:
    """The whole name; empty for what is not below the top."""
    levels: list[str] = []
    here: Found | None = found
    for _ in range(DEEPEST):
        if here is None or not here.name:
            return ""
        if here.id == inbox:
            return "/".join((INBOX, *reversed(levels)))
        levels.append(here.name.replace("/", SLASH))
        if here.parent == top:
            name = "/".join(reversed(levels))
            # Another folder called like the inbox, which to IMAP and us has that name in any case.
            return "" if levels[-1].upper() == INBOX and found.id != inbox else name
        here = by_id.get(here.parent)
    return ""


def _by_name(name: str, marked: frozenset[FolderRole]) -> FolderRole:
    """A name does not count where the server says which folder is for that; but sent mail is sent mail."""
    role = role_of(name)
    return FolderRole.NONE if role is FolderRole.INBOX or role in marked else role
