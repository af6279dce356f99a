"""Whether anything came, told from outside: for the price of two requests, whatever the mailbox holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cleaner.connectors import pulse
from cleaner.errors import AskPersonError, ServerUnavailableError, SignInRefusedError
from tests.connectors.places import ADDRESS, EwsPlace, mail
from tests.servers.ews import EwsServer, Ways, busy, refuses

WHEN = datetime(2026, 11, 2, 10, 15, tzinfo=UTC)


@pytest.fixture(params=list(Ways), ids=lambda ways: ways.name.lower())
def server(request: pytest.FixtureRequest) -> Iterator[EwsServer]:
    with EwsServer(ways=request.param) as server:
        yield server


@pytest.fixture
def place(server: EwsServer, tmp_path: Path) -> EwsPlace:
    return EwsPlace(server, tmp_path)


def watching(place: EwsPlace, *folders: str) -> str | None:
    server, mailbox = place._open
    return pulse(server, replace(mailbox, policy=replace(mailbox.policy, folders=folders)))


def test_it_beats_when_mail_comes_and_not_otherwise(server: EwsServer, place: EwsPlace) -> None:
    """Two requests, with one message as with many."""
    empty = watching(place, "INBOX")
    assert empty is not None
    assert watching(place, "INBOX") == empty
    place.deliver("INBOX", mail(1), WHEN)
    one = watching(place, "INBOX")
    assert one != empty
    for number in range(2, 600):
        place.deliver("INBOX", mail(number), WHEN + timedelta(minutes=number))
    many = watching(place, "INBOX")
    assert many != one
    place.deliver("Drafts", mail(601))
    server.counts.clear()
    assert watching(place, "INBOX") == many
    assert server.counts == {(ADDRESS, "GetFolder"): 1, (ADDRESS, "FindItem"): 1}


def test_new_mail_shows_where_other_mail_went(place: EwsPlace) -> None:
    """As many messages as before."""
    id = place.deliver("INBOX", mail(1), WHEN)
    before = watching(place, "INBOX")
    place.delete("INBOX", id)
    place.deliver("INBOX", mail(2), WHEN + timedelta(minutes=1))
    assert watching(place, "INBOX") != before


def test_on_exchange_old_mail_that_is_put_in_shows_too(server: EwsServer, place: EwsPlace) -> None:
    """The other server tells no more than the number and the newest, which are as before."""
    place.deliver("INBOX", mail(1), WHEN)
    old = place.deliver("INBOX", mail(2), WHEN - timedelta(days=9))
    before = watching(place, "INBOX")
    place.delete("INBOX", old)
    place.box.move(place.deliver("Drafts", mail(3), WHEN - timedelta(days=8)), "inbox")
    assert (watching(place, "INBOX") != before) == (server.ways is Ways.EXCHANGE)


def test_every_watched_folder_counts(server: EwsServer, place: EwsPlace) -> None:
    place.make("Inbox/Club")
    before = watching(place, "INBOX", "INBOX/Club")
    server.counts.clear()
    assert watching(place, "INBOX", "INBOX/Club") == before
    assert sum(server.counts.values()) <= 4
    place.box.deliver(mail(1), "Inbox/Club")
    assert watching(place, "INBOX", "INBOX/Club") != before


def test_a_folder_that_comes_or_goes_shows(place: EwsPlace) -> None:
    without = watching(place, "INBOX", "Club")
    assert without is not None
    place.make("Club")
    assert watching(place, "INBOX", "Club") != without
    place.drop("Club")
    assert watching(place, "INBOX", "Club") == without


def test_what_stands_in_the_way_is_told_as_ever(server: EwsServer, place: EwsPlace) -> None:
    server.fault(busy(back_off=900_000, operation="GetFolder"))
    with pytest.raises(ServerUnavailableError, match="900 s"):
        watching(place, "INBOX")


@pytest.mark.parametrize("operation", ["GetFolder", "FindItem"])
def test_a_mailbox_without_rights(server: EwsServer, place: EwsPlace, operation: str) -> None:
    server.fault(refuses("ErrorAccessDenied", operation=operation))
    with pytest.raises(AskPersonError, match="ErrorAccessDenied"):
        watching(place, "INBOX")


def test_a_wrong_password(place: EwsPlace, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("wrong")
    with pytest.raises(SignInRefusedError):
        watching(place, "INBOX")
