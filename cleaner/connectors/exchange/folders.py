"""
Folders as the server names them, and as we do.

What a folder is for is told by its well-known name, whatever language its own is in; only what Exchange has no
name for (a second folder of sent mail) goes by that. Names are those that Outlook shows, from below the top of the
mailbox. A search folder, and one for appointments or contacts, holds no mail of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from cleaner.connectors.roles import INBOX, role_of
from cleaner.values import Folder, FolderRole

ROLES: Final = {
    "inbox": FolderRole.INBOX,
    "sentitems": FolderRole.SENT,
    "deleteditems": FolderRole.TRASH,
    "junkemail": FolderRole.JUNK,
    "drafts": FolderRole.DRAFTS,
}
"""Well-known names (distinguished ids of EWS) that Exchange has known since 2010."""

DEEPEST: Final = 300
"""Levels; Exchange allows as many."""

SLASH: Final = "∕"
"""Stands for a `/` inside a name."""


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
    stamp: str = ""
    """A text that changes with what it holds; empty where too little is told for that."""


@dataclass(frozen=True, slots=True)
class Folders:
    """All mail folders of a mailbox."""

    top: str = ""
    ids: Mapping[str, str] = field(default_factory=dict)
    """Our name → the server's id."""
    totals: Mapping[str, int] = field(default_factory=dict)
    """Id → how many messages it held."""
    stamps: Mapping[str, str] = field(default_factory=dict)
    """Id → its stamp."""
    all: tuple[Folder, ...] = ()


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
    stamps = {found.id: found.stamp for found in by_id.values() if found.stamp}
    return Folders(top, ids, totals, stamps, folders)


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
