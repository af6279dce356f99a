"""One mailbox of Microsoft 365 whose owner signs in himself: `login`, cleaned, taken back, told by each command."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cleaner.config import make_key
from cleaner.connectors.graph.connecting import close_all
from cleaner.connectors.oauth.tokens import forget_all
from tests.servers.certificates import Authority
from tests.servers.graph import Box, GraphServer, meanwhile
from tests.worlds.test_ews_many import FAKE, LETTER

Run = Callable[..., Any]
ANN = "ann@harbor.example"
APP = "d1e2f3a4-0000-4000-8000-5b6c7d8e9f00"


@dataclass
class House:
    """A tenant with an application that people may sign in to, and a configuration for one of them."""

    server: GraphServer
    box: Box
    config: Path

    def comes(self, user: str = ANN) -> None:
        """Somebody enters the code as soon as the program asks whether he has."""
        self.server.fault(meanwhile(lambda: self._enter(user), operation="token"))

    def _enter(self, user: str) -> None:
        for device in self.server.entra.devices.values():
            device.user = user


@pytest.fixture
def house(authority: Authority, tmp_path: Path) -> Iterator[House]:
    make_key(tmp_path / "master.key")
    with GraphServer(authority.good()) as server:
        server.add_application(APP, scopes=("Mail.ReadWrite",), is_public=True)
        box = server.add_mailbox(ANN)
        received = datetime.now(UTC) - timedelta(hours=3)
        box.deliver(FAKE.format(number=1, address=ANN).encode(), received=received)
        box.deliver(LETTER.format(number=1, address=ANN).encode(), received=received)
        config = tmp_path / "cleaner.toml"
        config.write_text(f"""
[[organisation]]
name = "harbor"
domains = ["harbor.example"]
relays = ["mx1.harbor.example", "203.0.113.10"]
senders_complete = true
[[server]]
name = "microsoft"
connector = "graph"
auth = "device"
client_id = "{APP}"
endpoint = "{server.endpoint}"
authority = "{server.authority}"
ca_file = "{authority.ca_file}"
[lookups]
dns = false
[safety]
max_share = 1.0
[[mailbox]]
address = "{ANN}"
server = "microsoft"
""")
        forget_all()
        yield House(server, box, config)
        close_all()
        forget_all()


def scan(run: Run) -> Any:
    return run("scan", "--since", "2026-01-01", "--mailbox", ANN)


def test_the_owner_signs_in_and_the_mailbox_is_cleaned(run: Run, house: House) -> None:
    house.comes()
    ran = run("login", "microsoft")
    assert ran.code == 0, ran.err
    assert "the mailbox opens" in ran.out
    assert "FAIL" not in run("check").out
    assert run("optin", "add", ANN, "--preview", "0").code == 0
    assert scan(run).code == 0
    assert len(house.box.listing("Backscatter")) == 1
    assert len(house.box.listing()) == 1


def test_what_was_granted_lasts_longer_than_a_token(run: Run, house: House) -> None:
    house.comes()
    run("login", "microsoft")
    run("optin", "add", ANN, "--preview", "0")
    house.server.entra.expire_tokens()
    forget_all()
    assert scan(run).code == 0
    assert len(house.box.listing("Backscatter")) == 1


@pytest.mark.parametrize("number", [50173, 700082], ids=["revoked", "expired"])
def test_what_is_revoked_is_told_with_the_command(run: Run, house: House, number: int) -> None:
    house.comes()
    run("login", "microsoft")
    run("optin", "add", ANN, "--preview", "0")
    house.server.entra.revoke_tokens()
    house.server.entra.revoke_grants(number)
    for command in (["check"], ["scan", "--mailbox", ANN]):
        ran = run(*command)
        assert ran.code == 1
        assert f"bounce-cleaner login microsoft {ANN}" in ran.out + ran.err
    assert not house.box.has("Backscatter")
    house.comes()
    assert run("login", "microsoft").code == 0
    assert scan(run).code == 0
    assert len(house.box.listing("Backscatter")) == 1


def test_without_consent_of_the_administrator_nothing_is_kept(run: Run, house: House) -> None:
    house.server.entra.apps[APP].scopes.clear()
    house.comes()
    ran = run("login", "microsoft")
    assert ran.code == 1
    assert "AADSTS65001" in ran.err
    assert "adminconsent" in ran.err
    assert "nobody has signed in yet" in run("check").out


def test_who_signs_in_for_somebody_else_opens_nothing(run: Run, house: House) -> None:
    house.server.add_mailbox("ben@harbor.example")
    house.comes("ben@harbor.example")
    ran = run("login", "microsoft")
    assert ran.code == 1
    assert "nobody has signed in yet" in run("check").out


def test_nothing_secret_stands_in_the_store_or_on_the_screen(run: Run, house: House) -> None:
    house.comes()
    ran = [run("login", "microsoft"), run("optin", "add", ANN, "--preview", "0"), scan(run)]
    house.server.entra.expire_tokens()
    forget_all()
    ran += [scan(run), run("check"), run("history")]
    seen = "".join(each.out + each.err for each in ran).encode()
    seen += b"".join(path.read_bytes() for path in house.config.parent.glob("state.db*") if path.is_file())
    assert len(house.server.entra.tokens) >= 2
    assert house.server.entra.grants
    for secret in house.server.entra.secrets:
        assert secret.encode() not in seen
