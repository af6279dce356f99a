"""Each way in which a database can refuse is said in a sentence that says what to do."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cleaner.errors import StoreError
from cleaner.store import Store
from tests.store.samples import ANN, KEY, entry, notice, url

WITHOUT_RIGHTS = """
import os, sys
import alembic.command, alembic.config, alembic.autogenerate, mako.template, encodings.idna
from cleaner.errors import StoreError
from cleaner.store import Store
from tests.store.samples import ANN, KEY, entry
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
try:
    with Store.open(sys.argv[1], KEY) as store:
        store.journal(ANN).intend([entry(99)])
except StoreError as error:
    print(error)
"""


def without_rights(where: str) -> str:
    """What is said to an account that may read the folder and not write it."""
    told = subprocess.run(
        [sys.executable, "-c", WITHOUT_RIGHTS, where],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": "."},
    )
    return told.stdout


@pytest.fixture
def open_folder(tmp_path: Path) -> Path:
    """A folder that every account can look into, up to the root."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_mode & 0o005 != 0o005:
            try:
                folder.chmod(0o755)
            except PermissionError:
                pytest.skip(f"{folder} is closed to other accounts")
    return tmp_path


def test_a_folder_that_may_not_be_written_is_said(open_folder: Path) -> None:
    open_folder.chmod(0o555)
    told = without_rights(url(open_folder))
    open_folder.chmod(0o755)
    assert "state.db cannot be made" in told
    assert f"the right to write {open_folder}" in told


def test_a_database_that_may_not_be_written_is_said(open_folder: Path) -> None:
    Store.open(url(open_folder), KEY).close()
    (open_folder / "state.db").chmod(0o444)
    open_folder.chmod(0o555)
    told = without_rights(url(open_folder))
    open_folder.chmod(0o755)
    assert "state.db cannot be" in told
    assert "write" in told


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=f"mkdir -p {tmp_path / 'nowhere'}"):
        Store.open(url(tmp_path / "nowhere"), KEY)
    assert not (tmp_path / "nowhere").exists()


def test_a_folder_in_place_of_the_database_is_said(tmp_path: Path) -> None:
    (tmp_path / "state.db").mkdir()
    with pytest.raises(StoreError, match="must be a file"):
        Store.open(url(tmp_path), KEY)


def test_a_file_that_is_no_database_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    path.write_text("my diary\n" * 200)
    with pytest.raises(StoreError, match="not a database"):
        Store.open(url(tmp_path), KEY)
    assert path.read_text() == "my diary\n" * 200


def test_a_damaged_database_is_said(tmp_path: Path) -> None:
    with Store.open(url(tmp_path), KEY) as store:
        store.journal(ANN).intend([entry(number) for number in range(200)])
        store.seen(ANN).record([notice(fingerprint=f"f{number}") for number in range(200)], {})
    path = tmp_path / "state.db"
    content = bytearray(path.read_bytes())
    content[4096 * 2 :] = b"\xa5" * (len(content) - 4096 * 2)
    path.write_bytes(content)
    with (
        pytest.raises(StoreError, match=r"is damaged; restore it from a backup"),
        Store.open(url(tmp_path), KEY) as store,
    ):
        store.entries()


@pytest.mark.parametrize("where", ["nonsense", "", "mysql://u:hunter2@h/d", "http://u:hunter2@h/d"])
def test_what_is_no_database_of_a_known_kind_is_said(where: str) -> None:
    with pytest.raises(StoreError, match=r"sqlite:///state\.db") as refused:
        Store.open(where, KEY)
    assert "hunter2" not in str(refused.value)


@pytest.mark.skipif(importlib.util.find_spec("psycopg") is None, reason="needs psycopg")
def test_a_server_that_is_not_there_is_said_without_the_password() -> None:
    with pytest.raises(StoreError, match=r"postgresql://ann:\*\*\*@127.0.0.1:1/x does not answer") as refused:
        Store.open("postgresql://ann:hunter2@127.0.0.1:1/x", KEY)
    assert "hunter2" not in str(refused.value)


def test_the_package_for_postgresql_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StoreError, match=r"pip install 'bounce-cleaner\[fleet\]'"):
        Store.open("postgresql://127.0.0.1:1/x", KEY)


@pytest.mark.nightly
def test_a_database_that_the_server_does_not_have_is_said(postgresql_server: str) -> None:
    with pytest.raises(StoreError, match=r"createdb|does not exist"):
        Store.open(postgresql_server.removesuffix("postgres") + "nowhere", KEY)
