"""Whole labelled mailboxes, cleaned for real as Maildirs: what may go goes, what must stay stays."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cleaner.app import App
from cleaner.service import consent
from cleaner.service.scan import MailboxScan, ScanRequest, scan
from cleaner.service.undo import UndoRequest, undo
from tests.service.hands import quiet
from tests.worlds.world import LEFT_OUT, SINCE, World, install

WORLDS = ("brunnwald", "harborline", "tresrios")
FLOOR = 0.6
"""The share of the decidable backscatter that must be moved."""


def clean(app: App) -> tuple[MailboxScan, ...]:
    request = ScanRequest(since=datetime.fromisoformat(SINCE).replace(tzinfo=UTC))
    return tuple(scan(app.context, request, quiet, lambda: False))


def opt_in_all(app: App, world: World) -> None:
    for user in world.users:
        consent.opt_in(app.context, consent.NewMailbox(user))


@pytest.mark.corpus
@pytest.mark.parametrize("name", WORLDS)
def test_a_world_is_cleaned_and_taken_back(corpus: Path, tmp_path: Path, name: str) -> None:
    world = install(corpus / "worlds" / name, tmp_path)
    before = world.snapshot()
    with App.open(world.configuration) as app:
        opt_in_all(app, world)
        results = clean(app)
        assert [result.error for result in results] == [None] * len(world.users)

        moved = Counter(label["truth"] for label in world.moved())
        assert moved["genuine"] == 0
        assert moved["not-a-bounce"] == 0
        decidable = [
            label
            for label in world.labels
            if label["truth"] == "backscatter" and not LEFT_OUT & set(label["tags"])
        ]
        places = world.places()
        gone = sum(places[label["user"], label["file"]] != "" for label in decidable)
        assert gone >= FLOOR * len(decidable)

        (run,) = {result.run for result in results}
        tuple(undo(app.context, UndoRequest(run=run), quiet, lambda: False))
        assert world.snapshot() == before
        assert sum(result.moved for result in clean(app)) == 0
        assert world.snapshot() == before
