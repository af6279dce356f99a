"""One installation over the demo's two mailboxes, with a clock that the test holds in its hand."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cleaner.app import App
from cleaner.config import Settings
from cleaner.service import consent, demo
from cleaner.service.scan import MailboxScan, ScanRequest, scan
from cleaner.values import Safety

ANN = "ann@harbor.example"
BEN = "ben@harbor.example"
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def quiet(stage: str, done: int, total: int | None) -> None:
    """A watch that shows nothing."""


@dataclass
class Hands:
    """One installation as a test handles it."""

    app: App
    root: Path
    now: datetime = NOW
    stop: bool = False
    watched: list[str] = field(default_factory=list)

    def maildir(self, address: str) -> Path:
        return self.root / "mail" / address

    def opt_in(self, *addresses: str, preview: timedelta | None = timedelta(0)) -> None:
        for address in addresses:
            consent.opt_in(self.app.context, consent.NewMailbox(address, preview=preview))

    def scan(self, request: ScanRequest | None = None) -> tuple[MailboxScan, ...]:
        return tuple(scan(self.app.context, request or ScanRequest(), quiet, lambda: self.stop))

    def set_policy(self, **changes: Any) -> None:
        """Changes the policy of every mailbox, as an edited configuration file would."""
        settings = self.app.context.settings
        mailboxes = tuple(
            replace(mailbox, policy=replace(mailbox.policy, **changes)) for mailbox in settings.mailboxes
        )
        self.put(replace(settings, mailboxes=mailboxes))

    def set_safety(self, safety: Safety) -> None:
        self.put(replace(self.app.context.settings, safety=safety))

    def change_mailbox(self, address: str, **changes: Any) -> None:
        settings = self.app.context.settings
        mailboxes = tuple(
            replace(mailbox, **changes) if mailbox.address == address else mailbox
            for mailbox in settings.mailboxes
        )
        self.put(replace(settings, mailboxes=mailboxes))

    def put(self, settings: Settings) -> None:
        self.app.context = replace(self.app.context, settings=settings)

    def snapshot(self) -> dict[str, str]:
        """Every mail file by its path below the mailboxes: a hash of its bytes, and its modification time."""
        return {
            str(path.relative_to(self.root)): (
                f"{hashlib.sha256(path.read_bytes()).hexdigest()} {path.stat().st_mtime_ns}"
            )
            for path in sorted((self.root / "mail").rglob("*"))
            if path.is_file() and path.name != "maildirfolder"
        }

    def folder(self, address: str, name: str) -> list[Path]:
        folder = self.maildir(address) / name
        return sorted([*(folder / "cur").glob("*"), *(folder / "new").glob("*")])


def installed(root: Path) -> Path:
    return demo.build(root, NOW)
