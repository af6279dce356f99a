"""The databases that every promise of the store is kept on: in memory, in a file, on a server."""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from cleaner.store import Store
from tests.servers.process import missing
from tests.store import postgresql
from tests.store.samples import KEY, url

EVERY = ("memory", "file", pytest.param("postgresql", marks=pytest.mark.nightly))
SHARED = EVERY[1:]
"""Databases that several processes can open."""


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    programs = postgresql.programs()
    if programs is None:
        missing("PostgreSQL", "apt-get install postgresql")
    if importlib.util.find_spec("psycopg") is None:
        missing("psycopg", "pip install 'psycopg[binary]'")
    # Not below the folders of pytest, which only their owner may enter.
    with tempfile.TemporaryDirectory() as base, postgresql.server(Path(base), programs) as server:
        yield server


@pytest.fixture
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a database may be made; of the kind that the test, or a fixture of it, is run with."""
    kind = request.param
    if kind == "memory":
        return "sqlite://"
    if kind == "file":
        return url(tmp_path)
    return new_database(request.getfixturevalue("postgresql_server"))


def new_database(server: str) -> str:
    """An empty one on that server."""
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        number = connection.execute(text("SELECT count(*) FROM pg_database")).scalar()
        connection.execute(text(f"CREATE DATABASE test{number}"))
    engine.dispose()
    return server.removesuffix("/postgres") + f"/test{number}"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """`store` and `new_url` mean every kind of database, `shared_url` those of several processes."""
    if "shared_url" in metafunc.fixturenames:
        metafunc.parametrize("new_url", SHARED, indirect=True)
    elif "new_url" in metafunc.fixturenames:
        metafunc.parametrize("new_url", EVERY, indirect=True)


@pytest.fixture
def shared_url(new_url: str) -> str:
    return new_url


@pytest.fixture
def store(new_url: str) -> Iterator[Store]:
    with Store.open(new_url, KEY) as store:
        yield store
