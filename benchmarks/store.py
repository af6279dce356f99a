"""
How the store answers when it holds much: 50,000 mailboxes, millions of sent mails, a journal of half as many.

    python -m benchmarks.store --rows 20000000

A PostgreSQL of our own on this machine, over loopback, filled by SQL, with its usual settings (shared_buffers 128 MB).
The mailboxes that are asked about are filled by the program itself, so that questions have answers. The floor of each
question is what the driver alone takes for one bare statement about the same rows, in the same run.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import psycopg

from cleaner.store import Store, tables
from cleaner.store.answer import id_key
from cleaner.store.hashing import Keyed
from cleaner.store.records import Turn
from cleaner.values import ActionName, Entry, EntryState, OutgoingMail, SentQuestion
from tests.store import postgresql

KEY: Final = b"k" * 32
NOW: Final = datetime.now(UTC).replace(microsecond=0)
MAILBOXES: Final = 50_000
SERVERS: Final = 20
AT_ONCE: Final = 8
"""Mailboxes that are claimed at a time."""
ASKED: Final = 20
"""Mailboxes that questions are asked about, with so many mails each …"""
MAILS: Final = 2_000
HEAVY: Final = 50_000
"""… and one more with so many."""
NOTICES: Final = 100
OURS: Final = 20
"""Of so many notices in a batch so many are about mail of the record."""
MOST_DUE: Final = 100.0
MOST_ASKED: Final = 50.0
"""Milliseconds."""

FILL: Final = {
    "mailbox": """
        INSERT INTO mailbox (address)
        SELECT 'm' || i || '@harbor.example' FROM generate_series(1, {mailboxes}) i""",
    "schedule": """
        INSERT INTO schedule (mailbox_id, server, due)
        SELECT id, 'server' || id % {servers}, now() - random() * interval '5 minutes' FROM mailbox""",
    "sent": """
        INSERT INTO sent (mailbox_id, identity, host, subject, time, recipients, logged)
        SELECT 1 + i * 7919::bigint % {mailboxes}, decode(md5('i' || i), 'hex'), decode(md5('h' || i % 3), 'hex'),
               decode(md5('s' || i % 5000000), 'hex'), now() - i % 1051200 * interval '30 seconds', 1, i % 10 = 0
        FROM generate_series(1, {rows}) i""",
    "sent_recipient": """
        INSERT INTO sent_recipient (sent_id, address, mailbox_id, domain, time)
        SELECT id, decode(md5('a' || id * 31 % 3000000), 'hex'), mailbox_id,
               decode(md5('d' || id * 31 % 90000), 'hex'), time
        FROM sent
        UNION ALL
        SELECT id, decode(md5('b' || id % 3000000), 'hex'), mailbox_id, decode(md5('d' || id % 90000), 'hex'), time
        FROM sent WHERE id % 3 = 0""",
    "journal": """
        INSERT INTO journal (run, mailbox_id, fingerprint, occurrence, action, folder, message, target, new_id, flags,
                             received, message_id, state, intended_at, settled_at)
        SELECT 'r' || i / 20, 1 + i * 7919::bigint % {mailboxes}, md5('f' || i) || md5('g' || i), 0, 'move', 'INBOX',
               i::text, 'Backscatter', i::text, '[]', now() - i % 1051200 * interval '30 seconds',
               '<' || md5('m' || i) || '@far.example>', 'done',
               now() - i % 1051200 * interval '30 seconds', now() - i % 1051200 * interval '30 seconds'
        FROM generate_series(1, {rows} / 2) i""",
}
"""Mails and changes lie one after the other by time, whoever they belong to, as they come to lie in life."""

CONSTRAINTS: Final = """
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint c
WHERE conrelid = %s::regclass AND contype IN ('p', 'u', 'f')
  AND NOT (contype = 'p' AND EXISTS (SELECT 1 FROM pg_constraint o WHERE o.confrelid = c.conrelid))
"""
INDEXES: Final = """
SELECT indexname, indexdef FROM pg_indexes WHERE tablename = %s AND indexname NOT IN (SELECT conname FROM pg_constraint)
"""


# --- filling -----------------------------------------------------------------------------------------


def fill(url: str, rows: int) -> None:
    """What others sent and what was moved of theirs; indexes are made afterwards, which takes a fraction of the time."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET maintenance_work_mem = '512MB'")
        connection.execute("SET work_mem = '128MB'")
        for table, statement in FILL.items():
            with without_indexes(connection, table):
                began = time.monotonic()
                connection.execute(statement.format(mailboxes=MAILBOXES, servers=SERVERS, rows=rows))  # type: ignore[arg-type]
                told(f"filled {table}", time.monotonic() - began)
            connection.execute(f"VACUUM ANALYZE {table}")  # type: ignore[arg-type]
            told(f"with its indexes {table}", time.monotonic() - began)


@contextmanager
def without_indexes(connection: psycopg.Connection[Any], table: str) -> Iterator[None]:
    found = connection.execute(CONSTRAINTS, (table,)).fetchall()
    indexes = connection.execute(INDEXES, (table,)).fetchall()
    for name, _ in found:
        connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")  # type: ignore[arg-type]
    for name, _ in indexes:
        connection.execute(f"DROP INDEX {name}")  # type: ignore[arg-type]
    yield
    for name, definition in found:
        connection.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")  # type: ignore[arg-type]
    for _, definition in indexes:
        connection.execute(definition)


def told(what: str, seconds: float) -> None:
    print(f"  {what}: {seconds:.0f} s", file=sys.stderr, flush=True)


def mail(mailbox: str, number: int) -> OutgoingMail:
    return OutgoingMail(
        message_id=f"<{number}.{mailbox}>",
        time=NOW - timedelta(minutes=number),
        recipients=(f"u{number % 701}@d{number % 67}.example",),
        subject=f"Subject {number % 1_003}",
    )


def address(number: int) -> str:
    return f"m{number}@harbor.example"


def fill_asked(store: Store) -> None:
    for number in range(1, ASKED + 2):
        mails = MAILS if number <= ASKED else HEAVY
        record = store.sent_record(address(number))
        for start in range(0, mails, 1_000):
            record.add("Sent", [mail(address(number), n) for n in range(start, start + 1_000)], None)
    told("the mailboxes that are asked about", 0)


# --- asking ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Measured:
    """How long something took, each time, in milliseconds."""

    what: str
    times: Sequence[float]
    floor: Sequence[float] | None = None
    aim: float | None = None

    @property
    def is_kept(self) -> bool:
        return self.aim is None or statistics.median(self.times) <= self.aim

    def __str__(self) -> str:
        told = f"{self.what:<58} {statistics.median(self.times):8.2f} {min(self.times):8.2f} {max(self.times):8.2f}"
        if self.floor:
            ratio = min(self.times) / min(self.floor)
            told += f" {statistics.median(self.floor):8.2f} {min(self.floor):8.2f} {ratio:6.1f}"
        return told + (f"   (aim at most {self.aim:g})" if self.aim is not None else "")


def timed(what: Callable[[], object]) -> float:
    began = time.perf_counter()
    what()
    return (time.perf_counter() - began) * 1000


def due(store: Store, bare: psycopg.Connection[Any]) -> Iterator[Measured]:
    """All mailboxes are due; at each tick the longest due of each server become jobs, as many as it may have."""
    fleet = store.fleet()
    fleet.queue.prepare()
    limits = {f"server{number}": AT_ONCE for number in range(SERVERS)}
    times = []
    for _ in range(15):
        bare.execute("UPDATE schedule SET claimed_by = NULL WHERE claimed_by IS NOT NULL")
        bare.execute("DELETE FROM procrastinate_jobs")
        times.append(timed(lambda: fleet.tick("benchmark", 0.001, limits, NOW)))
    of_one = "SELECT mailbox_id FROM schedule WHERE server = %s AND due <= now() AND claimed_by IS NULL"
    statement = f"{of_one} ORDER BY due LIMIT {AT_ONCE}"
    floor = [
        timed(lambda: [bare.execute(statement, (server,)).fetchall() for server in limits]) for _ in range(15)
    ]
    yield Measured(
        f"a tick: of {MAILBOXES:,} due, {SERVERS * AT_ONCE} jobs given out", times, floor, MOST_DUE
    )
    times = [timed(lambda: fleet.tick("benchmark", 0.001, limits, NOW)) for _ in range(15)]
    yield Measured("  a tick at which no server has a place free", times)
    yield Measured("  its numbers for /metrics", [timed(lambda: fleet.backlog(NOW)) for _ in range(9)])


def due_in_file() -> Iterator[Measured]:
    """The same for one process with a file of SQLite."""
    with tempfile.TemporaryDirectory() as folder, Store.open(f"sqlite:///{folder}/state.db", KEY) as store:
        every = {address(number): f"server{number % SERVERS}" for number in range(1, MAILBOXES + 1)}
        with store._database.write() as connection:
            connection.execute(tables.mailbox.insert(), [{"address": one} for one in every])
        first = timed(lambda: store.schedule.plan(every, NOW))
        store.schedule.join()

        def turns() -> None:
            store.schedule.turns((), tuple(dict.fromkeys(every.values())), NOW, longest)

        times = [timed(turns) for _ in range(15)]
        yield Measured(f"on SQLite: of {MAILBOXES:,} due, {AT_ONCE} claimed", times, None, MOST_DUE)
        yield Measured("  all of them put into the schedule, once", [first])
        store.schedule.leave()


def longest(found: Mapping[str, Sequence[Turn]]) -> Sequence[Turn]:
    every = sorted((turn for turns in found.values() for turn in turns), key=lambda turn: turn.due)
    return every[:AT_ONCE]


def question(mailbox: str) -> SentQuestion:
    """What a batch of notices mentions, some of it of mails of that mailbox."""
    ours = [mail(mailbox, number * 97) for number in range(OURS)]
    strange = range(NOTICES - OURS)
    return SentQuestion(
        frozenset([m.message_id or "" for m in ours] + [f"<{n}@spam.example>" for n in strange]),
        frozenset([m.recipients[0] for m in ours] + [f"u{n}@s{n}.example" for n in strange]),
        frozenset([m.subject for m in ours] + [f"Pills {n}" for n in strange]),
    )


def asked(store: Store, bare: psycopg.Connection[Any]) -> Iterator[Measured]:
    questions = {address(number): question(address(number)) for number in range(1, ASKED + 2)}
    heavy = address(ASKED + 1)
    usual = [one for one in questions if one != heavy]

    def ask(one: str) -> float:
        return timed(lambda: store.sent_record(one).ask(questions[one]))

    for one, wanted in questions.items():
        if len(store.sent_record(one).ask(wanted).by_message_id) != OURS:
            raise SystemExit(f"the record of {one} does not know its own mails")
    for what, addresses, aim in ((MAILS, usual * 2, MOST_ASKED), (HEAVY, [heavy] * 10, None)):
        floor = [timed(lambda: bare_ids(bare, one)) for one in addresses]  # noqa: B023
        times = list(map(ask, addresses))
        yield Measured(f"sent record, {NOTICES} notices, a mailbox with {what:,} mails", times, floor, aim)
    questions |= {address(number): question(address(number)) for number in range(1_000, 1_000 + ASKED)}
    times = [ask(address(number)) for number in range(1_000, 1_000 + ASKED)]
    yield Measured("  a mailbox that is asked about for the first time", times)


def bare_ids(bare: psycopg.Connection[Any], mailbox: str) -> None:
    keyed = Keyed(KEY)
    ids = [keyed.hash("message-id", id_key(one)) for one in question(mailbox).message_ids]
    statement = "SELECT * FROM sent WHERE mailbox_id = %s AND identity = ANY(%s)"
    bare.execute(statement, (int(mailbox[1 : mailbox.index("@")]), ids)).fetchall()


def journalled(store: Store, bare: psycopg.Connection[Any]) -> Iterator[Measured]:
    prints = [f"{number:064x}" for number in range(NOTICES)]
    some = range(2_000, 2_020)
    statement = "SELECT * FROM journal WHERE mailbox_id = %s AND fingerprint = ANY(%s)"

    def plainly(number: int) -> float:
        return timed(lambda: bare.execute(statement, (number, prints)).fetchall())

    def ask(number: int) -> float:
        return timed(lambda: store.journal(address(number)).for_fingerprints(prints))

    floor = list(map(plainly, some))
    yield Measured(f"journal, what was done about {NOTICES} notices", list(map(ask, some)), floor)
    times = [timed(lambda: move(store, address(number))) for number in some]  # noqa: B023
    yield Measured("  20 changes intended and settled", times)
    since = NOW - timedelta(days=7)
    yield Measured(
        "  the last 20 of a week", [timed(lambda: store.entries(since=since, limit=20)) for _ in range(9)]
    )
    is_open = (EntryState.INTENDED, EntryState.UNDOING)
    yield Measured(
        "  what interrupted runs left", [timed(lambda: store.entries(states=is_open)) for _ in range(9)]
    )
    yield Measured(
        "report of a week, changes", [timed(lambda: store.report.changed(since)) for _ in range(3)]
    )


def move(store: Store, mailbox: str) -> None:
    journal = store.journal(mailbox)
    entries = [
        Entry(
            id=0,
            run="r",
            mailbox=mailbox,
            fingerprint=f"new {number}",
            occurrence=0,
            action=ActionName.MOVE,
            folder="INBOX",
            message=str(number),
            target="Backscatter",
            intended_at=NOW,
        )
        for number in range(20)
    ]
    done = [replace(one, state=EntryState.DONE, settled_at=NOW) for one in journal.intend(entries)]
    journal.settle(done)


def forgotten(store: Store) -> Iterator[Measured]:
    """What somebody sent long ago leaves the record; each batch is a transaction of its own."""
    record = store.sent_record(address(ASKED + 2))
    old = [mail(address(ASKED + 2), number) for number in range(1_000_000, 1_010_000)]
    record.add("Sent", old, None)
    batches: list[float] = []
    write = store._database.write

    @contextmanager
    def noted() -> Iterator[Any]:
        began = time.perf_counter()
        with write() as connection:
            yield connection
        batches.append((time.perf_counter() - began) * 1000)

    store._database.write = noted  # type: ignore[method-assign]
    record.expire(old[0].time + timedelta(minutes=1))
    store._database.write = write  # type: ignore[method-assign]
    yield Measured("retention of the sent record, each batch of 1,000 mails", batches)


def sizes(bare: psycopg.Connection[Any]) -> None:
    for table in FILL:
        rows, heap, indexes = bare.execute(
            "SELECT count(*), pg_table_size(%s), pg_indexes_size(%s) FROM " + table,  # type: ignore[operator]  # noqa: S608
            (table, table),
        ).fetchone() or (1, 0, 0)
        each = (heap + indexes) / max(rows, 1)
        print(f"{table:<15} {rows:>12,} rows {(heap + indexes) / 1e6:10,.0f} MB  {each:6.0f} bytes each")


@contextmanager
def server(url: str | None) -> Iterator[str]:
    with ExitStack() as stack:
        if url is None:
            programs = postgresql.programs()
            if programs is None:
                raise SystemExit("PostgreSQL is missing: apt-get install postgresql")
            base = stack.enter_context(tempfile.TemporaryDirectory())
            url = stack.enter_context(postgresql.server(Path(base), programs))
        yield url


def main() -> None:
    parser = argparse.ArgumentParser(description="How the store answers when it holds much.")
    parser.add_argument(
        "--rows", type=int, default=20_000_000, help="Mails in the sent record; half as many changes."
    )
    parser.add_argument(
        "--url", help="A database that is filled, if it is empty; else one is made, and goes."
    )
    parser.add_argument("--untimed", action="store_true", help="The machine is busy: no time has to be kept.")
    wanted = parser.parse_args()
    with (
        server(wanted.url) as url,
        Store.open(url, KEY) as store,
        psycopg.connect(url, autocommit=True) as bare,
    ):
        if bare.execute("SELECT 1 FROM schedule LIMIT 1").fetchone() is None:
            fill(url, wanted.rows)
            fill_asked(store)
        sizes(bare)
        print(f"{'milliseconds':<58}   median    least     most    floor    least  ratio of the least")
        is_kept = True
        for part in (
            due(store, bare),
            due_in_file(),
            asked(store, bare),
            journalled(store, bare),
            forgotten(store),
        ):
            for found in part:
                print(found, flush=True)
                is_kept = is_kept and found.is_kept
    sys.exit(0 if is_kept or wanted.untimed else 1)


if __name__ == "__main__":
    main()
