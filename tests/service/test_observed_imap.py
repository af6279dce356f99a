"""What it costs over IMAP to see who sends for us: nothing without mail of ours, else a few fields of a few messages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from cleaner.app import App
from cleaner.config import make_key
from cleaner.service import consent
from cleaner.service.demo.letters import arrival
from cleaner.service.scan import ScanRequest, scan
from cleaner.steps.observe import MOST_AUTHORS, PER_AUTHOR
from tests.servers.dovecot import PASSWORD, Dovecot
from tests.servers.owner import Owner
from tests.servers.proxy import Counts, Proxy, between
from tests.service.hands import ANN, NOW, quiet

CRM = ("out1.crm.example", "198.51.100.177")


@dataclass
class Place:
    owner: Owner
    app: App
    proxy: Proxy

    def deliver(self, author: str, *, size: int = 100) -> None:
        text = (
            f"{arrival(NOW, *CRM, ANN, 'b@crm.example')}"
            "Authentication-Results: mx1.harbor.example; dmarc=pass header.from=harbor.example\n"
            f"From: {author}\nTo: {ANN}\nSubject: New case\n\n{'x' * 70}\n" + ("x" * 70 + "\n") * (size // 71)
        )
        self.owner.deliver("INBOX", text.encode(), NOW)

    def scan(self) -> tuple[Counts, list[str]]:
        """What a scan cost, and what it fetched."""
        before = self.proxy.counts
        self.proxy.commands.clear()
        [result] = scan(self.app.context, ScanRequest(), quiet, lambda: False)
        assert result.error is None
        return self.proxy.counts - before, [line for line in self.proxy.commands if "FETCH" in line]

    def seen(self) -> list[str]:
        return [one.ip for one in self.app.context.store.observed.of("harbor")]


@pytest.fixture
def place(tmp_path: Path, dovecot: Dovecot) -> Iterator[Place]:
    user = dovecot.new_user()
    make_key(tmp_path / "master.key")
    (tmp_path / "password").write_text(PASSWORD)
    with between(dovecot.port or 0, records=True) as proxy:
        path = tmp_path / "cleaner.toml"
        path.write_text(f"""
[[organisation]]
name = "harbor"
domains = ["harbor.example"]
relays = ["192.0.2.10"]
authserv_ids = ["mx1.harbor.example"]
[lookups]
dns = false
[[server]]
name = "mail"
connector = "imap"
host = "127.0.0.1"
port = {proxy.port}
tls = "none"
[[mailbox]]
address = "{ANN}"
server = "mail"
user = "{user}"
password = "file:password"
""")
        with App.open(path, clock=lambda: NOW) as app:
            consent.opt_in(app.context, consent.NewMailbox(ANN, preview=timedelta(0)))
            owner = dovecot.owner(user)
            yield Place(owner, app, proxy)
            owner.close()


def test_where_no_mail_of_ours_is_nothing_is_fetched_for_it(place: Place) -> None:
    for _ in range(20):
        place.deliver("carla@quay.example")
    _, fetched = place.scan()
    assert len(fetched) == 1
    assert not any("AUTHENTICATION-RESULTS" in line.upper() for line in fetched)


def test_of_mail_of_ours_a_few_fields_come_with_one_question(place: Place) -> None:
    for _ in range(20):
        place.deliver("carla@quay.example")
    for number in range(PER_AUTHOR + 4):
        place.deliver(f"colleague{number % 2}@harbor.example", size=300_000)
    counts, fetched = place.scan()
    (asked,) = [line for line in fetched if "AUTHENTICATION-RESULTS" in line.upper()]
    assert "BODY.PEEK[]" not in asked.upper()
    assert len(fetched) == 2
    assert counts.to_client < 30_000, "no body came"
    assert place.seen() == [CRM[1]]
    _, again = place.scan()
    assert again == []


def test_of_many_authors_so_many_are_asked_about(place: Place) -> None:
    for number in range(MOST_AUTHORS + 20):
        place.deliver(f"p{number}@harbor.example")
    for _ in range(PER_AUTHOR + 3):
        place.deliver("p0@harbor.example")
    _, fetched = place.scan()
    (asked,) = [line for line in fetched if "AUTHENTICATION-RESULTS" in line.upper()]
    last = MOST_AUTHORS + 20 + PER_AUTHOR + 3
    assert f" 2:{MOST_AUTHORS},{last - PER_AUTHOR + 1}:{last} (" in asked
