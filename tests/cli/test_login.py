"""`login`: a person lets the program into his mailbox; kept, tried, taken back, erased."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import cleaner.cli.login
from cleaner.config import make_key
from cleaner.connectors.imap import connecting, session
from cleaner.connectors.oauth.tokens import forget_all
from cleaner.ports import Invitation
from tests.connectors.oauth.signing import visit
from tests.servers import dovecot, signin
from tests.servers.certificates import Authority
from tests.servers.dovecot import Dovecot, Options
from tests.servers.graph import GraphServer
from tests.servers.signin import DEVICE_GRANT, SECRET, SignInServer

Run = Callable[..., Any]
ANN = "ann@harbor.example"


@dataclass
class House:
    """A mail system that takes tokens, and a configuration for it."""

    provider: SignInServer
    mail: Dovecot
    user: str
    config: Path

    def write(self, grant: str, *more: str) -> None:
        keys = "\n".join(more)
        self.config.write_text(f"""
[[organisation]]
name = "harbor"
domains = ["harbor.example"]
[[server]]
name = "office"
connector = "imap"
host = "127.0.0.1"
port = {self.mail.port}
tls = "none"
timeout = "20s"
auth = "oauth2"
provider = "other"
grant = "{grant}"
client_id = "cleaner"
client_secret = "file:secret"
scope = "mail"
token_url = "{self.provider.url}/token"
device_url = "{self.provider.url}/device"
authorize_url = "{self.provider.url}/authorize"
ca_file = "{self.provider.ca_file}"
{keys}
[[mailbox]]
address = "{ANN}"
server = "office"
user = "{self.user}"
""")


@pytest.fixture(scope="module")
def systems(authority: Authority) -> Iterator[tuple[SignInServer, Dovecot]]:
    with (
        signin.running(authority) as provider,
        dovecot.running(Options(tokens=provider.tokeninfo_url, tokens_ca=provider.ca_file)) as mail,
    ):
        yield provider, mail


@pytest.fixture
def house(
    systems: tuple[SignInServer, Dovecot], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[House]:
    for module in (connecting, session):
        monkeypatch.setattr(module, "PAUSES", (0.0,))
    provider, mail = systems
    forget_all()
    provider.reset()
    provider.add_client()
    make_key(tmp_path / "master.key")
    (tmp_path / "secret").write_text(SECRET)
    (tmp_path / "secret").chmod(0o600)
    house = House(provider, mail, mail.new_user(), tmp_path / "cleaner.toml")
    house.write("device")
    with closing(mail.owner(house.user)) as owner:
        owner.make("Sent")
    yield house
    forget_all()


def comes(house: House, user: str | None = None) -> None:
    """Somebody enters the code as soon as the program asks whether he has."""

    def enter(kind: str) -> None:
        if kind == DEVICE_GRANT:
            for device in house.provider.devices.values():
                device.user = user or house.user

    house.provider.gate = enter


def test_a_person_signs_in_and_the_mailbox_opens(run: Run, house: House) -> None:
    comes(house)
    ran = run("login", "office")
    assert ran.code == 0, ran.err
    assert re.search(
        r"Open https://\S+/go in a browser, on any machine, and enter the code [0-9A-F]{8}", ran.err
    )
    assert "the mailbox opens" in ran.out
    assert f"login office {ANN} --forget" in ran.out
    assert "FAIL" not in run("check").out
    assert run("scan", "--preview", "--mailbox", ANN).code == 0


def test_before_anybody_signed_in_check_names_the_command(run: Run, house: House) -> None:
    ran = run("check")
    assert ran.code == 1
    assert f"nobody has signed in yet; run: bounce-cleaner login office {ANN}" in ran.out


def test_forgetting_erases_what_is_kept(run: Run, house: House) -> None:
    comes(house)
    run("login", "office")
    assert "is erased" in run("login", "office", "--forget").out
    assert "was not there" in run("login", "office", ANN, "--forget").out
    assert "nobody has signed in yet" in run("check").out


def test_who_signs_in_for_somebody_else_is_told_and_nothing_is_kept(run: Run, house: House) -> None:
    comes(house, "another@harbor.example")
    ran = run("login", "office")
    assert ran.code == 1
    assert "does not take the token" in ran.err
    assert "nobody has signed in yet" in run("check").out


def test_what_was_kept_before_stays_where_another_sign_in_fails(run: Run, house: House) -> None:
    comes(house)
    run("login", "office")
    comes(house, "another@harbor.example")
    assert run("login", "office").code == 1
    assert "FAIL" not in run("check").out


def test_what_is_revoked_is_told_by_check_and_scan_with_the_command(run: Run, house: House) -> None:
    comes(house)
    run("login", "office")
    house.provider.revoke(house.user)
    for command in (["check"], ["scan", "--preview", "--mailbox", ANN]):
        ran = run(*command)
        assert ran.code == 1
        assert f"bounce-cleaner login office {ANN}" in ran.out + ran.err


def test_opting_out_erases_the_grant_and_signing_in_again_needs_consent(run: Run, house: House) -> None:
    comes(house)
    run("login", "office")
    run("optin", "add", ANN)
    run("optin", "remove", ANN)
    assert "nobody has signed in yet" in run("check").out
    ran = run("login", "office")
    assert ran.code == 2
    assert f"bounce-cleaner optin add {ANN}" in ran.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["offise"], "did you mean office?"),
        (["elsewhere"], "there are: office"),
        (["office", "ben@harbor.example"], "there is no mailbox ben@harbor.example"),
        (["office", "--forget", "--port", "5"], "--port goes with signing in"),
    ],
)
def test_what_is_mistyped_is_told(run: Run, house: House, arguments: list[str], told: str) -> None:
    ran = run("login", *arguments)
    assert ran.code == 2
    assert told in ran.err


def test_where_the_application_signs_in_nobody_needs_to(run: Run, house: House) -> None:
    house.write("client_credentials")
    ran = run("login", "office")
    assert ran.code == 2
    assert "by the application's own secret" in ran.err


def test_of_several_mailboxes_one_must_be_named(run: Run, house: House) -> None:
    with house.config.open("a") as file:
        file.write('[[mailbox]]\naddress = "ben@harbor.example"\nserver = "office"\n')
    ran = run("login", "office")
    assert ran.code == 2
    assert f"say which mailbox of office: {ANN}, ben@harbor.example" in ran.err


def test_nothing_secret_stands_in_the_store_or_on_the_screen(run: Run, house: House) -> None:
    comes(house)
    ran = run("login", "office")
    house.provider.expire()
    ran = (ran, run("check"), run("scan", "--preview", "--mailbox", ANN), run("history"))
    seen = "".join(each.out + each.err for each in ran).encode()
    seen += b"".join(path.read_bytes() for path in house.config.parent.glob("state.db*") if path.is_file())
    assert len(house.provider.access) >= 2
    secrets = [SECRET, *house.provider.access, *house.provider.grants]
    secrets += [token for grant in house.provider.grants.values() for token in (grant.current, *grant.used)]
    for secret in secrets:
        assert secret.encode() not in seen


# --- over Graph ---------------------------------------------------------------------------------------


@pytest.fixture
def cloud(authority: Authority, tmp_path: Path) -> Iterator[GraphServer]:
    """A Microsoft 365 where Ann may sign in by device code, and a configuration for her mailbox."""
    forget_all()
    with GraphServer(authority.good()) as server:
        server.entra.interval = 0
        server.add_mailbox(ANN)
        application = server.add_application("0c1d6b52-device", roles=(), secrets={})
        application.is_public, application.scopes = True, {"Mail.ReadWrite"}
        make_key(tmp_path / "master.key")
        (tmp_path / "cleaner.toml").write_text(f"""
[[organisation]]
name = "harbor"
domains = ["harbor.example"]
[[server]]
name = "cloud"
connector = "graph"
auth = "device"
client_id = "{application.client_id}"
endpoint = "{server.root}"
authority = "{server.root}/organizations"
ca_file = "{authority.ca_file}"
[[mailbox]]
address = "{ANN}"
server = "cloud"
""")
        yield server
    forget_all()


def signs_in(cloud: GraphServer, monkeypatch: pytest.MonkeyPatch, user: str) -> None:
    """Somebody does as he is told, at a browser."""
    told = cleaner.cli.login.invite

    def at_browser(invitation: Invitation) -> None:
        told(invitation)
        cloud.entra.approve(invitation.code, user)

    monkeypatch.setattr("cleaner.cli.login.invite", at_browser)


def test_over_graph_a_person_signs_in_the_same_way(
    run: Run, cloud: GraphServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    signs_in(cloud, monkeypatch, ANN)
    ran = run("login", "cloud")
    assert ran.code == 0, ran.err
    assert "the mailbox opens" in ran.out
    cloud.entra.revoke_tokens()
    assert "FAIL" not in run("check").out, "a token that is refused is replaced"
    cloud.entra.revoke_grants()
    cloud.entra.revoke_tokens()
    ran = run("check")
    assert "what was granted has been revoked, as after a change of password" in ran.out
    assert f"bounce-cleaner login cloud {ANN}" in ran.out


def test_over_graph_who_signed_in_for_somebody_else_is_named(
    run: Run, cloud: GraphServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    signs_in(cloud, monkeypatch, "boss@harbor.example")
    ran = run("login", "cloud")
    assert ran.code == 1
    assert "boss@harbor.example signed in, and may not open it" in ran.err
    assert "nobody has signed in yet" in run("check").out


def test_over_graph_nothing_secret_is_kept_or_shown(
    run: Run, cloud: GraphServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    signs_in(cloud, monkeypatch, ANN)
    ran = (run("login", "cloud"), run("check"), run("scan", "--preview", "--mailbox", ANN), run("history"))
    seen = "".join(each.out + each.err for each in ran).encode()
    seen += b"".join(path.read_bytes() for path in tmp_path.glob("state.db*") if path.is_file())
    assert len(cloud.entra.secrets) > 2
    for secret in cloud.entra.secrets:
        assert secret.encode() not in seen


# --- as a process of its own --------------------------------------------------------------------------


@contextmanager
def asked(house: House, waits_for: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`login`, when it has said where to sign in; with the line that says it."""
    command = [sys.executable, "-m", "cleaner", "-c", str(house.config), "login", "office"]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    try:
        assert process.stderr is not None
        said = []
        for line in process.stderr:
            said.append(line)
            if "Ctrl-C gives up" in line:
                break
        yield process, next(line for line in said if waits_for in line)
    finally:
        process.kill()
        process.communicate()


def test_a_browser_comes_back_with_a_code(run: Run, house: House) -> None:
    house.write("code")
    with asked(house, "/authorize?") as (process, url):
        visit(house.provider.agree(url.strip(), house.user))
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "the mailbox opens" in out
    assert "FAIL" not in run("check").out


@pytest.mark.parametrize(("grant", "waits_for"), [("code", "/authorize?"), ("device", "enter the code")])
def test_ctrl_c_gives_up_cleanly(run: Run, house: House, grant: str, waits_for: str) -> None:
    house.write(grant)
    with asked(house, waits_for) as (process, _):
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "nothing new is kept" in err
    assert "Traceback" not in err
    assert out == ""
    assert "nobody has signed in yet" in run("check").out
