"""Reading over Graph: links that expire, messages that come back, more of them than a page, and faults between."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from cleaner.errors import FolderMissingError, ServerUnavailableError
from cleaner.notices import SENT_FIELDS
from cleaner.ports import ChangeableMailbox, Mailbox
from tests.connectors.places import GraphPlace, mail
from tests.servers.graph import (
    Fault,
    GraphServer,
    broken,
    cut,
    cut_middle,
    meanwhile,
    throttled,
    unavailable,
)

WHEN = datetime(2026, 11, 2, 10, 15, tzinfo=UTC)


@pytest.fixture
def reading(place: GraphPlace) -> Mailbox:
    return place.reading()


def delivered(place: GraphPlace, count: int) -> list[str]:
    return [place.deliver("INBOX", mail(number), WHEN + timedelta(minutes=number)) for number in range(count)]


def listed(mailbox: Mailbox, cursor: str | None = None, folder: str = "INBOX") -> tuple[list[str], str]:
    """All that is new, over as many pages as there are."""
    found: list[str] = []
    while True:
        listing = mailbox.list(folder, cursor)
        found += listing.ids
        cursor = listing.cursor
        assert cursor is not None
        if not listing.left:
            return found, cursor


def test_more_than_five_thousand_are_all_listed(place: GraphPlace, reading: Mailbox) -> None:
    """A filter in a delta query would stop at 5,000."""
    ids = delivered(place, 5_200)
    found, _ = listed(reading)
    assert sorted(found) == sorted(ids)


def test_an_expired_link_lists_all_anew(place: GraphPlace, reading: Mailbox) -> None:
    ids = delivered(place, 3)
    found, cursor = listed(reading)
    place.box.expire_deltas()
    new = place.deliver("INBOX", mail(7), WHEN)
    again, cursor = listed(reading, cursor)
    assert (sorted(found), sorted(again)) == (sorted(ids), sorted([*ids, new]))
    assert listed(reading, cursor)[0] == []


def test_a_link_that_expires_between_two_pages(place: GraphPlace, reading: Mailbox) -> None:
    ids = delivered(place, 1_200)
    first = reading.list("INBOX")
    assert first.left > 0
    place.box.expire_deltas()
    found, _ = listed(reading, first.cursor)
    assert set(found) == set(ids)


def test_what_was_taken_away_and_put_back_is_told(place: GraphPlace, mailbox: ChangeableMailbox) -> None:
    """
    With immutable ids a round of changes tells its removal alone (microsoft-graph-docs issue 21752): it is found by
    the number of messages that a watched folder holds.
    """
    ids = delivered(place, 3)
    _, cursor = listed(mailbox)
    (moved,) = mailbox.move("INBOX", ids[:1], "Backscatter")
    _, cursor = listed(mailbox, cursor)
    assert moved.new_id is not None
    tuple(mailbox.move("Backscatter", [moved.new_id], "INBOX"))
    found, _ = listed(place.reading(), cursor)
    assert found == ids[:1]


def test_a_read_mark_is_nothing_new(place: GraphPlace, reading: Mailbox) -> None:
    ids = delivered(place, 3)
    _, cursor = listed(reading)
    for id in ids:
        place.mark_read("INBOX", id)
    assert listed(reading, cursor)[0] == []


# --- where no round of changes is to be had


def test_a_full_mailbox_is_read_all_the_same_and_goes_on_where_it_was(
    server: GraphServer, place: GraphPlace, reading: Mailbox
) -> None:
    """Exchange keeps something for each round of changes, for which there is no room then."""
    ids = delivered(place, 3)
    _, cursor = listed(reading)
    place.box.set_quota(1)
    new = place.deliver("INBOX", mail(7), WHEN)
    place.delete("INBOX", ids[0])
    found, cursor = listed(place.reading(), cursor)
    assert found == [new]
    assert listed(place.reading(), cursor)[0] == []
    place.box.set_quota(None)
    last = place.deliver("INBOX", mail(8), WHEN)
    found, cursor = listed(place.reading(), cursor)
    assert set(found) == {new, last}
    assert listed(place.reading(), cursor)[0] == []
    assert server.requests(operation="list") == 2


def test_a_full_mailbox_that_was_never_seen_is_listed_as_it_is(place: GraphPlace) -> None:
    place.box.set_quota(1)
    place.box.make("Inbox/Old/Older")
    ids = delivered(place, 600)
    reading = place.reading()
    assert "INBOX/Old/Older" in {folder.name for folder in reading.folders()}
    found, cursor = listed(reading)
    assert sorted(found) == sorted(ids)
    new = place.deliver("INBOX", mail(700), WHEN - timedelta(days=900))
    assert listed(place.reading(), cursor)[0] == [new]
    place.box.set_quota(None)
    again, cursor = listed(place.reading(), cursor)
    assert set(again) == {*ids, new}
    assert listed(place.reading(), cursor)[0] == []


def test_a_folder_that_is_not_there_is_missing_there_too(
    server: GraphServer, place: GraphPlace, reading: Mailbox
) -> None:
    server.has_delta = False
    place.box.make("Old")
    reading.folders()
    place.box.drop("Old")
    with pytest.raises(FolderMissingError):
        reading.list("Old")


@pytest.mark.parametrize(
    "fault",
    [
        lambda: throttled(0, times=2),
        lambda: unavailable(0, every=3, times=None),
        lambda: throttled(0, operation="message", inside=True, every=3, times=None),
        lambda: throttled(0, operation="value", inside=True, every=3, times=None),
        lambda: broken(502, operation="delta"),
        lambda: broken(500, operation="batch", skip=1),
        lambda: cut(operation="delta"),
        lambda: cut_middle(operation="delta"),
        lambda: cut_middle(operation="batch", skip=1),
    ],
    ids=["429", "503 again", "of messages", "of MIME", "502", "500", "cut", "cut answer", "cut batch"],
)
def test_faults_between_lose_nothing(
    fault: Callable[[], Fault], server: GraphServer, place: GraphPlace, reading: Mailbox
) -> None:
    ids = delivered(place, 30)
    server.fault(fault())
    found, _ = listed(reading)
    assert found == ids
    assert [heading.id for heading in reading.headings("INBOX", ids)] == ids
    assert [message.id for message in reading.fetch("INBOX", ids)] == ids
    assert server.faults.struck


def test_a_long_pause_is_not_waited_for(server: GraphServer, place: GraphPlace, reading: Mailbox) -> None:
    delivered(place, 3)
    server.fault(throttled(120, operation="delta"))
    with pytest.raises(ServerUnavailableError, match="120 s") as raised:
        reading.list("INBOX")
    assert raised.value.again_in == 120
    asked = server.requests()
    with pytest.raises(ServerUnavailableError):
        place.reading().list("INBOX")
    assert server.requests() == asked


def test_a_token_that_expires_between_two_pages(
    server: GraphServer, place: GraphPlace, reading: Mailbox
) -> None:
    ids = delivered(place, 1_200)
    server.fault(meanwhile(server.entra.expire_tokens, operation="delta", skip=1))
    found, _ = listed(reading)
    assert set(found) == set(ids)
    assert server.requests(operation="token") == 2


def test_no_more_than_four_are_asked_for_at_once(
    server: GraphServer, place: GraphPlace, reading: Mailbox
) -> None:
    ids = delivered(place, 60)
    assert len(list(reading.fetch("INBOX", ids))) == 60
    assert server.most_at_once["ann@harbor.example"] == 4
    assert not server.faults.struck


def test_of_a_sent_mail_the_blind_copies_are_known(place: GraphPlace, reading: Mailbox) -> None:
    raw = mail(1).replace(b"To:", b"Bcc: hidden@far.example\r\nTo:")
    id = place.box.deliver(raw, "sentitems", composed=True)
    (heading,) = reading.skim("Sent Items", (id,), SENT_FIELDS)
    assert "hidden@far.example" in heading.headers.text("bcc")
