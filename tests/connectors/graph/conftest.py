"""A Graph for each test, waits that are short, and nothing remembered of the test before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cleaner.connectors.exchange import backoff
from cleaner.connectors.graph.connecting import close_all
from cleaner.connectors.oauth.tokens import forget_all
from tests.connectors.graph.account import Account, account_on
from tests.servers.certificates import Authority
from tests.servers.graph import GraphServer


@pytest.fixture
def account(authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    monkeypatch.setattr(backoff, "UNTOLD", 0.001)
    with GraphServer(authority.good()) as server:
        yield account_on(server, authority.ca_file, tmp_path)
    close_all()
    forget_all()
