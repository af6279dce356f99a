"""Killed at any moment and run again: every message exists exactly once, and the journal agrees."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cleaner.app import App
from cleaner.service import consent
from cleaner.service.undo import UndoRequest, undo
from cleaner.values import EntryState
from tests.service.hands import quiet
from tests.worlds.world import SINCE, World, install

LONGEST_SCAN = 300
"""Seconds; a scan that is not killed takes a few."""


def start_scan(world: World) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "cleaner", "-c", str(world.configuration), "scan", "--since", SINCE]
    with (world.root / "errors").open("wb") as errors:
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors)


def kill_until_done(world: World, chance: random.Random, kills: int) -> int:
    """Starts scans and kills each at a random moment, then lets one finish; returns how many were killed."""
    killed = 0
    first_move = moment_of_first_change(world)
    for _ in range(kills):
        process = start_scan(world)
        # Around the moment when messages begin to move: that is where it can hurt.
        time.sleep(max(0.0, first_move + chance.uniform(-0.3, 1.2)))
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            killed += 1
        process.wait(timeout=LONGEST_SCAN)
    process = start_scan(world)
    assert process.wait(timeout=LONGEST_SCAN) == 0, (world.root / "errors").read_text()
    return killed


def moment_of_first_change(world: World) -> float:
    """How long a scan runs before it moves its first message; that scan is killed there."""
    process = start_scan(world)
    began = time.monotonic()
    inboxes = {user: len(list((world.root / "mail" / user / "cur").iterdir())) for user in world.users}
    while process.poll() is None and time.monotonic() - began < LONGEST_SCAN:
        now = {user: len(list((world.root / "mail" / user / "cur").iterdir())) for user in world.users}
        if now != inboxes:
            break
    process.send_signal(signal.SIGKILL)
    process.wait()
    return time.monotonic() - began


def journal_agrees(app: App, world: World) -> None:
    places = world.places()
    for user in world.users:
        assert app.context.store.journal(user).open() == ()
    for entry in app.context.store.entries():
        assert entry.state is EntryState.DONE
        assert places[entry.mailbox, entry.new_id or ""] == f".{entry.target}"
    moved = sum(folder == ".Backscatter" for folder in places.values())
    assert len(app.context.store.entries()) == moved > 0


@pytest.mark.corpus
@pytest.mark.parametrize(
    "kills", [pytest.param(4, id="a few"), pytest.param(50, id="fifty", marks=pytest.mark.nightly)]
)
def test_killed_and_run_again(corpus: Path, tmp_path: Path, kills: int) -> None:
    world = install(corpus / "worlds" / "harborline", tmp_path)
    before = world.snapshot()
    contents = world.contents()
    with App.open(world.configuration) as app:
        for user in world.users:
            consent.opt_in(app.context, consent.NewMailbox(user))
        assert kill_until_done(world, random.Random(kills), kills) > 0
        assert world.contents() == contents
        journal_agrees(app, world)
        for run in app.context.store.runs.list():
            if app.context.store.entries(run=run.id):
                tuple(undo(app.context, UndoRequest(run=run.id), quiet, lambda: False))
    assert world.snapshot() == before
