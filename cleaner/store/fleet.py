"""
The schedule as several machines see it (PostgreSQL).

One of them is the scheduler. At each tick it puts what is due into the queue, and notes in the schedule which job
carries which mailbox, both in one transaction: the schedule is what counts, a job only carries it. The worker that gets
the job takes the turn up, and writes down what came of it; a job whose mailbox it does not carry any more does nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, bindparam, func, literal_column, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError

from cleaner.errors import StoreError
from cleaner.store import schedule, tables
from cleaner.store.database import Database
from cleaner.store.failures import told
from cleaner.store.locks import Hold, Locks
from cleaner.store.queue import JOBS, Order, Queue
from cleaner.store.records import Turn
from cleaner.store.schedule import CARRIED, Backlog, Ended
from cleaner.values import address_key

SCHEDULER: Final = "scheduler"
BELL: Final = "bounce_cleaner_turn_over"
"""The channel on which workers say that a turn is over."""


@dataclass(frozen=True, slots=True)
class Office:
    """Who is the scheduler."""

    holder: str
    at: datetime
    """Of the last tick."""


class FleetBook:
    """What scheduler and workers write into the store."""

    def __init__(self, database: Database, locks: Locks) -> None:
        self._database = database
        self._locks = locks
        self.queue = Queue(database)

    # --- the scheduler

    def candidate(self) -> AbstractContextManager[Hold]:
        """Holds the office for as long as the block runs, if nobody else does."""
        return self._locks.hold(SCHEDULER)

    def office(self) -> Office | None:
        """Who held it at the last tick."""
        o = tables.office.c
        with self._database.read() as connection:
            row = connection.execute(select(o.holder, o.at).where(o.role == SCHEDULER)).first()
        return Office(row.holder, row.at) if row is not None else None

    def tick(self, holder: str, seconds: float, limits: Mapping[str, int], now: datetime) -> int | None:
        """
        Puts what is due into the queue, so that of no server more than its limit is waiting or at work.

        Returns how many; None if somebody else has had this tick. Ticks are counted by the database's clock.
        """
        o = tables.office.c
        number = func.floor(func.extract("epoch", func.clock_timestamp()) / seconds)
        made = insert(tables.office).values(role=SCHEDULER, holder=holder, tick=number, at=now)
        made = made.on_conflict_do_update(
            index_elements=[o.role],
            set_={"holder": holder, "tick": made.excluded.tick, "at": now},
            where=o.tick < made.excluded.tick,
        )
        with self._database.write() as connection:
            if connection.execute(made.returning(o.tick)).first() is None:
                return None
            return self._give_out(connection, limits, now)

    def refill(self, holder: str, limits: Mapping[str, int], now: datetime) -> int | None:
        """The same between two ticks, for servers of which a turn is over; None for who is not the scheduler."""
        o = tables.office.c
        with self._database.write() as connection:
            held = select(o.holder).where(o.role == SCHEDULER).with_for_update()
            if connection.execute(held).scalar() != holder:
                return None
            return self._give_out(connection, limits, now)

    def _give_out(self, connection: Connection, limits: Mapping[str, int], now: datetime) -> int:
        s = tables.schedule.c
        claimed = (
            select(s.server, func.count().label("carried"))
            .where(s.claimed_by.is_not(None))
            .group_by(s.server)
        )
        carried = {row.server: row.carried for row in connection.execute(claimed)}
        orders: list[Order] = []
        for server, limit in limits.items():
            at_work = carried.get(server, 0)
            if at_work < limit:
                found = _due(connection, server, now, limit - at_work)
                # Of two servers the one with fewer at work comes first: a slow one does not keep the rest waiting.
                orders += (Order(row, -(at_work + number)) for number, row in enumerate(found))
        if not orders:
            return 0
        jobs = self.queue.put(connection, orders)
        marked = update(tables.schedule).where(s.mailbox_id == bindparam("row"))
        connection.execute(
            marked.values(claimed_by=bindparam("job")),
            [{"row": order.mailbox, "job": carrier(job)} for order, job in zip(orders, jobs, strict=True)],
        )
        return len(orders)

    def cut_off(self) -> tuple[Turn, ...]:
        """Turns whose job is over, though nobody wrote down what came of them."""
        s = tables.schedule.c
        number = (
            f"CASE WHEN claimed_by LIKE '{CARRIED}%' THEN substr(claimed_by, {len(CARRIED) + 1})::bigint END"
        )
        is_over = text(
            f"NOT EXISTS (SELECT 1 FROM {JOBS} WHERE id = {number} AND status IN ('todo', 'doing'))"  # noqa: S608
        )
        query = schedule.turns_query().where(s.claimed_by.startswith(CARRIED), is_over)
        with self._database.read() as connection:
            return tuple(map(schedule.turn_of, connection.execute(query)))

    def backlog(self, now: datetime) -> Backlog:
        """The schedule in numbers; what is in the queue and not begun waits, too."""
        s = tables.schedule.c
        waiting = (
            select(literal_column(f"'{CARRIED}' || id").label("claim"))
            .select_from(text(JOBS))
            .where(text("status = 'todo'"))
            .subquery()
        )
        waits = (s.due <= now) & (s.claimed_by.is_(None) | waiting.c.claim.is_not(None))
        query = select(
            func.count(),
            func.count().filter(waits),
            func.count(s.claimed_by) - func.count(waiting.c.claim),
            func.count().filter(s.failures > 0),
            func.min(s.due).filter(waits),
        ).outerjoin_from(tables.schedule, waiting, waiting.c.claim == s.claimed_by)
        with self._database.read() as connection:
            return Backlog(*connection.execute(query).one())

    def seconds_up(self) -> float:
        """Since when the server runs: while it did not, nobody could give a sign of life."""
        query = select(func.extract("epoch", func.clock_timestamp() - func.pg_postmaster_start_time()))
        with self._database.read() as connection:
            return float(connection.execute(query).scalar_one())

    def waken(self, addresses: Iterable[str], at: datetime) -> frozenset[str]:
        """Makes these due that are at work nowhere; returns the others."""
        s, m = tables.schedule.c, tables.mailbox.c
        wanted = frozenset(map(address_key, addresses))
        rows = select(m.id).where(m.address.in_(wanted))
        with self._database.write() as connection:
            connection.execute(
                update(tables.schedule)
                .where(s.mailbox_id.in_(rows), s.claimed_by.is_(None), s.due > at)
                .values(due=at, pulse=None)
            )
            query = select(m.address).join_from(tables.schedule, tables.mailbox)
            busy = connection.execute(query.where(m.address.in_(wanted), s.claimed_by.is_not(None)))
            return frozenset(busy.scalars())

    @contextmanager
    def bell(self) -> Iterator[Bell]:
        """Hears when turns are over."""
        with self._database.in_our_words(), self._database.engine.connect() as connection:
            connection = connection.execution_options(isolation_level="AUTOCOMMIT")
            connection.exec_driver_sql(f"LISTEN {BELL}")
            try:
                yield Bell(connection, self._database.where)
            finally:
                # Whoever gets it next must not be told.
                with suppress(SQLAlchemyError):
                    connection.invalidate()

    # --- workers

    def take_up(self, jobs: Sequence[tuple[int, int]]) -> list[Turn | None]:
        """The turn of each mailbox and the job that carries it; None if that job does not any more."""
        asked = {"rows": [mailbox for mailbox, _ in jobs]}
        with self._database.look() as connection:
            rows = {(row.mailbox_id, row.claimed_by): row for row in connection.execute(_CARRIED, asked)}
        found = [rows.get((mailbox, carrier(job))) for mailbox, job in jobs]
        return [schedule.turn_of(row) if row is not None else None for row in found]

    def put_down(self, ended: Sequence[Ended]) -> None:
        """Writes down turns that are over, each by the job that carried it, and tells the scheduler."""
        with self._database.write() as connection:
            schedule.write_down(connection, [(one, one.turn.claimed_by or "") for one in ended])
            for server in sorted({one.turn.server for one in ended}):
                connection.execute(_RING, {"server": server})


# Asked for every turn: writing a statement anew costs more than asking it.
_CARRIED: Final = schedule.turns_query().where(
    tables.schedule.c.mailbox_id.in_(bindparam("rows", expanding=True))
)
_RING: Final = select(func.pg_notify(BELL, bindparam("server")))


class Bell:
    """A connection that hears of turns that are over."""

    def __init__(self, connection: Connection, where: str) -> None:
        self._connection = connection
        self._where = where

    def wait(self, seconds: float) -> frozenset[str]:
        """The servers of which turns are over; empty if none was for so long."""
        import psycopg

        driver: Any = self._connection.connection.driver_connection
        try:
            return frozenset(one.payload for one in driver.notifies(timeout=seconds, stop_after=1))
        except psycopg.Error as error:
            raise StoreError(told(error, self._where)) from error


def carrier(job: int) -> str:
    """How the schedule names the job that carries a mailbox."""
    return f"{CARRIED}{job}"


def _due(connection: Connection, server: str, now: datetime, most: int) -> tuple[int, ...]:
    s = tables.schedule.c
    query = (
        select(s.mailbox_id)
        .where(s.server == server, s.due <= now, s.claimed_by.is_(None))
        .order_by(s.due, s.mailbox_id)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    return tuple(connection.execute(query).scalars())
