from __future__ import annotations

from collections.abc import Iterator

import pytest

from cleaner.connectors.ews import connecting
from cleaner.connectors.exchange import backoff


@pytest.fixture(autouse=True)
def _no_shared_state() -> Iterator[None]:
    """What one test's server said, another's did not."""
    yield
    connecting.close_all()


@pytest.fixture(autouse=True)
def _no_long_guesses(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many tries as ever, with next to no waiting."""
    monkeypatch.setattr(backoff, "UNTOLD", 0.001)
