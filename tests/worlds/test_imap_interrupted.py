"""
Over IMAP, killed at any moment and cut off at any byte: every message exists once, and the journal agrees.

On a server that has MOVE, and on one where a message is copied first and then removed.
"""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cleaner.app import App
from cleaner.errors import ServerUnavailableError
from cleaner.service.undo import UndoRequest, undo
from tests.servers.dovecot import Dovecot, running
from tests.servers.owner import digest_of
from tests.servers.proxy import Fault, Proxy, between
from tests.service.hands import quiet
from tests.worlds.imap_world import ImapWorld, clean, install, opt_in_all
from tests.worlds.world import SINCE

WORLD = "harborline"
LONGEST_SCAN = 300
"""Seconds; a scan that is not killed takes a few."""

OFTEN = 25
"""So many kills cannot all miss the moments in which nobody knows what became of a message."""

CHANGES = ("UID MOVE ", "UID COPY ", "UID STORE ", "UID EXPUNGE ")

pytestmark = pytest.mark.corpus
nightly = pytest.mark.nightly


@pytest.fixture
def proxy(request: pytest.FixtureRequest, server: Dovecot) -> Iterator[Proxy]:
    """Before a server that lacks some capabilities."""
    with between(server.port, without=request.param, records=True) as proxy:
        yield proxy


@pytest.fixture
def server() -> Iterator[Dovecot]:
    with running() as server:
        yield server


def take_all_back(app: App) -> None:
    for run in app.context.store.runs.list():
        if app.context.store.entries(run=run.id):
            tuple(undo(app.context, UndoRequest(run=run.id), quiet, lambda: False))


def spurious(source: Path) -> Iterator[tuple[str, bytes]]:
    """(user, mail) of the world's backscatter, one after the other."""
    for line in (source / "labels.jsonl").read_text().splitlines():
        label: dict[str, Any] = json.loads(line)
        if label["truth"] != "backscatter":
            continue
        for sub in ("cur", "new"):
            for path in (source / label["user"] / sub).glob(f"{label['file']}*"):
                yield label["user"], path.read_bytes()


def scan_through(app: App, world: ImapWorld) -> int:
    """Scans without a fault; how many messages were moved."""
    results = clean(app)
    assert [result.error for result in results] == [None] * len(world.users)
    return sum(result.moved for result in results)


def is_open(app: App, world: ImapWorld) -> bool:
    """Whether something was begun of which the journal does not know what became of it."""
    return any(app.context.store.journal(user).open() for user in world.users)


def deliver(world: ImapWorld, fresh: Iterator[tuple[str, bytes]], count: int) -> Counter[tuple[str, str]]:
    delivered: Counter[tuple[str, str]] = Counter()
    for user, raw in (next(fresh) for _ in range(count)):
        with world.owner(user) as owner:
            owner.deliver("INBOX", raw, datetime(2026, 11, 2, 10, 15, tzinfo=UTC))
        delivered[user, digest_of(raw)] += 1
    return delivered


# --- killed


def start_scan(world: ImapWorld) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "cleaner", "-c", str(world.configuration), "scan", "--since", SINCE]
    with (world.root / "errors").open("wb") as errors:
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors)


def changes(commands: Iterable[str]) -> int:
    return sum(any(change in line for change in CHANGES) for line in commands)


def scan_and_kill(world: ImapWorld, proxy: Proxy, wanted: int, delay: float) -> bool:
    """Kills a scan some time after so many changes went to the server; whether it still ran."""
    before = len(proxy.commands)
    process = start_scan(world)
    began = time.monotonic()
    while process.poll() is None and time.monotonic() - began < LONGEST_SCAN:
        if changes(proxy.commands[before:]) >= wanted:
            break
        time.sleep(0.0005)
    time.sleep(delay)
    still_ran = process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    return still_ran


@pytest.mark.parametrize(
    ("proxy", "kills"),
    [
        pytest.param(("MOVE",), 2, id="copied"),
        pytest.param(("MOVE",), OFTEN, id="copied, often", marks=nightly),
        pytest.param((), OFTEN, id="moved, often", marks=nightly),
    ],
    indirect=["proxy"],
)
def test_killed_and_run_again(
    corpus: Path, tmp_path: Path, server: Dovecot, proxy: Proxy, kills: int
) -> None:
    source = corpus / "worlds" / WORLD
    world = install(source, tmp_path, server, door=proxy, every=40)
    fresh = spurious(source)
    chance = random.Random(kills)
    killed = hurt = usual = 0
    with App.open(world.configuration) as app:
        opt_in_all(app, world.users)
        scan_through(app, world)
        contents = world.contents()
        for number in range(kills + 1):
            contents += deliver(world, fresh, 8)
            earlier = len(proxy.commands)
            if number:
                delay = chance.choice((0, 0, chance.uniform(0, 0.004)))
                killed += scan_and_kill(world, proxy, chance.randint(1, usual), delay)
                hurt += is_open(app, world)
            scan_through(app, world)
            usual = usual or changes(proxy.commands[earlier:])
            assert world.contents() == contents
            world.journal_agrees(app)
        assert killed > kills / 2
        assert hurt > 0 or kills < OFTEN
        take_all_back(app)
    assert world.contents() == contents
    assert {folder for _, folder in world.messages()} <= {"INBOX", "Sent"}
    assert not [line for line in proxy.commands if line.endswith((" EXPUNGE", " CLOSE"))]


# --- cut off


@pytest.mark.parametrize(
    ("proxy", "faults", "stall"),
    [
        pytest.param(("MOVE",), 3, False, id="copied, cut"),
        pytest.param((), 3, True, id="moved, stalled"),
        pytest.param(("MOVE",), OFTEN, False, id="copied, cut often", marks=nightly),
        pytest.param((), OFTEN, False, id="moved, cut often", marks=nightly),
        pytest.param(("MOVE",), OFTEN, True, id="copied, stalled often", marks=nightly),
        pytest.param((), OFTEN, True, id="moved, stalled often", marks=nightly),
    ],
    indirect=["proxy"],
)
def test_cut_off_and_run_again(
    corpus: Path, tmp_path: Path, server: Dovecot, proxy: Proxy, faults: int, stall: bool
) -> None:
    source = corpus / "worlds" / WORLD
    world = install(source, tmp_path, server, door=proxy, every=40, timeout="1s")
    fresh = spurious(source)
    chance = random.Random(faults)
    moved = struck = 0
    with App.open(world.configuration) as app:
        opt_in_all(app, world.users)
        scan_through(app, world)
        contents = world.contents()
        usual = 0
        for number in range(faults + 1):
            contents += deliver(world, fresh, 8)
            earlier = proxy.counts
            if number:
                proxy.arm(Fault(chance.randrange(usual), stall=stall))
                results = clean(app)
                struck += proxy.struck
                assert {type(result.error) for result in results} <= {type(None), ServerUnavailableError}
                moved += sum(result.moved for result in results)
                proxy.heal()
            moved += scan_through(app, world)
            if not number:
                told = proxy.counts - earlier
                usual = told.to_server + told.to_client
            assert world.contents() == contents
            world.journal_agrees(app)
        assert struck > faults / 2
        assert moved > 2 * faults
        take_all_back(app)
    assert world.contents() == contents
    assert {folder for _, folder in world.messages()} <= {"INBOX", "Sent"}
