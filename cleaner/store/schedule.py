"""
The schedule: when each opted-in mailbox is looked at next, and which process is at work on it.

A claim lasts as long as the process that made it: each holds a lock of its own name, which is lifted when it
ends, however it ends, and then others take its claims over. What keeps two from working on one mailbox
at once is the mailbox's lock; a claim keeps them from trying.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, bindparam, delete, func, insert, select, update

from cleaner.errors import StoreError
from cleaner.store import tables
from cleaner.store.consent import record_polls
from cleaner.store.database import Database, chunks
from cleaner.store.locks import Locks
from cleaner.store.owners import ensured
from cleaner.store.records import Turn
from cleaner.values import address_key

MOST: Final = 50
"""Due mailboxes of one server that are looked at for one choice."""

CARRIED: Final = "job "
"""So begins a claim that is no process's but a job's, which carries the mailbox to some worker (`fleet.py`)."""

REMEMBERED: Final = (
    "due",
    "failures",
    "state",
    "error",
    "run",
    "finished",
    "pulse",
    "looked_at",
    "upkeep_due",
    "digest_due",
    "digested_at",
)
"""What is written down of a turn that is over."""

Choose = Callable[[Mapping[str, Sequence[Turn]]], Sequence[Turn]]
"""Given the due ones of each server, the longest due first: those to be claimed."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A turn that is over: the mailbox's new place in the schedule."""

    turn: Turn
    at: datetime
    poll_by: str | None = None
    """Only looked for new mail, and who did."""
    rests_until: datetime | None = None
    """The server wants to be left alone so long: none of its mailboxes is due sooner."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """The schedule in numbers."""

    mailboxes: int
    due: int
    claimed: int
    failing: int
    oldest: datetime | None
    """Since when the longest due one waits."""


class ScheduleBook:
    """The schedule as one process sees it."""

    def __init__(self, database: Database, locks: Locks) -> None:
        self._database = database
        self._locks = locks
        self._name = ""
        self._held = ExitStack()

    def join(self) -> None:
        """Takes part: from now on this process can claim."""
        if not self._name:
            name = secrets.token_hex(8)
            self._held.enter_context(self._locks.hold(_lock(name)))
            self._name = name

    def leave(self) -> None:
        """Gives back what this process still claims."""
        if self._name:
            self._release((self._name,))
        self.close()

    def close(self) -> None:
        self._let_go()
        self._name = ""

    def _let_go(self) -> None:
        held, self._held = self._held, ExitStack()
        # Where the connection broke, the lock is lifted already.
        with suppress(StoreError):
            held.close()

    def plan(self, wanted: Mapping[str, str], now: datetime) -> bool:
        """
        Makes the schedule hold exactly these mailboxes (address → server); new ones are due at once.

        False if one that is to go is still at work on: then it has to be asked again.
        """
        wanted = {address_key(address): server for address, server in wanted.items()}
        s, m = tables.schedule.c, tables.mailbox.c
        query = select(s.mailbox_id, m.address, s.server, s.claimed_by).join_from(
            tables.schedule, tables.mailbox
        )
        with self._database.write() as connection:
            there = {row.address: row for row in connection.execute(query)}
            gone = [row for address, row in there.items() if address not in wanted]
            for some in chunks(row.mailbox_id for row in gone if row.claimed_by is None):
                connection.execute(delete(tables.schedule).where(s.mailbox_id.in_(some)))
            moved = [
                {"row": row.mailbox_id, "server": wanted[address]}
                for address, row in there.items()
                if address in wanted and wanted[address] != row.server
            ]
            if moved:
                connection.execute(
                    update(tables.schedule)
                    .where(s.mailbox_id == bindparam("row"))
                    .values(server=bindparam("server"), pulse=None),
                    moved,
                )
            missing = [address for address in wanted if address not in there]
            rows = _rows_of(connection, missing)
            new = [
                {
                    "mailbox_id": rows.get(address) or ensured(connection, address),
                    "server": wanted[address],
                    "due": now,
                }
                for address in missing
            ]
            if new:
                connection.execute(insert(tables.schedule), new)
        return all(row.claimed_by is None for row in gone)

    def hasten(self, addresses: Iterable[str], at: datetime) -> None:
        """Makes these due at that time if they are due later."""
        s, m = tables.schedule.c, tables.mailbox.c
        with self._database.write() as connection:
            for some in chunks(map(address_key, addresses)):
                rows = select(m.id).where(m.address.in_(some))
                connection.execute(
                    update(tables.schedule)
                    .where(s.mailbox_id.in_(rows), s.due > at)
                    .values(due=at, pulse=None)
                )

    def forget_pulses(self) -> None:
        """Has every mailbox looked through the next time, whether it changed or not."""
        with self._database.write() as connection:
            connection.execute(update(tables.schedule).values(pulse=None))

    def turns(
        self, ended: Sequence[Ended], servers: Iterable[str], now: datetime, choose: Choose
    ) -> tuple[Turn, ...]:
        """Writes down the turns that are over and claims those that are chosen, in one transaction."""
        with self._database.write() as connection:
            write_down(connection, [(one, self._name) for one in ended])
            due = {server: found for server in servers if (found := _due(connection, server, now))}
            chosen = tuple(choose(due)) if due else ()
            for some in chunks(turn.address for turn in chosen):
                rows = select(tables.mailbox.c.id).where(tables.mailbox.c.address.in_(some))
                connection.execute(
                    update(tables.schedule)
                    .where(tables.schedule.c.mailbox_id.in_(rows))
                    .values(claimed_by=self._name)
                )
        return chosen

    def take_over(self) -> tuple[str, ...]:
        """Frees what processes claim that are no more, and says who they were."""
        self._join_again()
        s = tables.schedule.c
        query = select(s.claimed_by).where(s.claimed_by.is_not(None)).distinct()
        with self._database.read() as connection:
            claims = connection.execute(query).scalars().all()
        names = [name for name in claims if name != self._name and not name.startswith(CARRIED)]
        dead = tuple(name for name in names if self._is_dead(name))
        if dead:
            self._release(dead)
        return dead

    def _join_again(self) -> None:
        """A restart of PostgreSQL lifts our lock, too, and others would take us for dead from then on."""
        if self._name and self._is_dead(self._name):
            self._let_go()
            self._held.enter_context(self._locks.hold(_lock(self._name)))

    def _is_dead(self, name: str) -> bool:
        with self._locks.hold(_lock(name)) as free:
            return bool(free)

    def _release(self, names: Sequence[str]) -> None:
        s = tables.schedule.c
        with self._database.write() as connection:
            connection.execute(
                update(tables.schedule).where(s.claimed_by.in_(names)).values(claimed_by=None, pulse=None)
            )

    def all(self) -> tuple[Turn, ...]:
        """By address."""
        with self._database.read() as connection:
            rows = connection.execute(turns_query().order_by(tables.mailbox.c.address)).all()
        return tuple(map(turn_of, rows))

    def backlog(self, now: datetime) -> Backlog:
        s = tables.schedule.c
        is_due = (s.due <= now) & s.claimed_by.is_(None)
        query = select(
            func.count(),
            func.count().filter(is_due),
            func.count(s.claimed_by),
            func.count().filter(s.failures > 0),
            func.min(s.due).filter(is_due),
        )
        with self._database.read() as connection:
            return Backlog(*connection.execute(query).one())


def write_down(connection: Connection, ended: Sequence[tuple[Ended, str]]) -> None:
    """Each by its claim; where the claim is not that any more, nothing is written."""
    if not ended:
        return
    rows = _rows_of(connection, (one.turn.address for one, _ in ended))
    polls = [(rows[one.turn.address], one.at, one.poll_by) for one, _ in ended if one.poll_by is not None]
    record_polls(connection, polls)
    connection.execute(
        _WRITE_DOWN,
        [
            {"row": rows[one.turn.address], "claim": claim}
            | {f"new_{name}": getattr(one.turn, name) for name in REMEMBERED}
            for one, claim in ended
        ],
    )
    rests: dict[str, datetime] = {}
    for one, _ in ended:
        if one.rests_until is not None:
            rests[one.turn.server] = max(one.rests_until, rests.get(one.turn.server, one.rests_until))
    s = tables.schedule.c
    for server, until in rests.items():
        connection.execute(
            update(tables.schedule)
            .where(s.server == server, s.due < until, s.claimed_by.is_(None))
            .values(due=until)
        )


_NEW: Final[Mapping[str, Any]] = {name: bindparam(f"new_{name}") for name in REMEMBERED}
_WRITE_DOWN: Final = (
    update(tables.schedule)
    .where(
        tables.schedule.c.mailbox_id == bindparam("row"), tables.schedule.c.claimed_by == bindparam("claim")
    )
    .values(claimed_by=None, **_NEW)
)
_ROWS: Final = select(tables.mailbox.c.address, tables.mailbox.c.id).where(
    tables.mailbox.c.address.in_(bindparam("addresses", expanding=True))
)


def _rows_of(connection: Connection, addresses: Iterable[str]) -> dict[str, int]:
    """The rows of these mailboxes, as far as there are any: asked for one by one, thousands take long."""
    return {
        row.address: row.id
        for some in chunks(addresses)
        for row in connection.execute(_ROWS, {"addresses": some})
    }


def forget(connection: Connection, mailbox: int) -> None:
    """Also while somebody is at work on it: what he writes down then finds no place."""
    connection.execute(delete(tables.schedule).where(tables.schedule.c.mailbox_id == mailbox))


def turns_query() -> Select[Any]:
    return select(tables.schedule, tables.mailbox.c.address).join_from(tables.schedule, tables.mailbox)


def _due(connection: Connection, server: str, now: datetime) -> tuple[Turn, ...]:
    s = tables.schedule.c
    query = (
        turns_query()
        .where(s.server == server, s.due <= now, s.claimed_by.is_(None))
        .order_by(s.due, s.mailbox_id)
        .limit(MOST)
        # With PostgreSQL others may be choosing, too: what they look at is not there for us.
        .with_for_update(of=tables.schedule, skip_locked=True)
    )
    return tuple(map(turn_of, connection.execute(query)))


def turn_of(row: Row[Any]) -> Turn:
    return Turn(
        address=row.address,
        server=row.server,
        due=row.due,
        claimed_by=row.claimed_by,
        failures=row.failures,
        state=row.state,
        error=row.error,
        run=row.run,
        finished=row.finished,
        pulse=row.pulse,
        looked_at=row.looked_at,
        upkeep_due=row.upkeep_due,
        digest_due=row.digest_due,
        digested_at=row.digested_at,
    )


def _lock(name: str) -> str:
    return f"serve {name}"
