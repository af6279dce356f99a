"""What programs that watch this one are answered."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from cleaner.app import App
from cleaner.errors import UsageError
from cleaner.service.serve import Service
from cleaner.web.metrics import Metrics
from cleaner.web.outside import Outside
from tests.servers.process import free_port
from tests.service.hands import installed


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with App.open(installed(tmp_path / "demo")) as app:
        yield Service(app.context, tick=3600)


def ask(host: str, port: int, path: str, method: str = "GET") -> tuple[int, str]:
    connection = http.client.HTTPConnection(host, port, timeout=30)
    connection.request(method, path)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_it_listens_where_it_is_told_to(service: Service, host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.bind((host, 0))
            port = probe.getsockname()[1]
    except OSError:
        pytest.skip(f"this machine has no {host}")
    outside = Outside(service, Metrics())
    outside.open((host, port))
    assert ask(host, port, "/healthz") == (200, "ok\n")
    assert ask(host, port, "/healthz?verbose=1", "HEAD") == (200, "")
    assert ask(host, port, "/admin")[0] == 404
    outside.close()
    with pytest.raises(OSError, match="refused"):
        ask(host, port, "/healthz")


def test_while_it_is_being_ended_it_lives_and_is_not_ready(service: Service) -> None:
    port = free_port()
    metrics = Metrics()
    metrics.watch(service)
    outside = Outside(service, metrics)
    outside.open(("127.0.0.1", port))
    service.start()
    assert "bounce_cleaner_ready 1.0" in ask("127.0.0.1", port, "/metrics")[1]
    assert service.stop()
    assert ask("127.0.0.1", port, "/healthz") == (200, "ok\n")
    assert ask("127.0.0.1", port, "/readyz") == (503, "it is being ended\n")
    assert "bounce_cleaner_ready 0.0" in ask("127.0.0.1", port, "/metrics")[1]
    outside.close()


def test_a_store_that_cannot_be_used_makes_it_unready_and_says_why(service: Service) -> None:
    """The numbers that need no store are told all the same."""
    port = free_port()
    metrics = Metrics()
    metrics.watch(service)
    outside = Outside(service, metrics)
    outside.open(("127.0.0.1", port))
    service.start()
    with service.context.store._database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE schedule RENAME TO elsewhere")
    # The scheduler's own first tick may be under way: then ours leaves the work to it.
    while (told := ask("127.0.0.1", port, "/readyz"))[0] == 200:
        service.tick()
    assert (told[0], "schedule" in told[1]) == (503, True)
    assert "bounce_cleaner_info" in ask("127.0.0.1", port, "/metrics")[1]
    with service.context.store._database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO schedule")
    while ask("127.0.0.1", port, "/readyz") != (200, "ok\n"):
        service.tick()
    assert service.stop()
    outside.close()


def test_an_address_that_cannot_be_had_is_said(service: Service) -> None:
    with pytest.raises(UsageError, match=r"cannot be listened on .* as service\.listen"):
        Outside(service, Metrics()).open(("192.0.2.1", 9825))
