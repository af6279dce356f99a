"""Signing in with tokens: at a real Dovecot that asks a real provider, and as Gmail and Exchange are known to answer."""

from __future__ import annotations

import base64
import json
import logging
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cleaner.config import MailboxSettings, Server
from cleaner.config.oauth import SERVICE_ACCOUNT, SignIn
from cleaner.connectors.imap import bearer, connecting
from cleaner.connectors.oauth import keep_in, person_signs_in
from cleaner.connectors.oauth.tokens import forget_all
from cleaner.errors import AskPersonError, CleanerError, ServerUnavailableError, SignInRefusedError
from cleaner.store import Store
from cleaner.values import Policy
from tests.connectors.imap.account import Account, Accounts
from tests.connectors.oauth.signing import person, server_of
from tests.servers.certificates import Authority
from tests.servers.dovecot import Dovecot, Options
from tests.servers.proxy import between
from tests.servers.signin import SignInServer
from tests.servers.signin import running as provider_running


@pytest.fixture(scope="module")
def shared_provider(authority: Authority) -> Iterator[SignInServer]:
    with provider_running(authority) as server:
        yield server


@pytest.fixture
def provider(shared_provider: SignInServer) -> Iterator[SignInServer]:
    """One for all, since Dovecot is configured with its address; forgetful between tests."""
    forget_all()
    shared_provider.reset()
    shared_provider.add_client()
    yield shared_provider
    forget_all()


@pytest.fixture
def mail_server(provider: SignInServer, dovecots: Callable[[Options], Dovecot]) -> Dovecot:
    return dovecots(Options(tokens=provider.tokeninfo_url, tokens_ca=provider.ca_file, tokens_scope="mail"))


@pytest.fixture
def account(provider: SignInServer, mail_server: Dovecot, accounts: Accounts, tmp_path: Path) -> Account:
    """A mailbox that an application opens."""
    account = accounts(mail_server)
    provider.application_opens = account.mailbox.user
    sign_in = server_of(provider, tmp_path, "other", "client_credentials").oauth
    return account.changed(auth="oauth2", oauth=sign_in)


@pytest.fixture
def granted(
    provider: SignInServer, mail_server: Dovecot, accounts: Accounts, tmp_path: Path
) -> Iterator[Account]:
    """A mailbox whose owner signed in once."""
    account = accounts(mail_server)
    sign_in = server_of(provider, tmp_path, "other", "code").oauth
    account = account.changed(auth="oauth2", oauth=sign_in)
    with Store.open(f"sqlite:///{tmp_path / 'state.db'}", b"k" * 32) as store:
        keep_in(store.grants)
        grant = person_signs_in(account.server, account.mailbox, person(provider, account.mailbox.user))
        store.grants.keep(account.server.name, account.mailbox.address, grant)
        yield account
    keep_in(None)


def error_of(account: Account) -> CleanerError:
    with pytest.raises(CleanerError) as raised, account.reading():
        pass
    return raised.value


@pytest.mark.parametrize(
    "without", [(), ("AUTH=OAUTHBEARER",), ("SASL-IR",), ("SASL-IR", "AUTH=OAUTHBEARER")], ids=str
)
def test_a_token_opens_the_mailbox(account: Account, without: tuple[str, ...]) -> None:
    id = account.owner.deliver("INBOX", b"Subject: x\r\n\r\n")
    with (
        between(account.server.port or 0, without=without) as proxy,
        account.over(proxy.port).reading() as mailbox,
    ):
        assert mailbox.list("INBOX").ids == (id,)


def test_a_server_that_takes_no_tokens_is_told(account: Account) -> None:
    with between(account.server.port or 0, without=("AUTH=OAUTHBEARER", "AUTH=XOAUTH2")) as proxy:
        error = error_of(account.over(proxy.port))
    assert isinstance(error, AskPersonError)
    assert "takes no tokens" in str(error)


@pytest.mark.parametrize("without", [(), ("AUTH=OAUTHBEARER",), ("SASL-IR",)], ids=str)
def test_a_token_that_is_refused_is_replaced_once(
    provider: SignInServer, account: Account, without: tuple[str, ...]
) -> None:
    with between(account.server.port or 0, without=without) as proxy:
        account = account.over(proxy.port)
        for _ in range(2):
            with account.reading() as mailbox:
                assert mailbox.folders()
            provider.expire()
    assert provider.counted("client_credentials") == 2


def test_a_token_that_ends_in_the_middle_is_replaced_and_the_work_goes_on(
    provider: SignInServer, mail_server: Dovecot, granted: Account
) -> None:
    ids = [granted.owner.deliver("INBOX", b"Subject: %d\r\n\r\n" % n) for n in range(4)]
    with granted.changing() as mailbox:
        mailbox.create("Backscatter")
        assert [moved.error for moved in mailbox.move("INBOX", ids[:2], "Backscatter")] == [None, None]
        provider.expire()
        mail_server.kick(granted.mailbox.user)
        assert mailbox.list("INBOX").ids == tuple(ids[2:])
        assert [moved.error for moved in mailbox.move("INBOX", ids[2:], "Backscatter")] == [None, None]
        assert len(mailbox.list("Backscatter").ids) == 4
    assert provider.counted("refresh_token") == 1


def test_a_grant_that_was_taken_back_names_the_command(provider: SignInServer, granted: Account) -> None:
    with granted.reading():
        pass
    provider.revoke(granted.mailbox.user)
    error = error_of(granted)
    assert isinstance(error, SignInRefusedError)
    assert "bounce-cleaner login here ann@harbor.example" in str(error)
    assert "has been revoked" in str(error)


def test_a_token_that_is_not_for_mail_says_so(provider: SignInServer, account: Account) -> None:
    provider.scopes = "calendar"
    error = error_of(account)
    assert isinstance(error, SignInRefusedError)
    assert "does not take the token" in str(error)
    assert "correct scope in [[server]] here" in str(error)
    assert provider.counted("client_credentials") == 2


def test_a_token_of_somebody_else_opens_nothing(
    provider: SignInServer, account: Account, mail_server: Dovecot
) -> None:
    provider.application_opens = mail_server.new_user()
    assert isinstance(error_of(account), SignInRefusedError)


def test_tokens_are_in_no_log_and_no_error(
    provider: SignInServer, account: Account, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with account.reading() as mailbox:
        mailbox.folders()
    provider.scopes = "calendar"
    provider.expire()
    error = error_of(account)
    assert len(provider.access) == 2
    for token in provider.access:
        coded = base64.b64encode(bearer.xoauth2(account.mailbox.user, token)).decode()
        for secret in (token, coded[40:80]):
            assert secret not in caplog.text + str(error)


# --- as others answer ---------------------------------------------------------------------------------


@contextmanager
def scripted(*ends: bytes, capabilities: bytes = b"IMAP4rev1 SASL-IR AUTH=XOAUTH2") -> Iterator[int]:
    """A server that answers AUTHENTICATE with that; a line before the last is a challenge."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"* OK ready\r\n")
            while line := self.rfile.readline():
                tag, command, *_ = line.split(maxsplit=2)
                if command == b"CAPABILITY":
                    self.wfile.write(b"* CAPABILITY %b\r\n%b OK done\r\n" % (capabilities, tag))
                elif command == b"AUTHENTICATE":
                    *challenges, last = ends
                    for challenge in challenges:
                        self.wfile.write(challenge + b"\r\n")
                        self.rfile.readline()
                    self.wfile.write(tag + b" " + last + b"\r\n")
                elif command == b"LIST":
                    self.wfile.write(tag + b" BAD User is authenticated but not connected.\r\n")
                else:
                    self.wfile.write(tag + b" OK done\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def coded(status: str) -> bytes:
    return b"+ " + base64.b64encode(json.dumps({"status": status, "schemes": "Bearer"}).encode())


def jwt(**claims: Any) -> str:
    return "x." + base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode() + ".x"


ID = "0c1e7a52-3f7b-4c1c-9d0e-8f4b6a2d1e90"
MICROSOFT = SignIn(
    "microsoft",
    "client_credentials",
    client_id="app-17",
    authority="https://login.microsoftonline.com/harbor.example",
)
PERSON = replace(MICROSOFT, grant="device")
GOOGLE = SignIn("google", SERVICE_ACCOUNT, scope="https://mail.google.com/")
FAILED = b"NO AUTHENTICATE failed."


@pytest.mark.parametrize(
    ("sign_in", "token", "ends", "told"),
    [
        (
            MICROSOFT,
            jwt(roles=["Mail.Read"]),
            (FAILED,),
            ["lacks the permission IMAP.AccessAsApp", "adminconsent?client_id=app-17"],
        ),
        (MICROSOFT, jwt(aud="x"), (FAILED,), ["lacks the permission IMAP.AccessAsApp"]),
        (
            MICROSOFT,
            jwt(roles=["IMAP.AccessAsApp"], oid=ID),
            (FAILED,),
            [
                f"New-ServicePrincipal -AppId app-17 -ObjectId {ID}",
                f'Add-MailboxPermission -Identity "ann@harbor.example" -User {ID} -AccessRights FullAccess',
                "Set-CASMailbox",
            ],
        ),
        (
            MICROSOFT,
            jwt(roles=["IMAP.AccessAsApp"], oid="$(rm x)"),
            (FAILED,),
            ["OBJECT-ID-OF-THE-ENTERPRISE-APPLICATION"],
        ),
        (MICROSOFT, "opaque", (FAILED,), ["New-ServicePrincipal"]),
        (
            MICROSOFT,
            jwt(roles=["IMAP.AccessAsApp"]),
            (b"OK AUTHENTICATE completed.",),
            ["does not open the mailbox", "Add-MailboxPermission"],
        ),
        (PERSON, jwt(scp="Mail.Read"), (FAILED,), ["lacks the permission IMAP.AccessAsUser.All"]),
        (
            PERSON,
            jwt(scp="IMAP.AccessAsUser.All", upn="admin@harbor.example"),
            (FAILED,),
            ["admin@harbor.example signed in, and not ann@harbor.example", "bounce-cleaner login"],
        ),
        (PERSON, jwt(scp="IMAP.AccessAsUser.All", upn="Ann@harbor.example"), (FAILED,), ["Set-CASMailbox"]),
        (
            GOOGLE,
            "ya29.x",
            (coded("400"), b"NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)"),
            ["status 400", "it is not valid", "Invalid credentials", "gmail/enduseraccess"],
        ),
        (GOOGLE, "ya29.x", (b"+ !!!", b"NO x"), ["does not take the token"]),
        (GOOGLE, "ya29.x", (b"+", b"NO x"), ["does not take the token"]),
        (GOOGLE, "ya29.x", (b"+ W10=", b"NO x"), ["does not take the token"]),
        (
            replace(GOOGLE, grant="code"),
            "ya29.x",
            (coded("401"), b"NO x"),
            ["was revoked", "bounce-cleaner login"],
        ),
    ],
)
def test_what_is_missing_is_named_with_the_page_or_command(
    sign_in: SignIn, token: str, ends: tuple[bytes, ...], told: list[str]
) -> None:
    error = refused(sign_in, token, ends)
    assert isinstance(error, SignInRefusedError)
    assert token not in str(error)
    for part in told:
        assert part in str(error)


@pytest.mark.parametrize(
    "ends",
    [
        (b"NO [UNAVAILABLE] Temporary authentication failure.",),
        (b"NO [ALERT] Too many simultaneous connections. (Failure)",),
        (b"BAD Request is throttled. Suggested Backoff Time: 299961 milliseconds",),
        (b"+ x", b"+ x", b"+ x", b"NO x"),
    ],
)
def test_a_server_in_trouble_is_no_refusal(ends: tuple[bytes, ...]) -> None:
    assert isinstance(refused(GOOGLE, "ya29.x", ends), ServerUnavailableError)


def test_a_server_that_echoes_the_token_does_not_get_it_shown() -> None:
    assert "ya29.secret" not in str(refused(GOOGLE, "ya29.secret", (b"NO no ya29.secret here",)))


def refused(sign_in: SignIn, token: str, ends: tuple[bytes, ...]) -> CleanerError:
    mailbox = MailboxSettings("ann@harbor.example", "cloud", "harbor", Policy())
    with scripted(*ends) as port:
        server = Server(
            "cloud", "imap", host="127.0.0.1", port=port, tls="none", auth="oauth2", oauth=sign_in
        )
        with pytest.raises(CleanerError) as raised:
            connecting._with(server, mailbox, token)
    return raised.value


def test_names_are_written_as_each_mechanism_has_them() -> None:
    """The examples of RFC 7628 section 4.1 and of Google's page."""
    server = Server("x", "imap", host="server.example.com", port=143)
    assert bearer.oauthbearer("user@example.com", server, "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==") == (
        b"n,a=user@example.com,\1host=server.example.com\1port=143\1"
        b"auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\1\1"
    )
    assert b"a=a=3Db=2Cc," in bearer.oauthbearer("a=b,c", server, "t")
    assert base64.b64encode(
        bearer.xoauth2("someuser@example.com", "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg")
    ) == (
        b"dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52YjNSbGNrQmhk"
        b"SFJoZG1semRHRXVZMjl0Q2cBAQ=="
    )
