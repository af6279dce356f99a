"""New mail is noticed at once where the server tells of it, and all the same where the telling breaks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cleaner.app import App
from cleaner.connectors.imap import waiting
from cleaner.service import consent
from cleaner.service.serve import Service
from cleaner.service.serve import waking as serve_waking
from tests.servers.dovecot import PASSWORD, Dovecot
from tests.servers.proxy import Fault, Proxy, between
from tests.worlds.harbor import Harbor, Letters

PATIENCE = 60.0


class Waiting:
    """One mailbox that is looked at once a day, unless somebody tells of new mail."""

    def __init__(self, root: Path, dovecot: Dovecot, port: int) -> None:
        self.user = dovecot.new_user()
        self.letters = Letters(dovecot)
        (root / "password").write_text(PASSWORD)
        server = (
            'name = "harbor"',
            'connector = "imap"',
            'host = "127.0.0.1"',
            f"port = {port}",
            'tls = "none"',
            'timeout = "2s"',
            "idle = 1",
        )
        self.harbor = Harbor.install(
            root,
            [self.user],
            server,
            now=datetime.now(UTC),
            policy='interval = "1d"',
            mailbox=('password = "file:password"',),
        )
        self.harbor.begin(self.letters, datetime.now(UTC))

    def is_moved(self) -> bool:
        owner = self.letters.server.owner(self.user)
        folders = owner.folders()
        moved = {item.digest for item in owner.items("Backscatter")} if "Backscatter" in folders else set()
        owner.close()
        return moved == set(self.harbor.of(self.harbor.spurious, self.user)) != set()

    def write(self) -> None:
        self.harbor.write_to(self.user, self.letters, datetime.now(UTC))


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.fixture
def begun(tmp_path: Path) -> Iterator[Callable[[Waiting], Service]]:
    with ExitStack() as stack:

        def begin(waiting: Waiting) -> Service:
            app = stack.enter_context(App.open(waiting.harbor.configuration))
            consent.opt_in(app.context, consent.NewMailbox(waiting.user))
            service = Service(app.context, tick=0.2)
            service.start()
            stack.callback(service.stop)
            opened = app.context.store.accesses
            until(lambda: len(opened.list(waiting.user)) >= 2 and not service.running)
            return service

        yield begin


def test_what_comes_is_seen_to_at_once(
    tmp_path: Path, dovecot: Dovecot, begun: Callable[[Waiting], Service]
) -> None:
    with between(dovecot.port, records=True) as proxy:
        one = Waiting(tmp_path, dovecot, proxy.port)
        begun(one)
        until(lambda: any(line.endswith("IDLE") for line in proxy.commands))
        one.write()
        until(one.is_moved)


def test_a_server_that_does_not_tell_is_only_polled(
    tmp_path: Path, dovecot: Dovecot, begun: Callable[[Waiting], Service], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    with between(dovecot.port, without=("IDLE",)) as proxy:
        one = Waiting(tmp_path, dovecot, proxy.port)
        begun(one)
        until(lambda: "it is only polled" in caplog.text)


@pytest.mark.parametrize("stall", [True, False])
def test_a_connection_that_died_is_noticed_and_opened_again(
    tmp_path: Path,
    dovecot: Dovecot,
    begun: Callable[[Waiting], Service],
    monkeypatch: pytest.MonkeyPatch,
    stall: bool,
) -> None:
    """Cut off, and, what is worse, silent: then nobody hears of what comes until it is asked to show itself."""
    monkeypatch.setattr(waiting, "RENEWED", 1.0)
    monkeypatch.setattr(serve_waking, "PAUSES", (0.1,))
    with between(dovecot.port, records=True) as proxy:
        one = Waiting(tmp_path, dovecot, proxy.port)
        begun(one)
        until(lambda: idles(proxy) > 0)
        proxy.arm(Fault(after=0, stall=stall))
        until(lambda: proxy.struck)
        one.write()
        until(one.is_moved)


def idles(proxy: Proxy) -> int:
    return sum(line.endswith("IDLE") for line in proxy.commands)
