"""A mailbox in the hands of its owner, of other clients and of the tenant's administrator."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from tests.servers.ews.content import Content
from tests.servers.graph.state import Folder, Item, Mailbox


@dataclass(frozen=True)
class Stored:
    """One message as it stands in a folder, beside what was delivered."""

    id: str
    raw: bytes
    received: datetime
    is_read: bool
    is_flagged: bool
    categories: tuple[str, ...]
    is_draft: bool


class Box:
    """A mailbox, used beside the client under test. Ids are immutable ones, if nothing else is said."""

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
            place = self.mailbox.place(folder)
            return self.mailbox.add(place, content, when, is_read=is_read or composed, composed=composed).id

    def listing(self, folder: str = "inbox") -> tuple[Stored, ...]:
        """What stands there, in the order in which it came."""
        with self._lock:
            return _listed(self.mailbox.place(folder))

    def everything(self) -> dict[str, tuple[Stored, ...]]:
        """All messages, by the names of their folders below the top."""
        with self._lock:
            return {name: _listed(folder) for name, folder in _named(self.mailbox.top) if folder.items}

    def folder(self, name: str) -> Folder:
        """By well-known name or by the names from the top."""
        with self._lock:
            return self.mailbox.place(name)

    def has(self, folder: str) -> bool:
        with self._lock, suppress(KeyError):
            return bool(self.mailbox.place(folder))
        return False

    def make(self, name: str, *, hidden: bool = False) -> str:
        """A mail folder, and what is missing above it; returns its id."""
        with self._lock:
            here = self.mailbox.top
            for at, level in enumerate(name.split("/")):
                known = self.mailbox.known(level) if at == 0 else None
                found = known or next((each for each in here.children if each.name == level), None)
                here = found or self.mailbox.make(here, level, hidden=hidden)
            return here.id

    def drop(self, folder: str) -> None:
        with self._lock:
            self.mailbox.drop(self.mailbox.place(folder))

    def rename(self, folder: str, name: str) -> None:
        with self._lock:
            found = self.mailbox.place(folder)
            found.name = name
            found.changed = self.mailbox.tick()

    def item(self, id: str) -> Item:
        """By either id. Raises KeyError."""
        found = self.mailbox.items.get(id)
        return found if found is not None else self.mailbox.ordinary[id]

    def ordinary_id(self, id: str) -> str:
        return self.item(id).ordinary_id

    def move(self, id: str, folder: str) -> str:
        """By another client; returns the id, which stays the same."""
        with self._lock:
            item = self.item(id)
            self.mailbox.move(item, self.mailbox.place(folder))
            return item.id

    def delete(self, id: str) -> None:
        """For good, by another client."""
        with self._lock:
            self.mailbox.delete(self.item(id))

    def mark_read(self, id: str, is_read: bool = True) -> None:
        with self._lock:
            item = self.item(id)
            item.is_read = is_read
            self.mailbox.touch(item, read_only=True)

    def mark_flagged(self, id: str, is_flagged: bool = True) -> None:
        with self._lock:
            item = self.item(id)
            item.flag = {"flagStatus": "flagged" if is_flagged else "notFlagged"}
            self.mailbox.touch(item)

    def deny(self, folder: str, *rights: str) -> None:
        """Nobody has these rights there any more (`read write`)."""
        with self._lock:
            self.mailbox.place(folder).denied = frozenset(rights)

    def expire_deltas(self, folder: str | None = None) -> None:
        """Delta and skip tokens that were given out are refused from now on."""
        with self._lock:
            chosen = [self.mailbox.place(folder)] if folder else list(self.mailbox.folders.values())
            for each in chosen:
                each.epoch += 1

    def set_hold(self, raw: bytes) -> None:
        """A hold keeps what is removed for good: this much of it so far."""
        with self._lock:
            above = self.mailbox.place("recoverableitemsroot")
            kept = next((each for each in above.children if each.name == "DiscoveryHolds"), None)
            now = datetime.now(UTC)
            self.mailbox.add(kept or self.mailbox.make(above, "DiscoveryHolds"), Content(raw, now), now)

    def set_quota(self, size: int | None) -> None:
        self.mailbox.quota = size


def _listed(folder: Folder) -> tuple[Stored, ...]:
    return tuple(_stored(item) for item in sorted(folder.items.values(), key=lambda each: each.position))


def _stored(item: Item) -> Stored:
    return Stored(
        item.id,
        item.content.raw,
        item.received,
        item.is_read,
        item.is_flagged,
        item.categories,
        item.is_draft,
    )


def _named(folder: Folder, above: str = "") -> list[tuple[str, Folder]]:
    found = []
    for child in folder.children:
        name = f"{above}/{child.name}" if above else child.name
        found += [(name, child), *_named(child, name)]
    return found
