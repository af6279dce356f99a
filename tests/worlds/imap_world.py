"""A labelled world on a Dovecot: the same mailboxes, reached over IMAP, looked at over another connection."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar

from cleaner.app import App
from cleaner.service import consent
from cleaner.service.scan import MailboxScan, ScanRequest, scan
from cleaner.values import EntryState
from tests.servers.dovecot import PASSWORD, Dovecot
from tests.servers.owner import Item, Owner, digest_of
from tests.service.hands import quiet
from tests.worlds import world as maildirs
from tests.worlds.world import SINCE

T = TypeVar("T")

Found = Counter[tuple[str, tuple[str, ...], datetime]]
"""Messages by bytes, flags and date."""


class Door(Protocol):
    """What the program signs in at: a server, or a proxy before one."""

    port: int


@dataclass(frozen=True)
class ImapWorld:
    """One world, installed on a server."""

    root: Path
    server: Dovecot
    users: tuple[str, ...]
    labels: tuple[dict[str, Any], ...]
    """Those of the messages that are there, each with the `digest` of its bytes."""

    @property
    def configuration(self) -> Path:
        return self.root / "cleaner.toml"

    @contextmanager
    def owner(self, user: str) -> Iterator[Owner]:
        owner = self.server.owner(user)
        try:
            yield owner
        finally:
            owner.close()

    def of_each(self, look: Callable[[Owner], T]) -> dict[str, T]:
        found = {}
        for user in self.users:
            with self.owner(user) as owner:
                found[user] = look(owner)
        return found

    def messages(self) -> dict[tuple[str, str], Found]:
        """(user, folder) → what lies there; a folder without messages is as good as none."""
        found = self.of_each(Owner.messages)
        return {
            (user, folder): messages
            for user, folders in found.items()
            for folder, messages in folders.items()
            if messages
        }

    def items(self) -> dict[tuple[str, str], tuple[Item, ...]]:
        found = self.of_each(lambda owner: {folder: owner.items(folder) for folder in owner.folders()})
        return {(user, folder): items for user, folders in found.items() for folder, items in folders.items()}

    def contents(self) -> Counter[tuple[str, str]]:
        """How often each message exists, by user and bytes, wherever it lies."""
        found = self.of_each(Owner.contents)
        return Counter({(user, digest): count for user in found for digest, count in found[user].items()})

    def moved(self) -> list[dict[str, Any]]:
        """The labels of the messages that are no longer in the inbox."""
        inbox = {
            (user, item.digest)
            for (user, folder), items in self.items().items()
            for item in items
            if folder == "INBOX"
        }
        return [label for label in self.labels if (label["user"], label["digest"]) not in inbox]

    def journal_agrees(self, app: App) -> None:
        """Nothing is open, and every message lies where the journal says, and there alone."""
        items = self.items()
        for user in self.users:
            assert app.context.store.journal(user).open() == ()
        for entry in app.context.store.entries():
            there = {item.uid for item in items.get((entry.mailbox, entry.target), ())}
            assert (entry.new_id in there) == (entry.state is EntryState.DONE), entry
        entries = [entry for entry in app.context.store.entries() if entry.state is EntryState.DONE]
        in_quarantine = [
            item for (_, folder), found in items.items() if folder == "Backscatter" for item in found
        ]
        assert len(entries) == len(in_quarantine)


def install(
    source: Path,
    root: Path,
    server: Dovecot,
    *,
    door: Door | None = None,
    every: int = 1,
    timeout: str = "60s",
) -> ImapWorld:
    """Gives a world's mailboxes, or every so-manieth message, to a server's users."""
    files = maildirs.install(source, root / "maildirs", every=every)
    digests = {
        (path.relative_to(files.root / "mail").parts[0], path.name.partition(":")[0]): digest_of(
            path.read_bytes()
        )
        for path in files.files()
    }
    for user in files.users:
        server.give_maildir(user, files.root / "mail" / user)
    (root / "password").write_text(PASSWORD)
    maildirs.configure(
        source,
        root,
        (
            'name = "dovecot"',
            'connector = "imap"',
            'host = "127.0.0.1"',
            f"port = {(door or server).port}",
            'tls = "none"',
            f'timeout = "{timeout}"',
        ),
        ('password = "file:password"',),
    )
    labels = tuple(label | {"digest": digests[label["user"], label["file"]]} for label in files.labels)
    return ImapWorld(root, server, files.users, labels)


def clean(app: App) -> tuple[MailboxScan, ...]:
    request = ScanRequest(since=datetime.fromisoformat(SINCE).astimezone())
    return tuple(scan(app.context, request, quiet, lambda: False))


def opt_in_all(app: App, users: tuple[str, ...]) -> None:
    for user in users:
        consent.opt_in(app.context, consent.NewMailbox(user))
