"""Scans and undos, by numbers that sort by time and can be typed."""

from __future__ import annotations

import secrets
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, Select, delete, insert, literal_column, select, update

from cleaner.errors import UsageError
from cleaner.store import tables
from cleaner.store.database import BATCH, Database, chunks
from cleaner.store.locks import Locks
from cleaner.store.records import Run
from cleaner.values import address_key

LETTERS: Final = "23456789abcdefghjkmnpqrstvwxyz"
"""For run numbers that people type: none that looks like another."""


class RunBook:
    """
    The runs of all processes.

    A run holds a lock of its number while it is at work, so that one that was cut off can be told from one
    that has not ended yet.
    """

    def __init__(self, database: Database, locks: Locks) -> None:
        self._database = database
        self._locks = locks
        self._at_work: dict[str, ExitStack] = {}

    def start(self, kind: str, at: datetime) -> str:
        with ExitStack() as stack:
            with self._database.write() as connection:
                number = _free_number(connection, at)
                stack.enter_context(self._locks.hold(_lock(number)))
                connection.execute(
                    insert(tables.run).values(
                        id=number, kind=kind, started=at, state="running", looked_at=0, moved=0
                    )
                )
            self._at_work[number] = stack.pop_all()
        return number

    def resume(self, run: str) -> None:
        """A run that was stopped goes on. Raises UsageError while somebody else goes on with it."""
        if run in self._at_work:
            raise UsageError(f"run {run} is at work already")
        with ExitStack() as stack:
            if not stack.enter_context(self._locks.hold(_lock(run))):
                raise UsageError(f"another process goes on with run {run} already")
            with self._database.write() as connection:
                connection.execute(
                    update(tables.run).where(tables.run.c.id == run).values(finished=None, state="running")
                )
            self._at_work[run] = stack.pop_all()

    def finish(
        self,
        run: str,
        at: datetime,
        *,
        state: str,
        looked_at: int = 0,
        moved: int = 0,
        since: datetime | None = None,
    ) -> None:
        """Ends a run."""
        with self._database.write() as connection:
            connection.execute(
                update(tables.run)
                .where(tables.run.c.id == run)
                .values(finished=at, state=state, looked_at=looked_at, moved=moved, since=since)
            )
        self._at_work.pop(run, ExitStack()).close()

    def stop(self, run: str, address: str) -> None:
        """The safety limit held that run in that mailbox; what it holds back there waits for an answer."""
        with self._database.write() as connection:
            connection.execute(insert(tables.run_stop).values(run_id=run, address=address))

    def waiting(self, address: str) -> str | None:
        """The run that waits for an answer about that mailbox; of several from before there was but one, the last."""
        s, r = tables.run_stop.c, tables.run.c
        query = (
            select(s.run_id, s.confirmed_at)
            .join_from(tables.run_stop, tables.run)
            .where(_is_of(address))
            .order_by(r.started.desc(), r.id.desc())
        )
        with self._database.read() as connection:
            row = connection.execute(query.limit(1)).first()
        return row.run_id if row is not None and row.confirmed_at is None else None

    def confirmed_at(self, address: str) -> datetime | None:
        """When somebody last let go what was held back in that mailbox."""
        s = tables.run_stop.c
        query = select(s.confirmed_at).where(_is_of(address), s.confirmed_at.is_not(None))
        with self._database.read() as connection:
            found: datetime | None = connection.execute(
                query.order_by(s.confirmed_at.desc()).limit(1)
            ).scalar()
        return found

    def stopped(self, run: str) -> tuple[str, ...]:
        """The mailboxes in which the safety limit held that run, and which nobody confirmed yet."""
        s = tables.run_stop.c
        query = select(s.address).where(s.run_id == run, s.confirmed_at.is_(None)).order_by(s.address)
        with self._database.read() as connection:
            return tuple(connection.execute(query).scalars())

    def unconfirmed(self) -> tuple[tuple[str, str], ...]:
        """The last run in which the safety limit held each mailbox, where nobody confirmed it; run and mailbox."""
        s, r = tables.run_stop.c, tables.run.c
        query = (
            select(s.run_id, s.address, s.confirmed_at)
            .join_from(tables.run_stop, tables.run)
            .order_by(s.address, r.started)
        )
        with self._database.read() as connection:
            latest = {row.address: row for row in connection.execute(query)}
        return tuple((row.run_id, row.address) for row in latest.values() if row.confirmed_at is None)

    def confirm(self, address: str, at: datetime) -> None:
        """Somebody let go what was held back in that mailbox; it holds for this once."""
        s = tables.run_stop.c
        with self._database.write() as connection:
            connection.execute(
                update(tables.run_stop)
                .where(_is_of(address), s.confirmed_at.is_(None))
                .values(confirmed_at=at)
            )

    def settle(self, address: str) -> None:
        """Nothing is held back there any more: nobody needs to answer."""
        with self._database.write() as connection:
            forget(connection, address)

    def get(self, run: str) -> Run:
        """Raises UsageError for a run that never was."""
        with self._database.read() as connection:
            row = connection.execute(select(tables.run).where(tables.run.c.id == run)).first()
        if row is None:
            raise UsageError(f"there is no run {run}; 'bounce-cleaner history' lists them")
        return self._run(row)

    def list(self, limit: int | None = None, since: datetime | None = None) -> tuple[Run, ...]:
        """The latest first."""
        query = select(tables.run).order_by(tables.run.c.started.desc(), tables.run.c.id.desc())
        if since is not None:
            query = query.where(tables.run.c.started >= since)
        with self._database.read() as connection:
            rows = connection.execute(query.limit(limit)).all()
        return tuple(self._run(row) for row in rows)

    def forget_idle(self, before: datetime) -> int:
        """
        Deletes scans that ended before that time, and that neither moved anything nor were stopped.

        Some at a time, so that nobody waits long for a place to write.
        """
        r = tables.run.c
        moved = select(tables.journal.c.id).where(tables.journal.c.run == r.id)
        stopped = select(tables.run_stop.c.address).where(tables.run_stop.c.run_id == r.id)
        idle = (
            select(r.id)
            .where(
                r.kind == "scan",
                r.state == "done",
                # Its words, so that the index over these alone serves.
                r.moved == literal_column("0"),
                r.finished < before,
                ~moved.exists(),
                ~stopped.exists(),
            )
            .order_by(r.finished)
            .limit(BATCH)
        )
        return self._database.in_batches(lambda connection: _forget(connection, idle))

    def close(self) -> None:
        """Lets go of the runs of this process that have no end; they count as interrupted."""
        while self._at_work:
            self._at_work.popitem()[1].close()

    def _run(self, row: Row[Any]) -> Run:
        cut_off = row.finished is None and not self._is_at_work(row.id)
        return Run(
            id=row.id,
            kind=row.kind,
            started=row.started,
            finished=row.finished,
            state="interrupted" if cut_off else row.state,
            looked_at=row.looked_at,
            moved=row.moved,
            since=row.since,
        )

    def _is_at_work(self, run: str) -> bool:
        if run in self._at_work:
            return True
        with self._locks.hold(_lock(run)) as free:
            return not free


def forget(connection: Connection, address: str) -> None:
    """Of that mailbox, what waits for an answer."""
    connection.execute(
        delete(tables.run_stop).where(_is_of(address), tables.run_stop.c.confirmed_at.is_(None))
    )


def _is_of(address: str) -> ColumnElement[bool]:
    """As the configuration writes it, or used to."""
    return tables.run_stop.c.address.in_((address, address_key(address)))


def _forget(connection: Connection, idle: Select[tuple[str]]) -> int:
    some = connection.execute(idle).scalars().all()
    for chunk in chunks(some):
        connection.execute(delete(tables.run).where(tables.run.c.id.in_(chunk)))
    return len(some)


def _free_number(connection: Connection, at: datetime) -> str:
    while True:
        number = f"{at.astimezone(UTC):%Y%m%d-%H%M}-{''.join(secrets.choice(LETTERS) for _ in range(4))}"
        if connection.execute(select(tables.run.c.id).where(tables.run.c.id == number)).first() is None:
            return number


def _lock(run: str) -> str:
    return f"run {run}"
