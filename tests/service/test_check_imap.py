"""`check` over IMAP: whatever is wrong with the way to a mailbox is told with its remedy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from cleaner.app import App
from cleaner.config import make_key
from cleaner.connectors.imap import connecting, session
from cleaner.service.check import Finding, Level, check, is_here
from tests.servers.certificates import Authority
from tests.servers.dovecot import PASSWORD, Dovecot, Options, running
from tests.servers.process import free_port
from tests.servers.proxy import between

Dovecots = Callable[[Options], Dovecot]


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (connecting, session):
        monkeypatch.setattr(module, "PAUSES", (0.0,))


@dataclass
class Installation:
    """One mailbox on one server, as `check` sees it."""

    root: Path
    user: str

    def check(self, port: int, *, password: str = PASSWORD, policy: str = "", **server: str) -> list[Finding]:
        if not (self.root / "master.key").exists():
            make_key(self.root / "master.key")
        (self.root / "password").write_text(password)
        keys = {"host": "127.0.0.1", "tls": "none", "timeout": "5s", **server}
        lines = "\n".join(f'{key} = "{value}"' for key, value in keys.items())
        path = self.root / "cleaner.toml"
        path.write_text(
            f"""
[[organisation]]
name = "harbor"
domains = ["harbor.example"]
[[server]]
name = "mail"
connector = "imap"
port = {port}
{lines}
[policy]
{policy}
[[mailbox]]
address = "ann@harbor.example"
server = "mail"
user = "{self.user}"
password = "file:password"
"""
        )
        with App.open(path) as app:
            return list(check(app.context))

    def failures(self, port: int, **how: str) -> str:
        found = [f"{f.text}; {f.remedy}" for f in self.check(port, **how) if f.level is Level.FAIL]
        assert found
        return "\n".join(found)


@pytest.fixture
def here(tmp_path: Path, dovecot: Dovecot) -> Installation:
    (tmp_path / "here").mkdir()
    return Installation(tmp_path / "here", dovecot.new_user())


def test_where_all_is_in_place_nothing_fails(here: Installation, dovecot: Dovecot) -> None:
    owner = dovecot.owner(here.user)
    owner.make("Sent")
    owner.close()
    found = here.check(dovecot.port)
    assert [f for f in found if f.level is Level.FAIL] == []
    assert any(f.text == "sent mail in Sent" for f in found)


def test_a_wrong_password(here: Installation, dovecot: Dovecot) -> None:
    told = here.failures(dovecot.port, password="not-this-one")
    assert "correct user or password of [[mailbox]] ann@harbor.example" in told
    assert "not-this-one" not in told


def test_a_wrong_host(here: Installation, dovecot: Dovecot) -> None:
    told = here.failures(dovecot.port, host="mail.nowhere.invalid")
    assert "mail.nowhere.invalid" in told
    assert "correct host" in told or "cannot be looked up" in told


def test_a_port_that_nothing_listens_on(here: Installation) -> None:
    assert "is port right?" in here.failures(free_port())


def test_a_self_signed_and_an_expired_certificate(here: Installation, authority: Authority) -> None:
    for certificate, remedy in ((authority.self_signed(), "ca_file"), (authority.expired(), "renew it")):
        with running(Options(certificate=certificate)) as server:
            told = here.failures(server.tls_port, tls="implicit", ca_file=str(authority.ca_file))
            assert remedy in told


def test_no_sent_folder(here: Installation, dovecots: Dovecots) -> None:
    server = dovecots(Options(special_use=()))
    owner = server.owner(here.user)
    owner.make("Ausgang")
    owner.close()
    (note,) = [f for f in here.check(server.port) if "there is no Sent folder" in f.text]
    assert "name it in policy.sent; there are: Ausgang, INBOX" in note.remedy
    told = here.failures(server.port, policy='sent = ["Augsang"]')
    assert "'Augsang' of policy.sent does not exist" in told


def test_no_right_to_make_the_quarantine(here: Installation, dovecots: Dovecots) -> None:
    server = dovecots(Options(acl=True))
    owner = server.owner(here.user)
    owner.make("Team")
    owner.close()
    server.set_rights(here.user, "Team", "lookup", "read")
    told = here.failures(server.port, policy='quarantine = "Team/Spurious"')
    assert "no right over 'Team' to make folders in it" in told
    assert "grant it the rights k" in told


def test_a_quota_nearly_used_up(here: Installation, dovecots: Dovecots) -> None:
    server = dovecots(Options(quota="1M"))
    owner = server.owner(here.user)
    owner.deliver("INBOX", b"Subject: x\r\n\r\n" + b"x" * 1_020_000)
    owner.close()
    (note,) = [f for f in here.check(server.port) if "the quota is nearly used up" in f.text]
    assert note.level is Level.NOTE
    assert note.remedy == "raise it, or remove mail"


def test_a_server_that_cannot_move_safely(here: Installation, dovecot: Dovecot) -> None:
    with between(dovecot.port, without=("MOVE", "UIDPLUS")) as proxy:
        assert 'policy.action = "report"' in here.failures(proxy.port)
        found = here.check(proxy.port, policy='action = "report"')
        assert [f for f in found if f.level is Level.FAIL] == []


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("127.0.0.1", True),
        ("127.8.0.1", True),
        ("::1", True),
        ("localhost", True),
        ("192.0.2.1", False),
        ("localhost.example", False),
    ],
)
def test_what_stays_on_this_machine_needs_no_tls(host: str, here: bool) -> None:
    assert is_here(host) is here


def test_a_server_elsewhere_without_tls_is_warned_of(here: Installation) -> None:
    found = here.check(1, host="192.0.2.1.invalid")
    (note,) = [f for f in found if f.subject == "server mail"]
    assert "in the clear" in note.text
    assert 'tls = "implicit"' in note.remedy
