"""What is remembered of judged notices, so that each message is judged once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, or_, select, update

from cleaner.store import tables
from cleaner.store.database import CHUNK, Database
from cleaner.store.hashing import Keyed
from cleaner.store.owners import ensured, row_id
from cleaner.values import ActionName, Arrival, Kind, Opinion, Outcome, SeenNotice, address_key, subject_key

ENOUGH = 20
"""Proven notices before their share in the record says something about its completeness."""


class SeenBook:
    """Judged notices of one mailbox; satisfies `ports.Memory`."""

    def __init__(self, database: Database, keyed: Keyed, address: str) -> None:
        self._database = database
        self._keyed = keyed
        self._address = address

    def cursor(self, folder: str) -> str | None:
        query = (
            select(tables.folder_cursor.c.cursor)
            .join_from(tables.folder_cursor, tables.mailbox)
            .where(
                tables.mailbox.c.address == address_key(self._address),
                tables.folder_cursor.c.folder == folder,
            )
        )
        with self._database.read() as connection:
            return connection.execute(query).scalar()

    def known(self, fingerprints: Sequence[str]) -> Mapping[str, SeenNotice]:
        found: dict[str, SeenNotice] = {}
        with self._database.read() as connection:
            mailbox = row_id(connection, self._address)
            for start in range(0, len(fingerprints) if mailbox is not None else 0, CHUNK):
                query = select(tables.notice).where(
                    tables.notice.c.mailbox_id == mailbox,
                    tables.notice.c.fingerprint.in_(fingerprints[start : start + CHUNK]),
                )
                found |= {row.fingerprint: _seen(row) for row in connection.execute(query)}
        return found

    def pending(self, knowledge: str) -> tuple[SeenNotice, ...]:
        n = tables.notice.c
        undone = [Outcome.DONE.value, Outcome.GONE.value]
        unsettled = (n.action != ActionName.NONE.value) & n.outcome.not_in(undone)
        otherwise = (n.opinion == Opinion.UNSURE.value) & (n.knowledge != knowledge)
        with self._database.read() as connection:
            mailbox = row_id(connection, self._address)
            query = select(tables.notice).where(n.mailbox_id == mailbox, or_(unsettled, otherwise))
            return tuple(_seen(row) for row in connection.execute(query.order_by(n.received, n.id)))

    def arrivals(self, since: datetime) -> tuple[Arrival, ...]:
        """Times of judged notices; subject and reporter are hashes, good for telling them apart."""
        n = tables.notice.c
        with self._database.read() as connection:
            mailbox = row_id(connection, self._address)
            query = select(n.received, n.subject, n.reporter).where(
                n.mailbox_id == mailbox, n.received >= since
            )
            rows = connection.execute(query.order_by(n.received)).all()
        return tuple(Arrival(row.received, _text(row.subject), _text(row.reporter)) for row in rows)

    def record(self, notices: Iterable[SeenNotice], cursors: Mapping[str, str]) -> None:
        with self._database.write() as connection:
            mailbox = ensured(connection, self._address)
            for notice in notices:
                self._record(connection, mailbox, notice)
            for folder, cursor in cursors.items():
                _set_cursor(connection, mailbox, folder, cursor)

    def _record(self, connection: Connection, mailbox: int, notice: SeenNotice) -> None:
        n = tables.notice.c
        values = {
            "folder": notice.folder,
            "message": notice.id,
            "kind": notice.kind.value,
            "opinion": notice.opinion.value,
            "action": notice.action.value,
            "outcome": notice.outcome.value,
            "judged_at": notice.judged_at,
            "received": notice.received,
            "knowledge": notice.knowledge,
            "proven": notice.proven,
            "in_record": notice.in_record,
            "subject": self._keyed.hash("subject", subject_key(notice.subject)) if notice.subject else None,
            "reporter": self._keyed.hash("domain", notice.reporter.lower()) if notice.reporter else None,
            "report": dict(notice.report) if notice.report is not None else None,
        }
        same = (n.mailbox_id == mailbox) & (n.fingerprint == notice.fingerprint)
        changed = connection.execute(update(tables.notice).where(same).values(**values))
        if changed.rowcount == 0:
            connection.execute(
                insert(tables.notice).values(mailbox_id=mailbox, fingerprint=notice.fingerprint, **values)
            )

    def counts(self) -> Mapping[tuple[Opinion, ActionName], int]:
        """How many notices have which verdict and plan."""
        n = tables.notice.c
        with self._database.read() as connection:
            mailbox = row_id(connection, self._address)
            query = select(n.opinion, n.action, func.count()).where(n.mailbox_id == mailbox)
            rows = connection.execute(query.group_by(n.opinion, n.action)).all()
        return {(Opinion(opinion), ActionName(action)): count for opinion, action, count in rows}


def completeness(connection: Connection, mailbox: int) -> float | None:
    """The share of proven notices whose original was in the sent record; None before there are enough."""
    n = tables.notice.c
    query = select(func.count()).where(n.mailbox_id == mailbox, n.proven)
    proven = connection.execute(query).scalar_one()
    if proven < ENOUGH:
        return None
    return float(connection.execute(query.where(n.in_record)).scalar_one() / proven)


def forget(connection: Connection, mailbox: int) -> None:
    """Erases what the notices said; that they were judged, and when, stays with the journal's ids."""
    connection.execute(delete(tables.notice).where(tables.notice.c.mailbox_id == mailbox))
    connection.execute(delete(tables.folder_cursor).where(tables.folder_cursor.c.mailbox_id == mailbox))


def _set_cursor(connection: Connection, mailbox: int, folder: str, cursor: str) -> None:
    c = tables.folder_cursor.c
    same = (c.mailbox_id == mailbox) & (c.folder == folder)
    if connection.execute(update(tables.folder_cursor).where(same).values(cursor=cursor)).rowcount == 0:
        connection.execute(
            insert(tables.folder_cursor).values(mailbox_id=mailbox, folder=folder, cursor=cursor)
        )


def _text(value: bytes | None) -> str:
    return value.hex() if value is not None else ""


def _seen(row: Row[Any]) -> SeenNotice:
    return SeenNotice(
        fingerprint=row.fingerprint,
        folder=row.folder,
        id=row.message,
        kind=Kind(row.kind),
        opinion=Opinion(row.opinion),
        action=ActionName(row.action),
        outcome=Outcome(row.outcome),
        judged_at=row.judged_at,
        received=row.received,
        knowledge=row.knowledge,
        proven=row.proven,
        in_record=row.in_record,
        subject=_text(row.subject),
        reporter=_text(row.reporter),
        report=row.report,
    )
