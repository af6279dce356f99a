"""Moving over EWS while things go wrong half-way: what was moved is known, and nothing is moved twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cleaner.errors import (
    AskPersonError,
    ChangeRefusedError,
    CleanerError,
    FolderMissingError,
    ServerUnavailableError,
)
from cleaner.ports import ChangeableMailbox, Moved
from tests.connectors.places import EwsPlace, mail
from tests.servers.ews import EwsServer, Fault, Ways, busy, cut, cut_after, item_fails, meanwhile, refuses

WHEN = datetime(2026, 11, 2, 10, 15, tzinfo=UTC)


@pytest.fixture(params=list(Ways), ids=lambda ways: ways.name.lower())
def server(request: pytest.FixtureRequest) -> Iterator[EwsServer]:
    with EwsServer(ways=request.param) as server:
        yield server


@pytest.fixture
def place(server: EwsServer, tmp_path: Path) -> EwsPlace:
    return EwsPlace(server, tmp_path)


@pytest.fixture
def mailbox(place: EwsPlace) -> Iterator[ChangeableMailbox]:
    opened = place.changing()
    opened.create("Backscatter")
    yield opened
    opened.close()


def delivered(place: EwsPlace, count: int) -> list[str]:
    return [place.deliver("INBOX", mail(number), WHEN) for number in range(count)]


def moves(mailbox: ChangeableMailbox, ids: list[str]) -> tuple[list[Moved], CleanerError | None]:
    """What was told, and what was raised after it."""
    told: list[Moved] = []
    try:
        for moved in mailbox.move("INBOX", ids, "Backscatter"):
            told.append(moved)  # noqa: PERF402 - what came before an error counts
    except CleanerError as error:
        return told, error
    return told, None


def agree(place: EwsPlace, told: list[Moved]) -> None:
    """What was told as moved lies under its new id in the target, and nothing else does."""
    there = {item.id for item in place.box.listing("Backscatter")}
    assert {moved.new_id for moved in told if moved.new_id is not None} == there


def test_a_quarantine_is_a_folder_that_outlook_shows(place: EwsPlace, mailbox: ChangeableMailbox) -> None:
    assert place.box.folder("Backscatter").folder_class == "IPF.Note"


@pytest.mark.parametrize("at", [0, 7, 19])
def test_an_error_in_a_bulk_move_loses_no_new_id(
    at: int, server: EwsServer, place: EwsPlace, mailbox: ChangeableMailbox
) -> None:
    """exchangelib raises this one for the whole request; some servers do nothing after it, others go on."""
    ids = delivered(place, 21)
    server.fault(item_fails(at, "ErrorAccessDenied", operation="MoveItem", skip=1))
    told, error = moves(mailbox, ids)
    assert error is None
    assert [moved.id for moved in told if moved.error is not None] == [ids[1 + at]]
    assert sum(moved.new_id is not None for moved in told) == 20
    assert {moved.id for moved in told} == set(ids)
    agree(place, told)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("ErrorMailboxMoveInProgress", ServerUnavailableError),
        ("ErrorQuotaExceeded", ChangeRefusedError),
    ],
)
def test_what_ends_the_work_is_raised_when_the_rest_is_told(
    code: str, kind: type[CleanerError], server: EwsServer, place: EwsPlace, mailbox: ChangeableMailbox
) -> None:
    ids = delivered(place, 21)
    server.fault(item_fails(9, code, operation="MoveItem", skip=1))
    told, error = moves(mailbox, ids)
    assert isinstance(error, kind)
    assert len(told) >= 10
    agree(place, told)


@pytest.mark.parametrize("at", [0, 1, 10])
def test_a_message_that_cannot_be_moved_stops_no_run(
    at: int, server: EwsServer, place: EwsPlace, mailbox: ChangeableMailbox
) -> None:
    """The server says of it what it says when it is in trouble itself; every run would begin with it."""
    ids = delivered(place, 21)
    skip, within = (0, 0) if at == 0 else (1, at - 1)
    server.fault(item_fails(within, "ErrorInternalServerError", operation="MoveItem", skip=skip))
    told, error = moves(mailbox, ids)
    assert error is None
    assert [moved.id for moved in told if moved.error is not None] == [ids[at]]
    assert sum(moved.new_id is not None for moved in told) == 20
    agree(place, told)


def test_a_server_in_trouble_ends_the_run(
    server: EwsServer, place: EwsPlace, mailbox: ChangeableMailbox
) -> None:
    ids = delivered(place, 21)
    server.fault(refuses("ErrorInternalServerError", operation="MoveItem", times=None))
    told, error = moves(mailbox, ids)
    assert isinstance(error, ServerUnavailableError)
    assert [moved.id for moved in told if moved.error is not None] == ids[:1]
    agree(place, told)


def test_a_server_that_gets_busy_half_way(
    server: EwsServer, place: EwsPlace, mailbox: ChangeableMailbox
) -> None:
    ids = delivered(place, 21)
    server.fault(item_fails(5, "ErrorServerBusy", operation="MoveItem", skip=1))
    server.fault(busy(back_off=10, operation="MoveItem", skip=2))
    told, error = moves(mailbox, ids)
    assert (error, len(told)) == (None, 21)
    assert all(moved.new_id is not None for moved in told)
    agree(place, told)


def test_no_right_is_met_by_one_message_and_not_by_all(place: EwsPlace, mailbox: ChangeableMailbox) -> None:
    ids = delivered(place, 5)
    place.box.deny("inbox", "delete")
    told, error = moves(mailbox, ids)
    assert isinstance(error, ChangeRefusedError)
    assert "Add-MailboxPermission" in str(error)
    assert told == []
    assert place.box.listing("Backscatter") == ()


def test_a_connection_that_breaks_before_anything_was_moved(
    server: EwsServer, place: EwsPlace, mailbox: ChangeableMailbox
) -> None:
    ids = delivered(place, 5)
    server.fault(cut(operation="MoveItem", skip=1))
    told, error = moves(mailbox, ids)
    assert (error, len(told)) == (None, 5)
    agree(place, told)


def test_one_that_breaks_after_all_was_moved_ends_the_run(
    server: EwsServer, place: EwsPlace, mailbox: ChangeableMailbox
) -> None:
    """The next run finds them by their fingerprints; here nobody knows the new ids."""
    ids = delivered(place, 5)
    server.fault(cut_after(operation="MoveItem", skip=1))
    told, error = moves(mailbox, ids)
    assert isinstance(error, ServerUnavailableError)
    assert [moved.id for moved in told] == ids[:1]
    assert len(place.box.listing("Backscatter")) == 5
    assert len(mailbox.find("Backscatter", "<4@far.example>")) == 1


def test_a_target_that_is_deleted_meanwhile(
    server: EwsServer, place: EwsPlace, mailbox: ChangeableMailbox
) -> None:
    ids = delivered(place, 3)
    server.fault(meanwhile(lambda: place.drop("Backscatter"), operation="MoveItem"))
    told, error = moves(mailbox, ids)
    assert isinstance(error, FolderMissingError)
    assert told == []
    assert len(place.box.listing()) == 3


def test_ids_of_another_system_are_of_messages_that_are_gone(mailbox: ChangeableMailbox) -> None:
    for id in ("1712", "AAMkAGI=", "<>&'\"", "é"):
        (moved,) = mailbox.move("INBOX", (id,), "Backscatter")
        assert moved.gone
        assert mailbox.present("INBOX", (id,)) == frozenset()
        assert tuple(mailbox.headings("INBOX", (id,))) == ()


def test_an_id_counts_in_its_own_folder_alone(place: EwsPlace, mailbox: ChangeableMailbox) -> None:
    """An id is one in the whole mailbox: undo must not take a message in the quarantine for one in the inbox."""
    (id,) = delivered(place, 1)
    (moved,) = mailbox.move("INBOX", (id,), "Backscatter")
    new = moved.new_id or ""
    for look in (mailbox.headings, mailbox.fetch):
        assert tuple(look("INBOX", (new,))) == ()
        assert len(tuple(look("Backscatter", (new,)))) == 1
    assert mailbox.present("INBOX", (new,)) == frozenset()


@pytest.mark.parametrize(
    "fault", [lambda: busy(back_off=900_000), lambda: refuses("ErrorMailboxMoveInProgress")]
)
def test_nothing_is_slept_away(
    fault: Callable[[], Fault], server: EwsServer, place: EwsPlace, mailbox: ChangeableMailbox
) -> None:
    ids = delivered(place, 2)
    server.fault(fault())
    told, error = moves(mailbox, ids)
    assert isinstance(error, ServerUnavailableError)
    assert told == []


def test_a_folder_that_differs_in_case_only_is_said(place: EwsPlace, mailbox: ChangeableMailbox) -> None:
    mailbox.create("Backscatter/Review")
    assert "Backscatter/Review" in {folder.name for folder in mailbox.folders()}
    place.box.deny("msgfolderroot", "hierarchy")
    with pytest.raises((ChangeRefusedError, AskPersonError)):
        mailbox.create("Other")
