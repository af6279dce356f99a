"""A sign-in provider for each test, and nothing remembered of the one before."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cleaner.connectors.oauth.tokens import forget_all
from tests.servers.certificates import Authority
from tests.servers.signin import SignInServer, running


@pytest.fixture
def provider(authority: Authority) -> Iterator[SignInServer]:
    forget_all()
    with running(authority) as server:
        yield server
    forget_all()
