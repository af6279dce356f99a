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
from collections.abc import Iterator
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

CHANGES = ("UID MOVE ", "UID COPY ", "UID STORE ", "UID EXPUNGE ")

pytestmark = pytest.mark.corpus
nightly = pytest.mark.nightly


@pytest.fixture(params=[(), ("MOVE",)], ids=["MOVE", "COPY"])
def proxy(request: pytest.FixtureRequest, server: Dovecot) -> Iterator[Proxy]:
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


# --- killed


def start_scan(world: ImapWorld) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "cleaner", "-c", str(world.configuration), "scan", "--since", SINCE]
    with (world.root / "errors").open("wb") as errors:
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors)


def scan_and_kill(world: ImapWorld, proxy: Proxy, chance: random.Random) -> bool:
    """Kills a scan some time after one of its first changes went to the server; whether it still ran."""
    before = len(proxy.commands)
    wanted = chance.randint(1, 6)
    process = start_scan(world)
    began = time.monotonic()
    while process.poll() is None and time.monotonic() - began < LONGEST_SCAN:
        changes = sum(any(change in line for change in CHANGES) for line in proxy.commands[before:])
        if changes >= wanted:
            break
        time.sleep(0.0005)
    time.sleep(chance.choice((0, 0, chance.uniform(0, 0.004))))
    running_still = process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    return running_still


@pytest.mark.parametrize("kills", [pytest.param(2, id="two"), pytest.param(25, id="25", marks=nightly)])
def test_killed_and_run_again(
    corpus: Path, tmp_path: Path, server: Dovecot, proxy: Proxy, kills: int
) -> None:
    every = 12 if kills < 10 else 2
    world = install(corpus / "worlds" / WORLD, tmp_path, server, door=proxy, every=every)
    before, contents = world.messages(), world.contents()
    chance = random.Random(kills)
    with App.open(world.configuration) as app:
        opt_in_all(app, world.users)
        assert sum(scan_and_kill(world, proxy, chance) for _ in range(kills)) > kills / 2
        process = start_scan(world)
        assert process.wait(timeout=LONGEST_SCAN) == 0, (world.root / "errors").read_text()
        assert world.contents() == contents
        world.journal_agrees(app)
        take_all_back(app)
    assert world.messages() == before
    assert not [line for line in proxy.commands if line.endswith((" EXPUNGE", " CLOSE"))]


# --- cut off


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


@pytest.mark.parametrize("stall", [False, True], ids=["cut", "stalled"])
@pytest.mark.parametrize("faults", [pytest.param(3, id="three"), pytest.param(25, id="25", marks=nightly)])
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


def deliver(world: ImapWorld, fresh: Iterator[tuple[str, bytes]], count: int) -> Counter[tuple[str, str]]:
    delivered: Counter[tuple[str, str]] = Counter()
    for user, raw in (next(fresh) for _ in range(count)):
        with world.owner(user) as owner:
            owner.deliver("INBOX", raw, datetime(2026, 11, 2, 10, 15, tzinfo=UTC))
        delivered[user, digest_of(raw)] += 1
    return delivered
