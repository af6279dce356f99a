"""A mailbox in the hands of its owner, of other clients and of the server's administrator."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from tests.servers.ews.content import Content
from tests.servers.ews.state import Folder, Item, Mailbox, decode


@dataclass(frozen=True)
class Stored:
    """One message as it stands in a folder, beside what was delivered."""

    id: str
    raw: bytes
    received: datetime
    is_read: bool
    is_flagged: bool
    categories: tuple[str, ...]
    extended: Mapping[str, str]


class Box:
    """A mailbox in the hands of its owner and of its server's administrator."""

    def __init__(self, mailbox: Mailbox, lock: threading.RLock) -> None:
        self.mailbox = mailbox
        self._lock = lock

    @property
    def address(self) -> str:
        return self.mailbox.address

    def deliver(
        self,
        raw: bytes,
        folder: str = "inbox",
        *,
        received: datetime | None = None,
        is_read: bool = False,
        composed: bool = False,
    ) -> str:
        """What the server does with new mail; returns its id. `composed`: written here, as what Outlook sends."""
        with self._lock:
            when = received or datetime.now(UTC)
            content = Content(raw, when, trace=not composed)
            place = self.mailbox.folder(folder)
            return place.new(content, when, is_read=is_read or composed, composed=composed, saved=composed).id

    def listing(self, folder: str = "inbox") -> tuple[Stored, ...]:
        """What stands there, in the order in which it came."""
        with self._lock:
            return tuple(_stored(item) for item in self.mailbox.folder(folder).items.values())

    def everything(self) -> dict[str, tuple[Stored, ...]]:
        """All messages, by the names of their folders below the top."""
        with self._lock:
            top = self.mailbox.folder("msgfolderroot")
            return {name: self._listed(folder) for name, folder in _named(top) if folder.items}

    def _listed(self, folder: Folder) -> tuple[Stored, ...]:
        return tuple(_stored(item) for item in folder.items.values())

    def folder(self, name: str) -> Folder:
        """By distinguished id or by the names from the top; to look at, rename or deny rights."""
        with self._lock:
            return self.mailbox.folder(name)

    def has(self, folder: str) -> bool:
        with self._lock, suppress(KeyError):
            return bool(self.mailbox.folder(folder))
        return False

    def make(self, name: str) -> str:
        """A mail folder, and what is missing above it; returns its id."""
        with self._lock:
            here = self.mailbox.folder("msgfolderroot")
            for at, level in enumerate(name.split("/")):
                known = self.mailbox.known(level) if at == 0 else None
                found = known or next((each for each in here.children if each.name == level), None)
                here = found or self.mailbox.make(here, level)
            return here.id

    def drop(self, name: str) -> None:
        with self._lock:
            self.mailbox.drop(self.mailbox.folder(name))

    def rename(self, folder: str, name: str) -> None:
        with self._lock:
            self.mailbox.folder(folder).name = name

    def item(self, id: str) -> Item:
        """Raises KeyError."""
        read = decode(id)
        if read is None or read[0] != self.mailbox.digest:
            raise KeyError(id)
        return self.mailbox.folders[read[1]].items[read[2]]

    def move(self, id: str, folder: str) -> str:
        """By another client; returns the new id."""
        with self._lock:
            return self.mailbox.move(self.item(id), self.mailbox.folder(folder)).id

    def delete(self, id: str) -> None:
        """For good, by another client."""
        with self._lock:
            item = self.item(id)
            item.folder.remove(item)

    def mark_read(self, id: str, is_read: bool = True) -> None:
        with self._lock:
            item = self.item(id)
            item.is_read = is_read
            item.folder.touch(item, read_only=True)

    def mark_flagged(self, id: str, is_flagged: bool = True) -> None:
        with self._lock:
            item = self.item(id)
            item.extended["0x1090"] = "2" if is_flagged else "0"
            item.folder.touch(item)

    def deny(self, folder: str, *rights: str) -> None:
        """Nobody has these rights there any more (`read create edit delete hierarchy`), the owner neither."""
        with self._lock:
            self.mailbox.folder(folder).denied = frozenset(rights)

    def invalidate_sync(self, folder: str | None = None) -> None:
        """Sync states that were given out are refused from now on."""
        with self._lock:
            chosen = [self.mailbox.folder(folder)] if folder else list(self.mailbox.folders.values())
            for each in chosen:
                each.epoch += 1

    def set_quota(self, size: int | None) -> None:
        self.mailbox.quota = size

    def set_retention(self, *, hold: bool) -> None:
        """A retention policy, under a hold or not, as it stands in the mailbox ([MS-OXOCFG] 2.2.5.2.3)."""
        self.mailbox.retention = (
            '<?xml version="1.0"?><UserConfiguration><Info version="Exchange.14"><Data>'
            f'<RetentionHold RetentionComment="On leave; &quot;Enabled&quot;" Enabled="{hold}" RetentionUrl=""/>'
            '<PolicyTag Guid="a" Name="Never" IsVisible="True" OptedInto="True" Type="All"/>'
            "</Data></Info></UserConfiguration>"
        ).encode()

    def set_hold(self, hold: bool = True) -> None:
        """Litigation hold; only with Exchange's ways, where there are Recoverable Items."""
        self.mailbox.hold = hold


def _stored(item: Item) -> Stored:
    return Stored(
        item.id,
        item.content.raw,
        item.received,
        item.is_read,
        item.is_flagged,
        item.categories,
        dict(item.extended),
    )


def _named(folder: Folder, above: str = "") -> list[tuple[str, Folder]]:
    found = []
    for child in folder.children:
        name = f"{above}/{child.name}" if above else child.name
        found += [(name, child), *_named(child, name)]
    return found
