"""What real mailboxes hold and real servers say now and then: none of it stops a run, or is taken for something else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cleaner import notices
from cleaner.config import MailboxSettings, Secret, Server
from cleaner.connectors import open_reading
from cleaner.connectors.ews import reading as reading_module
from cleaner.connectors.exchange.item import time_of
from cleaner.errors import ServerUnavailableError, SignInRefusedError, UnreadableMessageError
from cleaner.ports import Mailbox
from cleaner.values import Kind, Message, Policy
from tests.connectors.ews.answering import Given, answered, answering, message
from tests.connectors.ews.test_reading import ORIGINAL, REPORT, all_of
from tests.connectors.ews.test_wire import FOLDERS
from tests.connectors.places import ADDRESS, EwsPlace, mail
from tests.servers.ews import EXCHANGE_2010, EwsServer, Version, Ways, http, item_fails, refuses

WHEN = datetime(2026, 11, 2, 10, 15, tzinfo=UTC)

EXCHANGES = {
    "2010 SP2": Version(14, 2, 247, 5, "Exchange2010_SP2", newest="Exchange2010_SP2"),
    "2010 SP3": EXCHANGE_2010,
    "2013": Version(15, 0, 1497, 48, "V2_23", newest="Exchange2013_SP1"),
    "2016": Version(15, 1, 2507, 39, "V2017_07_11"),
    "2019": Version(15, 2, 1544, 4, "V2017_07_11"),
    "SE": Version(15, 2, 2562, 17, "V2018_01_08"),
}


@pytest.fixture(params=list(Ways), ids=lambda ways: ways.name.lower())
def server(request: pytest.FixtureRequest) -> Iterator[EwsServer]:
    with EwsServer(ways=request.param) as server:
        yield server


@pytest.fixture
def place(server: EwsServer, tmp_path: Path) -> EwsPlace:
    return EwsPlace(server, tmp_path)


def read(mailbox: Mailbox, ids: list[str]) -> tuple[list[Message], UnreadableMessageError | None]:
    found: list[Message] = []
    try:
        for one in mailbox.fetch("INBOX", ids):
            found.append(one)  # noqa: PERF402 - what came before an error counts
    except UnreadableMessageError as error:
        return found, error
    return found, None


# --- messages that cannot be had


@pytest.mark.parametrize(
    "code",
    [
        "ErrorMimeContentConversionFailed",
        "ErrorContentConversionFailed",
        "ErrorItemCorrupt",
        "ErrorInternalServerError",
        "ErrorMessageSizeExceeded",
        "ErrorAccessDenied",
        "ErrorUnheardOf",
    ],
)
@pytest.mark.parametrize("count", [1, 5])
def test_one_that_the_server_cannot_write_down_takes_no_others_with_it(
    code: str, count: int, server: EwsServer, place: EwsPlace
) -> None:
    """Neither among others nor alone; the others are had in a few requests."""
    ids = [place.deliver("INBOX", mail(number)) for number in range(count)]
    mailbox = place.reading()
    mailbox.folders()
    server.fault(item_fails(count // 2, code, operation="GetItem"))
    if code == "ErrorInternalServerError":
        # The second answer to the same question; what is asked in between is whether it is there.
        server.fault(item_fails(0, code, operation="GetItem", skip=1))
    server.counts.clear()
    found, error = read(mailbox, ids)
    assert error is not None
    assert error.id == ids[count // 2]
    assert [one.id for one in found] == [id for id in ids if id != error.id]
    assert server.requests(operation="GetItem") <= 5


def test_a_hiccup_over_one_message_is_asked_over_again(server: EwsServer, place: EwsPlace) -> None:
    ids = [place.deliver("INBOX", mail(number)) for number in range(3)]
    mailbox = place.reading()
    mailbox.folders()
    server.fault(item_fails(1, "ErrorInternalServerError", operation="GetItem", stops=False))
    found, error = read(mailbox, ids)
    assert (error, [one.id for one in found]) == (None, ids)


def test_a_server_in_trouble_is_one(server: EwsServer, place: EwsPlace) -> None:
    """And no folder full of unreadable messages."""
    ids = [place.deliver("INBOX", mail(number)) for number in range(3)]
    mailbox = place.reading()
    mailbox.folders()
    server.fault(refuses("ErrorInternalServerError", operation="GetItem", times=None))
    for asked in (ids, ids[:1]):
        with pytest.raises(ServerUnavailableError):
            read(mailbox, asked)


def test_one_refusal_does_not_make_single_steps_of_the_rest(server: EwsServer, place: EwsPlace) -> None:
    """Exchange does nothing after a message that it may not show."""
    ids = [place.deliver("INBOX", mail(number)) for number in range(60)]
    mailbox = place.reading()
    mailbox.folders()
    server.fault(item_fails(0, "ErrorAccessDenied", operation="GetItem"))
    server.counts.clear()
    headings = list(mailbox.headings("INBOX", ids, ("subject",)))
    assert [heading.id for heading in headings] == ids
    assert [bool(heading.unreadable) for heading in headings] == [True] + [False] * 59
    assert server.requests(operation="GetItem") <= 3


def test_an_attachment_that_cannot_be_had_leaves_its_notice(server: EwsServer, place: EwsPlace) -> None:
    id = place.deliver("INBOX", REPORT)
    mailbox = place.reading()
    server.fault(refuses("ErrorInternalServerError", operation="GetAttachment", times=None))
    (found,) = mailbox.fetch("INBOX", (id,))
    notice = notices.read(found)
    assert notice.kind is Kind.NDR
    assert notice.returned.message_id == "<tide.1@harbor.example>"


def test_one_that_is_too_large_is_left_where_it_is(place: EwsPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Known from the list, or from its heading where somebody else made the list."""
    monkeypatch.setattr(reading_module, "LARGEST", 4_000)
    monkeypatch.setattr(reading_module, "MAX_GROUP", 1_000)
    small, large = place.deliver("INBOX", mail(1)), place.deliver("INBOX", mail(2) + b"x" * 5_000)
    listed, known = place.reading(), place.reading()
    listed.list("INBOX")
    list(known.headings("INBOX", (small, large), ("subject",)))
    for mailbox in (listed, known):
        found, error = read(mailbox, [small, large])
        assert error is not None
        assert (error.id, [one.id for one in found]) == (large, [small])


# --- what is no mail


TYPES = (
    "MeetingRequest",
    "MeetingCancellation",
    "CalendarItem",
    "Contact",
    "DistributionList",
    "Task",
    "Item",
    "PostItem",
)


def synced(*changes: str) -> bytes:
    inside = (
        "<m:SyncState>H4sIAAAA</m:SyncState><m:IncludesLastItemInRange>true</m:IncludesLastItemInRange>"
        f"<m:Changes>{''.join(changes)}</m:Changes>"
    )
    return answered("SyncFolderItems", message("SyncFolderItems", inside))


def item(id: str, inside: str = "", tag: str = "Message") -> str:
    return f'<t:{tag}><t:ItemId Id="{id}" ChangeKey="c"/>{inside}</t:{tag}>'


def had(*items: str) -> bytes:
    return answered("GetItem", *(message("GetItem", f"<m:Items>{one}</m:Items>") for one in items))


def opened(endpoint: str, base: Path) -> Mailbox:
    (base / "password").write_text("geheim-77")
    here = Server("exchange", "ews", endpoint=endpoint, tls="none", auth="basic", access="delegate")
    settings = MailboxSettings(
        ADDRESS, "exchange", "harbor", Policy(), user=ADDRESS, password=Secret("file:password", base)
    )
    return open_reading(here, settings)


def test_appointments_and_contacts_in_the_inbox_are_no_notices(tmp_path: Path) -> None:
    """They have no header as received, some have no MIME, and each is told as an element of its own."""
    ids = [f"id{number}" for number in range(len(TYPES))]
    face = "<t:ItemClass>IPM.Appointment</t:ItemClass><t:Subject>Tide tables</t:Subject>"
    told = [item(id, face, tag) for id, tag in zip(ids, TYPES, strict=True)]
    listed = synced(*(f"<t:Create>{one}</t:Create>" for one in told))
    with answering([*FOLDERS, Given(listed), Given(had(*told))]) as server:
        mailbox = opened(server.endpoint, tmp_path)
        assert sorted(mailbox.list("INBOX").ids) == ids
        headings = list(mailbox.skim("INBOX", ids, notices.SHORTLIST_FIELDS))
        assert [heading.id for heading in headings] == ids
        assert not any(notices.is_likely(heading.headers) for heading in headings)
        found, error = read(mailbox, ids[:1])
        assert (found, error is not None) == ([], True)


# --- times and characters


@pytest.mark.parametrize(
    "text",
    [
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "10000-01-01T00:00:00Z",
        "-0044-03-15T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "yesterday",
        "",
    ],
)
def test_a_time_out_of_range_is_none(text: str) -> None:
    assert time_of(text) is None


@pytest.mark.parametrize(
    ("text", "year"),
    [("1601-01-01T00:00:00Z", 1601), ("4501-01-01T00:00:00Z", 4501), ("0001-01-01T00:00:00Z", 1)],
)
def test_a_time_that_stands_for_none_is_a_time(text: str, year: int) -> None:
    """What Exchange writes where there is none; nothing that came then is new or old for it."""
    found = time_of(text)
    assert found is not None
    assert found.year == year


@pytest.mark.parametrize(
    "odd",
    [
        b"&#x1F;",
        b"&#x0;",
        b"&#xFFFF;",
        b"&#xD83D;",
        b"&#55357;",
        b"&#xD83D;&#xDE00;",
        b"&#99999999;",
        b"\x00",
        b"\x0b",
        b"\xed\xa0\xbd",
        b"\xff\xfe",
        b"\xef\xbf\xbf",
        b"a & b",
    ],
)
def test_a_character_that_xml_does_not_allow_takes_nothing_with_it(odd: bytes, tmp_path: Path) -> None:
    """Neither the rest of its own field, nor the messages after it, nor their letters."""
    marked = item("a", "<t:Subject>Tide@@ tables</t:Subject><t:ItemClass>IPM.Note</t:ItemClass>")
    plain = item("b", "<t:Subject>Gezeiten für Köln</t:Subject>")
    body = had(marked, plain, item("c")).replace(b"@@", odd)
    with answering([*FOLDERS, Given(body)]) as server:
        mailbox = opened(server.endpoint, tmp_path)
        first, second, third = mailbox.skim("INBOX", ("a", "b", "c"), ("subject",))
    subject = first.headers.text("subject")
    assert subject.startswith("Tide")
    assert subject.endswith("tables")
    assert second.headers.text("subject") == "Gezeiten für Köln"
    assert third.id == "c"


def test_two_halves_are_a_character(tmp_path: Path) -> None:
    body = had(item("a", "<t:Subject>&#xd83d;&#xDE00;</t:Subject>"))
    with answering([*FOLDERS, Given(body)]) as server:
        (heading,) = opened(server.endpoint, tmp_path).skim("INBOX", ("a",), ("subject",))
    assert heading.headers.text("subject") == "\U0001f600"


def test_a_name_with_half_a_character_is_looked_for_without_it(place: EwsPlace) -> None:
    mailbox = place.changing()
    mailbox.create("Backscatter")
    assert mailbox.find("Backscatter", "<half\ud83d@far.example>") == ()
    assert mailbox.present("Backscatter", ("half\ud83d", "\x00")) == frozenset()


# --- signing in, versions


def test_a_server_that_forgot_who_signed_in_is_told_once_more(server: EwsServer, place: EwsPlace) -> None:
    """After an idle hour, or a load balancer's choice of another server."""
    mailbox = place.reading()
    mailbox.folders()
    place.deliver("INBOX", mail(1))
    server.fault(http(401, operation="SyncFolderItems"))
    assert len(mailbox.list("INBOX").ids) == 1
    server.fault(http(401, operation="SyncFolderItems", times=None))
    with pytest.raises(SignInRefusedError):
        mailbox.list("INBOX")


@pytest.mark.parametrize("version", EXCHANGES.values(), ids=list(EXCHANGES))
def test_every_exchange_is_spoken_to_in_its_own_words(version: Version, tmp_path: Path) -> None:
    with EwsServer(ways=Ways.EXCHANGE, version=version) as server:
        place = EwsPlace(server, tmp_path)
        id = place.deliver("INBOX", REPORT, WHEN)
        mailbox = place.changing()
        assert all_of(mailbox)[0] == [id]
        (found,) = mailbox.fetch("INBOX", (id,))
        assert ORIGINAL.splitlines()[0] in notices.read(found).returned.raw
        mailbox.create("Backscatter")
        (moved,) = mailbox.move("INBOX", (id,), "Backscatter")
        assert moved.new_id is not None
        assert mailbox.set_flags("Backscatter", moved.new_id, ("\\Flagged",)) == moved.new_id
        assert mailbox.obstacles() == ()


def test_mailboxes_on_old_and_new_servers_behind_one_endpoint(tmp_path: Path) -> None:
    """While an organisation moves from one to the other: what the last one spoke, the next may not know."""
    with EwsServer(ways=Ways.EXCHANGE, version=EXCHANGES["SE"]) as server:
        place = EwsPlace(server, tmp_path)
        place.deliver("INBOX", mail(1))
        assert len(place.reading().list("INBOX").ids) == 1
        server.version = EXCHANGES["2010 SP3"]
        assert len(place.reading().list("INBOX").ids) == 1
        server.version = EXCHANGES["2016"]
        assert len(place.reading().list("INBOX").ids) == 1


def test_a_list_of_a_folder_with_many_dates_alike_misses_none(place: EwsPlace) -> None:
    ids = {
        place.deliver("INBOX", mail(number), WHEN + timedelta(seconds=number // 10)) for number in range(40)
    }
    assert set(all_of(place.reading())[0]) == ids


def test_the_mailbox_of_another_case(server: EwsServer, place: EwsPlace) -> None:
    """Addresses are the same in any case."""
    place.deliver("INBOX", mail(1))
    here, settings = place._open
    mailbox = open_reading(here, replace(settings, address=ADDRESS.upper()))
    assert len(mailbox.list("INBOX").ids) == 1
