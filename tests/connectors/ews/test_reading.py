"""Reading over EWS: what is new and what is not missed, folders in any language, what Exchange rebuilds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cleaner import notices
from cleaner.connectors import open_reading
from cleaner.connectors.ews import reading as reading_module
from cleaner.connectors.ews.cursor import Cursor
from cleaner.errors import FolderMissingError
from cleaner.ports import Mailbox
from cleaner.values import UNKNOWN, ActionName, FolderRole, Kind, Message, Policy
from tests.connectors.places import ADDRESS, EwsPlace, mail
from tests.servers.ews import EwsServer, Ways, cut, refuses_all

WHEN = datetime(2026, 11, 2, 10, 15, tzinfo=UTC)

ORIGINAL = b"""\
Received: from mx1.harbor.example (mx1.harbor.example [203.0.113.10])
\tby mail.far.example with ESMTPS id 77; Mon, 2 Nov 2026 10:14:59 +0000
From: Ann <ann@harbor.example>
To: bob@far.example
Subject: Tide tables
Date: Mon, 2 Nov 2026 10:14:00 +0000
Message-ID: <tide.1@harbor.example>
MIME-Version: 1.0
Content-Type: text/plain; charset=us-ascii

High water at noon.
"""
REPORT = (
    b"""\
Return-Path: <>
Received: from mail.far.example (mail.far.example [198.51.100.7])
\tby mx1.harbor.example with ESMTP id 78; Mon, 2 Nov 2026 10:15:00 +0000
From: MAILER-DAEMON@far.example (Mail Delivery System)
To: ann@harbor.example
Subject: Undelivered Mail Returned to Sender
Date: Mon, 2 Nov 2026 10:15:00 +0000
Message-ID: <report.1@far.example>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="=_b"

--=_b
Content-Type: text/plain

This is the mail system at host mail.far.example. <bob@far.example>: user unknown

--=_b
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.far.example

Final-Recipient: rfc822; bob@far.example
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 user unknown

--=_b
Content-Type: message/rfc822

"""
    + ORIGINAL
    + b"\n--=_b--\n"
)


@pytest.fixture(params=list(Ways), ids=lambda ways: ways.name.lower())
def server(request: pytest.FixtureRequest) -> Iterator[EwsServer]:
    with EwsServer(ways=request.param, renews=True) as server:
        yield server


@pytest.fixture
def place(server: EwsServer, tmp_path: Path) -> EwsPlace:
    return EwsPlace(server, tmp_path)


def all_of(mailbox: Mailbox, cursor: str | None = None) -> tuple[list[str], str]:
    """All pages of the inbox."""
    ids: list[str] = []
    left = True
    while left:
        listing = mailbox.list("INBOX", cursor)
        ids += listing.ids
        cursor, left = listing.cursor, listing.left > 0
    return ids, cursor or ""


# --- what is new


def test_a_large_folder_comes_in_pages(place: EwsPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading_module, "CHANGES", 7)
    ids = {place.deliver("INBOX", mail(number), WHEN + timedelta(minutes=number)) for number in range(30)}
    mailbox = place.reading()
    first = mailbox.list("INBOX")
    assert (len(first.ids), first.total, first.left) == (7, 30, 23)
    found, cursor = all_of(mailbox)
    assert (set(found), len(found)) == (ids, 30)
    late = place.deliver("INBOX", mail(99))
    assert all_of(place.reading(), cursor)[0] == [late]
    rest, _ = all_of(place.reading(), first.cursor)
    assert set(first.ids) | set(rest) == ids | {late}


@pytest.mark.parametrize("every", [None, "inbox"])
def test_a_state_that_is_not_taken_any_more_lists_all(
    every: str | None, server: EwsServer, place: EwsPlace
) -> None:
    ids = {place.deliver("INBOX", mail(number)) for number in range(3)}
    _, cursor = all_of(place.reading())
    place.box.invalidate_sync(every)
    found, new = all_of(place.reading(), cursor)
    if server.ways is Ways.EXCHANGE:
        assert set(found) == ids
    assert all_of(place.reading(), new)[0] == []


def test_a_cursor_of_another_folder_or_a_broken_one_lists_all(place: EwsPlace) -> None:
    """The recorded server takes any state for one of this folder, and leaves out what the other had seen."""
    place.make("Other")
    place.deliver("Other", mail(1))
    id = place.deliver("INBOX", mail(2))
    mailbox = place.reading()
    other = mailbox.list("Other").cursor
    own = mailbox.list("INBOX").cursor
    for cursor in (other, own[:-1] + "x", own.replace(":", ""), "1:2", ""):
        assert mailbox.list("INBOX", cursor).ids == (id,)
    assert mailbox.list("INBOX", own).ids == ()


def test_a_folder_made_anew_under_its_name_lists_all(place: EwsPlace) -> None:
    place.make("Other")
    place.deliver("Other", mail(1))
    cursor = place.reading().list("Other").cursor
    place.drop("Other")
    place.make("Other")
    id = place.deliver("Other", mail(2))
    assert place.reading().list("Other", cursor).ids == (id,)


def test_a_state_from_before_a_restore_shows_by_the_count(place: EwsPlace) -> None:
    """The server thinks that we know what we were never told of."""
    place.deliver("INBOX", mail(1))
    cursor = place.reading().list("INBOX").cursor
    id = place.deliver("INBOX", mail(2))
    later = place.reading().list("INBOX", cursor)
    assert later.ids == (id,)
    known = Cursor.parse(later.cursor, place.box.folder("inbox").id)
    assert known is not None
    forged = str(Cursor(known.folder, 1, 0, known.state))
    assert len(place.reading().list("INBOX", forged).ids) == 2


# --- folders


@pytest.mark.parametrize(("language", "sent"), [("de", "Gesendete Elemente"), ("ja", "送信済みアイテム")])
def test_folders_have_their_roles_in_any_language(language: str, sent: str, tmp_path: Path) -> None:
    with EwsServer() as server:
        place = EwsPlace(server, tmp_path)
        server.add_mailbox(ADDRESS, language=language)
        roles = {
            folder.role: folder.name for folder in place.reading().folders() if folder.role.value != "none"
        }
        assert (roles[FolderRole.INBOX], roles[FolderRole.SENT]) == ("INBOX", sent)
        assert roles.keys() >= {FolderRole.TRASH, FolderRole.JUNK, FolderRole.DRAFTS}


def test_a_renamed_folder_keeps_its_role(place: EwsPlace) -> None:
    place.box.rename("sentitems", "Mail of mine")
    roles = {folder.name: folder.role for folder in place.reading().folders()}
    assert roles["Mail of mine"] is FolderRole.SENT
    assert sum(role is FolderRole.SENT for role in roles.values()) == 1


def test_the_sent_record_knows_blind_copies(place: EwsPlace) -> None:
    raw = b"From: ann@harbor.example\nTo: bob@far.example\nBcc: zoe@atoll.example\nSubject: x\n"
    raw += b"Date: Mon, 2 Nov 2026 10:14:00 +0000\nMessage-ID: <1@harbor.example>\n\nx\n"
    id = place.box.deliver(raw, "sentitems", composed=True)
    (heading,) = place.reading().skim("Sent Items", (id,), notices.SENT_FIELDS)
    mail = notices.outgoing(heading)
    assert mail is not None
    assert mail.message_id == "<1@harbor.example>"
    assert set(mail.recipients) == {"bob@far.example", "zoe@atoll.example"}
    assert mail.time == datetime(2026, 11, 2, 10, 14, tzinfo=UTC)


# --- what Exchange rebuilds


def fetched(place: EwsPlace, raw: bytes, folder: str = "INBOX", **more: bool) -> Message:
    id = place.box.deliver(raw, place.name(folder), received=WHEN, **more)
    (message,) = place.reading().fetch(folder, (id,))
    return message


def test_the_header_as_received_comes_beside_what_is_rebuilt(place: EwsPlace) -> None:
    message = fetched(place, REPORT)
    assert message.rebuilt
    assert b"Auto-Submitted: auto-replied" in message.header
    assert b"Auto-Submitted" not in message.raw
    notice = notices.read(message)
    assert (notice.kind, notice.return_path, notice.sender) == (Kind.NDR, "", "MAILER-DAEMON@far.example")
    assert notice.fingerprint == notices.read(Message("INBOX", "1", REPORT)).fingerprint


def test_a_returned_original_has_its_trace_where_the_server_tells_it(
    server: EwsServer, place: EwsPlace
) -> None:
    returned = notices.read(fetched(place, REPORT)).returned
    assert returned.message_id == "<tide.1@harbor.example>"
    assert "High water at noon." in returned.text
    if server.ways is Ways.EXCHANGE:
        assert len(returned.hops) == 1
        assert returned.hops[0].peer == "mx1.harbor.example"
    else:
        assert returned.headers.get("received") is UNKNOWN
    assert returned.headers.get("dkim-signature") is UNKNOWN


def test_where_it_does_not_it_is_asked_once_and_not_for_each_notice(
    server: EwsServer, place: EwsPlace
) -> None:
    mailbox = place.reading()
    for number in range(3):
        id = place.deliver("INBOX", REPORT.replace(b"report.1", b"report.%d" % number))
        tuple(mailbox.fetch("INBOX", (id,)))
    expected = 3 if server.ways is Ways.EXCHANGE else 1
    assert server.requests(operation="GetAttachment") == expected


def test_a_notice_without_a_header_as_received_has_the_same_fingerprint_before_and_after(
    place: EwsPlace,
) -> None:
    id = place.box.deliver(REPORT, "inbox", received=WHEN, composed=True)
    mailbox = place.reading()
    (skimmed,) = mailbox.skim("INBOX", (id,), notices.SHORTLIST_FIELDS)
    assert notices.is_likely(skimmed.headers)
    (heading,) = mailbox.headings("INBOX", (id,), notices.FINGERPRINT_FIELDS)
    (message,) = mailbox.fetch("INBOX", (id,))
    assert message.header == b""
    assert notices.fingerprint(heading.headers) == notices.read(message).fingerprint


# --- check


def test_a_hold_is_reported_and_blocks_nothing(tmp_path: Path) -> None:
    """Litigation hold keeps what its owner purged."""
    with EwsServer(ways=Ways.EXCHANGE) as server:
        place = EwsPlace(server, tmp_path)
        assert place.reading().obstacles() == ()
        place.box.move(place.deliver("INBOX", mail(1)), "recoverableitemspurges")
        (obstacle,) = place.reading().obstacles()
    assert obstacle.holds
    assert not obstacle.blocks
    assert "Purges (1)" in obstacle.what
    assert f"Get-Mailbox '{ADDRESS}' | Format-List LitigationHoldEnabled" in obstacle.remedy


def test_a_retention_hold_is_reported_and_blocks_nothing(place: EwsPlace) -> None:
    place.box.set_retention(hold=False)
    assert place.reading().obstacles() == ()
    place.box.set_retention(hold=True)
    (obstacle,) = place.reading().obstacles()
    assert obstacle.holds
    assert not obstacle.blocks
    assert f"Get-Mailbox '{ADDRESS}' | Format-List RetentionHoldEnabled" in obstacle.remedy


def test_nothing_leaves_the_quarantine_of_a_mailbox_on_hold(tmp_path: Path) -> None:
    """Retention looks for holds by itself, each time."""
    with EwsServer(ways=Ways.EXCHANGE) as server:
        place = EwsPlace(server, tmp_path)
        changing = place.changing()
        assert not any(one.holds or one.blocks for one in changing.obstacles())
        place.box.move(place.deliver("INBOX", mail(1)), "recoverableitemsversions")
        assert any(one.holds for one in changing.obstacles())


@pytest.mark.parametrize("code", ["ErrorInvalidOperation", "SOAP:Server"])
def test_a_server_that_knows_no_holds_has_none(code: str, server: EwsServer, place: EwsPlace) -> None:
    """What it does not know, an open server calls a trouble of its own."""
    mailbox = place.reading()
    mailbox.folders()
    server.fault(refuses_all(code, operation="GetUserConfiguration", times=None))
    server.fault(refuses_all(code, operation="FindFolder", times=None))
    assert mailbox.obstacles() == ()


def test_a_connection_that_breaks_hides_no_hold(server: EwsServer, place: EwsPlace) -> None:
    place.box.set_retention(hold=True)
    mailbox = place.reading()
    mailbox.folders()
    server.fault(cut(operation="GetUserConfiguration"))
    (obstacle,) = mailbox.obstacles()
    assert obstacle.holds


def test_a_missing_right_is_told_with_its_command(server: EwsServer, place: EwsPlace, tmp_path: Path) -> None:
    place.make("Backscatter")
    place.box.deny("Backscatter", "create")
    (obstacle,) = place.reading().obstacles()
    assert "'Backscatter'" in obstacle.what
    assert "put messages into it" in obstacle.what
    assert f"Add-MailboxPermission -Identity '{ADDRESS}'" in obstacle.remedy


def test_a_shared_mailbox_is_opened_by_a_delegate(server: EwsServer, tmp_path: Path, place: EwsPlace) -> None:
    shared = server.add_mailbox("office@harbor.example")
    id = shared.deliver(mail(1))
    server.grant(ADDRESS, shared)
    here, settings = place._open
    mailbox = open_reading(
        here, replace(settings, address=shared.address, policy=Policy(action=ActionName.MOVE))
    )
    assert mailbox.list("INBOX").ids == (id,)
    assert place.reading().list("INBOX").ids == ()


def test_the_archive_beside_a_mailbox_is_not_looked_at(tmp_path: Path) -> None:
    """It has no address of its own; notices come into the mailbox, and what was put away there has had its time."""
    with EwsServer(ways=Ways.EXCHANGE) as server:
        place = EwsPlace(server, tmp_path)
        place.box = server.add_mailbox(ADDRESS, archive=True)
        place.box.deliver(mail(1), "archiveinbox")
        here = place.deliver("INBOX", mail(2))
        mailbox = place.reading()
        assert mailbox.list("INBOX").ids == (here,)
        names = [folder.name for folder in mailbox.folders()]
        assert names.count("INBOX") == 1
        assert [folder.role for folder in mailbox.folders()].count(FolderRole.TRASH) == 1
        with pytest.raises(FolderMissingError):
            mailbox.list("In-Place Archive/Inbox")


@pytest.mark.parametrize("name", ["Public Folders/Info", "All Public Folders"])
def test_public_folders_are_not_there(name: str, place: EwsPlace) -> None:
    assert not any(folder.name.startswith("Public") for folder in place.reading().folders())
    with pytest.raises(FolderMissingError, match="Public"):
        place.reading().list(name)


def test_a_shared_mailbox_is_opened_by_who_acts_for_it(server: EwsServer, tmp_path: Path) -> None:
    """Nobody signs in as a shared mailbox; its account is disabled."""
    shared = server.add_mailbox("office@harbor.example", password="nobody-knows")
    server.add_account("svc@harbor.example", impersonates=[shared.address])
    place = EwsPlace(server, tmp_path)
    here, settings = place._open
    acting = replace(here, access="impersonation", user="svc@harbor.example", password=settings.password)
    mailbox = open_reading(acting, replace(settings, address=shared.address))
    id = shared.deliver(mail(1))
    assert mailbox.list("INBOX").ids == (id,)
