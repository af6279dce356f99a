"""What the tests of the use cases share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cleaner.app import App
from tests.service.hands import Hands, installed


@pytest.fixture
def hands(tmp_path: Path) -> Iterator[Hands]:
    path = installed(tmp_path / "demo")
    clock: list[Hands] = []
    with App.open(path, clock=lambda: clock[0].now) as app:
        clock.append(Hands(app, tmp_path / "demo"))
        yield clock[0]
