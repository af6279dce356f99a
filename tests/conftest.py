"""What all tests share: where the sample corpus lies, and the mail servers that run while they do."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest
from hypothesis import settings

from tests.servers import courier as couriers
from tests.servers import cyrus as cyruses
from tests.servers.certificates import Authority
from tests.servers.courier import Courier
from tests.servers.cyrus import Cyrus
from tests.servers.dovecot import Dovecot, Options, running

# Speed is measured in benchmarks; here a busy machine must not fail a test.
settings.register_profile("project", deadline=None)
settings.load_profile("project")

PROJECT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of labelled samples; they are other people's mail and never part of the project."""
    folder = Path(os.environ.get("BOUNCE_CLEANER_CORPUS") or PROJECT.parent / "shared" / "corpus")
    if not folder.is_dir():
        reason = f"no sample corpus at {folder}; set BOUNCE_CLEANER_CORPUS to its folder"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return folder


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Signs the certificates of the tests' servers."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def dovecots() -> Iterator[Callable[[Options], Dovecot]]:
    """Gives a Dovecot with those options, one for all tests: sign in as users of your own, change nothing else."""
    with ExitStack() as stack:
        yield cache(lambda options: stack.enter_context(running(options)))


@pytest.fixture(scope="session")
def dovecot(dovecots: Callable[[Options], Dovecot]) -> Dovecot:
    """The Dovecot with the usual options."""
    return dovecots(Options())


@pytest.fixture(scope="session")
def cyrus() -> Iterator[Cyrus]:
    with cyruses.running() as server:
        yield server


@pytest.fixture(scope="session")
def courier() -> Iterator[Courier]:
    with couriers.running() as server:
        yield server
