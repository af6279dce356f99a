"""The Dovecot of the tests is what its options say."""

from __future__ import annotations

import imaplib
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.servers.certificates import Authority, Certificate
from tests.servers.dovecot import MASTER, MASTER_PASSWORD, PASSWORD, Dovecot, Options, running
from tests.servers.working import work

Dovecots = Callable[[Options], Dovecot]

KINDS = [
    Options(),
    Options(store="sdbox"),
    Options(separator=".", prefix="INBOX."),
]


@pytest.mark.parametrize("options", KINDS, ids=["maildir", "sdbox", "prefix"])
def test_an_owner_at_work(dovecots: Dovecots, options: Options) -> None:
    server = dovecots(options)
    owner = server.owner(server.new_user())
    work(owner)
    owner.close()


@pytest.mark.parametrize("options", [Options(), Options(special_use=())], ids=["marked", "unmarked"])
def test_special_use_is_shown_or_not(dovecots: Dovecots, options: Options) -> None:
    owner = dovecots(options).owner(dovecots(options).new_user())
    owner.make("Sent")
    _, lines = owner.imap.list()
    assert any(b"\\Sent" in line for line in lines if isinstance(line, bytes)) == bool(options.special_use)
    owner.close()


def test_a_maildir_is_given_to_a_user(dovecot: Dovecot, tmp_path: Path) -> None:
    for folder in (tmp_path / "box", tmp_path / "box" / ".Sent"):
        for sub in ("cur", "new", "tmp"):
            (folder / sub).mkdir(parents=True)
    (tmp_path / "box" / "cur" / "1.M1P1.mx:2,S").write_bytes(b"Subject: x\n\nGiven.\n")
    user = dovecot.new_user()
    dovecot.give_maildir(user, tmp_path / "box")
    owner = dovecot.owner(user)
    assert owner.folders() == ("INBOX", "Sent")
    (item,) = owner.items("INBOX")
    assert item.flags == ("\\Seen",)
    owner.close()


def test_the_master_user_signs_in_for_others(dovecot: Dovecot) -> None:
    imap = imaplib.IMAP4("127.0.0.1", dovecot.port)
    imap.login(f"{dovecot.new_user()}*{MASTER}", MASTER_PASSWORD)
    assert imap.select()[0] == "OK"
    imap.logout()


def test_tls_is_trusted_through_the_authority(authority: Authority) -> None:
    trusting = ssl.create_default_context(cafile=authority.ca_file)
    with running(Options(certificate=authority.good())) as server:
        for host in ("127.0.0.1", "localhost"):
            imap = imaplib.IMAP4_SSL(host, server.tls_port, ssl_context=trusting)
            imap.login(server.new_user(), PASSWORD)
            imap.logout()
        plain = imaplib.IMAP4("127.0.0.1", server.port)
        plain.starttls(trusting)
        plain.login(server.new_user(), PASSWORD)
        plain.logout()


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        (Authority.for_another_host, "IP address mismatch"),
        (Authority.expired, "expired"),
        (Authority.self_signed, "self-signed"),
    ],
)
def test_a_bad_certificate_is_bad(
    authority: Authority, kind: Callable[[Authority], Certificate], told: str
) -> None:
    trusting = ssl.create_default_context(cafile=authority.ca_file)
    with (
        running(Options(certificate=kind(authority))) as server,
        pytest.raises(ssl.SSLCertVerificationError, match=told),
    ):
        imaplib.IMAP4_SSL("127.0.0.1", server.tls_port, ssl_context=trusting)


def test_the_quota_is_enforced(dovecots: Dovecots) -> None:
    server = dovecots(Options(quota="1M"))
    owner = server.owner(server.new_user())
    owner.deliver("INBOX", b"Subject: x\n\n" + b"x" * 70 + b"\n")
    with pytest.raises(RuntimeError, match="OVERQUOTA"):
        owner.deliver("INBOX", b"Subject: x\n\n" + (b"x" * 70 + b"\n") * 20_000)
    owner.close()


def test_rights_are_taken_and_folders_shared(dovecots: Dovecots) -> None:
    server = dovecots(Options(acl=True))
    ann, ben = server.new_user(), server.new_user()
    owner, other = server.owner(ann), server.owner(ben)
    owner.make("Team")
    server.set_rights(ann, "Team", "lookup", "read", who=f"user={ben}")
    assert f"Users/{ann}/Team" in other.folders()
    server.set_rights(ann, "Team", "lookup", "read")
    with pytest.raises(RuntimeError, match="NOPERM"):
        owner.deliver("Team", b"Subject: x\n\n")
    owner.close()
    other.close()


def test_a_user_is_kicked_and_a_server_comes_back() -> None:
    with running() as server:
        user = server.new_user()
        owner = server.owner(user)
        uid = owner.deliver("INBOX", b"Subject: x\n\n")
        server.kick(user)
        with pytest.raises((imaplib.IMAP4.abort, OSError)):
            owner.items("INBOX")
        owner.close()
        server.stop()
        with pytest.raises(ConnectionRefusedError):
            server.owner(user)
        server.start()
        again = server.owner(user)
        assert [item.uid for item in again.items("INBOX")] == [uid]
        again.close()
