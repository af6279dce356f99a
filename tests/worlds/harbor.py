"""
An organisation of any size on one server, whose people get mail while it is looked after.

Its notices are those of the demo, made anew for each: of mail that the owner sent, and of mail that others sent in
his name.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

from cleaner.app import App
from cleaner.config import make_key
from cleaner.service import consent
from cleaner.service.demo.letters import Office, forged, letter, via
from cleaner.service.demo.reports import exim, postfix
from tests.servers.dovecot import Dovecot
from tests.servers.owner import digest_of

BACK = timedelta(minutes=1)
"""How long the far side takes to report."""

CONFIGURATION = """\
[store]
url = "{store}"
key = "file:master.key"

[[organisation]]
name = "harbor"
domains = ["harbor.example"]
relays = ["mx1.harbor.example", "192.0.2.10"]
senders_complete = true
client_networks = ["203.0.113.0/24"]
authserv_ids = ["mx1.harbor.example"]

[[organisation.dkim]]
domain = "harbor.example"
selector = "demo"
public_key = "{public_key}"

[lookups]
dns = false

[policy]
preview = "0"
grace = "0"
{policy}

# Nearly all that comes here is spurious, and after a quiet night much of it at once.
[safety]
max_share = 1.0

[service]
{service}

[[server]]
{server}
"""


class Letterbox(Protocol):
    """Where mail is put for somebody."""

    def deliver(self, user: str, folder: str, raw: bytes, received: datetime) -> None: ...


@dataclass
class Letters:
    """Puts mail into the mailboxes of a Dovecot."""

    server: Dovecot

    def deliver(self, user: str, folder: str, raw: bytes, received: datetime) -> None:
        owner = self.server.owner(user)
        try:
            if folder not in owner.folders():
                owner.make(folder)
            owner.deliver(folder, raw, received)
        finally:
            owner.close()


@dataclass
class Harbor:
    """One installation, and all the mail that was delivered to it."""

    root: Path
    users: tuple[str, ...]
    chance: random.Random
    genuine: dict[str, list[str]] = field(default_factory=dict)
    """User → digests of what must stay in the inbox."""
    spurious: dict[str, list[str]] = field(default_factory=dict)
    """User → digests of what must be moved."""
    sent: dict[str, list[str]] = field(default_factory=dict)
    _number: int = 0

    @property
    def configuration(self) -> Path:
        return self.root / "cleaner.toml"

    @classmethod
    def install(
        cls,
        root: Path,
        users: Sequence[str],
        server: Iterable[str],
        *,
        now: datetime,
        policy: str = "",
        service: str = 'listen = "off"',
        mailbox: Iterable[str] = (),
        store: str = "sqlite:///state.db",
    ) -> Harbor:
        root.mkdir(parents=True, exist_ok=True)
        office = Office.new(now)
        make_key(root / "master.key")
        text = CONFIGURATION.format(
            store=store,
            public_key=office.public_record,
            policy=policy,
            service=service,
            server="\n".join(server),
        )
        for user in users:
            text += "\n".join(("[[mailbox]]", f'address = "{user}"', 'server = "harbor"', *mailbox, ""))
        (root / "cleaner.toml").write_text(text)
        return cls(root, tuple(users), random.Random(len(users)))

    def opt_in_all(self, app: App) -> None:
        for user in self.users:
            consent.opt_in(app.context, consent.NewMailbox(user))

    def begin(self, box: Letterbox, now: datetime) -> None:
        """Everybody has sent something before: what comes from before the sent record begins is left alone."""
        for number, user in enumerate(self.users):
            at = now - timedelta(days=2)
            copy = letter(at, user, f"first{number}@far.example", "The first", f"f{number}")
            box.deliver(user, "Sent", copy, at)
            self.sent.setdefault(user, []).append(digest_of(copy))

    def write_to(self, user: str, box: Letterbox, now: datetime) -> None:
        """One notice comes in: about his own mail, whose copy is in Sent by then, or about somebody else's."""
        self._number += 1
        number = self._number
        to = f"r{number}@far.example"
        at = now - BACK
        report = self.chance.choice((postfix, exim))
        if number % 3:
            raw = report(now, user, to, forged(at, user, to, "Cheap watches, today only", number % 200))
            self.spurious.setdefault(user, []).append(digest_of(raw))
        else:
            copy = letter(at, user, to, f"Berth {number}", f"m{number}")
            box.deliver(user, "Sent", copy, at)
            self.sent.setdefault(user, []).append(digest_of(copy))
            raw = report(now, user, to, via(copy, at, "mx.far.example"))
            self.genuine.setdefault(user, []).append(digest_of(raw))
        box.deliver(user, "INBOX", raw, now)

    def all_of(self, user: str) -> list[str]:
        return sorted(self.of(self.genuine, user) + self.of(self.spurious, user) + self.of(self.sent, user))

    @staticmethod
    def of(found: dict[str, list[str]], user: str) -> list[str]:
        return found.get(user, [])


@dataclass(frozen=True)
class Interval:
    """From when to when one process was at work on one mailbox."""

    mailbox: str
    process: str
    begin: datetime
    end: datetime


def intervals(events: Iterable[dict[str, Any]], process: str, died: datetime) -> Iterator[Interval]:
    """Read from a process's log; what had no end ended with the process."""
    begun: dict[str, datetime] = {}
    for event in events:
        at = datetime.fromisoformat(event["time"])
        match event["event"].partition(":")[0]:
            case "scan begins":
                assert event["mailbox"] not in begun, f"{process} began {event['mailbox']} twice"
                begun[event["mailbox"]] = at
            case "scan ends" | "failed" | "left alone" if event["mailbox"] in begun:
                yield Interval(event["mailbox"], process, begun.pop(event["mailbox"]), at)
    yield from (Interval(mailbox, process, at, max(at, died)) for mailbox, at in begun.items())


def overlaps(found: Iterable[Interval]) -> list[tuple[Interval, Interval]]:
    """Pairs of one mailbox that ran at the same time."""
    by_mailbox: dict[str, list[Interval]] = {}
    for one in found:
        by_mailbox.setdefault(one.mailbox, []).append(one)
    pairs = []
    for same in by_mailbox.values():
        same.sort(key=lambda one: one.begin)
        pairs += [(a, b) for a, b in pairwise(same) if b.begin < a.end]
    return pairs
