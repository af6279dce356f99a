"""A mailbox and its journal as the tests of actions handle them: a Maildir and a SQLite file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from cleaner import actions, connectors
from cleaner.config import MailboxSettings, Server
from cleaner.connectors.maildir import ChangingMaildir
from cleaner.connectors.maildir.names import directory_of
from cleaner.notices import fingerprint
from cleaner.store import Store
from cleaner.values import ActionName, Entry, EntryState, Policy

ADDRESS = "ann@harbor.example"
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
TARGET = "Backscatter"


def notice(number: int, *, message_id: bool = True) -> bytes:
    """A mail of its own kind, with or without a Message-ID."""
    lines = [
        "Received: from mx.far.example (192.0.2.7) by mx1.harbor.example; Mon, 2 Nov 2026 10:15:00 +0000",
        f"Date: Mon, 2 Nov 2026 10:{number // 60 % 60:02}:{number % 60:02} +0000",
        f"From: MAILER-DAEMON@host{number}.example",
        f"To: {ADDRESS}",
        f"Subject: Undelivered {number}",
        *([f"Message-ID: <{number}@far.example>"] if message_id else []),
        "",
        f"Body {number}.",
        "",
    ]
    return "\r\n".join(lines).encode()


class Desk:
    """One mailbox with its journal; open it again in another process, and it is the same one."""

    def __init__(self, base: Path) -> None:
        self.root = base / "Maildir"
        for sub in ("cur", "new", "tmp"):
            (self.root / sub).mkdir(parents=True, exist_ok=True)
        self.store = Store.open(f"sqlite:///{base / 'state.db'}", key=b"k" * 32)
        self.journal = self.store.journal(ADDRESS)
        server = Server("here", "maildir", path=str(self.root))
        mailbox = connectors.open_changing(server, MailboxSettings(ADDRESS, "here", "harbor", Policy()))
        assert isinstance(mailbox, ChangingMaildir)
        self.mailbox = mailbox
        self.mailbox.create(TARGET)

    def close(self) -> None:
        self.mailbox.close()
        self.store.close()

    # --- the owner and the server

    def deliver(self, number: int, *, sub: str = "new", flags: str = "", message_id: bool = True) -> str:
        id = f"1795{number:06}.M{number}P1.mx"
        name = id if sub == "new" else f"{id}:2,{flags}"
        (self.root / sub / name).write_bytes(notice(number, message_id=message_id))
        return id

    def directory(self, folder: str) -> Path:
        return self.root / (directory_of(folder) or "")

    def files(self, folder: str) -> list[Path]:
        return sorted(p for sub in ("new", "cur") for p in (self.directory(folder) / sub).iterdir())

    def names(self, folder: str) -> list[str]:
        return [f"{path.parent.name}/{path.name}" for path in self.files(folder)]

    def contents(self) -> list[bytes]:
        """Every message of the mailbox, wherever it is."""
        folders = [folder.name for folder in self.mailbox.folders()]
        return sorted(path.read_bytes() for folder in folders for path in self.files(folder))

    # --- the program

    def entries(self, *ids: str, folder: str = "INBOX", occurrence: int = 0) -> list[Entry]:
        """What `cleaner.steps.act` intends for these messages."""
        return [
            Entry(
                id=0,
                run="run-1",
                mailbox=ADDRESS,
                fingerprint=fingerprint(heading.headers),
                occurrence=occurrence,
                action=ActionName.MOVE,
                folder=folder,
                message=heading.id,
                target=TARGET,
                flags=heading.flags,
                received=heading.received,
                message_id=heading.headers.text("message-id") or None,
                intended_at=NOW,
            )
            for heading in self.mailbox.headings(folder, ids)
        ]

    def perform(
        self, entries: Sequence[Entry], may_continue: Callable[[], bool] = lambda: True
    ) -> tuple[Entry, ...]:
        return tuple(actions.perform(self.mailbox, self.journal, entries, may_continue, NOW))

    def undo(
        self, entries: Sequence[Entry], stopping: Callable[[], bool] = lambda: False
    ) -> tuple[Entry, ...]:
        return tuple(actions.undo(self.mailbox, self.journal, entries, fingerprint, stopping, NOW))

    def settle_open(self) -> tuple[Entry, ...]:
        return actions.settle_open(self.mailbox, self.journal, self.journal.open(), fingerprint, NOW)

    def journalled(self) -> tuple[Entry, ...]:
        return self.store.entries(mailbox=ADDRESS)

    def agrees(self) -> None:
        """Nothing is open, and every entry says where its message is."""
        assert self.journal.open() == ()
        for entry in self.journalled():
            in_target = self.mailbox.present(entry.target, (entry.new_id or "",))
            in_source = self.mailbox.present(entry.folder, (entry.message,))
            if entry.state is EntryState.DONE:
                assert in_target, entry
                assert not in_source, entry
            else:
                assert in_source, entry


def work(base: Path, ready: Callable[[], object] = bool) -> None:
    """
    What the killed process does: settle what is open, then move all that is in the inbox.

    `ready` is told before each message.
    """
    with closing(Desk(base)) as desk:
        desk.settle_open()
        listing = desk.mailbox.list("INBOX")
        desk.perform(desk.entries(*listing.ids), lambda: not ready())


def take_all_back(base: Path, ready: Callable[[], object] = bool) -> None:
    """The same for undo."""
    with closing(Desk(base)) as desk:
        desk.settle_open()
        desk.undo(
            [entry for entry in desk.journalled() if entry.state is EntryState.DONE], lambda: bool(ready())
        )
