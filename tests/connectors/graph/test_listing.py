"""Reading over Graph: what is told again, what is asked for, and what is left out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cleaner import notices
from cleaner.connectors.graph import listing, pulse, reading
from cleaner.errors import AskPersonError, FolderMissingError, ServerUnavailableError, UnreadableMessageError
from cleaner.values import FolderRole
from tests.connectors.graph.account import Account, account_on
from tests.connectors.places import mail
from tests.servers.certificates import Authority
from tests.servers.ews.content import Content
from tests.servers.graph import GraphServer, broken, cut_middle, meanwhile, refused, shapes
from tests.servers.graph.errors import GraphError

WHEN = datetime(2026, 11, 2, 10, 15, tzinfo=UTC)


@pytest.fixture
def account(server: GraphServer, authority: Authority, tmp_path: Path) -> Account:
    return account_on(server, authority.ca_file, tmp_path)


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "PAGE", 7)


def deliver(account: Account, *numbers: int, folder: str = "inbox") -> list[str]:
    return [
        account.box.deliver(mail(number), folder, received=WHEN + timedelta(minutes=number))
        for number in numbers
    ]


def listed(account: Account, cursor: str | None, folder: str = "INBOX") -> tuple[set[str], str]:
    """All that is new, page by page."""
    found: set[str] = set()
    with account.reading() as mailbox:
        while True:
            listing = mailbox.list(folder, cursor)
            found |= set(listing.ids)
            cursor = listing.cursor
            if not listing.left:
                return found, cursor


# --- what is new


def test_a_large_folder_comes_in_pages_and_each_page_may_be_the_last(account: Account) -> None:
    ids = deliver(account, *range(20))
    with account.reading() as mailbox:
        first = mailbox.list("INBOX")
    assert first.left > 0
    assert len(first.ids) == 7
    rest, _ = listed(account, first.cursor)
    assert set(first.ids) | rest == set(ids)
    assert not set(first.ids) & rest


def test_mail_that_comes_while_pages_are_read_is_not_lost(account: Account) -> None:
    ids = deliver(account, *range(10))
    with account.reading() as mailbox:
        first = mailbox.list("INBOX")
    (late,) = deliver(account, 99)
    rest, cursor = listed(account, first.cursor)
    again, _ = listed(account, cursor)
    assert {*ids, late} == {*first.ids, *rest, *again}


def test_a_link_that_has_expired_lists_all_again(account: Account) -> None:
    ids = deliver(account, *range(3))
    _, cursor = listed(account, None)
    account.box.expire_deltas()
    late = deliver(account, 50)
    assert listed(account, cursor)[0] == {*ids, *late}


def test_a_link_that_expires_between_two_pages_lists_all_again(account: Account) -> None:
    ids = deliver(account, *range(10))
    with account.reading() as mailbox:
        first = mailbox.list("INBOX")
        account.box.expire_deltas()
        second = mailbox.list("INBOX", first.cursor)
    assert second.left
    assert set(second.ids) | listed(account, second.cursor)[0] == set(ids)


def test_a_message_that_was_moved_away_and_back_is_told_again(account: Account) -> None:
    """Graph itself does not, with immutable ids (issue 21752)."""
    ids = deliver(account, *range(9))
    _, cursor = listed(account, None)
    account.box.move(ids[3], "deleteditems")
    account.box.move(ids[3], "inbox")
    again, cursor = listed(account, cursor)
    assert again == {ids[3]}
    assert listed(account, cursor)[0] == set()


def test_one_that_was_away_for_several_looks_is_told_again(account: Account) -> None:
    ids = deliver(account, *range(3))
    _, cursor = listed(account, None)
    account.box.move(ids[1], "deleteditems")
    gone, cursor = listed(account, cursor)
    account.box.move(ids[1], "inbox")
    assert (gone, listed(account, cursor)[0]) == (set(), {ids[1]})


def test_one_that_came_back_while_another_was_deleted_is_told_again(account: Account) -> None:
    """The number of messages is the same as before."""
    ids = deliver(account, *range(4))
    _, cursor = listed(account, None)
    account.box.move(ids[1], "deleteditems")
    _, cursor = listed(account, cursor)
    account.box.move(ids[1], "inbox")
    account.box.delete(ids[2])
    assert listed(account, cursor)[0] == {ids[1]}


def test_who_reads_his_mail_makes_nothing_new(account: Account) -> None:
    ids = deliver(account, *range(3))
    _, cursor = listed(account, None)
    account.box.mark_read(ids[0])
    late = deliver(account, 9)
    before = account.graph.requests()
    assert listed(account, cursor)[0] == set(late)
    assert account.graph.requests() - before <= 3


def test_of_what_is_told_in_part_the_rest_is_asked_for(account: Account) -> None:
    """In a folder that is not kept apart, a read mark is told without subject and recipients."""
    (id,) = deliver(account, 1, folder="sentitems")
    _, cursor = listed(account, None, "Sent Items")
    account.box.mark_read(id)
    with account.reading() as mailbox:
        (again,) = mailbox.list("Sent Items", cursor).ids
        (heading,) = mailbox.skim("Sent Items", (again,), notices.SENT_FIELDS)
    assert (again, heading.headers.text("message-id")) == (id, "<1@far.example>")


def test_the_quarantine_is_asked_for_only_when_it_holds_something_else(account: Account) -> None:
    account.box.make("Backscatter")
    deliver(account, 1, 2, folder="Backscatter")
    with account.reading() as mailbox:
        cursor = mailbox.list("Backscatter").cursor
    before = account.graph.requests(operation="delta")
    with account.reading() as mailbox:
        assert mailbox.list("Backscatter", cursor).ids == ()
    assert account.graph.requests(operation="delta") == before
    (late,) = deliver(account, 3)
    account.box.move(late, "Backscatter")
    with account.reading() as mailbox:
        assert mailbox.list("Backscatter", cursor).ids == (late,)


def test_a_link_that_leads_elsewhere_is_not_followed(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(account, *range(9))
    monkeypatch.setattr(type(account.graph), "endpoint", "https://elsewhere.example/v1.0")
    with account.reading() as mailbox, pytest.raises(AskPersonError, match="sends us elsewhere"):
        mailbox.list("INBOX")


def test_a_service_that_expands_nothing_here_is_asked_without(account: Account) -> None:
    """Sighted: 500 for extended properties in a look for changes."""
    ids = deliver(account, 1)
    account.graph.fault(refused(500, "InternalServerError", "Value cannot be null.", operation="delta"))
    assert listed(account, None)[0] == set(ids)


# --- folders


@pytest.mark.parametrize("language", ["de", "ja"])
def test_well_known_folders_are_known_in_every_language(account: Account, language: str) -> None:
    account.graph.remove_mailbox(account.mailbox.address)
    account.graph.add_mailbox(account.mailbox.address, language=language)
    with account.reading() as mailbox:
        roles = {folder.role: folder.name for folder in mailbox.folders()}
    assert roles[FolderRole.INBOX] == "INBOX"
    assert {FolderRole.SENT, FolderRole.TRASH, FolderRole.JUNK, FolderRole.DRAFTS} <= roles.keys()
    assert roles[FolderRole.SENT] != "Sent Items"


def test_a_renamed_folder_keeps_its_role_and_another_of_that_name_has_none(account: Account) -> None:
    account.box.rename("deleteditems", "Away/with it")
    account.box.make("Trash")
    with account.reading() as mailbox:
        roles = {folder.name: folder.role for folder in mailbox.folders()}
    assert roles["Away∕with it"] is FolderRole.TRASH
    assert roles["Trash"] is FolderRole.NONE


def test_a_folder_below_the_inbox_and_a_hidden_one(account: Account) -> None:
    account.box.make("inbox/Old")
    account.box.make("Secret", hidden=True)
    with account.reading() as mailbox:
        names = [folder.name for folder in mailbox.folders()]
    assert "INBOX/Old" in names
    assert "Secret" not in names


def test_a_folder_that_goes_while_it_is_listed(account: Account) -> None:
    account.box.make("Old")
    account.graph.fault(meanwhile(lambda: account.box.drop("Old"), operation="delta"))
    with account.reading() as mailbox:
        mailbox.folders()
        with pytest.raises(FolderMissingError, match="Old"):
            mailbox.list("Old")


# --- messages


def test_sent_mail_is_told_with_its_bcc_by_the_listing_alone(account: Account) -> None:
    raw = b"Bcc: Secret <s@far.example>\r\nDate: Mon, 2 Nov 2026 09:00:00 +0000\r\n" + mail(1)
    account.box.deliver(raw, "sentitems", composed=True)
    with account.reading() as mailbox:
        ids = mailbox.list("Sent Items").ids
        before = account.graph.requests()
        (heading,) = mailbox.skim("Sent Items", ids, notices.SENT_FIELDS)
        assert account.graph.requests() == before
    mail_of_it = notices.outgoing(heading)
    assert mail_of_it is not None
    assert set(mail_of_it.recipients) == {"ann@harbor.example", "s@far.example"}
    assert mail_of_it.message_id == "<1@far.example>"


def test_the_fingerprint_is_the_same_from_heading_and_message(account: Account) -> None:
    composed = account.box.deliver(mail(1), composed=True)
    received = account.box.deliver(mail(2))
    with account.reading() as mailbox:
        headings = {
            h.id: notices.fingerprint(h.headers) for h in mailbox.headings("INBOX", (composed, received))
        }
        messages = {m.id: notices.read(m).fingerprint for m in mailbox.fetch("INBOX", (composed, received))}
    assert headings == messages


def test_a_message_elsewhere_in_the_mailbox_is_not_in_the_folder(account: Account) -> None:
    """An immutable id finds it wherever it is."""
    (id,) = deliver(account, 1)
    account.box.move(id, "deleteditems")
    with account.reading() as mailbox:
        assert tuple(mailbox.headings("INBOX", (id,))) == ()
        assert tuple(mailbox.fetch("INBOX", (id,))) == ()
        assert mailbox.present("INBOX", (id,)) == frozenset()
        assert mailbox.present("Deleted Items", (id,)) == {id}


def test_of_a_large_message_only_its_beginning_is_kept(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "LARGE", 20_000)
    monkeypatch.setattr(reading, "MAX_MESSAGE", 30_000)
    small, large = (
        deliver(account, 1)[0],
        account.box.deliver(mail(2, body="x" * 70 + "\r\n" * 3 + "y" * 200_000)),
    )
    with account.reading() as mailbox:
        messages = {message.id: message for message in mailbox.fetch("INBOX", (small, large))}
    assert len(messages[large].raw) == 30_000
    assert messages[small].raw.rstrip().endswith(b"--")


def test_one_that_cannot_be_had_stops_no_other(account: Account) -> None:
    ids = deliver(account, *range(5))
    account.graph.fault(
        refused(400, "ErrorMimeContentConversionFailed", operation="value", inside=True, skip=2)
    )
    with account.reading() as mailbox:
        got = mailbox.fetch("INBOX", ids)
        found = [next(got).id for _ in range(4)]
        with pytest.raises(UnreadableMessageError, match="ErrorMimeContentConversionFailed"):
            next(got)
    assert len(set(ids) - set(found)) == 1


@pytest.mark.parametrize("status", [500, 502, 504])
def test_one_that_the_service_cannot_cope_with_stops_no_other(
    account: Account, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    """Also alone, as it is asked for after the others."""
    ids = deliver(account, *range(5))
    poison, whole = account.box.item(ids[2]).content, shapes.written

    def written(content: Content) -> bytes:
        if content is poison:
            raise GraphError(status, "")
        return whole(content)

    monkeypatch.setattr(shapes, "written", written)
    with account.reading() as mailbox:
        for asked in (ids, ids[2:3]):
            got: list[str] = []
            with pytest.raises(UnreadableMessageError, match=str(status)):
                got.extend(message.id for message in mailbox.fetch("INBOX", asked))
            assert set(got) == set(asked) - {ids[2]}


def test_a_message_id_with_a_quote_is_found(account: Account) -> None:
    id = account.box.deliver(mail(1).replace(b"<1@far", b"<o'neill&1+2%@far"))
    with account.reading() as mailbox:
        assert mailbox.find("INBOX", "<o'neill&1+2%@far.example>") == (id,)
        assert mailbox.find("INBOX", "<O'NEILL&1+2%@far.example>") == ()


# --- trouble on the way


def test_a_broken_connection_is_asked_again(account: Account) -> None:
    ids = deliver(account, *range(3))
    account.graph.fault(cut_middle(operation="delta"))
    account.graph.fault(broken(502, operation="batch", skip=1))
    with account.reading() as mailbox:
        assert set(mailbox.list("INBOX").ids) == set(ids)
        assert {message.id for message in mailbox.fetch("INBOX", ids)} == set(ids)


def test_one_that_stays_broken_ends_the_run(account: Account) -> None:
    account.graph.fault(cut_middle(operation="delta", times=None))
    with (
        account.reading() as mailbox,
        pytest.raises(ServerUnavailableError, match="the next run tries again"),
    ):
        mailbox.list("INBOX")


# --- pulse


def test_the_pulse_changes_when_a_message_comes(account: Account) -> None:
    deliver(account, 1)

    def told(*folders: str) -> str | None:
        return pulse(account.server, account.mailbox, folders or ("INBOX",))

    first = told()
    before = account.graph.requests()
    assert told() == first
    assert account.graph.requests() - before == 1
    deliver(account, 2)
    second = told()
    assert second != first
    account.box.make("Other")
    old = account.box.deliver(mail(3), "Other", received=WHEN - timedelta(days=900))
    assert told() == second
    account.box.move(old, "inbox")
    assert told() not in (first, second)
    assert told("INBOX", "Nowhere") == f"{told()} missing"
