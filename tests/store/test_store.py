"""The store as a whole: made, upgraded, refused, and safe when things fail."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from cleaner.errors import MailboxBusyError, StoreError
from cleaner.store import Store, schema, tables
from cleaner.store.database import Database
from cleaner.store.records import Access, Consent, ConsentState, StoredMailbox
from cleaner.values import ActionName, Entry, EntryState, OutgoingMail

KEY = b"k" * 32
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
ANN = "ann@harbor.example"


def url(path: Path) -> str:
    return f"sqlite:///{path / 'state.db'}"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(url(tmp_path), KEY) as store:
        yield store


def entry(number: int = 0, **changes: object) -> Entry:
    values = {
        "id": 0,
        "run": "r1",
        "mailbox": ANN,
        "fingerprint": f"f{number}",
        "occurrence": 0,
        "action": ActionName.MOVE,
        "folder": "INBOX",
        "message": f"m{number}",
        "target": "Backscatter",
        "flags": ("S",),
        "received": NOW,
        "intended_at": NOW,
    }
    return Entry(**{**values, **changes})  # type: ignore[arg-type]


def test_the_migrations_build_the_tables_that_the_program_uses(tmp_path: Path) -> None:
    Store.open(url(tmp_path), KEY).close()
    database = Database(url(tmp_path))
    with database.read() as connection:
        difference = compare_metadata(MigrationContext.configure(connection), tables.metadata)
    database.close()
    assert difference == []


def test_the_program_names_the_newest_migration() -> None:
    scripts = ScriptDirectory(str(Path(schema.__file__).parent / "migrations"))
    assert scripts.get_current_head() == schema.HEAD
    assert {script.revision for script in scripts.walk_revisions()} == set(schema.REVISIONS)


def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    Store.open(url(tmp_path), KEY).close()
    with closing(sqlite3.connect(tmp_path / "state.db")) as raw, raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match="newer bounce-cleaner"):
        Store.open(url(tmp_path), KEY)


def test_another_master_key_is_noticed(tmp_path: Path) -> None:
    Store.open(url(tmp_path), KEY).close()
    with pytest.raises(StoreError, match="another master key"):
        Store.open(url(tmp_path), b"x" * 32)
    Store.open(url(tmp_path), KEY).close()


def test_a_file_that_is_no_database_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    path.write_text("my diary\n" * 200)
    with pytest.raises(StoreError, match="not a database"):
        Store.open(url(tmp_path), KEY)
    assert path.read_text().startswith("my diary")


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="mkdir -p"):
        Store.open(url(tmp_path / "nowhere"), KEY)


def test_a_locked_database_is_waited_for_and_then_said(tmp_path: Path) -> None:
    with (
        Store.open(url(tmp_path), KEY, busy_timeout=timedelta(milliseconds=50)) as store,
        closing(sqlite3.connect(tmp_path / "state.db", isolation_level=None)) as raw,
    ):
        raw.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="in use by another process"):
            store.journal(ANN).intend([entry()])
        raw.execute("ROLLBACK")
        store.journal(ANN).intend([entry()])


def test_a_full_disk_is_said_and_leaves_nothing_half_written(store: Store) -> None:
    store.journal(ANN).intend([entry(1)])
    with store._database.read() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 2}")
    many = [entry(number) for number in range(2, 2000)]
    with pytest.raises(StoreError, match="disk is full"):
        store.journal(ANN).intend(many)
    assert len(store.entries()) == 1


def test_two_processes_may_make_it_at_the_same_time(tmp_path: Path) -> None:
    program = f"from cleaner.store import Store; Store.open({url(tmp_path)!r}, b'k' * 32).close()"
    processes = [subprocess.Popen([sys.executable, "-c", program]) for _ in range(4)]
    assert [process.wait(timeout=60) for process in processes] == [0, 0, 0, 0]


def test_killed_between_intent_and_result_the_intent_is_there(tmp_path: Path) -> None:
    program = textwrap.dedent(
        f"""
        import os, signal
        from tests.store.test_store import KEY, ANN, entry, url
        from cleaner.store import Store
        from pathlib import Path
        store = Store.open(url(Path({str(tmp_path)!r})), KEY)
        store.journal(ANN).intend([entry(7)])
        os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    killed = subprocess.run(
        [sys.executable, "-c", program], check=False, env=os.environ | {"PYTHONPATH": "."}
    )
    assert killed.returncode == -signal.SIGKILL
    with Store.open(url(tmp_path), KEY) as store:
        (open_entry,) = store.journal(ANN).open()
    assert (open_entry.fingerprint, open_entry.state) == ("f7", EntryState.INTENDED)


def test_a_mailbox_is_held_by_one_process_and_freed_by_its_death(tmp_path: Path) -> None:
    with Store.open(url(tmp_path), KEY) as store, Store.open(url(tmp_path), KEY) as other:
        with store.lock(ANN):
            with pytest.raises(MailboxBusyError, match="another process"), other.lock("ANN@harbor.example"):
                pass
            with other.lock("ben@harbor.example"):
                pass
        with other.lock(ANN):
            pass


def test_nothing_of_the_sent_mail_stands_in_the_file_in_the_clear(tmp_path: Path) -> None:
    with Store.open(url(tmp_path), KEY) as store:
        mail = OutgoingMail("<very-secret-id@harbor.example>", NOW, ("bob@far.example",), "A secret offer")
        store.sent_record(ANN).add("Sent", [mail], "1")
    content = b"".join(path.read_bytes() for path in tmp_path.glob("state.db*") if path.is_file())
    for secret in (b"very-secret-id", b"far.example", b"secret offer", b"Secret", b"bob@"):
        assert secret not in content
    assert b"sent_recipient" in content


def test_opting_out_erases_but_keeps_journal_and_history(store: Store) -> None:
    store.sent_record(ANN).add("Sent", [OutgoingMail("<1@h>", NOW, ("b@x.example",), "s")], "c")
    store.journal(ANN).intend([entry()])
    store.consent.record(Consent(ANN, NOW, ConsentState.OPTED_OUT, "ann", ""))
    store.accesses.record(Access(ANN, NOW, "root", "scan", "r1"))
    store.erase(ANN)
    assert store.sent_record(ANN).mails() == 0
    assert store.sent_record(ANN).cursor("Sent") is None
    assert len(store.entries(mailbox=ANN)) == 1
    assert len(store.consent.history(ANN)) == 1
    assert len(store.accesses.list(ANN)) == 1


def test_mailboxes_come_back_as_they_were_kept(store: Store) -> None:
    kept = StoredMailbox(
        "carl@harbor.example", "imap", "harbor", password="env:CARL", aliases=("c@harbor.example",)
    )
    store.mailboxes.add(kept)
    store.mailboxes.add(kept)
    assert store.mailboxes.all() == (kept,)
    store.mailboxes.remove("CARL@harbor.example")
    assert store.mailboxes.all() == ()


def test_runs_sort_by_time_and_keep_what_stopped_them(store: Store) -> None:
    first = store.runs.start("scan", NOW)
    second = store.runs.start("scan", NOW + timedelta(minutes=1))
    store.runs.finish(first, NOW, state="stopped", stopped=(ANN,), since=NOW)
    assert [run.id for run in store.runs.list()] == [second, first]
    assert first < second
    assert store.runs.stopped(first) == (ANN,)
    assert (store.runs.get(first).since, store.runs.get(second).state) == (NOW, "running")
