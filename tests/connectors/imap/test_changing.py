"""Changing over IMAP: what the owner marked stays, and what is interrupted can be done again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cleaner import actions
from cleaner.connectors.imap import ChangingImap, copying
from cleaner.errors import ChangeRefusedError, FolderMissingError, ServerUnavailableError
from cleaner.notices import fingerprint
from cleaner.ports import Journal
from cleaner.store import Store
from cleaner.values import ActionName, Entry, EntryState
from tests.connectors.imap.account import ADDRESS, Account, Accounts
from tests.connectors.places import mail
from tests.servers.dovecot import Dovecot, Options
from tests.servers.owner import Item
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


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with closing(Store.open(f"sqlite:///{tmp_path / 'state.db'}", key=b"k" * 32)) as store:
        yield store.journal(ADDRESS)


def intents(mailbox: ChangingImap, ids: Sequence[str]) -> list[Entry]:
    """What a scan intends for these messages; of several alike, one after the other."""
    seen: Counter[str] = Counter()
    entries = []
    for heading in mailbox.headings("INBOX", ids):
        print_ = fingerprint(heading.headers)
        entries.append(
            Entry(
                0,
                "run-1",
                ADDRESS,
                print_,
                seen[print_],
                ActionName.MOVE,
                "INBOX",
                heading.id,
                "Backscatter",
                flags=heading.flags,
                received=heading.received,
                message_id=heading.headers.text("message-id") or None,
                intended_at=WHEN,
            )
        )
        seen[print_] += 1
    return entries


def everything(account: Account) -> list[Item]:
    return [item for folder in account.owner.folders() for item in account.owner.items(folder)]


class KilledError(Exception):
    """What no code of ours catches."""


def killed(*_: object) -> Any:
    raise KilledError


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


@pytest.mark.parametrize("after", range(22))
def test_a_move_by_copying_that_is_killed_anywhere_leaves_one(
    account: Account, copying_proxy: Proxy, journal: Journal, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    """Also where another copy of the same message is in the target: that is its owner's."""
    account.owner.make("Backscatter")
    account.owner.deliver("Backscatter", mail(1), WHEN)
    ids = [account.owner.deliver("INBOX", mail(number), WHEN) for number in (1, 1, 2)]
    account.owner.mark("INBOX", ids[1], "\\Seen")
    account.owner.mark("INBOX", ids[2], "\\Deleted")
    contents = account.owner.contents()
    flags = Counter(item.flags for item in account.owner.items("INBOX"))
    account = account.over(copying_proxy.port)
    with account.changing() as mailbox:
        entries = intents(mailbox, ids)
        mailbox._group = 50
        killed_after(mailbox, after, monkeypatch)
        with suppress(KilledError):
            tuple(actions.perform(mailbox, journal, entries, lambda: True, WHEN))
        mailbox._session._connection.close(politely=False)
    with account.changing() as mailbox:
        actions.settle_open(mailbox, journal, journal.open(), fingerprint, WHEN)
        assert account.owner.contents() == contents
        assert not [item for item in everything(account) if "$BounceCleanerMoving" in item.flags]
        left = tuple(actions.perform(mailbox, journal, entries, lambda: True, WHEN))
    assert {entry.state for entry in left} == {EntryState.DONE}
    assert account.owner.items("INBOX") == ()
    assert account.owner.contents() == contents
    assert Counter(item.flags for item in account.owner.items("Backscatter")) == flags + Counter([()])


def test_a_keyword_that_stayed_behind_pairs_with_nothing(
    account: Account, copying_proxy: Proxy, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither with a second original that is being moved, nor is it left on anything."""
    account.owner.make("Backscatter")
    account.owner.deliver("Backscatter", mail(1), WHEN, ("$BounceCleanerMoving",))
    account.owner.deliver("INBOX", mail(3), WHEN, ("$BounceCleanerMoving", "\\Deleted"))
    id = account.owner.deliver("INBOX", mail(1), WHEN)
    contents = account.owner.contents()
    account = account.over(copying_proxy.port)
    with account.changing() as mailbox:
        entries = intents(mailbox, [id])
        monkeypatch.setattr(mailbox._copying, "_copy", killed)
        with suppress(KilledError):
            tuple(actions.perform(mailbox, journal, entries, lambda: True, WHEN))
        mailbox._session._connection.close(politely=False)
    assert ["$BounceCleanerMoving" in item.flags for item in everything(account)] == [False, False, True]
    with account.changing() as mailbox:
        (settled,) = actions.settle_open(mailbox, journal, journal.open(), fingerprint, WHEN)
    assert settled.state is EntryState.FAILED
    assert account.owner.contents() == contents
    assert [item.flags for item in everything(account)] == [(), ("\\Deleted",), ()]


@pytest.mark.parametrize("what", ["original", "copy"])
def test_what_another_program_takes_away_in_the_middle_is_cleared_up_by_the_next_run(
    account: Account, copying_proxy: Proxy, journal: Journal, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    for folder in ("Backscatter", "Archive"):
        account.owner.make(folder)
    ids = [account.owner.deliver("INBOX", mail(number), WHEN) for number in (1, 2)]
    contents = account.owner.contents()
    owner, account = account.owner, account.over(copying_proxy.port)
    with account.changing() as mailbox:
        mailbox._group = 50
        complete = mailbox._copying._complete

        def after_another(*arguments: Any) -> Any:
            folder = "INBOX" if what == "original" else "Backscatter"
            owner.move(folder, owner.items(folder)[0].uid, "Archive")
            return complete(*arguments)

        monkeypatch.setattr(mailbox._copying, "_complete", after_another)
        first, second = actions.perform(mailbox, journal, intents(mailbox, ids), lambda: True, WHEN)
        assert [first.state, second.state] == [EntryState.INTENDED, EntryState.DONE]
        (settled,) = actions.settle_open(mailbox, journal, journal.open(), fingerprint, WHEN)
    assert settled.state is EntryState.GONE
    assert owner.contents() == contents
    assert [len(owner.items(folder)) for folder in ("INBOX", "Backscatter", "Archive")] == [0, 1, 1]
    assert not [item for item in everything(account) if item.flags]


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
