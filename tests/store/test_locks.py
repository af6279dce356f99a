"""A mailbox is at one time in the hands of one."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from cleaner.errors import MailboxBusyError
from cleaner.store import Store
from tests.store.samples import ANN, BEN, KEY, url


def test_a_mailbox_is_held_by_one_at_a_time(store: Store) -> None:
    with store.lock(ANN):
        with pytest.raises(MailboxBusyError, match="another process"), store.lock("Ann@Harbor.example"):
            pass
        with store.lock(BEN):
            pass
    with store.lock(ANN):
        pass


def test_what_failed_under_it_lets_it_go(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.lock(ANN):
        raise ZeroDivisionError
    with store.lock(ANN):
        pass


def test_two_that_opened_the_same_store_exclude_each_other(shared_url: str) -> None:
    with Store.open(shared_url, KEY) as store, Store.open(shared_url, KEY) as other:
        with store.lock(ANN), pytest.raises(MailboxBusyError), other.lock(ANN):
            pass
        with other.lock(ANN):
            pass


def test_death_lets_it_go(shared_url: str) -> None:
    program = (
        "import sys\n"
        "from cleaner.store import Store\n"
        "from tests.store.samples import ANN, KEY\n"
        f"with Store.open({shared_url!r}, KEY) as store, store.lock(ANN):\n"
        "    print('held', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    with Store.open(shared_url, KEY) as store:
        with subprocess.Popen(
            [sys.executable, "-c", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"PYTHONPATH": "."},
        ) as holder:
            assert holder.stdout is not None
            assert holder.stdout.readline() == b"held\n"
            with pytest.raises(MailboxBusyError), store.lock(ANN):
                pass
            holder.kill()
        with store.lock(ANN):
            pass


def test_of_many_threads_one_is_inside(store: Store) -> None:
    inside = 0
    most = 0
    entered = 0

    def work() -> None:
        nonlocal inside, most, entered
        for _ in range(150):
            with ExitStack() as stack:
                try:
                    stack.enter_context(store.lock(ANN))
                except MailboxBusyError:
                    continue
                inside += 1
                most = max(most, inside)
                entered += 1
                time.sleep(0.0002)
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
    assert entered > 0


@pytest.mark.nightly
def test_who_lost_it_behind_his_back_finds_out(postgresql_server: str) -> None:
    """As after a restart of PostgreSQL, which lifts all locks though their holders live."""
    with Store.open(postgresql_server, KEY) as store, Store.open(postgresql_server, KEY) as other:
        with store.lock(ANN) as hold, store.lock(BEN) as second:
            assert hold.is_kept()
            with other._database.write() as connection:
                connection.exec_driver_sql(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE pid <> pg_backend_pid() AND datname = current_database()"
                )
            while hold.is_kept():
                pass
            assert not second.is_kept()
            with other.lock(ANN) as new:
                assert new.is_kept()
                with pytest.raises(MailboxBusyError), store.lock(ANN):
                    pass
            with store.lock(ANN) as again:
                assert again.is_kept()
                assert not hold.is_kept()
        with store.lock(ANN):
            pass


def test_lock_files_do_not_pile_up(tmp_path: Path) -> None:
    with Store.open(url(tmp_path), KEY) as store:
        for number in range(3):
            with store.lock(f"u{number}@harbor.example"):
                assert len(list((tmp_path / "state.db.locks").iterdir())) == 1
        assert list((tmp_path / "state.db.locks").iterdir()) == []


def test_their_names_tell_nobody_who_has_a_mailbox(tmp_path: Path) -> None:
    with Store.open(url(tmp_path), KEY) as store, store.lock(ANN):
        (file,) = (tmp_path / "state.db.locks").iterdir()
    assert "ann" not in file.name
    assert (tmp_path / "state.db.locks").stat().st_mode & 0o077 == 0
