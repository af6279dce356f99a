"""A sign-in provider for each test, a store for what people grant, and nothing remembered of the test before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cleaner.connectors.oauth import keep_in
from cleaner.connectors.oauth.tokens import forget_all
from cleaner.store import Store
from tests.servers.certificates import Authority
from tests.servers.signin import SignInServer, running


@pytest.fixture
def provider(authority: Authority) -> Iterator[SignInServer]:
    forget_all()
    with running(authority) as server:
        yield server
    forget_all()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path / 'state.db'}", b"k" * 32) as store:
        keep_in(store.grants)
        yield store
    keep_in(None)
