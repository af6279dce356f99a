"""An account on a test server, opened by the connector and by its owner."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from cleaner.config import MailboxSettings, Secret, Server
from cleaner.connectors.imap import ChangingImap, ReadingImap, open_changing, open_reading
from cleaner.values import Policy
from tests.servers.dovecot import PASSWORD, Dovecot
from tests.servers.owner import Owner

ADDRESS = "ann@harbor.example"


@dataclass(frozen=True)
class Account:
    """One mailbox, and how the program is configured to reach it."""

    owner: Owner
    server: Server
    mailbox: MailboxSettings

    def over(self, port: int) -> Account:
        """The same by way of a proxy."""
        return replace(self, server=replace(self.server, port=port))

    def changed(self, **values: object) -> Account:
        return replace(self, server=replace(self.server, **values))  # type: ignore[arg-type]

    @contextmanager
    def reading(self) -> Iterator[ReadingImap]:
        with closing(open_reading(self.server, self.mailbox)) as mailbox:
            yield mailbox

    @contextmanager
    def changing(self) -> Iterator[ChangingImap]:
        with closing(open_changing(self.server, self.mailbox)) as mailbox:
            yield mailbox


def settings_of(
    server: Dovecot, user: str, base: Path, password: str = PASSWORD
) -> tuple[Server, MailboxSettings]:
    (base / "password").write_text(password)
    return (
        Server("here", "imap", host="127.0.0.1", port=server.port, tls="none", timeout=timedelta(seconds=20)),
        MailboxSettings(
            ADDRESS, "here", "harbor", Policy(), user=user, password=Secret("file:password", base)
        ),
    )


Accounts = Callable[[Dovecot], Account]
