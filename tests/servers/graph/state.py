"""What the server holds: users, mailboxes, folders, messages, and what changed in them since a delta token."""

from __future__ import annotations

import base64
import hashlib
import itertools
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Final

from tests.servers.ews.content import Content
from tests.servers.ews.state import NAMES

# Name, well-known name, parent's well-known name, hidden.
TREE: Final = (
    ("Root", None, None, True),
    ("Top of Information Store", "msgfolderroot", "", False),
    ("Archive", "archive", "msgfolderroot", False),
    ("Conversation History", "conversationhistory", "msgfolderroot", False),
    ("Deleted Items", "deleteditems", "msgfolderroot", False),
    ("Drafts", "drafts", "msgfolderroot", False),
    ("Inbox", "inbox", "msgfolderroot", False),
    ("Junk Email", "junkemail", "msgfolderroot", False),
    ("Outbox", "outbox", "msgfolderroot", False),
    ("Sent Items", "sentitems", "msgfolderroot", False),
    ("Sync Issues", "syncissues", "msgfolderroot", True),
    ("Conflicts", "conflicts", "syncissues", True),
    ("Local Failures", "localfailures", "syncissues", True),
    ("Server Failures", "serverfailures", "syncissues", True),
    ("Team Chat", "teamchat", "", True),
    ("Recoverable Items", "recoverableitemsroot", "", True),
    ("Deletions", "recoverableitemsdeletions", "recoverableitemsroot", False),
    ("Purges", "recoverableitemspurges", "recoverableitemsroot", False),
)
"""The folders of a new mailbox; what a mailFolders list brings is below `msgfolderroot`."""

WELL_KNOWN: Final = frozenset(
    "archive clutter conflicts conversationhistory deleteditems drafts inbox junkemail localfailures"
    " msgfolderroot outbox recoverableitemsdeletions recoverableitemspurges recoverableitemsroot scheduled"
    " searchfolders sentitems serverfailures syncissues".split()
)
"""Source: https://learn.microsoft.com/graph/api/resources/mailfolder; a mailbox need not have them all."""


@dataclass(eq=False)
class Item:
    """One message; it stays the same when it is moved, its ordinary id does not."""

    mailbox: Mailbox
    folder: Folder
    number: int
    content: Content
    received: datetime
    is_read: bool = False
    is_draft: bool = False
    composed: bool = False
    """Written in the mailbox itself, as what is sent from Outlook: it has no header as received."""
    categories: tuple[str, ...] = ()
    flag: dict[str, object] = field(default_factory=lambda: {"flagStatus": "notFlagged"})
    importance: str = "normal"
    extended: dict[str, str] = field(default_factory=dict)
    """Other properties by their id (`String 0x7d`), as somebody set them."""
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    modified: datetime = field(default_factory=lambda: datetime.now(UTC))
    position: int = 0
    entered: int = 0
    changed: int = 0
    altered: int = 0
    """When anything changed but whether it was read."""
    again: bool = False
    """It had been in this folder before."""

    @cached_property
    def id(self) -> str:
        """Immutable."""
        return self.mailbox.name_of("immutable", 0, self.number)

    @property
    def ordinary_id(self) -> str:
        return self.mailbox.name_of("ordinary", self.folder.number, self.position)

    @property
    def change_key(self) -> str:
        return _packed(f"{self.number}/{self.changed}".encode(), 30)

    @property
    def is_flagged(self) -> bool:
        return self.flag.get("flagStatus") == "flagged"


@dataclass(frozen=True)
class Removal:
    """A message that left a folder."""

    when: int
    id: str
    ordinary_id: str
    entered: int


@dataclass(eq=False)
class Folder:
    """One mail folder, with what it needs to tell what changed."""

    mailbox: Mailbox
    number: int
    parent: Folder | None
    name: str
    known: str | None = None
    is_hidden: bool = False
    items: dict[int, Item] = field(default_factory=dict)
    """By the message's number."""
    removals: list[Removal] = field(default_factory=list)
    first_entered: dict[int, int] = field(default_factory=dict)
    """When a message came here first."""
    epoch: int = 0
    """Delta tokens of an earlier one have expired."""
    changed: int = 0
    """When it was made or renamed last."""
    denied: frozenset[str] = frozenset()
    """What nobody may do here: `read write`."""
    _positions: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @cached_property
    def id(self) -> str:
        return self.mailbox.name_of("folder", self.number, 0)

    @property
    def children(self) -> list[Folder]:
        return sorted(
            (each for each in self.mailbox.folders.values() if each.parent is self),
            key=lambda each: each.name.casefold(),
        )

    @property
    def unread(self) -> int:
        return sum(not item.is_read for item in self.items.values())

    def put(self, item: Item) -> None:
        item.folder = self
        item.position = next(self._positions)
        item.again = item.number in self.first_entered
        item.entered = item.changed = item.altered = self.mailbox.tick()
        self.first_entered.setdefault(item.number, item.entered)
        self.items[item.number] = item
        self.mailbox.ordinary[item.ordinary_id] = item

    def take(self, item: Item) -> None:
        del self.items[item.number]
        del self.mailbox.ordinary[item.ordinary_id]
        self.removals.append(Removal(self.mailbox.tick(), item.id, item.ordinary_id, item.entered))


class Mailbox:
    """One mailbox: its folders and messages, and the numbers they were given."""

    def __init__(self, address: str, *, language: str = "en") -> None:
        self.address = address
        self.language = language
        self.key = hashlib.sha256(address.lower().encode()).digest()
        self.folders: dict[int, Folder] = {}
        self.items: dict[str, Item] = {}
        """By immutable id."""
        self.ordinary: dict[str, Item] = {}
        """By ordinary id, as it is now."""
        self.folder_ids: dict[str, Folder] = {}
        self.dropped: list[tuple[int, str]] = []
        """Folders that are gone: when, and their ids."""
        self.quota: int | None = None
        self._ticks = itertools.count(1)
        self._numbers = itertools.count(1)
        self._folder_numbers = itertools.count(1)
        names = NAMES[language]
        self.root = self._grow(None, "Root", None, True)
        for name, known, parent, hidden in TREE[1:]:
            above = self.known(parent) if parent else self.root
            self._grow(above, names.get(known or "", name), known, hidden)

    def tick(self) -> int:
        return next(self._ticks)

    def name_of(self, kind: str, folder: int, number: int) -> str:
        """An id: long, case-sensitive, without meaning."""
        seed = self.key[:8] + f"{kind}/{folder}/{number}".encode()
        start, size = {"immutable": (b"\0\x09\0\x2e", 82), "ordinary": (b"\0\x03\x24\0", 112)}.get(
            kind, (b"\0\x03\x25\0", 88)
        )
        return base64.urlsafe_b64encode(start + self.key[:16] + _spread(seed, size - 20)).decode()

    def known(self, name: str) -> Folder | None:
        return next((each for each in self.folders.values() if each.known == name.lower()), None)

    @property
    def top(self) -> Folder:
        found = self.known("msgfolderroot")
        assert found is not None
        return found

    def place(self, name: str) -> Folder:
        """By well-known name, else by the names from the top: `Inbox/Old`. Raises KeyError."""
        found: Folder | None = self.known(name)
        if found is not None:
            return found
        found = self.top
        for level in name.split("/"):
            found = next((each for each in found.children if each.name == level), None)
            if found is None:
                raise KeyError(name)
        return found

    def make(self, parent: Folder, name: str, *, hidden: bool = False) -> Folder:
        return self._grow(parent, name, None, hidden)

    def _grow(self, parent: Folder | None, name: str, known: str | None, hidden: bool) -> Folder:
        folder = Folder(self, next(self._folder_numbers), parent, name, known, hidden)
        folder.changed = self.tick()
        self.folders[folder.number] = folder
        self.folder_ids[folder.id] = folder
        return folder

    def drop(self, folder: Folder) -> None:
        for child in folder.children:
            self.drop(child)
        for item in list(folder.items.values()):
            self.delete(item)
        del self.folders[folder.number], self.folder_ids[folder.id]
        self.dropped.append((self.tick(), folder.id))

    def add(self, folder: Folder, content: Content, received: datetime, **more: object) -> Item:
        item = Item(self, folder, next(self._numbers), content, received, **more)  # type: ignore[arg-type]
        self.items[item.id] = item
        folder.put(item)
        return item

    def move(self, item: Item, target: Folder) -> None:
        item.folder.take(item)
        target.put(item)

    def copy(self, item: Item, target: Folder) -> Item:
        made = self.add(
            target,
            item.content,
            item.received,
            is_read=item.is_read,
            is_draft=item.is_draft,
            composed=item.composed,
            categories=item.categories,
            flag=dict(item.flag),
            importance=item.importance,
        )
        made.extended.update(item.extended)
        return made

    def delete(self, item: Item) -> None:
        item.folder.take(item)
        del self.items[item.id]

    def touch(self, item: Item, *, read_only: bool = False) -> None:
        item.changed = self.tick()
        item.modified = datetime.now(UTC)
        if not read_only:
            item.altered = item.changed

    def used(self) -> int:
        return sum(len(item.content.raw) for item in self.items.values())


@dataclass(eq=False)
class User:
    """Somebody of the directory, with or without a mailbox in the cloud."""

    address: str
    upn: str
    mailbox: Mailbox | None
    purpose: str = "user"
    id: str = ""

    def __post_init__(self) -> None:
        self.id = self.id or str(uuid.uuid5(uuid.NAMESPACE_URL, f"user:{self.upn.lower()}"))


def _spread(seed: bytes, size: int) -> bytes:
    return hashlib.shake_128(seed).digest(size)


def _packed(seed: bytes, size: int) -> str:
    return base64.b64encode(b"\x09\0\0\0" + _spread(seed, size - 4)).decode()
