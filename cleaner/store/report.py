"""What was judged and what was moved, counted for all mailboxes at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select

from cleaner.store import tables
from cleaner.store.database import Database
from cleaner.values import ActionName, EntryState, Opinion


@dataclass(frozen=True, slots=True)
class Judged:
    """So many notices of one mailbox that were judged so on one day (UTC)."""

    mailbox: str
    day: date
    opinion: Opinion
    count: int


@dataclass(frozen=True, slots=True)
class Changed:
    """So many journalled changes of one mailbox that are in this state."""

    mailbox: str
    action: ActionName
    state: EntryState
    count: int


class ReportBook:
    """Counts since a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def judged(self, since: datetime) -> tuple[Judged, ...]:
        n, m = tables.notice.c, tables.mailbox.c
        # Both databases have this function; SQLite gives a text, PostgreSQL a date.
        day = func.date(n.judged_at)
        # Counted before it is joined: else SQLite goes through all mailboxes, to have them in order.
        some = (
            select(n.mailbox_id, day.label("day"), n.opinion, func.count().label("count"))
            .where(n.judged_at >= since)
            .group_by(n.mailbox_id, day, n.opinion)
            .subquery()
        )
        query = select(m.address, some).join_from(some, tables.mailbox, m.id == some.c.mailbox_id)
        query = query.order_by(m.address, some.c.day, some.c.opinion)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return tuple(
            Judged(row.address, date.fromisoformat(str(row.day)), Opinion(row.opinion), row._mapping["count"])
            for row in rows
        )

    def changed(self, since: datetime) -> tuple[Changed, ...]:
        j, m = tables.journal.c, tables.mailbox.c
        some = (
            select(j.mailbox_id, j.action, j.state, func.count().label("count"))
            .where(j.intended_at >= since)
            .group_by(j.mailbox_id, j.action, j.state)
            .subquery()
        )
        query = select(m.address, some).join_from(some, tables.mailbox, m.id == some.c.mailbox_id)
        query = query.order_by(m.address)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return tuple(
            Changed(row.address, ActionName(row.action), EntryState(row.state), row._mapping["count"])
            for row in rows
        )
