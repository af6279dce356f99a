"""Changing over Graph: every message's fate is told, whatever happens on the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from cleaner.connectors.graph.changing import ChangingGraph
from cleaner.errors import (
    ChangeRefusedError,
    FolderMissingError,
    MessageGoneError,
    RetryLaterError,
    ServerUnavailableError,
    SignInRefusedError,
)
from cleaner.ports import Moved
from tests.connectors.graph.account import Account, account_on
from tests.connectors.places import mail
from tests.servers.certificates import Authority
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

COUNT = 30


@pytest.fixture
def account(server: GraphServer, authority: Authority, tmp_path: Path) -> Account:
    return account_on(server, authority.ca_file, tmp_path)


@pytest.fixture
def ids(account: Account) -> tuple[str, ...]:
    account.box.make("Backscatter")
    return tuple(account.box.deliver(mail(number)) for number in range(COUNT))


def moved_until_trouble(mailbox: ChangingGraph, ids: tuple[str, ...]) -> tuple[list[Moved], Exception | None]:
    found: list[Moved] = []
    try:
        for moved in mailbox.move("INBOX", ids, "Backscatter"):
            found.append(moved)  # noqa: PERF402 - what came before the trouble is wanted
    except (RetryLaterError, ChangeRefusedError, FolderMissingError, SignInRefusedError) as error:
        return found, error
    return found, None


def there(account: Account, folder: str) -> set[str]:
    return {stored.id for stored in account.box.listing(folder)}


def test_a_batch_with_a_third_of_its_answers_throttled(account: Account, ids: tuple[str, ...]) -> None:
    account.graph.fault(throttled(0, operation="move", inside=True, every=3, times=20))
    with account.changing() as mailbox:
        moved = tuple(mailbox.move("INBOX", ids, "Backscatter"))
    assert {(one.id, one.new_id) for one in moved} == {(id, id) for id in ids}
    assert len(moved) == COUNT
    assert there(account, "Backscatter") == set(ids)


def test_one_that_wants_to_be_left_alone_for_long_ends_the_run_when_all_is_told(
    account: Account, ids: tuple[str, ...]
) -> None:
    account.graph.fault(throttled(300, operation="move", inside=True, skip=5, times=None))
    with account.changing() as mailbox:
        moved, trouble = moved_until_trouble(mailbox, ids)
    assert isinstance(trouble, ServerUnavailableError)
    assert trouble.again_in == 300
    assert {one.id for one in moved if one.new_id} == there(account, "Backscatter")
    assert 0 < len(moved) < COUNT


def test_who_is_to_wait_does_not_ask_meanwhile(account: Account, ids: tuple[str, ...]) -> None:
    """Also not by another session, nor for anything else in this mailbox."""
    account.graph.fault(throttled(300, operation="foldersDelta", inside=True))
    with account.reading() as mailbox, pytest.raises(ServerUnavailableError):
        mailbox.folders()
    before = account.graph.requests()
    with account.reading() as mailbox, pytest.raises(ServerUnavailableError, match="left alone for") as found:
        mailbox.list("INBOX")
    assert account.graph.requests() == before
    assert found.value.again_in is not None
    assert 200 < found.value.again_in <= 300


@pytest.mark.parametrize(
    "fault",
    [
        cut(operation="batch", skip=2),
        cut_after(operation="batch", skip=2),
        cut_middle(operation="batch", skip=2),
        cut(operation="move", inside=True, skip=4),
        cut_after(operation="move"),
        broken(504, operation="batch", skip=2),
        broken(500, operation="move", inside=True, skip=3, times=3),
        unavailable(0, operation="batch", skip=2),
        unavailable(None, operation="move", inside=True, skip=2, times=4),
    ],
    ids=lambda fault: f"{fault.kind.value} {fault.operation}",
)
def test_where_each_message_is_tells_what_was_moved(
    account: Account, ids: tuple[str, ...], fault: Fault
) -> None:
    with account.changing() as mailbox:
        mailbox.folders()
        account.graph.fault(fault)
        moved, trouble = moved_until_trouble(mailbox, ids)
        account.graph.heal()
    assert trouble is None
    assert account.graph.faults.struck
    assert {(one.id, one.new_id, one.gone, one.error) for one in moved} == {
        (id, id, False, None) for id in ids
    }
    assert there(account, "Backscatter") == set(ids)


def test_a_move_that_is_carried_out_late_is_told_as_made(account: Account, ids: tuple[str, ...]) -> None:
    """Its gateway gave up, the message stood where it was, and only then the service moved it: it is ours."""
    with account.changing() as mailbox:
        mailbox.folders()
        account.graph.fault(broken(504, operation="move"))
        late = meanwhile(lambda: account.box.move(ids[0], "Backscatter"), operation="message", skip=2)
        account.graph.fault(late)
        moved, trouble = moved_until_trouble(mailbox, ids)
    assert trouble is None
    assert late.times == 0
    assert [(one.id, one.new_id, one.gone) for one in moved] == [(id, id, False) for id in ids]


def test_what_stood_in_the_quarantine_before_is_not_told_as_moved(
    account: Account, ids: tuple[str, ...]
) -> None:
    account.box.move(ids[4], "Backscatter")
    with account.changing() as mailbox:
        moved = {one.id: one for one in mailbox.move("INBOX", ids, "Backscatter")}
    assert [id for id, one in moved.items() if one.gone] == [ids[4]]


def test_what_its_owner_moved_elsewhere_meanwhile_stays_there(account: Account, ids: tuple[str, ...]) -> None:
    """An immutable id would find it there, and take it away from him."""
    account.box.make("Important")
    account.box.move(ids[4], "Important")
    with account.changing() as mailbox:
        moved = {one.id: one for one in mailbox.move("INBOX", ids, "Backscatter")}
    assert moved[ids[4]].gone
    assert there(account, "Important") == {ids[4]}
    assert there(account, "Backscatter") == set(ids) - {ids[4]}


def test_what_is_deleted_at_that_moment_stops_no_other(account: Account, ids: tuple[str, ...]) -> None:
    account.graph.fault(meanwhile(lambda: account.box.delete(ids[9]), operation="move", inside=True))
    with account.changing() as mailbox:
        moved = {one.id: one for one in mailbox.move("INBOX", ids, "Backscatter")}
    assert [id for id, one in moved.items() if one.gone] == [ids[9]]
    assert there(account, "Backscatter") == set(ids) - {ids[9]}


def test_one_that_cannot_be_moved_stops_no_other(account: Account, ids: tuple[str, ...]) -> None:
    account.graph.fault(refused(400, "ErrorMessageTransientError", operation="move", inside=True, skip=7))
    with account.changing() as mailbox:
        moved, trouble = moved_until_trouble(mailbox, ids)
    (failed,) = [one for one in moved if one.error]
    assert trouble is None
    assert "ErrorMessageTransientError" in str(failed.error)
    assert there(account, "inbox") == {failed.id}


def test_a_quarantine_that_goes_while_messages_are_moved(account: Account, ids: tuple[str, ...]) -> None:
    account.graph.fault(
        meanwhile(
            lambda: account.box.rename("Backscatter", "Elsewhere"), operation="move", inside=True, skip=20
        )
    )
    account.graph.fault(refused(404, "ErrorItemNotFound", operation="move", inside=True, skip=20, times=None))
    with account.changing() as mailbox:
        moved, trouble = moved_until_trouble(mailbox, ids)
    assert isinstance(trouble, FolderMissingError)
    assert {one.id for one in moved} == there(account, "Elsewhere")
    assert not any(one.gone for one in moved)


def test_a_token_that_ends_half_way_is_renewed(account: Account, ids: tuple[str, ...]) -> None:
    account.graph.fault(meanwhile(account.graph.entra.expire_tokens, operation="move", inside=True, skip=8))
    with account.changing() as mailbox:
        moved = tuple(mailbox.move("INBOX", ids, "Backscatter"))
    assert {one.new_id for one in moved} == set(ids)


def test_the_right_is_taken_away_half_way(account: Account, ids: tuple[str, ...]) -> None:
    def taken_away() -> None:
        account.graph.app.roles = {"Mail.Read"}
        account.graph.entra.expire_tokens()

    account.graph.fault(meanwhile(taken_away, operation="batch", skip=3))
    with account.changing() as mailbox:
        moved, _ = moved_until_trouble(mailbox, ids)
    assert {one.id for one in moved if one.new_id} == there(account, "Backscatter")
    assert all("ErrorAccessDenied" in str(one.error) for one in moved if not one.new_id)


def test_the_first_alone_shows_that_nothing_may_be_moved(account: Account, ids: tuple[str, ...]) -> None:
    account.graph.app.roles = {"Mail.Read"}
    with (
        account.changing() as mailbox,
        pytest.raises(ChangeRefusedError, match="New-ManagementRoleAssignment"),
    ):
        tuple(mailbox.move("INBOX", ids, "Backscatter"))
    assert account.graph.stepped(operation="move") + account.graph.requests(operation="move") == 1


def test_categories_and_flags_stay(account: Account, ids: tuple[str, ...]) -> None:
    with account.changing() as mailbox:
        mailbox.set_flags("INBOX", ids[0], ("\\Seen", "\\Flagged", "Red category", "$Forwarded"))
        (moved,) = mailbox.move("INBOX", ids[:1], "Backscatter")
        (heading,) = mailbox.headings("Backscatter", (moved.new_id or "",))
        assert set(heading.flags) == {"\\Seen", "\\Flagged", "Red category", "$Forwarded"}
        mailbox.set_flags("Backscatter", moved.new_id or "", ())
        (heading,) = mailbox.headings("Backscatter", (moved.new_id or "",))
        assert heading.flags == ()


def test_flags_of_one_that_is_elsewhere(account: Account, ids: tuple[str, ...]) -> None:
    account.box.move(ids[0], "deleteditems")
    with account.changing() as mailbox, pytest.raises(MessageGoneError):
        mailbox.set_flags("INBOX", ids[0], ("\\Seen",))


def test_a_full_mailbox_takes_no_new_message(account: Account, ids: tuple[str, ...]) -> None:
    account.box.set_quota(10)
    with account.changing() as mailbox, pytest.raises(ChangeRefusedError, match="full"):
        mailbox.append("INBOX", mail(1), (), account.box.listing()[0].received)


def test_a_folder_whose_name_is_taken(account: Account) -> None:
    account.box.make("backscatter")
    with account.changing() as mailbox, pytest.raises(ChangeRefusedError, match="differs in case only"):
        mailbox.create("Backscatter")


def test_to_trash_is_to_where_deleted_items_are(account: Account, ids: tuple[str, ...]) -> None:
    account.box.rename("deleteditems", "Gelöschte Elemente")
    with account.changing() as mailbox:
        moved = tuple(mailbox.move("INBOX", ids[:3], "Gelöschte Elemente"))
    assert {one.new_id for one in moved} == there(account, "deleteditems")
