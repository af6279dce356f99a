"""Being told of new mail by streaming notifications; polling finds it all the same."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from cleaner.connectors import wait_for_mail
from cleaner.errors import CleanerError, ServerUnavailableError
from tests.connectors.places import EwsPlace, mail
from tests.servers.ews import EwsServer, Ways, busy, refuses

PATIENCE = 60.0
"""Seconds that only a broken test waits."""


@pytest.fixture
def server() -> Iterator[EwsServer]:
    with EwsServer(ways=Ways.EXCHANGE) as server:
        yield server


@pytest.fixture
def place(server: EwsServer, tmp_path: Path) -> EwsPlace:
    return EwsPlace(server, tmp_path)


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


def test_a_server_that_knows_no_notifications(server: EwsServer, place: EwsPlace) -> None:
    server.fault(refuses("ErrorInvalidOperation", operation="Subscribe"))
    assert wait_for_mail(*place._open, lambda: False, lambda: None) is False


def test_a_busy_server_ends_it(server: EwsServer, place: EwsPlace) -> None:
    server.fault(busy(back_off=900_000, operation="Subscribe"))
    with pytest.raises(ServerUnavailableError, match="900 s"):
        wait_for_mail(*place._open, lambda: False, lambda: None)
