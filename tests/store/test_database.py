"""What was written is on the disk, waits its turn, and is seen by its owner alone."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from cleaner.errors import StoreError
from cleaner.store import Store
from cleaner.store.database import Database
from cleaner.store.tables import meta
from tests.store.samples import ANN, KEY, entry, notice, sent, url


def test_a_commit_is_on_the_disk_when_it_returns(tmp_path: Path) -> None:
    """WAL alone syncs only at checkpoints; FULL at each commit (https://www.sqlite.org/pragma.html)."""
    Store.open(url(tmp_path), KEY).close()
    with closing_database(url(tmp_path)) as database, database.read() as connection:
        settings = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        ]
    assert settings == ["wal", 2, 1, 1]


def closing_database(where: str) -> closing[Database]:
    return closing(Database(where))


def test_the_database_and_what_lies_beside_it_are_private(tmp_path: Path) -> None:
    with Store.open(url(tmp_path), KEY) as store:
        store.journal(ANN).intend([entry()])
        modes = {path.name: path.stat().st_mode & 0o077 for path in tmp_path.iterdir()}
    assert "state.db-wal" in modes
    assert set(modes.values()) == {0}


def test_a_failed_transaction_leaves_nothing(tmp_path: Path) -> None:
    with closing_database(url(tmp_path)) as database:
        with database.rebuild() as connection:
            meta.create(connection)
        with pytest.raises(StoreError), database.write() as connection:
            connection.execute(meta.insert(), [{"name": "n", "value": b"v"}, {"name": "n", "value": b"w"}])
        with database.read() as connection:
            assert connection.execute(meta.select()).all() == []


def test_references_are_followed_again_after_tables_were_rebuilt(tmp_path: Path) -> None:
    with Store.open(url(tmp_path), KEY) as store:
        with pytest.raises(ZeroDivisionError), store._database.rebuild():
            raise ZeroDivisionError
        with store._database.rebuild():
            pass
        with pytest.raises(StoreError, match="FOREIGN KEY"), store._database.write() as connection:
            connection.exec_driver_sql("INSERT INTO sent_cursor VALUES (99, 'Sent', '1')")


def test_a_rebuilding_that_breaks_references_is_taken_back(tmp_path: Path) -> None:
    with Store.open(url(tmp_path), KEY) as store:
        store.journal(ANN).intend([entry()])
        with (
            pytest.raises(StoreError, match="without loss; it is as it was"),
            store._database.rebuild() as connection,
        ):
            connection.exec_driver_sql("DELETE FROM mailbox")
        assert len(store.entries()) == 1


def test_a_locked_database_is_waited_for(tmp_path: Path) -> None:
    with (
        Store.open(url(tmp_path), KEY) as store,
        closing(
            sqlite3.connect(tmp_path / "state.db", isolation_level=None, check_same_thread=False)
        ) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        timer = threading.Timer(0.2, lambda: other.execute("ROLLBACK"))
        timer.start()
        store.journal(ANN).intend([entry()])
        timer.join()
        assert len(store.entries()) == 1


def test_and_said_when_that_takes_too_long(tmp_path: Path) -> None:
    with (
        Store.open(url(tmp_path), KEY, busy_timeout=timedelta(milliseconds=50)) as store,
        closing(sqlite3.connect(tmp_path / "state.db", isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="in use by another process"):
            store.journal(ANN).intend([entry()])
        assert store.entries() == ()
        other.execute("ROLLBACK")
        store.journal(ANN).intend([entry()])


def test_reading_waits_for_nobody(tmp_path: Path) -> None:
    with (
        Store.open(url(tmp_path), KEY, busy_timeout=timedelta(0)) as store,
        closing(sqlite3.connect(tmp_path / "state.db", isolation_level=None)) as other,
    ):
        store.journal(ANN).intend([entry()])
        other.execute("BEGIN IMMEDIATE")
        other.execute("DELETE FROM journal")
        assert len(store.entries()) == 1


def test_a_full_disk_is_said_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    with Store.open(url(tmp_path), KEY) as store:
        store.journal(ANN).intend([entry(1)])
        with store._database.read() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 2}")
        with pytest.raises(StoreError, match="disk is full"):
            store.journal(ANN).intend([entry(number) for number in range(2, 2_000)])
        with pytest.raises(StoreError, match="disk is full"):
            store.seen(ANN).record([notice(fingerprint=f"f{n}") for n in range(2_000)], {"INBOX": "1"})
        with pytest.raises(StoreError, match="disk is full"):
            store.sent_record(ANN).add("Sent", [sent(number) for number in range(2_000)], "1")
        assert len(store.entries()) == 1
        assert (store.seen(ANN).cursor("INBOX"), store.seen(ANN).counts()) == (None, {})
        assert (store.sent_record(ANN).cursor("Sent"), store.sent_record(ANN).mails()) == (None, 0)


def test_many_threads_may_use_one_store(store: Store) -> None:
    """In memory they share one connection, in a file each has its own."""
    failed: list[BaseException] = []

    def work(number: int) -> None:
        address = f"u{number}@harbor.example"
        try:
            for step in range(10):
                store.journal(address).intend([entry(step, mailbox=address)])
                store.sent_record(address).add("Sent", [sent(step)], str(step))
                store.seen(address).record([notice(fingerprint=f"f{step}")], {"INBOX": str(step)})
                assert len(store.journal(address).open()) == step + 1
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(store.entries()) == 80


def test_many_processes_may_write_at_the_same_time(shared_url: str) -> None:
    Store.open(shared_url, KEY).close()
    program = (
        "import sys\n"
        "from cleaner.store import Store\n"
        "from tests.store.samples import ANN, KEY, entry\n"
        f"with Store.open({shared_url!r}, KEY) as store:\n"
        "    for step in range(20):\n"
        "        store.journal(ANN).intend([entry(step, occurrence=int(sys.argv[1]))])\n"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", program, str(number)], env={"PYTHONPATH": "."})
        for number in range(4)
    ]
    assert [process.wait(timeout=120) for process in processes] == [0] * 4
    with Store.open(shared_url, KEY) as store:
        assert len(store.entries()) == 80
