from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cleaner.connectors.exchange import backoff
from cleaner.connectors.graph import connecting
from cleaner.connectors.oauth import tokens
from cleaner.ports import ChangeableMailbox
from tests.connectors.places import GraphPlace
from tests.servers.certificates import Authority
from tests.servers.graph import GraphServer


@pytest.fixture(autouse=True)
def _no_shared_state() -> Iterator[None]:
    """What one test's server said, another's did not."""
    yield
    connecting.close_all()
    tokens.forget_all()


@pytest.fixture(autouse=True)
def _no_long_guesses(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many tries as ever, with next to no waiting."""
    monkeypatch.setattr(backoff, "UNTOLD", 0.001)


@pytest.fixture
def server(authority: Authority) -> Iterator[GraphServer]:
    with GraphServer(authority.good()) as server:
        yield server


@pytest.fixture
def place(server: GraphServer, authority: Authority, tmp_path: Path) -> GraphPlace:
    return GraphPlace(server, authority.ca_file, tmp_path)


@pytest.fixture
def mailbox(place: GraphPlace) -> Iterator[ChangeableMailbox]:
    opened = place.changing()
    opened.create("Backscatter")
    yield opened
    opened.close()
