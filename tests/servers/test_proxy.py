"""The network between a client and Dovecot is as bad as wanted, and the server as poor."""

from __future__ import annotations

import imaplib
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.servers.dovecot import PASSWORD, Dovecot
from tests.servers.proxy import Cut, Fault, Proxy, between


@contextmanager
def signed_in(proxy: Proxy, user: str) -> Iterator[imaplib.IMAP4]:
    imap = imaplib.IMAP4("127.0.0.1", proxy.port, timeout=5)
    try:
        imap.login(user, PASSWORD)
        yield imap
    finally:
        imap.shutdown()


def fetch_often(imap: imaplib.IMAP4) -> None:
    for _ in range(9):
        imap.fetch("1:*", "(BODY.PEEK[])")


def filled(dovecot: Dovecot, count: int = 3) -> str:
    user = dovecot.new_user()
    owner = dovecot.owner(user)
    for number in range(count):
        owner.deliver("INBOX", b"Subject: %d\n\nA line that ends in {5}\nmore\n" % number)
    owner.make("Sent")
    owner.close()
    return user


def test_everything_goes_through_and_is_counted(dovecot: Dovecot) -> None:
    user = filled(dovecot)
    with between(dovecot.port, records=True) as proxy, signed_in(proxy, user) as imap:
        before = proxy.counts
        imap.select()
        _, answer = imap.fetch("1:*", "(UID BODY.PEEK[])")
        assert [part[1] for part in answer if isinstance(part, tuple)] == [
            b"Subject: %d\r\n\r\nA line that ends in {5}\r\nmore\r\n" % number for number in range(3)
        ]
        counts = proxy.counts - before
        assert (counts.connections, counts.round_trips) == (0, 2)
        assert counts.to_server == len(b"AAAA0 SELECT INBOX\r\nAAAA1 FETCH 1:* (UID BODY.PEEK[])\r\n")
        assert counts.to_client > 3 * 40
        # The greeting, the capabilities that the standard library asks for, and the log-in.
        assert before.round_trips == 3
        assert [line.split()[1] for line in proxy.commands] == ["CAPABILITY", "LOGIN", "SELECT", "FETCH"]


def test_what_is_sent_together_is_one_round_trip(dovecot: Dovecot) -> None:
    with between(dovecot.port) as proxy, signed_in(proxy, filled(dovecot)) as imap:
        before = proxy.counts
        imap.send(b"a NOOP\r\nb NOOP\r\nc NOOP\r\n")
        while not imap.readline().startswith(b"c OK"):
            pass
        assert (proxy.counts - before).round_trips == 1


def test_a_round_trip_takes_its_time_however_much_it_brings(dovecot: Dovecot) -> None:
    user = filled(dovecot, 200)
    with between(dovecot.port, round_trip=0.05) as proxy, signed_in(proxy, user) as imap:
        imap.select()
        began = time.monotonic()
        imap.fetch("1:*", "(BODY.PEEK[])")
        assert time.monotonic() - began >= 0.05


def test_a_capability_is_hidden_and_its_commands_are_unknown(dovecot: Dovecot) -> None:
    user = filled(dovecot)
    without = ("MOVE", "UIDPLUS", "CONDSTORE", "SPECIAL-USE")
    with between(dovecot.port, without=without) as proxy, signed_in(proxy, user) as imap:
        capabilities = imap.capability()[1][0].split()
        assert b"IDLE" in capabilities
        assert not {name.encode() for name in without} & set(capabilities)
        assert imap.list()[1] == [b'(\\HasNoChildren) "/" Sent', b'(\\HasNoChildren) "/" INBOX']
        imap.select()
        assert imap.untagged_responses.get("HIGHESTMODSEQ") is None
        for refused in (
            ("MOVE", "1", "Sent"),
            ("EXPUNGE", "1"),
            ("FETCH", "1:*", "(FLAGS) (CHANGEDSINCE 1)"),
            ("FETCH", "1:*", "(MODSEQ)"),
        ):
            with pytest.raises(imaplib.IMAP4.error, match="Unknown command"):
                imap.uid(*refused)
        imap.literal = b"Sent"  # type: ignore[assignment]
        with pytest.raises(imaplib.IMAP4.error, match="Unknown command"):
            imap.uid("MOVE", "1")
        assert imap.uid("COPY", "1", "Sent")[0] == "OK"
        assert "COPYUID" not in imap.untagged_responses
        assert imap.append("INBOX", "", "", b"Subject: x {3}\n\nUID MOVE 1 Sent\n")[0] == "OK"
        assert "APPENDUID" not in imap.untagged_responses
        assert imap.select()[1] == [b"4"]


def test_what_is_not_hidden_works(dovecot: Dovecot) -> None:
    user = filled(dovecot)
    with between(dovecot.port, without=("CONDSTORE",)) as proxy, signed_in(proxy, user) as imap:
        imap.select()
        assert imap.uid("MOVE", "1", "Sent")[0] == "OK"
        assert imap.response("COPYUID")[1] != [None]
        assert b"\\Sent" in (imap.list()[1][0] or b"")


@pytest.mark.parametrize("after", [0, 1, 40, 333])
def test_both_sides_are_cut_off(dovecot: Dovecot, after: int) -> None:
    user = filled(dovecot)
    with between(dovecot.port) as proxy:
        with signed_in(proxy, user) as imap:
            imap.select()
            before = proxy.counts
            proxy.arm(Fault(after))
            with pytest.raises((imaplib.IMAP4.abort, OSError)):
                fetch_often(imap)
            counts = proxy.counts - before
            assert counts.to_server + counts.to_client == after
            assert proxy.struck
        with signed_in(proxy, user) as again:
            assert again.select()[1] == [b"3"]


def test_cut_off_after_a_command_that_the_server_carried_out(dovecot: Dovecot) -> None:
    user = filled(dovecot)
    with between(dovecot.port, records=True) as proxy, signed_in(proxy, user) as imap:
        imap.select()
        proxy.cut_after(Cut("STORE", 1))
        imap.fetch("1", "(FLAGS)")
        assert imap.store("1", "+FLAGS", "one")[0] == "OK"
        with pytest.raises(imaplib.IMAP4.abort):
            imap.store("2", "+FLAGS", "two")
        assert proxy.struck
        with signed_in(proxy, user) as again:
            again.select()
            found = [again.search(None, "KEYWORD", word)[1] for word in ("one", "two")]
    assert found == [[b"1"], [b"2"]]


def test_a_stalled_connection_stays_silent_and_a_new_one_works(dovecot: Dovecot) -> None:
    user = filled(dovecot)
    with between(dovecot.port) as proxy, signed_in(proxy, user) as imap:
        imap.select()
        proxy.arm(Fault(100, stall=True))
        imap.sock.settimeout(0.3)
        with pytest.raises(TimeoutError):
            imap.fetch("1:*", "(BODY.PEEK[])")
        with signed_in(proxy, user) as again:
            assert again.select()[1] == [b"3"]


def test_a_server_that_is_not_there_refuses() -> None:
    with between(1) as proxy, pytest.raises((imaplib.IMAP4.abort, OSError)):
        imaplib.IMAP4("127.0.0.1", proxy.port, timeout=5)
    assert proxy.counts.connections == 0
