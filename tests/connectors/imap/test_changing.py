"""Changing over IMAP: what the owner marked stays, and what is interrupted can be done again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from cleaner.connectors.imap import ChangingImap, copying
from cleaner.errors import ChangeRefusedError, FolderMissingError, ServerUnavailableError
from tests.connectors.imap.account import Account, Accounts
from tests.connectors.places import mail
from tests.servers.dovecot import Dovecot, Options
from tests.servers.proxy import Proxy, between

WHEN = datetime(2026, 11, 2, 10, 15, tzinfo=UTC)
WAYS: dict[str, tuple[str, ...]] = {"MOVE": (), "COPY": ("MOVE",), "MOVE without COPYUID": ("UIDPLUS",)}


@pytest.fixture(params=list(WAYS))
def proxy(request: pytest.FixtureRequest, account: Account) -> Iterator[Proxy]:
    with between(account.server.port or 0, without=WAYS[request.param], records=True) as proxy:
        yield proxy


@pytest.fixture
def copying_proxy(account: Account) -> Iterator[Proxy]:
    with between(account.server.port or 0, without=("MOVE",), records=True) as proxy:
        yield proxy


@pytest.fixture
def mailbox(account: Account, proxy: Proxy) -> Iterator[ChangingImap]:
    with account.over(proxy.port).changing() as mailbox:
        mailbox.create("Backscatter")
        yield mailbox


def test_what_the_owner_marked_as_deleted_stays(
    account: Account, mailbox: ChangingImap, proxy: Proxy
) -> None:
    ids = [account.owner.deliver("INBOX", mail(number), WHEN) for number in range(4)]
    account.owner.mark("INBOX", ids[1], "\\Deleted")
    account.owner.mark("INBOX", ids[2], "\\Deleted", "$Forwarded", "work")
    account.owner.make("Notes")
    marked = account.owner.deliver("Backscatter", mail(9), WHEN, ("\\Deleted",))
    before = {item.digest: (item.flags, item.received) for item in account.owner.items("INBOX")}
    moved = tuple(mailbox.move("INBOX", (ids[0], ids[2]), "Backscatter"))
    assert [result.error for result in moved] == [None, None]
    assert [item.uid for item in account.owner.items("INBOX")] == [ids[1], ids[3]]
    there = {item.uid: item for item in account.owner.items("Backscatter")}
    assert set(there) == {marked, *(result.new_id for result in moved)}
    for result in moved:
        item = there[result.new_id or ""]
        assert (item.flags, item.received) == before[item.digest]
    assert not [line for line in proxy.commands if line.endswith((" EXPUNGE", " CLOSE"))]


def test_many_are_moved_at_once_and_copies_of_one_message_each(
    account: Account, mailbox: ChangingImap, proxy: Proxy
) -> None:
    ids = [account.owner.deliver("INBOX", mail(number % 30), WHEN) for number in range(70)]
    proxy.commands.clear()
    moved = tuple(mailbox.move("INBOX", ids, "Backscatter"))
    assert [result.id for result in moved] == ids
    assert len({result.new_id for result in moved}) == 70
    raws = {
        message.id: message.raw for message in mailbox.fetch("Backscatter", [m.new_id or "" for m in moved])
    }
    assert [raws[result.new_id or ""] for result in moved] == [mail(number % 30) for number in range(70)]
    assert len(proxy.commands) < 70
    # A group is taken to its end by whoever stops in between.
    assert [result.more for result in moved].count(False) == 3


def test_one_that_is_gone_among_many(account: Account, mailbox: ChangingImap) -> None:
    ids = [account.owner.deliver("INBOX", mail(number), WHEN) for number in range(6)]
    mailbox.list("INBOX")
    for gone in (0, 3, 4):
        account.owner.delete("INBOX", ids[gone])
    moved = tuple(mailbox.move("INBOX", ids, "Backscatter"))
    assert [result.gone for result in moved] == [True, False, False, True, True, False]
    assert all(result.new_id for result in moved if not result.gone)
    assert len(account.owner.items("Backscatter")) == 3


def test_a_server_with_neither_way_is_refused(account: Account) -> None:
    with between(account.server.port or 0, without=("MOVE", "UIDPLUS")) as proxy:
        id = account.owner.deliver("INBOX", mail(1))
        with account.over(proxy.port).changing() as mailbox:
            mailbox.create("Backscatter")
            with pytest.raises(ChangeRefusedError, match="neither MOVE nor UIDPLUS"):
                tuple(mailbox.move("INBOX", (id,), "Backscatter"))
            (obstacle,) = mailbox.obstacles()
            assert 'policy.action = "report"' in obstacle.remedy
            assert obstacle.blocks
    assert [item.uid for item in account.owner.items("INBOX")] == [id]
    assert account.owner.items("Backscatter") == ()


def test_the_target_that_vanishes(account: Account, mailbox: ChangingImap) -> None:
    id = account.owner.deliver("INBOX", mail(1))
    account.owner.drop("Backscatter")
    with pytest.raises(FolderMissingError, match="Backscatter"):
        tuple(mailbox.move("INBOX", (id,), "Backscatter"))
    assert [item.uid for item in account.owner.items("INBOX")] == [id]


# --- interrupted between any two commands


class KilledError(Exception):
    """What no code of ours catches."""


def killed_after(mailbox: ChangingImap, commands: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets so many more commands pass, and no more."""
    wire = mailbox._session.wire
    send = wire._send
    left = commands

    def passing(words: Any) -> bytes:
        nonlocal left
        if not left:
            raise KilledError
        left -= 1
        return send(words)

    monkeypatch.setattr(wire, "_send", passing)


@pytest.mark.parametrize("after", range(26))
def test_a_move_by_copying_that_is_killed_anywhere_leaves_one_when_done_again(
    account: Account, copying_proxy: Proxy, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    """Also where another copy of the same message is in the target: that is its owner's."""
    account.owner.make("Backscatter")
    account.owner.deliver("Backscatter", mail(1), WHEN)
    ids = [account.owner.deliver("INBOX", mail(number), WHEN) for number in (1, 1, 2)]
    account.owner.mark("INBOX", ids[1], "\\Seen")
    contents = account.owner.contents()
    flags = Counter(item.flags for item in account.owner.items("INBOX"))
    account = account.over(copying_proxy.port)
    with account.changing() as mailbox:
        mailbox._group = 50
        killed_after(mailbox, after, monkeypatch)
        with suppress(KilledError):
            tuple(mailbox.move("INBOX", ids, "Backscatter"))
        mailbox._session._connection.close(politely=False)
    with account.changing() as mailbox:
        left = [item.uid for item in account.owner.items("INBOX")]
        assert all("$BounceCleanerMoving" not in heading.flags for heading in mailbox.headings("INBOX", left))
        assert all("\\Deleted" not in heading.flags for heading in mailbox.headings("INBOX", left))
        assert all(result.error is None for result in mailbox.move("INBOX", left, "Backscatter"))
    assert account.owner.items("INBOX") == ()
    assert account.owner.contents() == contents
    there = [item.flags for item in account.owner.items("Backscatter")]
    assert sum("\\Deleted" in each for each in there) == 0
    seen = [tuple(flag for flag in each if not flag.lower().startswith("$bounce")) for each in there]
    assert Counter(seen) == flags + Counter([()])


def test_where_originals_cannot_be_removed_the_copies_are(accounts: Accounts, dovecots: Any) -> None:
    """No right to expunge: nothing stays double, nothing stays marked."""
    server: Dovecot = dovecots(Options(acl=True))
    account = accounts(server)
    account.owner.make("Backscatter")
    ids = [account.owner.deliver("INBOX", mail(number), WHEN) for number in range(2)]
    before = account.owner.messages()
    server.set_rights(account.owner.user, "INBOX", "lookup", "read", "write", "write-seen", "write-deleted")
    with between(server.port, without=("MOVE",)) as proxy, account.over(proxy.port).changing() as mailbox:
        with pytest.raises(ChangeRefusedError, match="right"):
            tuple(mailbox.move("INBOX", ids, "Backscatter"))
        assert any("remove messages" in obstacle.what for obstacle in mailbox.obstacles())
    assert account.owner.messages() == before


@pytest.mark.parametrize("without", [(), ("MOVE",)], ids=["MOVE", "COPY"])
def test_without_the_right_to_put_messages_there(
    accounts: Accounts, dovecots: Any, without: tuple[str, ...]
) -> None:
    server: Dovecot = dovecots(Options(acl=True))
    account = accounts(server)
    account.owner.make("Backscatter")
    id = account.owner.deliver("INBOX", mail(1), WHEN)
    server.set_rights(account.owner.user, "Backscatter", "lookup", "read")
    with between(server.port, without=without) as proxy, account.over(proxy.port).changing() as mailbox:
        with pytest.raises(ChangeRefusedError, match=r"Backscatter.*right"):
            tuple(mailbox.move("INBOX", (id,), "Backscatter"))
        (obstacle,) = mailbox.obstacles()
        assert "'Backscatter'" in obstacle.what
        assert "put messages into it" in obstacle.what
        with pytest.raises(ChangeRefusedError, match="right"):
            mailbox.set_flags("Backscatter", id, ("\\Seen",))
    assert [item.uid for item in account.owner.items("INBOX")] == [id]
    assert account.owner.items("INBOX")[0].flags == ()


def test_without_the_right_to_make_a_folder(accounts: Accounts, dovecots: Any) -> None:
    server: Dovecot = dovecots(Options(acl=True))
    account = accounts(server)
    policy = replace(account.mailbox.policy, quarantine="Team/Spurious")
    account = replace(account, mailbox=replace(account.mailbox, policy=policy))
    account.owner.make("Team")
    server.set_rights(account.owner.user, "Team", "lookup", "read")
    with account.changing() as mailbox:
        with pytest.raises(ChangeRefusedError, match=r"'Team/Spurious' cannot be made.*right"):
            mailbox.create("Team/Spurious")
        (obstacle,) = mailbox.obstacles()
        assert "over 'Team' to make folders" in obstacle.what


def test_the_quota_is_used_up(accounts: Accounts, dovecots: Any) -> None:
    server: Dovecot = dovecots(Options(quota="1M"))
    account = accounts(server)
    id = account.owner.deliver("INBOX", b"Subject: x\r\n\r\n" + b"x" * 1_000_000)
    with between(server.port, without=("MOVE",)) as proxy, account.over(proxy.port).changing() as mailbox:
        mailbox.create("Backscatter")
        with pytest.raises(ChangeRefusedError, match="quota is used up"):
            tuple(mailbox.move("INBOX", (id,), "Backscatter"))
        (obstacle,) = mailbox.obstacles()
        assert "nearly used up" in obstacle.what
        assert not obstacle.blocks
    (item,) = account.owner.items("INBOX")
    assert (item.uid, item.flags) == (id, ())
    with account.changing() as mailbox:
        # MOVE needs no room.
        (moved,) = mailbox.move("INBOX", (id,), "Backscatter")
        assert moved.error is None


def test_a_connection_that_breaks_while_moving_is_not_asked_again(account: Account, dovecot: Dovecot) -> None:
    """What became of the message only the next run can find out."""
    ids = [account.owner.deliver("INBOX", mail(number)) for number in range(3)]
    with account.changing() as mailbox:
        mailbox.create("Backscatter")
        moves = mailbox.move("INBOX", ids, "Backscatter")
        assert next(moves).id == ids[0]
        dovecot.kick(account.owner.user)
        with pytest.raises(ServerUnavailableError):
            next(moves)


def test_a_new_folder_is_subscribed_to(account: Account) -> None:
    with account.changing() as mailbox:
        mailbox.create("Rückläufer/Alt")
    _, lines = account.owner.imap.lsub()
    assert sum(b"R&APw-ckl&AOQ-ufer" in line for line in lines if isinstance(line, bytes)) == 2


def test_keywords_are_set_and_odd_ones_left_out(account: Account) -> None:
    id = account.owner.deliver("INBOX", mail(1), WHEN, ("\\Flagged",))
    with account.changing() as mailbox:
        mailbox.set_flags("INBOX", id, ("\\Seen", "\\Recent", "work", "two words", "$Forwarded"))
    (item,) = account.owner.items("INBOX")
    assert set(item.flags) == {"\\Seen", "work", "$Forwarded"}


def test_appending_where_the_id_is_not_told(account: Account) -> None:
    with between(account.server.port or 0, without=("UIDPLUS", "LITERAL+")) as proxy:
        account.owner.deliver("INBOX", mail(1))
        with account.over(proxy.port).changing() as mailbox:
            id = mailbox.append("INBOX", mail(2) + b"\xff" * 5000, ("\\Seen",), WHEN)
    item = account.owner.items("INBOX")[-1]
    assert (item.uid, item.flags, item.received) == (id, ("\\Seen",), WHEN)


def test_groups_fit_into_one_command() -> None:
    """COPYUID is believed up to the size of a group."""
    assert copying.GROUP * len("4294967295,") < 900
