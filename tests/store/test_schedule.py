"""The schedule: who is due, who claims whom, and what becomes of claims when a process ends."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from cleaner.store import Store
from cleaner.store.consent import POLL
from cleaner.store.records import Access, Consent, ConsentState, Turn
from cleaner.store.schedule import Ended
from tests.store.samples import ANN, KEY, NOW

BEN = "ben@harbor.example"
LATER = NOW + timedelta(minutes=5)


def everyone(due: Mapping[str, Sequence[Turn]]) -> tuple[Turn, ...]:
    return tuple(turn for turns in due.values() for turn in turns)


def claims(store: Store, *, at: datetime = NOW) -> list[str]:
    return sorted(turn.address for turn in store.schedule.turns((), ("imap",), at, everyone))


def test_new_mailboxes_are_due_at_once_and_claimed_once(store: Store) -> None:
    store.schedule.join()
    store.schedule.plan({ANN: "imap", BEN: "imap"}, NOW)
    assert claims(store) == [ANN, BEN]
    assert claims(store) == []


def test_a_claim_is_over_when_its_turn_is_written_down(store: Store) -> None:
    store.schedule.join()
    store.schedule.plan({ANN: "imap"}, NOW)
    (turn,) = store.schedule.turns((), ("imap",), NOW, everyone)
    over = Ended(replace(turn, due=LATER, state="failed", failures=1, error="no"), NOW)
    assert store.schedule.turns((over,), ("imap",), NOW, everyone) == ()
    (kept,) = store.schedule.all()
    assert (kept.due, kept.state, kept.failures, kept.error) == (LATER, "failed", 1, "no")
    assert claims(store, at=LATER) == [ANN]


def test_another_server_s_mailboxes_are_not_offered(store: Store) -> None:
    store.schedule.join()
    store.schedule.plan({ANN: "ews"}, NOW)
    assert claims(store) == []
    store.schedule.plan({ANN: "imap"}, NOW)
    assert claims(store) == [ANN]


def test_who_is_no_longer_wanted_is_taken_out(store: Store) -> None:
    store.schedule.join()
    store.schedule.plan({ANN: "imap", BEN: "imap"}, NOW)
    store.schedule.plan({BEN: "imap"}, NOW)
    assert [turn.address for turn in store.schedule.all()] == [BEN]


def test_hastened_ones_come_first(store: Store) -> None:
    store.schedule.join()
    store.schedule.plan({ANN: "imap"}, LATER)
    assert claims(store) == []
    store.schedule.hasten((ANN,), NOW)
    assert claims(store) == [ANN]


def test_what_a_dead_process_claims_is_taken_over_and_what_a_living_one_claims_is_not(
    shared_url: str,
) -> None:
    program = (
        "import sys, datetime\n"
        "from cleaner.store import Store\n"
        f"store = Store.open({shared_url!r}, {KEY!r})\n"
        "store.schedule.join()\n"
        f"store.schedule.plan({{{ANN!r}: 'imap'}}, datetime.datetime.fromisoformat({NOW.isoformat()!r}))\n"
        f"now = datetime.datetime.fromisoformat({NOW.isoformat()!r})\n"
        "everyone = lambda due: [turn for turns in due.values() for turn in turns]\n"
        "print(len(store.schedule.turns((), ('imap',), now, everyone)), flush=True)\n"
        "sys.stdin.read()\n"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with other, Store.open(shared_url, KEY) as store:
        assert other.stdout is not None
        assert other.stdout.readline() == "1\n"
        store.schedule.join()
        assert store.schedule.take_over() == ()
        assert claims(store) == []
        other.kill()
        other.wait()
        while not store.schedule.take_over():
            pass
        assert claims(store) == [ANN]


def test_who_leaves_gives_back_what_he_claims(store: Store) -> None:
    store.schedule.join()
    store.schedule.plan({ANN: "imap"}, NOW)
    assert claims(store) == [ANN]
    store.schedule.leave()
    store.schedule.join()
    assert claims(store) == [ANN]


def test_looks_that_found_nothing_are_one_access_a_day(store: Store) -> None:
    store.consent.record(Consent(ANN, NOW, ConsentState.OPTED_IN, "ann", "owner"))
    store.schedule.join()
    store.schedule.plan({ANN: "imap"}, NOW)
    for number in range(3):
        at = NOW + timedelta(hours=number)
        (turn,) = store.schedule.turns((), ("imap",), at, everyone)
        store.schedule.turns((Ended(replace(turn, due=at), at, poll_by="root"),), (), at, everyone)
    tomorrow = NOW + timedelta(days=1)
    (turn,) = store.schedule.turns((), ("imap",), tomorrow, everyone)
    store.schedule.turns((Ended(turn, tomorrow, poll_by="root"),), (), tomorrow, everyone)
    first, second = store.accesses.list(ANN)
    assert (first.purpose, first.times, first.at, first.until) == (POLL, 3, NOW, NOW + timedelta(hours=2))
    assert (second.times, second.at) == (1, tomorrow)


def test_looks_of_a_day_are_one_row_though_scans_stand_between_them(store: Store) -> None:
    store.schedule.join()
    store.schedule.plan({ANN: "imap"}, NOW)
    for hour in range(4):
        at = NOW + timedelta(hours=hour)
        (turn,) = store.schedule.turns((), ("imap",), at, everyone)
        store.schedule.turns((Ended(replace(turn, due=at), at, poll_by="root"),), (), at, everyone)
        store.accesses.record(Access(ANN, at, "root", "scan", f"r{hour}"))
    looks = [access for access in store.accesses.list(ANN) if access.purpose == POLL]
    assert [(access.times, access.until) for access in looks] == [(4, NOW + timedelta(hours=3))]


def test_the_backlog_in_numbers(store: Store) -> None:
    store.schedule.join()
    store.schedule.plan({ANN: "imap"}, NOW)
    store.schedule.plan({ANN: "imap", BEN: "imap"}, LATER)
    backlog = store.schedule.backlog(NOW)
    assert (backlog.mailboxes, backlog.due, backlog.claimed, backlog.failing) == (2, 1, 0, 0)
    assert backlog.oldest == NOW
    claims(store)
    backlog = store.schedule.backlog(NOW)
    assert (backlog.due, backlog.claimed, backlog.oldest) == (0, 1, None)


def test_its_owner_s_opting_out_does_not_matter_to_the_turn_that_runs(store: Store) -> None:
    store.schedule.join()
    store.schedule.plan({ANN: "imap"}, NOW)
    (turn,) = store.schedule.turns((), ("imap",), NOW, everyone)
    assert not store.schedule.plan({}, NOW)
    assert [kept.address for kept in store.schedule.all()] == [ANN]
    store.schedule.turns((Ended(turn, NOW),), (), NOW, everyone)
    assert store.schedule.plan({}, NOW)
    assert store.schedule.all() == ()


def test_who_opts_out_is_in_no_schedule_also_where_no_service_runs(store: Store) -> None:
    store.schedule.join()
    store.schedule.plan({ANN: "imap", BEN: "imap"}, NOW)
    (turn, _) = store.schedule.turns((), ("imap",), NOW, everyone)
    store.erase(turn.address)
    store.schedule.turns((Ended(turn, NOW),), (), NOW, everyone)
    assert [kept.address for kept in store.schedule.all()] == [BEN]


@pytest.mark.nightly
def test_who_lost_his_connection_is_not_taken_for_dead_for_good(postgresql_server: str) -> None:
    """PostgreSQL lifts locks with the session that holds them, also when it is restarted."""
    with Store.open(postgresql_server, KEY) as store, Store.open(postgresql_server, KEY) as other:
        store.schedule.join()
        name = store.schedule._name
        assert not other.schedule._is_dead(name)
        with other._database.write() as connection:
            connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND datname = current_database()"
            )
        assert other.schedule._is_dead(name)
        store.schedule.take_over()
        assert not other.schedule._is_dead(name)
