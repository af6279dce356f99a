"""What the tests of measuring share: a small world, read once."""

from __future__ import annotations

from pathlib import Path

import pytest

from cleaner.lab.measure import worlds_of
from cleaner.lab.scene import Scene, scenes
from cleaner.service.datasets import mailbags
from tests.lab.harbor_world import write


@pytest.fixture(scope="session")
def harbor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("worlds"))


@pytest.fixture(scope="session")
def given(harbor: Path) -> Scene:
    """The world as it is labelled."""
    return scenes(mailbags(harbor))[0]


@pytest.fixture(scope="session")
def world(harbor: Path) -> Scene:
    """The world with third parties apart."""
    return worlds_of((harbor,))[0]
