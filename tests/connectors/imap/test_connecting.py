"""Opening connections: what is verified, who signs in as whom, and what is said when it fails."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from cleaner.config import MailboxSettings, Secret, Server
from cleaner.connectors.imap import connecting
from cleaner.connectors.imap.errors import is_busy
from cleaner.errors import AskPersonError, CleanerError, ServerUnavailableError, SignInRefusedError
from cleaner.values import Policy
from tests.connectors.imap.account import Account, Accounts
from tests.servers.certificates import Authority, Certificate
from tests.servers.dovecot import MASTER, MASTER_PASSWORD, Dovecot, Options, running
from tests.servers.process import free_port
from tests.servers.proxy import Fault, between

WRONG = "swordfish-of-the-wrong-kind"


def error_of(account: Account) -> CleanerError:
    """What opening the mailbox says."""
    with pytest.raises(CleanerError) as raised, account.reading():
        pass
    return raised.value


# --- signing in


def test_a_wrong_password_is_told_with_where_it_stands_and_not_shown(
    account: Account, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "password").write_text(WRONG)
    with caplog.at_level(logging.DEBUG):
        error = error_of(account)
    assert isinstance(error, SignInRefusedError)
    for told in (account.mailbox.user, "file:password", "ann@harbor.example", "correct user or password"):
        assert told in str(error)
    assert WRONG not in str(error) + caplog.text


def test_the_right_password_is_not_logged(
    account: Account, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG), account.reading() as mailbox:
        mailbox.folders()
    assert (tmp_path / "password").read_text() not in caplog.text


@pytest.mark.parametrize("after", [0, 30, 300, 420, 440])
def test_a_connection_lost_while_signing_in_is_no_wrong_password(account: Account, after: int) -> None:
    """However far it came: greeting, capabilities, the command itself."""
    with between(account.server.port or 0) as proxy:
        account = account.over(proxy.port)
        proxy.arm(Fault(after))
        failing = error_once(account)
        assert failing is None or isinstance(failing, ServerUnavailableError)
        proxy.heal()


def error_once(account: Account) -> CleanerError | None:
    try:
        connection = connecting.connect_once(account.server, account.mailbox)
    except CleanerError as error:
        return error
    connection.close()
    return None


def test_a_server_that_comes_back_is_asked_again(account: Account) -> None:
    with between(account.server.port or 0) as proxy:
        proxy.arm(Fault(50))
        with account.over(proxy.port).reading() as mailbox:
            assert proxy.struck
            assert mailbox.folders()


def test_the_master_user_signs_in_for_the_owner(account: Account, tmp_path: Path) -> None:
    (tmp_path / "master").write_text(MASTER_PASSWORD)
    account = account.changed(auth="master-user", user=MASTER, password=Secret("file:master", tmp_path))
    id = account.owner.deliver("INBOX", b"Subject: x\r\n\r\n")
    for separator in ("*", ""):
        with account.changed(master_separator=separator).reading() as mailbox:
            assert mailbox.list("INBOX").ids == (id,)


def test_a_wrong_master_password_names_the_server(account: Account, tmp_path: Path) -> None:
    (tmp_path / "master").write_text(WRONG)
    account = account.changed(auth="master-user", user=MASTER, password=Secret("file:master", tmp_path))
    error = error_of(account)
    assert isinstance(error, SignInRefusedError)
    assert "[[server]] here" in str(error)
    assert "file:master" in str(error)


def test_what_is_not_ascii_signs_in(account: Account, tmp_path: Path) -> None:
    """And is refused as a wrong password, not as something that cannot be sent."""
    (tmp_path / "password").write_text("Schlüssel")
    assert isinstance(error_of(account), SignInRefusedError)


@pytest.mark.parametrize(
    ("code", "text", "busy"),
    [
        (b"AUTHENTICATIONFAILED", b"Authentication failed.", False),
        (b"", b"LOGIN failed.", False),
        (b"UNAVAILABLE", b"Temporary authentication failure.", True),
        (b"ALERT", b"Too many simultaneous connections. (Failure)", True),
        (b"", b"Too many simultaneous connections. (Failure)", True),
        (b"LIMIT", b"Maximum number of connections exceeded", True),
        (b"INUSE", b"Mailbox in use", True),
    ],
)
def test_a_busy_server_is_no_wrong_password(code: bytes, text: bytes, busy: bool) -> None:
    assert is_busy(code, text) is busy


# --- TLS


@contextmanager
def secured(certificate: Certificate) -> Iterator[Dovecot]:
    with running(Options(certificate=certificate)) as server:
        yield server


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
@pytest.mark.parametrize("tls", ["implicit", "starttls"])
def test_a_verified_connection(authority: Authority, accounts: Accounts, tls: str, host: str) -> None:
    with secured(authority.good()) as server:
        port = server.tls_port if tls == "implicit" else server.port
        account = accounts(server).changed(tls=tls, port=port, ca_file=authority.ca_file, host=host)
        with account.reading() as mailbox:
            assert mailbox.folders()
            assert isinstance(mailbox._session._connection.client.socket(), ssl.SSLSocket)


@pytest.mark.parametrize(
    ("issue", "trusted", "told"),
    [
        (Authority.good, False, "name that as the server's ca_file"),
        (Authority.self_signed, True, "name it as the server's ca_file"),
        (Authority.expired, True, "has expired; renew it"),
        (Authority.for_another_host, True, "write the server's name as host"),
    ],
)
@pytest.mark.parametrize("tls", ["implicit", "starttls"])
def test_a_bad_certificate_is_refused_with_the_remedy(
    authority: Authority,
    accounts: Accounts,
    issue: Callable[[Authority], Certificate],
    trusted: bool,
    told: str,
    tls: str,
) -> None:
    with secured(issue(authority)) as server:
        port = server.tls_port if tls == "implicit" else server.port
        ca_file = authority.ca_file if trusted else None
        error = error_of(accounts(server).changed(tls=tls, port=port, ca_file=ca_file))
    assert isinstance(error, AskPersonError)
    assert told in str(error)


def test_tls_where_there_is_none(account: Account) -> None:
    assert 'tls = "starttls"' in str(error_of(account.changed(tls="implicit")))
    assert 'tls = "implicit"' in str(error_of(account.changed(tls="starttls")))


def test_a_ca_file_that_is_none(account: Account, tmp_path: Path) -> None:
    missing = account.changed(tls="implicit", ca_file=tmp_path / "none.pem")
    assert "No such file" in str(error_of(missing))
    (tmp_path / "empty.pem").write_text("")
    empty = account.changed(tls="implicit", ca_file=tmp_path / "empty.pem")
    assert "holds no certificate" in str(error_of(empty))


# --- the way there


def test_nothing_answers(account: Account) -> None:
    error = error_of(account.changed(port=free_port()))
    assert isinstance(error, ServerUnavailableError)
    assert "is port right?" in str(error)


def test_there_is_no_such_host(account: Account) -> None:
    error = error_of(account.changed(host="mail.nowhere.invalid"))
    assert "mail.nowhere.invalid" in str(error)


def test_a_server_that_stalls_is_given_up(account: Account) -> None:
    account = account.changed(timeout=timedelta(seconds=0.3))
    with between(account.server.port or 0) as proxy:
        proxy.arm(Fault(10, stall=True))
        error = error_once(account.over(proxy.port))
    assert isinstance(error, ServerUnavailableError)
    assert "in time" in str(error)


def test_no_more_connections_than_allowed(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connecting, "WAIT_FOR_SLOT", 0.05)
    with between(account.server.port or 0) as proxy:
        account = account.changed(connections=2).over(proxy.port)
        with account.reading() as first, account.reading():
            error = error_of(account)
            assert "all 2 connections" in str(error)
            first.close()
            with account.reading() as third:
                assert third.folders()
            first.close()
            # Closing twice gives back one place, not two.
            with account.reading():
                error_of(account)


def test_failures_give_their_place_back(
    account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connecting, "WAIT_FOR_SLOT", 0.05)
    with between(account.server.port or 0) as proxy:
        account = account.changed(connections=2).over(proxy.port)
        right = (tmp_path / "password").read_text()
        (tmp_path / "password").write_text(WRONG)
        for _ in range(4):
            assert isinstance(error_of(account), SignInRefusedError)
        (tmp_path / "password").write_text(right)
        with account.reading(), account.reading():
            pass


def test_the_names_of_the_master_user() -> None:
    mailbox = MailboxSettings("ann@harbor.example", "s", "harbor", Policy(), user="ann")
    server = Server("s", "imap", auth="master-user", user="admin")
    assert connecting.names(server, mailbox) == ("ann*admin", "")
    assert connecting.names(replace(server, master_separator=""), mailbox) == ("admin", "ann")
    assert connecting.names(replace(server, auth="password"), mailbox) == ("ann", "")
