"""Reading over IMAP: how little goes over the wire, and what happens when it goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cleaner import notices
from cleaner.actions.whereabouts import Whereabouts
from cleaner.connectors.imap import fetching, reading
from cleaner.connectors.imap.session import PAUSES, RenumberedError
from cleaner.errors import ServerUnavailableError
from cleaner.notices import limits
from cleaner.store import Store
from cleaner.values import ActionName, Entry
from tests.connectors.imap.account import Account
from tests.connectors.places import mail
from tests.servers.dovecot import Dovecot
from tests.servers.proxy import NEEDED, Fault, Proxy, between

WHEN = datetime(2026, 11, 2, 10, 15, tzinfo=UTC)


@pytest.fixture
def proxy(account: Account) -> Iterator[Proxy]:
    with between(account.server.port or 0, records=True) as proxy:
        yield proxy


def large(size: int) -> bytes:
    return b"Subject: large\r\nMessage-ID: <large@far.example>\r\n\r\n" + (b"x" * 70 + b"\r\n") * (size // 72)


# --- fetching little


def test_a_message_of_50_mb_costs_its_header(account: Account, proxy: Proxy) -> None:
    id = account.owner.deliver("INBOX", large(50_000_000))
    before = proxy.counts
    with account.over(proxy.port).reading() as mailbox:
        (heading,) = mailbox.skim("INBOX", (id,), notices.SHORTLIST_FIELDS)
        (whole,) = mailbox.headings("INBOX", (id,))
        assert heading.headers.text("subject") == whole.headers.text("subject") == "large"
        assert whole.size > 49_000_000
        assert (proxy.counts - before).to_client < 10_000


def test_of_a_large_message_the_beginning_is_fetched(account: Account, proxy: Proxy) -> None:
    raw = large(5_000_000)
    id = account.owner.deliver("INBOX", raw)
    before = proxy.counts
    with account.over(proxy.port).reading() as mailbox:
        (message,) = mailbox.fetch("INBOX", (id,))
    assert message.raw == raw[: fetching.MAX_MESSAGE]
    assert (proxy.counts - before).to_client < fetching.MAX_MESSAGE + 10_000


def test_as_much_is_fetched_as_the_reader_looks_at() -> None:
    assert fetching.MAX_MESSAGE == limits.MAX_READ


def test_chosen_fields_are_all_that_comes(account: Account) -> None:
    id = account.owner.deliver("INBOX", mail(1))
    with account.reading() as mailbox:
        (heading,) = mailbox.headings("INBOX", (id,), ("message-id", "x-nothing"))
        assert [name for name, _ in heading.headers] == [b"Message-ID"]


def test_headings_of_many_messages_come_with_few_round_trips(account: Account, proxy: Proxy) -> None:
    ids = [account.owner.deliver("INBOX", mail(number)) for number in range(30)]
    account.owner.delete("INBOX", ids[7])
    with account.over(proxy.port).reading() as mailbox:
        mailbox.folders()
        before = proxy.counts.round_trips
        listing = mailbox.list("INBOX")
        assert len(tuple(mailbox.skim("INBOX", listing.ids, notices.SHORTLIST_FIELDS))) == 29
        assert proxy.counts.round_trips - before <= 3
    (command,) = [line for line in proxy.commands if "UID FETCH" in line]
    assert " 1:7,9:30 (" in command


def test_nothing_new_is_told_without_a_search(account: Account, proxy: Proxy) -> None:
    account.owner.deliver("INBOX", mail(1))
    with account.over(proxy.port).reading() as mailbox:
        cursor = mailbox.list("INBOX").cursor
    proxy.commands.clear()
    with account.over(proxy.port).reading() as mailbox:
        listing = mailbox.list("INBOX", cursor)
    assert (listing.ids, listing.cursor, listing.total) == ((), cursor, 1)
    assert not [line for line in proxy.commands if "SEARCH" in line]


def test_nothing_is_opened_for_changes(account: Account, proxy: Proxy) -> None:
    id = account.owner.deliver("INBOX", mail(1))
    with account.over(proxy.port).changing() as mailbox:
        mailbox.list("INBOX")
        tuple(mailbox.fetch("INBOX", (id,)))
        mailbox.present("INBOX", (id,))
        mailbox.find("INBOX", "<1@far.example>")
        mailbox.obstacles()
    verbs = {line.split()[1] for line in proxy.commands}
    assert "EXAMINE" in verbs
    assert not verbs & {"SELECT", "STORE", "EXPUNGE", "CLOSE", "CREATE"}


def test_a_server_that_gives_out_no_parts_is_asked_for_the_whole(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(NEEDED, "PARTS", rb"UID FETCH .*<0\.")
    ids = [account.owner.deliver("INBOX", mail(number)) for number in range(3)]
    with (
        between(account.server.port or 0, without=("PARTS",)) as proxy,
        account.over(proxy.port).reading() as mailbox,
    ):
        headings = tuple(mailbox.skim("INBOX", ids, ("subject",)))
        assert [heading.id for heading in headings] == ids
        assert [message.raw for message in mailbox.fetch("INBOX", ids)] == [mail(n) for n in range(3)]
        assert len([line for line in proxy.commands if "<0." in line]) == 1


# --- listing in pages


def test_a_long_folder_is_listed_in_pages_that_can_be_taken_up_again(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "PAGE", 3)
    ids = [account.owner.deliver("INBOX", mail(number)) for number in range(8)]
    account.owner.delete("INBOX", ids.pop(4))
    with account.reading() as mailbox:
        first = mailbox.list("INBOX")
        assert (first.ids, first.left, first.total) == (tuple(ids[:3]), 4, 7)
        late = account.owner.deliver("INBOX", mail(9))
        second = mailbox.list("INBOX", first.cursor)
        third = mailbox.list("INBOX", second.cursor)
        assert (second.ids, second.left) == (tuple(ids[3:6]), 1)
        assert (third.ids, third.left) == ((ids[6],), 0)
        assert mailbox.list("INBOX", third.cursor).ids == (late,)
    with account.reading() as mailbox:
        # Interrupted after the first page, another session goes on there.
        assert mailbox.list("INBOX", first.cursor).ids == tuple(ids[3:6])
        assert mailbox.list("INBOX", first.cursor).ids == tuple(ids[3:6])
        assert mailbox.list("INBOX").ids == tuple(ids[:3])


def test_headings_larger_than_a_page(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PAGE", 3)
    monkeypatch.setattr(reading, "MAX_FETCH", reading.USUAL_SIZE * 2)
    ids = [account.owner.deliver("INBOX", mail(number)) for number in range(8)]
    asked = ids[::-1]
    with account.reading() as mailbox:
        assert [heading.id for heading in mailbox.headings("INBOX", asked)] == asked
        assert [message.id for message in mailbox.fetch("INBOX", asked)] == asked


def test_other_commands_between_headings(account: Account) -> None:
    ids = [account.owner.deliver("INBOX", mail(number)) for number in range(5)]
    with account.reading() as mailbox:
        headings = mailbox.skim("INBOX", ids, ("subject",))
        seen = [next(headings).id]
        assert mailbox.present("INBOX", ids) == set(ids)
        (message,) = mailbox.fetch("INBOX", (ids[4],))
        assert message.id == ids[4]
        seen += [heading.id for heading in headings]
        assert seen == ids
        given_up = mailbox.skim("INBOX", ids, ("subject",))
        next(given_up)
        assert mailbox.list("INBOX").ids == tuple(ids)


def test_ids_of_other_systems_are_simply_not_there(account: Account) -> None:
    account.owner.deliver("INBOX", mail(1))
    strange = ("0", "-1", "1x", "4294967296", "99999999999", "17950000.M1P1.mx", "", "²")
    with account.changing() as mailbox:
        mailbox.create("Backscatter")
        assert mailbox.present("INBOX", strange) == frozenset()
        assert tuple(mailbox.headings("INBOX", strange)) == ()
        assert all(moved.gone for moved in mailbox.move("INBOX", strange, "Backscatter"))


# --- numbers that change


def test_another_uidvalidity_lists_all(account: Account, dovecot: Dovecot) -> None:
    account.owner.deliver("INBOX", mail(1))
    with account.reading() as mailbox:
        cursor = mailbox.list("INBOX").cursor
    dovecot.doveadm("mailbox", "update", "-u", account.owner.user, "--uid-validity", "77", "INBOX")
    with account.reading() as mailbox:
        listing = mailbox.list("INBOX", cursor)
    assert len(listing.ids) == 1
    assert listing.cursor.startswith("77:")


def test_new_numbers_while_at_work_end_the_work(account: Account, dovecot: Dovecot) -> None:
    """A move by an old number could take another message."""
    id = account.owner.deliver("INBOX", mail(1))
    with account.changing() as mailbox:
        mailbox.create("Backscatter")
        mailbox.list("INBOX")
        dovecot.doveadm("mailbox", "update", "-u", account.owner.user, "--uid-validity", "77", "INBOX")
        with pytest.raises(RenumberedError):
            tuple(mailbox.move("INBOX", (id,), "Backscatter"))
        assert len(mailbox.list("INBOX").ids) == 1
    assert len(account.owner.items("INBOX")) == 1


# --- connections that break


@pytest.mark.parametrize("stall", [False, True], ids=["cut", "stalled"])
@pytest.mark.parametrize("after", [1, 200, 1000, 3000, 6000])
def test_reading_goes_on_over_a_new_connection(
    account: Account, proxy: Proxy, after: int, stall: bool
) -> None:
    ids = [account.owner.deliver("INBOX", mail(number)) for number in range(20)]
    with account.changed(timeout=timedelta(seconds=1)).over(proxy.port).reading() as mailbox:
        listing = mailbox.list("INBOX")
        proxy.arm(Fault(after, stall=stall))
        headings = [heading.id for heading in mailbox.headings("INBOX", listing.ids)]
        messages = [message.id for message in mailbox.fetch("INBOX", listing.ids)]
        assert proxy.struck
        assert headings == messages == ids


def test_one_that_breaks_again_and_again_is_given_up(account: Account, dovecot: Dovecot) -> None:
    account.owner.deliver("INBOX", mail(1))
    with account.reading() as mailbox:
        for _ in PAUSES:
            dovecot.kick(account.owner.user)
            assert mailbox.list("INBOX").total == 1
        dovecot.kick(account.owner.user)
        with pytest.raises(ServerUnavailableError):
            mailbox.list("INBOX")


def test_what_the_server_says_when_it_ends_a_connection_is_told(account: Account, dovecot: Dovecot) -> None:
    with account.changing() as mailbox:
        mailbox.folders()
        dovecot.kick(account.owner.user)
        with pytest.raises(ServerUnavailableError, match="ended the connection"):
            mailbox.create("Other")


# --- looking for moved messages


def test_a_message_that_lost_its_id_is_found_in_a_folder_of_several_pages(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a Message-ID only the whole folder can tell, and all of it must be asked."""
    monkeypatch.setattr(reading, "PAGE", 3)
    ids = [account.owner.deliver("INBOX", mail(number, message_id=False)) for number in range(8)]
    with account.reading() as mailbox, closing(Store.open("sqlite://", b"k" * 32)) as store:
        (heading,) = mailbox.headings("INBOX", (ids[6],))
        entry = Entry(
            id=1,
            run="run",
            mailbox=account.mailbox.address,
            fingerprint=notices.fingerprint(heading.headers),
            occurrence=0,
            action=ActionName.MOVE,
            folder="Elsewhere",
            message="1",
            target="INBOX",
            new_id="999",
        )
        where = Whereabouts(mailbox, store.journal(account.mailbox.address), notices.fingerprint)
        found = where.in_target(entry)
        assert found is not None
        assert found.id == ids[6]
        assert where.in_target(replace(entry, target="Nowhere")) is None
