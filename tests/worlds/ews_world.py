"""A labelled world on an Exchange: one impersonating account opens its mailboxes, their owners look at them."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from cleaner import notices
from cleaner.app import App
from cleaner.values import EntryState, Headers
from tests.servers.ews import PASSWORD, EwsServer
from tests.worlds import world as maildirs

ACCOUNT = "cleaner@exchange.example"


class Stored(Protocol):
    """One message, as its owner sees it."""

    @property
    def id(self) -> str: ...

    @property
    def raw(self) -> bytes:
        """What was delivered."""

    @property
    def received(self) -> datetime: ...

    @property
    def is_read(self) -> bool: ...

    @property
    def is_flagged(self) -> bool: ...


class Box(Protocol):
    """A mailbox, in the hands of its owner."""

    def everything(self) -> Mapping[str, tuple[Stored, ...]]: ...

    def make(self, name: str) -> str: ...

    def deliver(
        self,
        raw: bytes,
        folder: str = ...,
        *,
        received: datetime | None = ...,
        is_read: bool = ...,
        composed: bool = ...,
    ) -> str: ...


@dataclass(frozen=True)
class ExchangeWorld:
    """One world, installed on a server: on premises, or in the cloud."""

    root: Path
    boxes: Mapping[str, Box]
    users: tuple[str, ...]
    labels: tuple[dict[str, Any], ...]
    """Those of the messages that are there, each with the `digest` of its bytes."""
    ids: Mapping[str, tuple[str, str]]
    """The server's id → (user, unique name in the Maildir)."""

    @property
    def configuration(self) -> Path:
        return self.root / "cleaner.toml"

    def of(self, user: str) -> dict[str, tuple[Stored, ...]]:
        """Folder → what lies there, under the names that we use."""
        found = self.boxes[user.lower()].everything()
        return {"INBOX" if name == "Inbox" else name: items for name, items in found.items()}

    def messages(self) -> dict[tuple[str, str], Counter[tuple[object, ...]]]:
        """(user, folder) → what lies there, whatever its id."""
        return {
            (user, folder): Counter(
                (digest_of(item.raw), item.received, item.is_read, item.is_flagged) for item in items
            )
            for user in self.users
            for folder, items in self.of(user).items()
        }

    def contents(self) -> Counter[tuple[str, str]]:
        """How often each message exists, by user and bytes, wherever it lies."""
        return Counter(
            (user, digest_of(item.raw))
            for user in self.users
            for items in self.of(user).values()
            for item in items
        )

    def moved(self) -> list[dict[str, Any]]:
        """The labels of the messages that are no longer in the inbox."""
        inbox = {
            (user, digest_of(item.raw)) for user in self.users for item in self.of(user).get("INBOX", ())
        }
        return [label for label in self.labels if (label["user"], label["digest"]) not in inbox]

    def journal_agrees(self, app: App) -> None:
        """Nothing is open, and every message lies where the journal says, and there alone."""
        done = 0
        for user in self.users:
            assert app.context.store.journal(user).open() == ()
        there = {
            (user, folder): {item.id for item in items}
            for user in self.users
            for folder, items in self.of(user).items()
        }
        for entry in app.context.store.entries():
            is_there = entry.new_id in there.get((entry.mailbox, entry.target), set())
            assert is_there == (entry.state is EntryState.DONE), entry
            done += entry.state is EntryState.DONE
        assert done == sum(len(ids) for (_, folder), ids in there.items() if folder == "Backscatter")


def install(source: Path, root: Path, server: EwsServer, *, every: int = 1) -> ExchangeWorld:
    """Gives a world's mailboxes, or every so-manieth message, to a server's users."""
    server.add_account(ACCOUNT, impersonates=None)
    root.mkdir(exist_ok=True)
    (root / "password").write_text(PASSWORD)
    return filled(source, root, server.add_mailbox, lines(server), every)


def filled(
    source: Path, root: Path, add: Callable[[str], Box], server: Sequence[str], every: int
) -> ExchangeWorld:
    """Mailboxes that `add` makes, with what is in the world's; `server` are the lines of its section."""
    files = maildirs.install(source, root / "maildirs", every=every)
    boxes = {user.lower(): add(user) for user in files.users}
    digests: dict[tuple[str, str], str] = {}
    ids: dict[str, tuple[str, str]] = {}
    for path in files.files():
        user, *folders = path.relative_to(files.root / "mail").parts[:-2]
        name = path.name.partition(":")[0]
        raw = path.read_bytes()
        folder = "/".join(folders).lstrip(".")
        box = boxes[user.lower()]
        place = {"": "inbox", "Sent": "sentitems"}.get(folder, folder)
        box.make(place)
        id = box.deliver(
            raw,
            place,
            received=arrival_of(path, raw),
            is_read="S" in path.name.rpartition(",")[2],
            composed=place == "sentitems",
        )
        ids[id] = user, name
        digests[user, name] = digest_of(raw)
    maildirs.configure(source, root, server)
    labels = tuple(label | {"digest": digests[label["user"], label["file"]]} for label in files.labels)
    return ExchangeWorld(root, boxes, files.users, labels, ids)


def arrival_of(path: Path, raw: bytes) -> datetime:
    """When it came: the server writes that into a Received line of its own."""
    saved = datetime.fromtimestamp(int(path.stat().st_mtime), UTC)
    return notices.arrived(Headers.parse(raw), saved) or saved


def lines(server: EwsServer) -> tuple[str, ...]:
    """The section of the server: one account for all mailboxes."""
    return (
        'name = "exchange"',
        'connector = "ews"',
        f'endpoint = "{server.endpoint}"',
        'tls = "none"',
        'auth = "basic"',
        'access = "impersonation"',
        f'user = "{ACCOUNT}"',
        'password = "file:password"',
    )


def digest_of(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()
