"""A person signs in once; what he granted is renewed, replaced, taken back and erased."""

from __future__ import annotations

import logging
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlencode

import pytest

from cleaner.config import Server
from cleaner.connectors.oauth import access_token, keep_in, person_signs_in
from cleaner.connectors.oauth.tokens import forget_all
from cleaner.errors import AskPersonError, NotOptedInError, ServerUnavailableError, SignInRefusedError
from cleaner.ports import Grant, Invitation
from cleaner.store import Store
from cleaner.store.records import Consent, ConsentState
from tests.connectors.oauth.signing import ANN, BEN, person, server_of, visit
from tests.servers.signin import DEVICE_GRANT, SECRET, SignInServer
from tests.store.samples import NOW

WAYS = [("other", "device"), ("other", "code"), ("google", "code"), ("microsoft", "device")]


@pytest.fixture(params=WAYS, ids="-".join)
def server(request: pytest.FixtureRequest, provider: SignInServer, tmp_path: Path) -> Server:
    name, grant = request.param
    provider.add_client(secret="" if name == "microsoft" else SECRET)
    return server_of(provider, tmp_path, name, grant)


@pytest.fixture
def coded(provider: SignInServer, tmp_path: Path) -> Server:
    """One way of them, where the way makes no difference."""
    provider.add_client()
    return server_of(provider, tmp_path, "other", "code")


def sign_in(provider: SignInServer, server: Server, store: Store) -> Grant:
    grant = person_signs_in(server, ANN, person(provider))
    assert store.grants.keep(server.name, ANN.address, grant)
    return grant


def test_whoever_signed_in_opens_his_mailbox(provider: SignInServer, server: Server, store: Store) -> None:
    with pytest.raises(
        SignInRefusedError, match=r"nobody has signed in yet; run: bounce-cleaner login cloud ann@"
    ):
        access_token(server, ANN)
    grant = sign_in(provider, server, store)
    token = access_token(server, ANN)
    assert token == grant.access_token
    assert provider.access[token].user == ANN.address
    with pytest.raises(SignInRefusedError, match=r"nobody has signed in yet"):
        access_token(server, BEN)


def test_a_replaced_refresh_token_is_kept_at_once(
    provider: SignInServer, server: Server, store: Store
) -> None:
    grant = sign_in(provider, server, store)
    seen = {access_token(server, ANN)}
    for _ in range(3):
        seen.add(access_token(server, ANN, renew=True))
        forget_all()  # As if another process went on.
        access_token(server, ANN)
    assert len(seen) == 4
    kept = store.grants.find(server.name, ANN.address)
    [granted] = provider.grants.values()
    assert kept is not None
    assert kept.refresh_token == granted.current != grant.refresh_token
    assert provider.counted("refresh_token") == 3


def test_what_was_taken_back_is_said_with_the_remedy(
    provider: SignInServer, server: Server, store: Store
) -> None:
    sign_in(provider, server, store)
    access_token(server, ANN)
    provider.revoke(ANN.address)
    for _ in range(3):
        with pytest.raises(
            SignInRefusedError, match=r"has been revoked.*bounce-cleaner login cloud ann@harbor"
        ) as caught:
            access_token(server, ANN, renew=True)
    assert "refresh." not in str(caught.value)
    assert provider.counted("refresh_token") == 1
    sign_in(provider, server, store)
    assert access_token(server, ANN)


def test_threads_wait_for_the_one_that_renews(provider: SignInServer, coded: Server, store: Store) -> None:
    provider.life = 0
    sign_in(provider, coded, store)
    provider.life = 3600
    begun = threading.Event()
    provider.gate = lambda _kind: begun.set()
    with ThreadPoolExecutor(8) as pool:
        tokens = set(pool.map(lambda _: access_token(coded, ANN), range(8)))
    assert begun.is_set()
    assert len(tokens) == 1
    assert provider.counted("refresh_token") == 1


OTHER_PROCESS = """
import sys
from pathlib import Path
from cleaner.config import MailboxSettings, Secret, Server
from cleaner.config.oauth import SignIn
from cleaner.connectors.oauth import access_token, keep_in
from cleaner.store import Store
from cleaner.values import Policy

folder, url, ca_file = sys.argv[1:]
server = Server("cloud", "imap", oauth=SignIn("other", "code", "mail", "cleaner",
    client_secret=Secret("file:secret", Path(folder)), token_url=url + "/token", ca_file=Path(ca_file)))
with Store.open("sqlite:///" + folder + "/state.db", b"k" * 32) as store:
    keep_in(store.grants)
    sys.stdin.readline()
    print(access_token(server, MailboxSettings("ann@harbor.example", "cloud", "harbor", Policy())))
"""


def test_processes_renew_it_one_at_a_time(
    provider: SignInServer, coded: Server, store: Store, tmp_path: Path
) -> None:
    """A refresh token used twice ends the grant: the provider does not forgive it."""
    provider.life = 0
    sign_in(provider, coded, store)
    provider.life = 3600
    command = [sys.executable, "-c", OTHER_PROCESS, str(tmp_path), provider.url, str(provider.ca_file)]
    others = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    with ThreadPoolExecutor(3) as pool:
        tokens = set(pool.map(lambda other: other.communicate("go\n", 60)[0].strip(), others))
    assert [other.returncode for other in others] == [0, 0, 0]
    assert len(tokens) == 1
    assert provider.counted("refresh_token") == 1
    assert access_token(coded, ANN) in tokens


def test_a_provider_in_trouble_costs_nothing_granted(
    provider: SignInServer, coded: Server, store: Store
) -> None:
    sign_in(provider, coded, store)
    first = access_token(coded, ANN)
    provider.fail(503)
    with pytest.raises(ServerUnavailableError, match="it is in trouble"):
        access_token(coded, ANN, renew=True)
    assert access_token(coded, ANN) == first
    assert access_token(coded, ANN, renew=True) != first


def test_nothing_is_kept_of_an_owner_who_opted_out_meanwhile(
    provider: SignInServer, coded: Server, store: Store
) -> None:
    sign_in(provider, coded, store)
    access_token(coded, ANN)

    def opt_out(_kind: str) -> None:
        store.consent.record(Consent(ANN.address, NOW, ConsentState.OPTED_OUT, by="ann", basis="", note=""))
        store.erase(ANN.address)

    provider.gate = opt_out
    with pytest.raises(NotOptedInError):
        access_token(coded, ANN, renew=True)
    with pytest.raises(SignInRefusedError, match="nobody has signed in"):
        access_token(coded, ANN)


def test_what_was_granted_to_another_application_is_not_used(
    provider: SignInServer, coded: Server, store: Store, tmp_path: Path
) -> None:
    sign_in(provider, coded, store)
    changed = server_of(provider, tmp_path, "other", "code", client_id="another")
    with pytest.raises(SignInRefusedError, match="for another client_id"):
        access_token(changed, ANN)


def test_without_a_store_nobody_is_asked(provider: SignInServer, coded: Server) -> None:
    keep_in(None)
    with pytest.raises(Exception, match="no store is open"):
        access_token(coded, ANN)


# --- signing in


@pytest.mark.parametrize(
    ("name", "told"), [("other", "access was denied"), ("microsoft", "access was denied")]
)
def test_who_says_no_at_the_device_is_heard(
    provider: SignInServer, tmp_path: Path, name: str, told: str
) -> None:
    provider.add_client(secret="" if name == "microsoft" else SECRET)
    server = server_of(provider, tmp_path, name, "device")
    with pytest.raises(SignInRefusedError, match=told):
        person_signs_in(server, ANN, lambda invitation: provider.refuse(invitation.code))


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ("authorization_declined", "access was denied"),
        ("expired_token", "nobody signed in in time; once more: bounce-cleaner login cloud ann@"),
    ],
)
@pytest.mark.parametrize("name", ["other", "microsoft"])
def test_what_providers_say_of_a_device(
    provider: SignInServer, tmp_path: Path, name: str, error: str, told: str
) -> None:
    provider.add_client(secret="" if name == "microsoft" else SECRET)
    provider.fail(400, error=error, error_description="AADSTS70018: as Microsoft numbers it")
    with pytest.raises(SignInRefusedError, match=told):
        person_signs_in(server_of(provider, tmp_path, name, "device"), ANN, lambda _invitation: None)


def test_who_says_no_at_the_browser_is_heard(provider: SignInServer, coded: Server) -> None:
    with pytest.raises(SignInRefusedError, match="access was denied"):
        person_signs_in(coded, ANN, lambda invitation: visit(provider.disagree(invitation.url)))


def test_a_device_is_asked_about_until_its_person_comes(provider: SignInServer, tmp_path: Path) -> None:
    provider.add_client()
    server = server_of(provider, tmp_path, "other", "device")
    seen: list[Invitation] = []

    def come_late(kind: str) -> None:
        if kind == DEVICE_GRANT and provider.counted(DEVICE_GRANT) == 2:
            provider.allow(seen[0].code, ANN.address)

    provider.gate = come_late
    assert person_signs_in(server, ANN, seen.append).refresh_token
    assert provider.counted(DEVICE_GRANT) == 3
    assert seen[0].url == f"{provider.url}/go"


def test_a_moment_without_answers_takes_nothing_from_whoever_is_signing_in(
    provider: SignInServer, tmp_path: Path
) -> None:
    provider.add_client()
    server = server_of(provider, tmp_path, "other", "device")
    provider.fail(503)
    provider.fail(400, error="authorization_pending")
    provider.fail(502)
    assert person_signs_in(server, ANN, person(provider)).refresh_token
    for _ in range(10):
        provider.fail(503)
    with pytest.raises(ServerUnavailableError, match="503"):
        person_signs_in(server, ANN, person(provider))


def test_a_code_that_somebody_else_slips_in_is_not_taken(provider: SignInServer, coded: Server) -> None:
    """RFC 6749 section 10.12: what comes without our state is answered, and waited on."""

    def attacked(invitation: Invitation) -> None:
        back = f"http://127.0.0.1:{invitation.port}/"
        for query in ("", f"?{urlencode({'code': 'stolen', 'state': 'guessed'})}", "?state=%FF&a=%00"):
            visit(back + query)
        visit(provider.agree(invitation.url, ANN.address))

    grant = person_signs_in(coded, ANN, attacked)
    assert provider.access[grant.access_token].user == ANN.address


def test_a_browser_that_connects_and_says_nothing_holds_nobody_up(
    provider: SignInServer, coded: Server
) -> None:
    """Chromium opens connections that it may need later."""
    silent: list[socket.socket] = []

    def at_browser(invitation: Invitation) -> None:
        silent.append(socket.create_connection(("127.0.0.1", invitation.port)))
        visit(provider.agree(invitation.url, ANN.address))

    assert person_signs_in(coded, ANN, at_browser).refresh_token
    silent[0].close()


def test_a_port_that_is_taken_is_told(coded: Server, provider: SignInServer) -> None:
    with pytest.raises(AskPersonError, match="name another"):
        person_signs_in(coded, ANN, person(provider), provider.port)


def test_google_without_the_box_ticked(provider: SignInServer, tmp_path: Path) -> None:
    provider.add_client()
    provider.scopes = "openid"
    server = server_of(provider, tmp_path, "google", "code")
    with pytest.raises(SignInRefusedError, match="leave its box ticked"):
        person_signs_in(server, ANN, person(provider))


def test_nothing_secret_is_logged(
    provider: SignInServer, server: Server, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("msal", "google", "google.auth", "oauthlib", "urllib3", "requests"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    sign_in(provider, server, store)
    access_token(server, ANN, renew=True)
    provider.revoke(ANN.address)
    with pytest.raises(SignInRefusedError):
        access_token(server, ANN, renew=True)
    logging.getLogger("tests").debug("and what is written is seen")
    assert "and what is written is seen" in caplog.text
    for secret in (SECRET, "access.", "refresh."):
        assert secret not in caplog.text
