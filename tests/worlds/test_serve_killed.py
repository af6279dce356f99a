"""
Two services over fifty mailboxes on a real Dovecot, killed and restarted at random while mail arrives.

Every mailbox is served, no two runs of one overlap, every message exists exactly once, and nothing genuine is
moved. Dovecot is restarted once in between.
"""

from __future__ import annotations

import random
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cleaner.app import App
from cleaner.values import EntryState
from tests.servers.dovecot import MASTER, MASTER_PASSWORD, Dovecot, running
from tests.servers.process import missing
from tests.store import postgresql
from tests.worlds.harbor import Harbor, Interval, intervals, overlaps
from tests.worlds.killing import Postman, Process, wait_until_ready, wait_until_served, writing


@pytest.fixture
def store(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a database of that kind."""
    if request.param == "sqlite":
        yield "sqlite:///state.db"
        return
    programs = postgresql.programs()
    if programs is None:
        missing("PostgreSQL", "apt-get install postgresql")
    # Not below the folders of pytest, which only their owner may enter.
    with tempfile.TemporaryDirectory() as base, postgresql.server(Path(base), programs) as url:
        yield url


@pytest.mark.parametrize(
    ("store", "mailboxes", "seconds"),
    [
        pytest.param("sqlite", 6, 10, id="briefly"),
        pytest.param("postgresql", 12, 30, id="on PostgreSQL", marks=pytest.mark.nightly),
        pytest.param("sqlite", 50, 120, id="two minutes", marks=pytest.mark.nightly),
    ],
    indirect=["store"],
)
def test_killed_and_restarted_while_mail_arrives(
    tmp_path: Path, store: str, mailboxes: int, seconds: float
) -> None:
    chance = random.Random(seconds)
    with running() as dovecot:
        users = [dovecot.new_user() for _ in range(mailboxes)]
        (tmp_path / "password").write_text(MASTER_PASSWORD)
        server = (
            'name = "harbor"',
            'connector = "imap"',
            'host = "127.0.0.1"',
            f"port = {dovecot.port}",
            'tls = "none"',
            'auth = "master-user"',
            f'user = "{MASTER}"',
            'password = "file:password"',
            "connections = 6",
            'timeout = "10s"',
        )
        service = 'listen = "off"\nlog = "json"\nworkers = 4\ndrain = "20s"\nlongest_pause = "3s"'
        harbor = Harbor.install(
            tmp_path,
            users,
            server,
            now=datetime.now(UTC),
            policy='interval = "2s"',
            service=service,
            store=store,
        )
        postman = Postman(dovecot)
        with App.open(harbor.configuration) as app:
            harbor.opt_in_all(app)
            harbor.begin(postman, datetime.now(UTC))
            processes = be_rough(harbor, postman, chance, seconds)
            wait_until_ready(processes[-2:])
            wait_until_served(harbor, dovecot, processes[-2:])
            assert [process.end(signal.SIGTERM) for process in processes[-2:]] == [0, 0]
            check(harbor, dovecot, app, processes)


def be_rough(harbor: Harbor, postman: Postman, chance: random.Random, seconds: float) -> list[Process]:
    """Until the time is over; two processes live then, the last two of the list."""
    with writing(harbor, postman, chance):
        every, alive = kill_and_start(harbor, postman, chance, seconds)
    return [process for process in every if process not in alive] + alive


def kill_and_start(
    harbor: Harbor, postman: Postman, chance: random.Random, seconds: float
) -> tuple[list[Process], list[Process]]:
    """All processes that ever ran, and those that live."""
    numbers = iter(range(10_000))
    every = [
        Process.start(harbor, f"p{next(numbers)}", "serve"),
        Process.start(harbor, f"p{next(numbers)}", "serve"),
    ]
    alive = list(every)
    until = time.monotonic() + seconds
    is_restarted = False
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(left, chance.uniform(1.5, 4)))
        victim = alive.pop(chance.randrange(2))
        assert victim.popen.poll() is None, victim.log.read_text()
        victim.end(signal.SIGKILL if chance.random() < 0.85 else signal.SIGTERM)
        alive.append(Process.start(harbor, f"p{next(numbers)}", "serve"))
        every.append(alive[-1])
        if not is_restarted and left < seconds / 2:
            is_restarted = True
            with postman.lock:
                postman.server.stop()
                time.sleep(1)
                postman.server.start()
    return every, alive


def check(harbor: Harbor, dovecot: Dovecot, app: App, processes: list[Process]) -> None:
    for user in harbor.users:
        owner = dovecot.owner(user)
        assert owner.contents() == Counter(harbor.all_of(user))
        if user in harbor.genuine:
            inbox = {item.digest for item in owner.items("INBOX")}
            assert inbox == set(harbor.genuine[user])
        if user in harbor.spurious:
            quarantine = {item.digest for item in owner.items("Backscatter")}
            assert quarantine == set(harbor.spurious[user])
        owner.close()
        assert app.context.store.journal(user).open() == ()
    states = {entry.state for entry in app.context.store.entries()}
    assert states <= {EntryState.DONE, EntryState.FAILED}
    found = [one for process in processes for one in process.intervals()]
    assert {one.mailbox for one in found} == set(harbor.users)
    assert overlaps(found) == []
    assert all(turn.claimed_by is None for turn in app.context.store.schedule.all())
    assert sum(process.died is not None for process in processes) == len(processes)


def test_intervals_that_overlap_are_found() -> None:
    """The measure itself: one that begins before the other of the same mailbox has ended."""
    at = [datetime(2026, 11, 20, 12, minute, tzinfo=UTC) for minute in range(4)]
    first = Interval("ann", "p0", at[0], at[2])
    assert overlaps([first, Interval("ann", "p1", at[1], at[3])]) != []
    assert overlaps([first, Interval("ann", "p1", at[2], at[3]), Interval("ben", "p1", at[1], at[3])]) == []
    begins = {"time": at[0].isoformat(), "event": "scan begins", "mailbox": "ann"}
    assert list(intervals([begins], "p0", at[2])) == [first]
