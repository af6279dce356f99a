"""Our EWS server keeps what a connector relies on; exchangelib, the client that connectors use, asks it."""

from __future__ import annotations

import email
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from exchangelib import BASIC, DELEGATE, IMPERSONATION, Account, Configuration, Credentials
from exchangelib.errors import (
    ErrorAccessDenied,
    ErrorImpersonateUserDenied,
    ErrorInvalidSyncStateData,
    ErrorItemNotFound,
    ErrorMailboxMoveInProgress,
    ErrorNonExistentMailbox,
    ErrorQuotaExceeded,
    ErrorServerBusy,
    ErrorSubscriptionNotFound,
    UnauthorizedError,
)
from exchangelib.folders import Messages
from exchangelib.items import HARD_DELETE, Message
from exchangelib.protocol import BaseProtocol, CachingProtocol

from tests.servers.certificates import Authority
from tests.servers.ews import (
    EXCHANGE_2010,
    PASSWORD,
    Box,
    EwsServer,
    Ways,
    busy,
    cut,
    cut_after,
    item_fails,
    meanwhile,
    refuses,
    stall,
)

ANN = "ann@harbor.example"
BOB = "bob@harbor.example"
CLEANER = "cleaner@harbor.example"

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

Ids = list[tuple[str, None]]


@pytest.fixture(autouse=True)
def _no_kept_sessions() -> Iterator[None]:
    yield
    CachingProtocol.clear_cache()


@pytest.fixture(params=list(Ways), ids=lambda ways: ways.value)
def server(request: pytest.FixtureRequest) -> Iterator[EwsServer]:
    with EwsServer(ways=request.param) as running:
        yield running


@pytest.fixture
def exchange() -> Iterator[EwsServer]:
    """One with Exchange's ways."""
    with EwsServer(ways=Ways.EXCHANGE) as running:
        yield running


def account(
    server: EwsServer, address: str = ANN, user: str = "", access: str = DELEGATE, password: str = PASSWORD
) -> Any:
    credentials = Credentials(user or address, password)
    configuration = Configuration(service_endpoint=server.endpoint, credentials=credentials, auth_type=BASIC)
    return Account(address, config=configuration, autodiscover=False, access_type=access)


def mail(number: int = 1, more: str = "") -> bytes:
    return (
        f"From: joe@far.example\r\nTo: {ANN}\r\nSubject: Mail {number}\r\nMessage-ID: <{number}@far.example>\r\n"
        f"Date: Fri, 20 Nov 2026 11:00:00 +0000\r\n{more}\r\nHello.\r\n"
    ).encode()


def filled(server: EwsServer, count: int) -> tuple[Box, list[str]]:
    box = server.add_mailbox(ANN)
    ids = [box.deliver(mail(at), received=NOON + timedelta(minutes=at)) for at in range(count)]
    return box, ids


def pairs(ids: list[str]) -> Ids:
    return [(id, None) for id in ids]


# --- what is there


def test_what_is_delivered_is_found(server: EwsServer) -> None:
    box, ids = filled(server, 3)
    box.mark_read(ids[0])
    client = account(server)
    found = list(client.inbox.all().order_by("datetime_received").only("subject", "is_read", "message_id"))
    assert [(item.id, item.subject, item.is_read) for item in found] == [
        (id, f"Mail {at}", at == 0) for at, id in enumerate(ids)
    ]
    stored = box.listing()
    assert [(each.raw, each.received, each.is_read) for each in stored] == [
        (mail(at), NOON + timedelta(minutes=at), at == 0) for at in range(3)
    ]


def test_moving_changes_the_id(server: EwsServer) -> None:
    box, ids = filled(server, 2)
    client = account(server)
    target = Messages(parent=client.msg_folder_root, name="Backscatter")
    target.save()
    box.mark_flagged(ids[0])
    ((new, _),) = client.bulk_move(ids=pairs(ids[:1]), to_folder=target)
    assert new not in ids
    (moved,) = box.listing("Backscatter")
    assert (moved.id, moved.raw, moved.is_flagged) == (new, mail(0), True)
    assert moved.received == NOON
    assert isinstance(next(client.fetch(ids=pairs(ids[:1]), only_fields=["subject"])), ErrorItemNotFound)
    ((back, _),) = client.bulk_move(ids=[(new, None)], to_folder=client.inbox)
    assert back not in (new, *ids)


def test_a_message_is_put_there(server: EwsServer) -> None:
    box = server.add_mailbox(ANN)
    client = account(server)
    Message(account=client, folder=client.junk, mime_content=mail(7), is_read=True).save()
    (stored,) = box.listing("junkemail")
    assert (stored.raw, stored.is_read) == (mail(7), True)


def test_folders_have_names_in_many_languages(server: EwsServer) -> None:
    box = server.add_mailbox(ANN, language="ja")
    box.rename("deleteditems", "Bin")
    client = account(server)
    assert (client.inbox.name, client.trash.name) == ("受信トレイ", "Bin")
    assert box.has("Bin")
    assert not box.has("Deleted Items")


@pytest.mark.parametrize("renews", [False, True])
def test_the_same_message_may_be_other_bytes(renews: bool) -> None:
    """Who hashes MIME finds another message each time; an ordinary parser finds the same."""
    with EwsServer(renews=renews) as server:
        _, ids = filled(server, 1)
        client = account(server)
        first, second = (
            next(client.fetch(ids=pairs(ids), only_fields=["mime_content"])).mime_content for _ in range(2)
        )
    assert (first != second) == renews
    assert email.message_from_bytes(first)["Message-ID"] == "<0@far.example>"
    assert len(first) == len(second)


def test_an_old_exchange_speaks_an_old_schema() -> None:
    with EwsServer(ways=Ways.EXCHANGE, version=EXCHANGE_2010) as server:
        filled(server, 1)
        client = account(server)
        assert client.version.build.major_version == 14
        assert [item.subject for item in client.inbox.all()] == ["Mail 0"]


# --- sync


def changes(folder: Any, **options: Any) -> list[tuple[str, str]]:
    found = folder.sync_items(only_fields=["subject"], **options)
    return [(kind, item[0].id if isinstance(item, tuple) else item.id) for kind, item in found]


def test_sync_tells_what_changed(server: EwsServer) -> None:
    box, ids = filled(server, 3)
    folder = account(server).inbox
    assert sorted(changes(folder)) == sorted(("create", id) for id in ids)
    assert changes(folder) == []
    new = box.deliver(mail(9))
    box.move(ids[0], "junkemail")
    box.mark_flagged(ids[1])
    assert sorted(changes(folder)) == sorted([("create", new), ("delete", ids[0]), ("update", ids[1])])


def test_reading_is_told_apart_on_exchange(exchange: EwsServer) -> None:
    box, ids = filled(exchange, 1)
    folder = account(exchange).inbox
    changes(folder)
    box.mark_read(ids[0])
    assert changes(folder) == [("read_flag_change", ids[0])]


def test_nothing_is_missed_between_pages(server: EwsServer) -> None:
    """What comes and goes while pages are read is told by the next sync."""
    box, ids = filled(server, 10)
    folder = account(server).inbox
    pages = folder.sync_items(only_fields=["subject"], max_changes_returned=4)
    first = [next(pages)[1].id for _ in range(4)]
    new = box.deliver(mail(11))
    gone = next(id for id in ids if id not in first)
    box.move(gone, "junkemail")
    told = {*first, *(item.id for _, item in pages)}
    assert set(ids) - told <= {gone}
    later = changes(folder)
    assert ("create", new) in later or new in told
    assert ("delete", gone) in later or gone not in told


def test_an_invalid_state_is_refused(server: EwsServer) -> None:
    box, ids = filled(server, 2)
    folder = account(server).inbox
    changes(folder)
    box.invalidate_sync("inbox")
    with pytest.raises(ErrorInvalidSyncStateData):
        changes(folder)
    folder.item_sync_state = None
    assert len(changes(folder)) == len(ids)


def test_exchange_refuses_a_state_of_another_folder(exchange: EwsServer) -> None:
    filled(exchange, 1)
    client = account(exchange)
    changes(client.inbox)
    for state in (client.inbox.item_sync_state, "Ym9ndXM="):
        with pytest.raises(ErrorInvalidSyncStateData):
            changes(client.junk, sync_state=state)


# --- who may do what


def test_a_wrong_password_is_refused(server: EwsServer) -> None:
    server.add_mailbox(ANN)
    with pytest.raises(UnauthorizedError):
        _ = account(server, password="wrong").inbox


def test_impersonation_must_be_allowed(exchange: EwsServer) -> None:
    filled(exchange, 2)
    exchange.add_account(CLEANER, impersonates=[ANN])
    exchange.add_mailbox(BOB)
    assert account(exchange, ANN, CLEANER, IMPERSONATION).inbox.total_count == 2
    with pytest.raises(ErrorImpersonateUserDenied):
        _ = account(exchange, BOB, CLEANER, IMPERSONATION).inbox
    with pytest.raises(ErrorNonExistentMailbox):
        _ = account(exchange, "nobody@harbor.example", CLEANER, IMPERSONATION).inbox


def test_delegates_see_what_they_were_given(server: EwsServer) -> None:
    box, ids = filled(server, 1)
    server.add_mailbox(BOB)
    with pytest.raises(ErrorAccessDenied):
        _ = account(server, ANN, BOB).inbox
    server.grant(BOB, box, rights={"read"})
    client = account(server, ANN, BOB)
    assert client.inbox.total_count == 1
    with pytest.raises(ErrorAccessDenied):
        client.bulk_move(ids=pairs(ids), to_folder=client.junk)
    server.grant(BOB, box)
    assert len(client.bulk_move(ids=pairs(ids), to_folder=client.junk)) == 1
    server.revoke(BOB, box)
    assert not server.boxes[ANN].listing()


def test_a_right_may_be_denied_in_one_folder(server: EwsServer) -> None:
    box, ids = filled(server, 1)
    box.make("Backscatter")
    box.deny("Backscatter", "create")
    client = account(server)
    with pytest.raises(ErrorAccessDenied):
        client.bulk_move(ids=pairs(ids), to_folder=client.msg_folder_root // "Backscatter")
    assert [each.id for each in box.listing()] == ids


def test_one_folder_may_be_granted(server: EwsServer) -> None:
    box, _ = filled(server, 1)
    server.add_mailbox(BOB)
    server.grant(BOB, box, folder="root", rights={"read"})
    server.grant(BOB, box, folder="inbox", rights={"read"})
    client = account(server, ANN, BOB)
    assert client.inbox.total_count == 1
    with pytest.raises(ErrorAccessDenied):
        _ = client.junk


def test_an_archive_stands_beside_the_mailbox(exchange: EwsServer) -> None:
    box = exchange.add_mailbox(ANN, archive=True)
    box.deliver(mail(1), "archiveinbox")
    client = account(exchange)
    assert (client.archive_inbox.total_count, client.inbox.total_count) == (1, 0)


def test_a_token_signs_in(authority: Authority) -> None:
    with EwsServer(authentication=("bearer",), certificate=authority.good()) as server:
        server.add_account("application", "secret", impersonates=None)
        trusted = str(authority.ca_file)
        asked = {"grant_type": "client_credentials", "client_id": "application", "client_secret": "secret"}
        given = requests.post(server.token_url, data=asked, verify=trusted, timeout=20).json()
        for token, status in ((given["access_token"], 500), ("none", 401)):
            headers = {"Authorization": f"Bearer {token}"}
            answer = requests.post(server.endpoint, data="<a/>", headers=headers, verify=trusted, timeout=20)
            assert answer.status_code == status
        refused = requests.post(
            server.token_url, data=asked | {"client_secret": "x"}, verify=trusted, timeout=20
        )
        assert refused.status_code == 401


# --- what goes wrong


def test_a_batch_fails_in_the_middle(server: EwsServer) -> None:
    box, ids = filled(server, 4)
    client = account(server)
    target = client.junk
    server.fault(item_fails(1, "ErrorItemNotFound", operation="MoveItem"))
    done = client.bulk_move(ids=pairs(ids), to_folder=target)
    assert isinstance(done[1], ErrorItemNotFound)
    assert [each.id for each in box.listing()] == [ids[1]]
    ids = [each.id for each in box.listing("junkemail")]
    server.fault(item_fails(1, "ErrorMailboxMoveInProgress", operation="MoveItem"))
    with pytest.raises(ErrorMailboxMoveInProgress):
        client.bulk_move(ids=pairs(ids), to_folder=client.inbox)
    assert [each.id for each in box.listing("junkemail")] == ids[1:]


def test_somebody_else_moves_a_message_meanwhile(server: EwsServer) -> None:
    box, ids = filled(server, 2)
    client = account(server)
    target = client.junk
    server.fault(meanwhile(lambda: box.move(ids[1], "deleteditems"), operation="MoveItem"))
    moved, failed = client.bulk_move(ids=pairs(ids), to_folder=target)
    assert isinstance(failed, ErrorItemNotFound)
    assert [each.id for each in box.listing("junkemail")] == [moved[0]]


def test_a_share_of_answers_is_busy(server: EwsServer) -> None:
    filled(server, 1)
    client = account(server)
    folder = client.inbox
    server.fault(busy(back_off=1500, share=0.25, times=None, operation="GetItem"))
    met = []
    for _ in range(200):
        try:
            list(folder.all().only("message_id"))
        except ErrorServerBusy as error:
            met.append(error.back_off)
    assert len(met) == server.faults.struck["ErrorServerBusy"]
    assert 25 <= len(met) <= 80
    assert set(met) == {1.5}
    server.heal()
    list(folder.all().only("message_id"))


def test_a_fault_meets_one_mailbox_only(server: EwsServer) -> None:
    filled(server, 1)
    server.add_mailbox(BOB)
    server.fault(refuses("ErrorMailboxMoveInProgress", mailbox=BOB, times=None))
    assert account(server).inbox.total_count == 1
    with pytest.raises(ErrorMailboxMoveInProgress):
        _ = account(server, BOB).inbox


def test_a_cut_comes_before_or_after_the_work(server: EwsServer) -> None:
    box, ids = filled(server, 2)
    client = account(server)
    target = client.junk
    for fault, left in ((cut(operation="MoveItem"), 2), (cut_after(operation="MoveItem"), 1)):
        server.fault(fault)
        with pytest.raises(Exception, match=r"(?i)connection|timeout|aborted|disconnected"):
            client.bulk_move(ids=pairs(ids[:1]), to_folder=target)
        assert len(box.listing()) == left


def test_a_stall_ends_with_the_clients_patience(server: EwsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(server, 1)
    client = account(server)
    folder = client.inbox
    monkeypatch.setattr(BaseProtocol, "TIMEOUT", 0.2)
    server.fault(stall())
    with pytest.raises(Exception, match=r"(?i)time"):
        list(folder.all())


def test_a_full_mailbox_takes_nothing(server: EwsServer) -> None:
    box, _ = filled(server, 1)
    box.set_quota(len(mail(1)) + 10)
    client = account(server)
    with pytest.raises(ErrorQuotaExceeded):
        Message(account=client, folder=client.junk, mime_content=mail(7)).save()


def test_a_hold_keeps_what_is_deleted_for_good(exchange: EwsServer) -> None:
    box, ids = filled(exchange, 2)
    client = account(exchange)
    client.bulk_delete(ids=pairs(ids[:1]), delete_type=HARD_DELETE)
    assert not box.listing("recoverableitemspurges")
    box.set_hold()
    client.bulk_delete(ids=pairs(ids[1:]), delete_type=HARD_DELETE)
    assert [each.raw for each in box.listing("recoverableitemspurges")] == [mail(1)]


def test_who_subscribed_is_told_of_new_mail(server: EwsServer) -> None:
    box, _ = filled(server, 1)
    folder = account(server).inbox
    subscription = folder.subscribe_to_streaming(event_types=["NewMailEvent", "MovedEvent"])
    box.deliver(mail(5), "junkemail")
    new = box.deliver(mail(6))
    moved = box.move(box.deliver(mail(7), "junkemail"), "inbox")
    told = folder.get_streaming_events(subscription, connection_timeout=1, max_notifications_returned=1)
    events = [(type(event).__name__, event.item_id.id) for each in told for event in each.events]
    assert events == [("NewMailEvent", new), ("MovedEvent", moved)]
    folder.unsubscribe(subscription)
    with pytest.raises(ErrorSubscriptionNotFound):
        list(folder.get_streaming_events(subscription, connection_timeout=1))


def test_requests_are_counted(server: EwsServer) -> None:
    filled(server, 1)
    server.add_mailbox(BOB)
    client = account(server)
    list(client.inbox.all().only("message_id"))
    asked = {"FindItem": 1, "GetItem": 1}
    assert {name: server.requests(mailbox=ANN, operation=name) for name in asked} == asked
    assert server.requests(mailbox=BOB) == 0


def test_many_mailboxes_and_many_messages(server: EwsServer) -> None:
    """Delivering reads nothing: a message is looked at when it is asked for."""
    for number in range(300):
        server.add_mailbox(f"user{number}@harbor.example")
    box = server.add_mailbox(ANN)
    for number in range(20_000):
        box.deliver(mail(number))
    assert not any("part" in vars(item.content) for item in box.folder("inbox").items.values())
    client = account(server)
    newest = client.inbox.all().order_by("-datetime_received").only("subject")[0]
    assert newest.subject == "Mail 19999"
    assert client.inbox.total_count == 20_000
