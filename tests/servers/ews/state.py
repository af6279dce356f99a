"""What the server holds: mailboxes, folders, items, and what changed in them since a sync state was given."""

from __future__ import annotations

import base64
import hashlib
import itertools
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from queue import SimpleQueue
from typing import Final

from tests.servers.ews.content import Content

ALL_RIGHTS: Final = frozenset({"read", "create", "edit", "delete", "hierarchy"})

PASSWORD: Final = "correct-horse"  # noqa: S105

# Number, parent's number, element, class, name, distinguished id.
TREE: Final = (
    (1, 1, "Folder", None, "Root Container", "root"),
    (2, 1, "Folder", None, "Deferred Action", "publicfoldersroot"),
    (3, 1, "SearchFolder", "IPF.Note", "Spooler Queue", None),
    (4, 1, "Folder", None, "Shortcuts", None),
    (5, 1, "Folder", None, "Finder", None),
    (6, 1, "Folder", None, "Views", None),
    (7, 1, "Folder", None, "Common Views", None),
    (8, 1, "Folder", None, "Schedule", "scheduled"),
    (9, 1, "Folder", None, "Top of Information Store", "msgfolderroot"),
    (10, 9, "Folder", "IPF.Note", "Sent Items", "sentitems"),
    (11, 9, "Folder", "IPF.Note", "Deleted Items", "deleteditems"),
    (12, 9, "Folder", "IPF.Note", "Outbox", "outbox"),
    (13, 9, "Folder", "IPF.Note", "Inbox", "inbox"),
    (14, 9, "Folder", "IPF.Note", "Drafts", "drafts"),
    (15, 9, "CalendarFolder", "IPF.Appointment", "Calendar", "calendar"),
    (16, 9, "Folder", "IPF.Journal", "Journal", "journal"),
    (17, 9, "Folder", "IPF.StickyNote", "Notes", "notes"),
    (18, 9, "TasksFolder", "IPF.Task", "Tasks", "tasks"),
    (19, 9, "ContactsFolder", "IPF.Contact", "Contacts", "contacts"),
    (20, 19, "ContactsFolder", "IPF.Contact.MOC.QuickContacts", "Quick Contacts", "quickcontacts"),
    (21, 19, "ContactsFolder", "IPF.Contact.MOC.ImContactList", "IM Contacts List", "imcontactlist"),
    (22, 19, "ContactsFolder", "IPF.Contact.GalContacts", "GAL Contacts", None),
    (23, 9, "Folder", "IPF.Note", "Junk Email", "junkemail"),
    (25, 9, "Folder", "IPF.Note", "Sync Issues", "syncissues"),
    (26, 25, "Folder", "IPF.Note", "Conflicts", "conflicts"),
    (27, 25, "Folder", "IPF.Note", "Local Failures", "localfailures"),
    (28, 25, "Folder", "IPF.Note", "Server Failures", "serverfailures"),
    (29, 9, "Folder", "IPF.Configuration", "Conversation Action Settings", None),
    (24, 1, "Folder", None, "Freebusy Data", None),
)
"""The folders of a new mailbox, in the order in which a deep FindFolder brings them."""

RECOVERABLE: Final = (
    (30, 1, "Folder", None, "Recoverable Items", "recoverableitemsroot"),
    (31, 30, "Folder", None, "Deletions", "recoverableitemsdeletions"),
    (32, 30, "Folder", None, "Versions", "recoverableitemsversions"),
    (33, 30, "Folder", None, "Purges", "recoverableitemspurges"),
)
"""Exchange's; the recorded server has none."""

ARCHIVE: Final = (
    (40, 40, "Folder", None, "Root Container", "archiveroot"),
    (41, 40, "Folder", None, "Top of Information Store", "archivemsgfolderroot"),
    (42, 41, "Folder", "IPF.Note", "Inbox", "archiveinbox"),
    (43, 41, "Folder", "IPF.Note", "Deleted Items", "archivedeleteditems"),
)

NAMES: Final = {
    "en": {},
    "de": {
        "inbox": "Posteingang",
        "sentitems": "Gesendete Elemente",
        "deleteditems": "Gelöschte Elemente",
        "junkemail": "Junk-E-Mail",
        "drafts": "Entwürfe",
        "outbox": "Postausgang",
        "msgfolderroot": "Oberste Ebene des Informationsspeichers",
    },
    "ja": {
        "inbox": "受信トレイ",
        "sentitems": "送信済みアイテム",
        "deleteditems": "削除済みアイテム",
        "junkemail": "迷惑メール",
        "drafts": "下書き",
        "outbox": "送信トレイ",
    },
}
"""Language → distinguished id → what Outlook calls the folder."""


@dataclass(eq=False)
class Item:
    """One message in one folder; moving makes another of the same content."""

    folder: Folder
    number: int
    content: Content
    received: datetime
    is_read: bool = False
    categories: tuple[str, ...] = ()
    extended: dict[str, str] = field(default_factory=dict)
    """Other properties by tag (`0x1090`: the flag), as somebody set them."""
    saved: bool = False
    """Put there by CreateItem, and not delivered."""
    composed: bool = False
    """Written in the mailbox itself, as what is sent from Outlook: it has no header as received."""
    created: int = 0
    changed: int = 0
    altered: int = 0
    """When anything changed but whether it was read."""

    @cached_property
    def id(self) -> str:
        return encode(self.folder.mailbox.digest, self.folder.number, self.number)

    @property
    def change_key(self) -> str:
        return base64.b64encode(b"CQ\0\0" + struct.pack(">Q", self.changed)).decode()

    @property
    def is_flagged(self) -> bool:
        return self.extended.get("0x1090") == "2"


@dataclass(eq=False)
class Folder:
    """One folder, with what it needs to tell what changed."""

    mailbox: Mailbox
    number: int
    parent: int
    name: str
    element: str = "Folder"
    folder_class: str | None = "IPF.Note"
    distinguished: str | None = None
    items: dict[int, Item] = field(default_factory=dict)
    deletions: list[tuple[int, int, int]] = field(default_factory=list)
    """When, which number, and since when it had been there."""
    sequence: int = 0
    epoch: int = 0
    """Sync states of an earlier one are refused."""
    denied: frozenset[str] = frozenset()
    """Rights that nobody has here."""
    born: int = 0
    snapshots: list[list[tuple[str, int]]] = field(default_factory=list)
    """Changes that are given page by page."""
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @cached_property
    def id(self) -> str:
        return encode(self.mailbox.digest, self.number)

    @property
    def change_key(self) -> str:
        return base64.b64encode(b"AQ\0\0" + struct.pack(">Q", self.number)).decode()

    @property
    def children(self) -> list[Folder]:
        return [
            each for each in self.mailbox.folders.values() if each.parent == self.number and each is not self
        ]

    @property
    def unread(self) -> int:
        return sum(not item.is_read for item in self.items.values())

    def add(self, item: Item, event: str = "CreatedEvent") -> Item:
        item.number = next(self._numbers)
        item.created = item.changed = item.altered = self.sequence = self.mailbox.tick()
        self.items[item.number] = item
        self.mailbox.changed(event, item)
        return item

    def new(self, content: Content, received: datetime, **more: object) -> Item:
        item = Item(self, 0, content, received, **more)  # type: ignore[arg-type]
        return self.add(item, "CreatedEvent" if item.saved else "NewMailEvent")

    def remove(self, item: Item) -> None:
        del self.items[item.number]
        self.sequence = self.mailbox.tick()
        self.deletions.append((self.sequence, item.number, item.created))

    def touch(self, item: Item, *, read_only: bool = False) -> None:
        item.changed = self.sequence = self.mailbox.tick()
        if not read_only:
            item.altered = item.changed
        self.mailbox.changed("ModifiedEvent", item)

    def changes(self, since: int) -> list[tuple[str, int]]:
        """What happened after that moment: creations newest mail first, then updates, then deletions."""
        present = sorted(
            (item for item in self.items.values() if item.changed > since),
            key=lambda item: item.received,
            reverse=True,
        )
        return (
            [("Create", item.number) for item in present if item.created > since]
            + [
                ("Update" if item.altered > since else "ReadFlagChange", item.number)
                for item in present
                if item.created <= since
            ]
            + [("Delete", number) for when, number, born in self.deletions if when > since >= born]
        )


class Mailbox:
    """One mailbox: folders, rights, and what its server shall do to it."""

    def __init__(self, address: str, *, language: str, recoverable: bool, archive: bool) -> None:
        self.address = address
        self.digest = hashlib.sha256(address.lower().encode()).digest()[:12]
        self.folders: dict[int, Folder] = {}
        self.grants: dict[tuple[str, int | None], frozenset[str]] = {}
        """Who, and in which folder (`None`: all), may do what."""
        self.quota: int | None = None
        """Bytes that it may hold."""
        self.hold = False
        """Litigation hold: what is deleted for good goes to Recoverable Items' Purges."""
        self.retention: bytes | None = None
        """The XML of its retention tags."""
        self.watchers: list[Watcher] = []
        self.hierarchy = 0
        """When a folder was made or removed last."""
        self.dropped: list[tuple[int, str]] = []
        self._ticks = itertools.count(1)
        self._folder_numbers = itertools.count(64)
        names = NAMES[language]
        tree = TREE + (RECOVERABLE if recoverable else ()) + (ARCHIVE if archive else ())
        for number, parent, element, folder_class, name, known in tree:
            self.folders[number] = Folder(
                self, number, parent, names.get(known or "", name), element, folder_class, known
            )

    def tick(self) -> int:
        return next(self._ticks)

    def known(self, distinguished: str) -> Folder | None:
        return next(
            (each for each in self.folders.values() if each.distinguished == distinguished.lower()), None
        )

    def folder(self, place: str) -> Folder:
        """By distinguished id (`inbox`, `sentitems`, in any case), else by names from the top: `Inbox/Old`."""
        found = self.known(place)
        if found is not None:
            return found
        found = self.known("msgfolderroot")
        for name in place.split("/"):
            found = found and next((each for each in found.children if each.name == name), None)
        if found is None:
            raise KeyError(place)
        return found

    def make(self, parent: Folder, name: str, folder_class: str | None = "IPF.Note") -> Folder:
        folder = Folder(
            self, next(self._folder_numbers), parent.number, name, folder_class=folder_class or "IPF.Note"
        )
        self.folders[folder.number] = folder
        folder.born = self.hierarchy = self.tick()
        return folder

    def drop(self, folder: Folder) -> None:
        for child in folder.children:
            self.drop(child)
        for item in list(folder.items.values()):
            folder.remove(item)
        del self.folders[folder.number]
        self.hierarchy = self.tick()
        self.dropped.append((self.hierarchy, folder.id))

    def move(self, item: Item, target: Folder) -> Item:
        item.folder.remove(item)
        moved = Item(
            target,
            0,
            item.content,
            item.received,
            item.is_read,
            item.categories,
            dict(item.extended),
            saved=item.saved,
            composed=item.composed,
        )
        return target.add(moved, "MovedEvent")

    def used(self) -> int:
        return sum(len(item.content.raw) for each in self.folders.values() for item in each.items.values())

    def rights(self, who: str, folder: Folder) -> frozenset[str]:
        if who.lower() == self.address.lower():
            return ALL_RIGHTS - folder.denied
        granted = self.grants.get((who.lower(), folder.number), self.grants.get((who.lower(), None)))
        return (granted or frozenset()) - folder.denied

    def changed(self, event: str, item: Item) -> None:
        for watcher in self.watchers:
            watcher.tell(event, item)


class Watcher:
    """Somebody who subscribed to what happens in some folders."""

    def __init__(self, folders: frozenset[int], events: frozenset[str]) -> None:
        self.folders = folders
        """By number; empty: all."""
        self.events = events
        self.told: SimpleQueue[tuple[str, Item, datetime]] = SimpleQueue()

    def tell(self, event: str, item: Item) -> None:
        if event in self.events and (not self.folders or item.folder.number in self.folders):
            self.told.put((event, item, datetime.now(UTC)))


_MARK: Final = b"\0\0\0\0"


def encode(digest: bytes, folder: int, item: int = 0, attachment: int = 0) -> str:
    return base64.b64encode(_MARK + digest + struct.pack(">IIH", folder, item, attachment)).decode()


def decode(identifier: str) -> tuple[bytes, int, int, int] | None:
    """Mailbox, folder, item and attachment, or nothing if it is no id of ours."""
    try:
        packed = base64.b64decode(identifier, validate=True)
    except ValueError:
        return None
    if len(packed) != 26 or not packed.startswith(_MARK):
        return None
    folder, item, attachment = struct.unpack(">IIH", packed[16:])
    return packed[4:16], folder, item, attachment
