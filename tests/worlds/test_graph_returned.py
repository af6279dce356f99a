"""
What comes back into a folder over Graph, which tells nothing of it: it is seen all the same, and stays.

With immutable ids a message that was moved away and back is in no round of changes (microsoft-graph-docs issue 21752).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from cleaner.app import App
from cleaner.connectors.graph.connecting import close_all
from cleaner.connectors.oauth.tokens import forget_all
from cleaner.service import consent
from cleaner.service.scan import ScanRequest, scan
from cleaner.service.undo import UndoRequest, undo
from cleaner.values import EntryState
from tests.servers.certificates import Authority
from tests.servers.graph import Box, GraphServer
from tests.service.hands import quiet
from tests.worlds.test_graph_many import ANN, WHEN, configured, fill

COUNT = 12


@pytest.fixture
def server(authority: Authority) -> Iterator[GraphServer]:
    with GraphServer(authority.good()) as running:
        yield running
    close_all()
    forget_all()


@pytest.fixture
def box(server: GraphServer) -> Box:
    found = server.add_mailbox(ANN)
    fill(found, COUNT, 3 * COUNT)
    return found


@pytest.fixture
def app(server: GraphServer, box: Box, authority: Authority, tmp_path: Path) -> Iterator[App]:
    path = configured(server, authority.ca_file, [ANN], tmp_path)
    with App.open(path, clock=lambda: WHEN + timedelta(days=1)) as app:
        consent.opt_in(app.context, consent.NewMailbox(ANN))
        yield app


def moved(app: App) -> int:
    """By what came since the last run, as the service does."""
    (result,) = scan(app.context, ScanRequest(), quiet, lambda: False)
    assert result.error is None
    return result.moved


def states(app: App) -> list[EntryState]:
    return sorted((entry.state for entry in app.context.store.entries()), key=lambda state: state.value)


def test_what_its_owner_takes_out_of_the_quarantine_is_noted_and_stays(app: App, box: Box) -> None:
    assert moved(app) == COUNT
    assert moved(app) == 0
    (one, other, *_) = (stored.id for stored in box.listing("Backscatter"))
    for id in (one, other):
        box.move(id, "inbox")
    assert moved(app) == 0
    assert states(app).count(EntryState.RETURNED) == 2
    assert moved(app) == 0
    assert {one, other} <= {stored.id for stored in box.listing()}


def test_what_undo_puts_back_stays_and_costs_no_second_look(app: App, box: Box, server: GraphServer) -> None:
    assert moved(app) == COUNT
    (run,) = {entry.run for entry in app.context.store.entries()}
    tuple(undo(app.context, UndoRequest(run=run), quiet, lambda: False))
    assert len(box.listing()) == 4 * COUNT
    before = server.requests(operation="list")
    assert moved(app) == 0
    looked = server.requests(operation="list")
    assert looked == before + 1
    assert moved(app) == 0
    assert server.requests(operation="list") == looked
    assert states(app) == [EntryState.UNDONE] * COUNT
