"""Being told of new mail by streaming notifications; polling finds it all the same."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from cleaner.config import MailboxSettings, Secret, Server
from cleaner.connectors import wait_for_mail
from cleaner.errors import CleanerError, ServerUnavailableError
from cleaner.values import Policy
from tests.connectors.ews.answering import Given, answered, answering, message
from tests.connectors.ews.test_wire import FOLDERS
from tests.connectors.places import ADDRESS, EwsPlace, mail
from tests.servers.ews import EwsServer, Fault, Ways, busy, refuses, refuses_all

PATIENCE = 60.0
"""Seconds that only a broken test waits."""


@pytest.fixture
def server() -> Iterator[EwsServer]:
    with EwsServer(ways=Ways.EXCHANGE) as server:
        yield server


@pytest.fixture
def place(server: EwsServer, tmp_path: Path) -> EwsPlace:
    return EwsPlace(server, tmp_path)


def opened_at(endpoint: str, base: Path) -> tuple[Server, MailboxSettings]:
    (base / "password").write_text("geheim-77")
    return (
        Server("exchange", "ews", endpoint=endpoint, tls="none", auth="basic", access="delegate"),
        MailboxSettings(
            ADDRESS, "exchange", "harbor", Policy(), user=ADDRESS, password=Secret("file:password", base)
        ),
    )


class Waiting:
    """Somebody who waits in a thread of his own."""

    def __init__(self, place: EwsPlace) -> None:
        self.told = threading.Semaphore(0)
        self.ends = threading.Event()
        self._place = place
        self._thread = threading.Thread(target=self._wait, daemon=True)
        self._thread.start()

    def _wait(self) -> None:
        with suppress(CleanerError):
            wait_for_mail(*self._place._open, self.ends.is_set, self.told.release)

    def stop(self, server: EwsServer) -> None:
        self.ends.set()
        server.subscriptions.hang_up()
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()


def listens(server: EwsServer) -> None:
    """Waits until somebody does."""
    tick = threading.Event()
    while not server.requests(operation="GetStreamingEvents"):
        tick.wait(0.01)


def test_new_mail_is_told_of(server: EwsServer, place: EwsPlace) -> None:
    waiting = Waiting(place)
    listens(server)
    for number in range(2):
        place.deliver("INBOX", mail(number))
        assert waiting.told.acquire(timeout=PATIENCE)
    waiting.stop(server)


def test_after_a_failover_it_is_asked_for_again(server: EwsServer, place: EwsPlace) -> None:
    """What came meanwhile nobody knows: that counts as new mail, too."""
    waiting = Waiting(place)
    listens(server)
    server.subscriptions.forget()
    assert waiting.told.acquire(timeout=PATIENCE)
    tick = threading.Event()
    while server.requests(operation="Subscribe") < 2 or server.requests(operation="GetStreamingEvents") < 3:
        tick.wait(0.01)
    place.deliver("INBOX", mail(1))
    assert waiting.told.acquire(timeout=PATIENCE)
    waiting.stop(server)


def test_who_stops_leaves_no_subscription(server: EwsServer, place: EwsPlace) -> None:
    """Exchange 2010 lets an account hold twenty."""
    waiting = Waiting(place)
    listens(server)
    waiting.stop(server)
    assert server.requests(operation="Unsubscribe") == 1
    assert place.box.mailbox.watchers == []


@pytest.mark.parametrize("code", ["ErrorServerBusy", "ErrorInternalServerError", "ErrorAccessDenied"])
@pytest.mark.parametrize("fault", [refuses, refuses_all])
def test_an_error_in_the_place_of_notifications_ends_it(
    code: str, fault: Callable[..., Fault], server: EwsServer, place: EwsPlace
) -> None:
    """Asked again at once, it would be said again and again."""
    server.fault(fault(code, operation="GetStreamingEvents", times=None))
    with pytest.raises(CleanerError, match=r"127\.0\.0\.1|right"):
        wait_for_mail(*place._open, lambda: False, lambda: None)
    assert server.requests(operation="GetStreamingEvents") == 1


def test_notifications_that_end_as_soon_as_they_begin(place: EwsPlace, server: EwsServer) -> None:
    """A proxy that lets nothing pass that goes on."""
    server.subscriptions.ends_at_once = True
    with pytest.raises(ServerUnavailableError, match="as soon as they begin"):
        wait_for_mail(*place._open, lambda: False, lambda: None)
    assert server.requests(operation="GetStreamingEvents") <= 10


def test_the_server_that_was_subscribed_to_is_the_one_that_is_asked(tmp_path: Path) -> None:
    """Behind one name stand many; the cookie of the first answer says which, and so does the header."""
    subscribed = message("Subscribe", "<m:SubscriptionId>s1</m:SubscriptionId>")
    cookies = (("Set-Cookie", "X-BackEndOverrideCookie=mbx7~1; path=/; HttpOnly"), ("Set-Cookie", "lb=n3"))
    first = Given(answered("Subscribe", subscribed), headers=(("Content-Type", "text/xml"), *cookies))
    told = "<m:Notifications><m:Notification><t:NewMailEvent/></m:Notification></m:Notifications>"
    stream = Given(answered("GetStreamingEvents", message("GetStreamingEvents", told)))
    with answering([*FOLDERS, first, stream]) as server:
        place = opened_at(server.endpoint, tmp_path)
        came: list[bool] = []
        assert wait_for_mail(*place, lambda: bool(came), lambda: came.append(True))
    asked = server.headers[3]
    assert "X-BackEndOverrideCookie=mbx7~1" in asked["Cookie"]
    assert "lb=n3" in asked["Cookie"]
    assert asked["X-AnchorMailbox"] == ADDRESS
    assert asked["X-PreferServerAffinity"] == "True"
    assert b"Unsubscribe" in server.asked[-1]


def test_a_server_that_knows_no_notifications(server: EwsServer, place: EwsPlace) -> None:
    server.fault(refuses("ErrorInvalidOperation", operation="Subscribe"))
    assert wait_for_mail(*place._open, lambda: False, lambda: None) is False


def test_a_busy_server_ends_it(server: EwsServer, place: EwsPlace) -> None:
    server.fault(busy(back_off=900_000, operation="Subscribe"))
    with pytest.raises(ServerUnavailableError, match="900 s"):
        wait_for_mail(*place._open, lambda: False, lambda: None)
