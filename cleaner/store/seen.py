"""What is remembered of judged notices, so that each message is judged once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    Connection,
    Row,
    Select,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)

from cleaner.store import lessons, outside, tables, watching
from cleaner.store.cursors import cursor, set_cursor
from cleaner.store.database import Database, chunks
from cleaner.store.hashing import Keyed
from cleaner.store.labelling import LabelState
from cleaner.store.owners import ensured, has_withdrawn, row_id
from cleaner.values import ActionName, Arrival, Kind, Lesson, Opinion, Outcome, SeenNotice, subject_key

LATELY: Final = timedelta(days=1)
CAMPAIGN: Final = 24
"""Operators of machines from which on it is worth looking again (`evidence.rules.campaign`)."""
ACTIONS: Final = tuple(action.value for action in ActionName if action is not ActionName.NONE)
UNDONE: Final = tuple(outcome.value for outcome in Outcome if outcome not in (Outcome.DONE, Outcome.GONE))


class SeenBook:
    """
    Judged notices of one mailbox; satisfies `ports.Memory`.

    Where an organisation is named, what proven notices teach is shared with its other mailboxes. `counts_for`: the
    organisation whose counts by day (`watching`) they go into.
    """

    def __init__(
        self, database: Database, keyed: Keyed, address: str, organisation: str = "", counts_for: str = ""
    ) -> None:
        self._database = database
        self._keyed = keyed
        self._address = address
        self._organisation = organisation
        self._counts_for = counts_for

    def cursor(self, folder: str) -> str | None:
        with self._database.read() as connection:
            return cursor(connection, tables.folder_cursor, self._address, folder)

    def known(self, fingerprints: Sequence[str]) -> Mapping[str, SeenNotice]:
        with self._database.read() as connection:
            mailbox = row_id(connection, self._address)
            if mailbox is None:
                return {}
            rows = _about(connection, select(tables.notice), mailbox, fingerprints)
            return {row.fingerprint: _seen(row) for row in rows}

    def pending(self, knowledge: str) -> tuple[SeenNotice, ...]:
        n = tables.notice.c
        unsettled = n.action.in_(ACTIONS) & n.outcome.in_(UNDONE)
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

    def strays(self, since: datetime, until: datetime) -> int:
        """How many notices came in that time that nothing shows to be about mail from here."""
        n = tables.notice.c
        stray = n.opinion.in_((Opinion.BACKSCATTER.value, Opinion.UNSURE.value))
        with self._database.read() as connection:
            mailbox = row_id(connection, self._address)
            query = select(func.count()).where(
                n.mailbox_id == mailbox, n.received > since, n.received <= until, stray
            )
            return connection.execute(query).scalar_one()

    def would_have_moved(self, since: datetime) -> tuple[SeenNotice, ...]:
        """Spurious notices judged since then that are only reported; the oldest first."""
        n = tables.notice.c
        with self._database.read() as connection:
            mailbox = row_id(connection, self._address)
            query = select(tables.notice).where(
                n.mailbox_id == mailbox,
                n.judged_at >= since,
                n.opinion == Opinion.BACKSCATTER.value,
                n.action == ActionName.REPORT.value,
            )
            return tuple(_seen(row) for row in connection.execute(query.order_by(n.judged_at, n.id)))

    def is_waiting(self, since: datetime) -> bool:
        """Whether notices judged since then are to be looked at again when their grace period is over."""
        n = tables.notice.c
        with self._database.read() as connection:
            mailbox = row_id(connection, self._address)
            query = select(n.id).where(
                n.mailbox_id == mailbox, n.action == ActionName.WAIT.value, n.judged_at >= since
            )
            return connection.execute(query.limit(1)).first() is not None

    def lessons(self, asked: frozenset[str], strangers_since: datetime | None = None) -> tuple[Lesson, ...]:
        with self._database.read() as connection:
            # Of a mailbox that nothing was ever kept of there is no row, and none has this number.
            mailbox = row_id(connection, self._address) or 0
            found = tuple(lessons.recall(connection, self._keyed, mailbox, asked, strangers_since))
            if self._organisation:
                found += tuple(
                    lessons.recall_of_colleagues(connection, self._keyed, mailbox, asked, self._organisation)
                )
            return found

    def is_in_campaign(self, now: datetime) -> bool:
        """
        Whether so many strangers without a server's name sent in this name lately that it may be a campaign.

        Then what was unsure is looked at again: the first notices of a campaign come before it can be told.
        """
        c = tables.lesson.c
        with self._database.read() as connection:
            mailbox = row_id(connection, self._address) or 0
            some = (
                select(c.stranger)
                .where(c.mailbox_id == mailbox, literal_column("stranger IS NOT NULL"), c.at >= now - LATELY)
                .distinct()
                .limit(CAMPAIGN)
                .subquery()
            )
            return connection.execute(select(func.count()).select_from(some)).scalar_one() >= CAMPAIGN

    def proven(self) -> int:
        """How many notices about proven mail there is something to learn from."""
        with self._database.read() as connection:
            mailbox = row_id(connection, self._address) or 0
            return lessons.count_proven(connection, self._keyed, mailbox, self._organisation)

    def held(self) -> int:
        """How many the safety limit holds back."""
        n = tables.notice.c
        with self._database.read() as connection:
            mailbox = row_id(connection, self._address) or 0
            query = select(func.count()).where(
                n.mailbox_id == mailbox, n.action.in_(ACTIONS), n.outcome == Outcome.HELD.value
            )
            return connection.execute(query).scalar_one()

    def note_gone(self, fingerprints: Sequence[str]) -> None:
        n = tables.notice.c
        with self._database.write() as connection:
            mailbox = row_id(connection, self._address)
            for some in chunks(fingerprints):
                connection.execute(
                    update(tables.notice)
                    .where(n.mailbox_id == mailbox, n.fingerprint.in_(some), n.outcome == Outcome.HELD.value)
                    .values(outcome=Outcome.GONE.value)
                )

    def record(self, notices: Iterable[SeenNotice], cursors: Mapping[str, str]) -> None:
        """Remembers, in one transaction; nothing once the owner has opted out."""
        latest = {notice.fingerprint: notice for notice in notices}
        with self._database.write() as connection:
            mailbox = ensured(connection, self._address)
            if has_withdrawn(connection, mailbox):
                return
            first = self._record(connection, mailbox, latest)
            learned = {fingerprint: notice.lesson for fingerprint, notice in latest.items()}
            lessons.keep(connection, self._keyed, mailbox, learned, self._organisation)
            for folder, value in cursors.items():
                set_cursor(connection, tables.folder_cursor, mailbox, folder, value)
            if self._counts_for:
                watching.count(connection, self._counts_for, mailbox, first)
                found = (notice.lesson.outside for notice in latest.values())
                outside.keep(connection, self._counts_for, (one for one in found if one is not None))

    def _record(
        self, connection: Connection, mailbox: int, notices: Mapping[str, SeenNotice]
    ) -> tuple[SeenNotice, ...]:
        """Returns those that were judged for the first time."""
        n = tables.notice.c
        there = tuple(_about(connection, select(n.id, n.fingerprint, n.action), mailbox, tuple(notices)))
        known = {row.fingerprint: row.id for row in there}
        waited = {row.fingerprint for row in there if row.action == ActionName.WAIT.value}
        fresh = [
            {"mailbox_id": mailbox, "fingerprint": fingerprint, **self._values(notice)}
            for fingerprint, notice in notices.items()
            if fingerprint not in known
        ]
        again = [{"row": row, **self._values(notices[fingerprint])} for fingerprint, row in known.items()]
        if fresh:
            connection.execute(insert(tables.notice), fresh)
        # One that was put back stays when it is judged again, and why it was moved once can still be told.
        anew = [row for row in again if row["report"] is not None]
        staying = [{k: v for k, v in row.items() if k != "report"} for row in again if row["report"] is None]
        for rows in filter(None, (anew, staying)):
            connection.execute(update(tables.notice).where(n.id == bindparam("row")), rows)
        return tuple(
            notice
            for fingerprint, notice in notices.items()
            if notice.action is not ActionName.WAIT and (fingerprint not in known or fingerprint in waited)
        )

    def _values(self, notice: SeenNotice) -> dict[str, Any]:
        return {
            "folder": notice.folder,
            "message": notice.id,
            "kind": notice.kind.value,
            "opinion": notice.opinion.value,
            "action": notice.action.value,
            "outcome": notice.outcome.value,
            "judged_at": notice.judged_at,
            "received": notice.received,
            "knowledge": notice.knowledge,
            "proven": notice.lesson.is_proven,
            "in_record": notice.lesson.in_record,
            "subject": self._keyed.hash("subject", subject_key(notice.subject)) if notice.subject else None,
            "reporter": self._keyed.hash("domain", notice.reporter.lower()) if notice.reporter else None,
            "report": dict(notice.report) if notice.report is not None else None,
        }

    def counts(self) -> Mapping[tuple[Opinion, ActionName], int]:
        """How many notices have which verdict and plan."""
        n = tables.notice.c
        with self._database.read() as connection:
            mailbox = row_id(connection, self._address)
            query = select(n.opinion, n.action, func.count()).where(n.mailbox_id == mailbox)
            rows = connection.execute(query.group_by(n.opinion, n.action)).all()
        return {(Opinion(opinion), ActionName(action)): count for opinion, action, count in rows}


def undecided(connection: Connection, most: int) -> tuple[tuple[str, SeenNotice], ...]:
    """Notices that nobody could decide and nobody has labelled, with their mailboxes, the latest first."""
    n, of = tables.notice.c, tables.label.c
    told = select(of.id).where(of.fingerprint == n.fingerprint, of.state != LabelState.WITHDRAWN.value)
    query = (
        select(tables.notice, tables.mailbox.c.address)
        .join_from(tables.notice, tables.mailbox)
        # Its words, so that the index over these alone serves.
        .where(n.opinion == literal_column(f"'{Opinion.UNSURE.value}'"), ~told.exists())
        .order_by(n.received.desc(), n.id.desc())
        .limit(most)
    )
    return tuple((row.address, _seen(row)) for row in connection.execute(query))


def forget(connection: Connection, mailbox: int) -> None:
    """Erases all that was judged; what was done about it stays in the journal."""
    for table in (tables.notice, tables.lesson, tables.folder_cursor):
        connection.execute(delete(table).where(table.c.mailbox_id == mailbox))
    watching.forget(connection, mailbox)


def _about(
    connection: Connection, query: Select[Any], mailbox: int, fingerprints: Sequence[str]
) -> Iterator[Row[Any]]:
    n = tables.notice.c
    for chunk in chunks(fingerprints):
        yield from connection.execute(query.where(n.mailbox_id == mailbox, n.fingerprint.in_(chunk)))


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
        subject=_text(row.subject),
        reporter=_text(row.reporter),
        report=row.report,
    )
