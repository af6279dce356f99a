"""A database is made, upgraded without loss, or refused."""

from __future__ import annotations

import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from cleaner.errors import StoreError
from cleaner.store import Store, schema, tables
from cleaner.store.database import Database
from cleaner.store.records import Consent, ConsentState
from cleaner.values import SentQuestion
from tests.store.samples import ANN, KEY, NOW, entry, notice, sent, url

FIRST = Path(__file__).parent / "first.sql"
"""A database as the first migration made it, filled: `sqlite3 state.db .dump`."""


def raw(folder: Path) -> closing[sqlite3.Connection]:
    return closing(sqlite3.connect(folder / "state.db", isolation_level=None))


# --- made -------------------------------------------------------------------------------------------


def test_the_migrations_build_the_tables_that_the_program_uses(shared_url: str) -> None:
    Store.open(shared_url, KEY).close()
    database = Database(shared_url)
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        difference = compare_metadata(context, tables.metadata)
    database.close()
    assert difference == []


def test_tables_made_in_memory_are_those_of_the_migrations(tmp_path: Path) -> None:
    def definitions(store: Store) -> dict[str, list[str]]:
        query = "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'alembic%' AND sql IS NOT NULL"
        with store._database.read() as connection:
            rows = connection.exec_driver_sql(query).all()
        return {row.name: sorted(re.findall(r"\w+", row.sql)) for row in rows}

    with Store.open(url(tmp_path), KEY) as file, Store.open("sqlite://", KEY) as memory:
        assert definitions(file) == definitions(memory)


def test_the_program_names_all_migrations_in_order() -> None:
    scripts = ScriptDirectory(str(schema.MIGRATIONS))
    assert tuple(script.revision for script in scripts.walk_revisions())[::-1] == schema.REVISIONS


def test_migrations_do_not_change_with_the_program() -> None:
    """They say what the tables were then, not what they are now."""
    for script in (schema.MIGRATIONS / "versions").glob("m*.py"):
        assert "cleaner" not in script.read_text()


def test_several_processes_may_make_it_at_the_same_time(shared_url: str) -> None:
    program = f"from cleaner.store import Store; Store.open({shared_url!r}, b'k' * 32).close()"
    processes = [subprocess.Popen([sys.executable, "-c", program], env={"PYTHONPATH": "."}) for _ in range(6)]
    assert [process.wait(timeout=120) for process in processes] == [0] * 6
    Store.open(shared_url, KEY).close()


def test_opening_it_again_needs_no_alembic(tmp_path: Path) -> None:
    Store.open(url(tmp_path), KEY).close()
    program = (
        "import sys\n"
        "from cleaner.store import Store\n"
        f"Store.open({url(tmp_path)!r}, b'k' * 32).close()\n"
        "Store.open('sqlite://', b'k' * 32).close()\n"
        "sys.exit('alembic' in sys.modules)\n"
    )
    assert (
        subprocess.run([sys.executable, "-c", program], check=False, env={"PYTHONPATH": "."}).returncode == 0
    )


@pytest.mark.parametrize("name", ["a b.db", "50%.db", "ü;x.db", "a?b.db"])
def test_its_name_and_folder_may_be_odd(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "fold er%s"
    folder.mkdir()
    where = f"sqlite:///{folder / name}".replace("%", "%25").replace("?", "%3F")
    with Store.open(where, KEY) as store:
        store.journal(ANN).intend([entry()])
    assert store._database.path is not None
    assert store._database.path.exists()


def test_a_copy_made_while_it_is_in_use_is_whole(tmp_path: Path) -> None:
    """The backup of docs/store.md."""
    backup = tmp_path / "backup"
    backup.mkdir()
    with Store.open(url(tmp_path), KEY) as store:
        fill(store)
        with raw(tmp_path) as connection:
            connection.execute(f"VACUUM INTO '{backup / 'state.db'}'")
        later = store.journal(ANN).intend([entry(3)])
    with Store.open(url(backup), KEY) as store:
        assert is_whole(store)
        assert store.entries(id=later[0].id) == ()


# --- refused ----------------------------------------------------------------------------------------


def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    Store.open(url(tmp_path), KEY).close()
    with raw(tmp_path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.execute("UPDATE meta SET value = X'39393939' WHERE name = 'borne-from'")
    with pytest.raises(StoreError, match="newer bounce-cleaner; upgrade the program"):
        Store.open(url(tmp_path), KEY)


def by_a_newer_program(folder: Path, *, borne_from: str) -> None:
    """It made a table that we do not know, and a column that it fills by itself."""
    with raw(folder) as connection:
        connection.execute("CREATE TABLE colours (name TEXT)")
        connection.execute("ALTER TABLE mailbox ADD COLUMN colour TEXT NOT NULL DEFAULT 'blue'")
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.execute("UPDATE meta SET value = ? WHERE name = 'borne-from'", (borne_from.encode(),))


def test_a_newer_database_that_says_that_we_can_is_used(tmp_path: Path) -> None:
    Store.open(url(tmp_path), KEY).close()
    by_a_newer_program(tmp_path, borne_from=schema.REVISIONS[-1])
    with Store.open(url(tmp_path), KEY) as store:
        assert (store.is_ahead, store.revision, store.upgraded_from) == (True, "9999", None)
        store.refuse_newer()
        fill(store)
        assert is_whole(store)


def test_one_that_became_too_new_is_noticed_while_it_is_used(tmp_path: Path) -> None:
    with Store.open(url(tmp_path), KEY) as store:
        store.refuse_newer()
        by_a_newer_program(tmp_path, borne_from="9999")
        with pytest.raises(StoreError, match="newer bounce-cleaner; upgrade the program"):
            store.refuse_newer()


@pytest.mark.parametrize("their_table", ["photos", "alembic_version"])
def test_a_database_of_another_program_is_refused_and_kept(tmp_path: Path, their_table: str) -> None:
    with raw(tmp_path) as connection:
        connection.execute(f"CREATE TABLE {their_table} (version_num TEXT)")
        connection.execute(f"INSERT INTO {their_table} VALUES ('abc')")  # noqa: S608
    with pytest.raises(StoreError, match="another program"):
        Store.open(url(tmp_path), KEY)
    with raw(tmp_path) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [(their_table,)]


def test_another_master_key_is_noticed(shared_url: str) -> None:
    Store.open(shared_url, KEY).close()
    with pytest.raises(StoreError, match="another master key; put the old key back"):
        Store.open(shared_url, b"x" * 32)
    Store.open(shared_url, KEY).close()


# --- upgraded ---------------------------------------------------------------------------------------

SECOND = """
import sqlalchemy as sa
from alembic import op

revision = "next"
down_revision = "{last}"


def upgrade() -> None:
    with op.batch_alter_table("mailbox", recreate="always") as batch:
        batch.add_column(sa.Column("colour", sa.Text(), nullable=False, server_default="blue"))
    op.execute("UPDATE journal SET error = 'upgraded'")
    {more}
"""


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """A folder with a database that holds something in every table."""
    with Store.open(url(tmp_path), KEY) as store:
        fill(store)
    return tmp_path


def fill(store: Store) -> None:
    store.consent.record(Consent(ANN, NOW, ConsentState.OPTED_IN, "root", "owner"))
    store.journal(ANN).intend([entry(1), entry(2)])
    store.seen(ANN).record([notice()], {"INBOX": "5"})
    store.sent_record(ANN).add("Sent", [sent()], "6")


def is_whole(store: Store) -> bool:
    question = SentQuestion(frozenset(["<1@mx.harbor.example>"]), frozenset(["bob@far.example"]))
    consent = store.consent.current(ANN)
    return (
        consent is not None
        and consent.state is ConsentState.OPTED_IN
        and len(store.journal(ANN).open()) == 2
        and store.seen(ANN).known(["f1"]) == {"f1": notice()}
        and (store.seen(ANN).cursor("INBOX"), store.sent_record(ANN).cursor("Sent")) == ("5", "6")
        and store.sent_record(ANN).ask(question).by_message_id["<1@mx.harbor.example>"].recipient_count == 1
    )


def with_a_second_migration(folder: Path, monkeypatch: pytest.MonkeyPatch, more: str = "pass") -> None:
    """The program as it will be one day."""
    migrations = folder / "migrations"
    shutil.copytree(schema.MIGRATIONS, migrations)
    script = SECOND.format(last=schema.REVISIONS[-1], more=more)
    (migrations / "versions" / "m_next.py").write_text(script)
    monkeypatch.setattr(schema, "MIGRATIONS", migrations)
    monkeypatch.setattr(schema, "REVISIONS", (*schema.REVISIONS, "next"))


def test_an_older_database_is_upgraded_with_all_that_is_in_it(
    filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Replacing `mailbox` would take along all that refers to it, were references followed meanwhile."""
    with_a_second_migration(filled, monkeypatch)
    with Store.open(url(filled), KEY) as store:
        assert is_whole(store)
        assert {e.error for e in store.entries()} == {"upgraded"}
    with raw(filled) as connection:
        assert connection.execute("SELECT colour FROM mailbox").fetchall() == [("blue",)]
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("next",)]


@pytest.mark.parametrize(
    "more", ["raise RuntimeError('power cut')", "op.execute('DELETE FROM mailbox')", "op.execute('nonsense')"]
)
def test_an_upgrade_that_fails_leaves_it_as_it_was(
    filled: Path, monkeypatch: pytest.MonkeyPatch, more: str
) -> None:
    with monkeypatch.context() as newer:
        with_a_second_migration(filled, newer, more)
        with pytest.raises((StoreError, RuntimeError)):
            Store.open(url(filled), KEY)
    with Store.open(url(filled), KEY) as store:
        assert is_whole(store)
        assert {e.error for e in store.entries()} == {None}
    with raw(filled) as connection:
        assert (
            "colour"
            not in connection.execute("SELECT sql FROM sqlite_master WHERE name = 'mailbox'").fetchone()[0]
        )


def test_a_database_of_the_first_version_can_be_opened(tmp_path: Path) -> None:
    with raw(tmp_path) as connection:
        connection.executescript(FIRST.read_text())
    with Store.open(url(tmp_path), KEY) as store:
        assert (store.upgraded_from, store.revision) == ("0001", schema.REVISIONS[-1])
        assert not store.is_ahead
        assert is_whole(store)
        fill(store)
    with Store.open(url(tmp_path), KEY) as store:
        assert store.upgraded_from is None
