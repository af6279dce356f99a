"""Moving over Graph while things go wrong half-way: what was moved is known, and nothing is moved twice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from cleaner.errors import (
    ChangeRefusedError,
    CleanerError,
    FolderMissingError,
    ServerUnavailableError,
    SignInRefusedError,
)
from cleaner.ports import ChangeableMailbox, Moved
from tests.connectors.places import GraphPlace, mail
from tests.servers.graph import (
    Fault,
    GraphServer,
    broken,
    cut,
    cut_after,
    cut_middle,
    meanwhile,
    refused,
    throttled,
    unavailable,
)

WHEN = datetime(2026, 11, 2, 10, 15, tzinfo=UTC)


def delivered(place: GraphPlace, count: int) -> list[str]:
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


def agree(place: GraphPlace, told: list[Moved]) -> None:
    """What was told as moved lies under its new id in the target, and nothing else does."""
    there = {item.id for item in place.box.listing("Backscatter")}
    assert {moved.new_id for moved in told if moved.new_id is not None} == there


def test_a_third_of_a_batch_is_throttled_and_all_is_moved(
    server: GraphServer, place: GraphPlace, mailbox: ChangeableMailbox
) -> None:
    ids = delivered(place, 40)
    server.fault(throttled(0, operation="move", inside=True, every=3, times=None))
    told, error = moves(mailbox, ids)
    assert error is None
    assert [moved.id for moved in told if moved.new_id is None] == []
    assert sorted(moved.id for moved in told) == sorted(ids)
    agree(place, told)
    assert server.faults.struck["http 429"] >= 13


def test_a_batch_throttled_for_longer_than_can_be_waited_ends_the_run(
    server: GraphServer, place: GraphPlace, mailbox: ChangeableMailbox
) -> None:
    """What was moved is told first; the rest stays, and when to come again is known."""
    ids = delivered(place, 21)
    server.fault(throttled(300, operation="move", inside=True, every=3, times=None))
    told, error = moves(mailbox, ids)
    assert isinstance(error, ServerUnavailableError)
    assert error.again_in == 300
    assert len(told) == 15
    agree(place, told)
    assert len(place.box.listing()) == 6


@pytest.mark.parametrize(
    "fault",
    [
        lambda: throttled(0, operation="batch", skip=1),
        lambda: unavailable(0, operation="batch", skip=1),
        lambda: unavailable(0, operation="move", inside=True, skip=4, times=5),
        lambda: broken(504, operation="move", inside=True, skip=4, times=2),
        lambda: broken(500, operation="batch", skip=1),
        lambda: cut(operation="batch", skip=2),
        lambda: cut_after(operation="batch", skip=2),
        lambda: cut_middle(operation="batch", skip=2),
        lambda: cut(operation="move", inside=True, skip=7),
        lambda: cut_after(operation="move", inside=True, skip=7),
        lambda: cut_after(operation="move", inside=False),
    ],
    ids=[
        "429 whole",
        "503 whole",
        "503 inside",
        "504 inside",
        "500 whole",
        "cut before",
        "cut after",
        "cut in the answer",
        "cut inside",
        "cut after one inside",
        "cut after the first",
    ],
)
def test_what_passes_loses_nothing_and_doubles_nothing(
    fault: Callable[[], Fault], server: GraphServer, place: GraphPlace, mailbox: ChangeableMailbox
) -> None:
    ids = delivered(place, 25)
    server.fault(fault())
    told, error = moves(mailbox, ids)
    assert error is None
    assert {moved.id for moved in told if moved.new_id is not None} == set(ids)
    assert len(told) == len(ids)
    agree(place, told)
    assert not place.box.listing()
    assert server.faults.struck


def test_an_error_of_one_takes_nothing_from_the_others(
    server: GraphServer, place: GraphPlace, mailbox: ChangeableMailbox
) -> None:
    ids = delivered(place, 21)
    server.fault(refused(400, "ErrorMoveCopyFailed", operation="move", inside=True, skip=6))
    told, error = moves(mailbox, ids)
    assert error is None
    assert [moved.id for moved in told if moved.error is not None] == [ids[7]]
    agree(place, told)


def test_a_full_mailbox_is_said_when_the_rest_is_told(
    server: GraphServer, place: GraphPlace, mailbox: ChangeableMailbox
) -> None:
    ids = delivered(place, 21)
    server.fault(refused(507, "ErrorQuotaExceeded", operation="move", inside=True, skip=9))
    told, error = moves(mailbox, ids)
    assert isinstance(error, ChangeRefusedError)
    assert "make room" in str(error)
    agree(place, told)


def test_no_right_is_met_by_one_message_and_not_by_all(place: GraphPlace, server: GraphServer) -> None:
    ids = delivered(place, 5)
    place.box.make("Backscatter")
    server.app.roles = {"Mail.Read"}
    told, error = moves(place.changing(), ids)
    assert (told, type(error)) == ([], ChangeRefusedError)
    assert "New-ManagementRoleAssignment" in str(error)
    assert server.requests(operation="move") == 1
    assert server.stepped(operation="move") == 0
    assert [item.id for item in place.box.listing()] == ids


def test_a_token_that_expires_between_two_of_a_batch(
    server: GraphServer, place: GraphPlace, mailbox: ChangeableMailbox
) -> None:
    ids = delivered(place, 21)
    server.fault(meanwhile(server.entra.expire_tokens, operation="move", inside=True, skip=5))
    told, error = moves(mailbox, ids)
    assert error is None
    assert {moved.id for moved in told if moved.new_id is not None} == set(ids)
    agree(place, told)
    assert server.requests(operation="token") == 2


@pytest.mark.parametrize("number", [7000112, 0], ids=["refused", "busy"])
def test_what_was_moved_before_a_token_ended_is_told_also_where_there_is_no_other(
    number: int, server: GraphServer, place: GraphPlace, mailbox: ChangeableMailbox
) -> None:
    def end() -> None:
        server.entra.revoke_tokens()
        server.entra.refusal = number
        if not number:
            server.fault(throttled(600, operation="token", times=None))

    ids = delivered(place, 21)
    server.fault(meanwhile(end, operation="move", inside=True, skip=5))
    told, error = moves(mailbox, ids)
    assert isinstance(error, SignInRefusedError if number else ServerUnavailableError)
    assert len(told) == 6
    agree(place, told)


def test_a_connection_that_breaks_when_the_rest_of_a_batch_is_asked_for_again(
    server: GraphServer, place: GraphPlace, mailbox: ChangeableMailbox
) -> None:
    ids = delivered(place, 21)
    server.fault(meanwhile(server.entra.expire_tokens, operation="move", inside=True, skip=5))
    server.fault(cut_after(operation="move", inside=True, skip=25))
    told, error = moves(mailbox, ids)
    assert error is None
    assert {moved.id for moved in told if moved.new_id is not None} == set(ids)
    agree(place, told)
    assert server.faults.struck["cut after"] == 1


def test_an_owner_who_moves_a_message_first_keeps_it_where_he_put_it(
    server: GraphServer, place: GraphPlace, mailbox: ChangeableMailbox
) -> None:
    """An immutable id still opens it there."""
    ids = delivered(place, 21)
    place.box.move(ids[3], "archive")
    told, error = moves(mailbox, ids)
    assert error is None
    assert [moved.id for moved in told if moved.gone] == [ids[3]]
    assert [item.id for item in place.box.listing("archive")] == [ids[3]]
    agree(place, told)


def test_an_owner_who_deletes_while_a_batch_is_under_way(
    server: GraphServer, place: GraphPlace, mailbox: ChangeableMailbox
) -> None:
    ids = delivered(place, 21)
    server.fault(meanwhile(lambda: place.box.delete(ids[9]), operation="move", inside=True, skip=2))
    told, error = moves(mailbox, ids)
    assert error is None
    assert [moved.id for moved in told if moved.gone] == [ids[9]]
    agree(place, told)


def test_a_target_that_goes_meanwhile(
    server: GraphServer, place: GraphPlace, mailbox: ChangeableMailbox
) -> None:
    """Graph has one word for a message and for a folder that are not there."""
    ids = delivered(place, 3)
    server.fault(meanwhile(lambda: place.box.drop("Backscatter"), operation="move"))
    told, error = moves(mailbox, ids)
    assert (told, type(error)) == ([], FolderMissingError)
    assert [item.id for item in place.box.listing()] == ids


def test_a_mailbox_that_is_being_moved_is_left_for_later(
    server: GraphServer, place: GraphPlace, mailbox: ChangeableMailbox
) -> None:
    ids = delivered(place, 3)
    server.fault(refused(503, "ErrorMailboxMoveInProgress", operation="move", times=None))
    told, error = moves(mailbox, ids)
    assert (told, type(error).__mro__[1]) == ([], ServerUnavailableError)
    assert server.requests(operation="move") == 1
