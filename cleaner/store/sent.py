"""
The sent record: what is known of the mail that a mailbox's owner sent.

Only keyed hashes are kept, so a question can be answered about what it names and about nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, delete, func, insert, select, update

from cleaner.store import tables
from cleaner.store.database import CHUNK, Database
from cleaner.store.hashing import Keyed
from cleaner.store.owners import ensured, row_id
from cleaner.store.seen import completeness
from cleaner.values import (
    OutgoingMail,
    SentMail,
    SentQuestion,
    SentRecordView,
    address_key,
    domain_of,
    subject_key,
)

LATEST = 20
"""Mails told about for one recipient or subject."""


class StoredSentRecord:
    """The sent record of one mailbox; satisfies `ports.SentRecord`."""

    def __init__(self, database: Database, keyed: Keyed, address: str) -> None:
        self._database = database
        self._keyed = keyed
        self._address = address

    def cursor(self, folder: str) -> str | None:
        c = tables.sent_cursor.c
        with self._database.read() as connection:
            mailbox = row_id(connection, self._address)
            query = select(c.cursor).where(c.mailbox_id == mailbox, c.folder == folder)
            return connection.execute(query).scalar()

    def mails(self) -> int:
        """How many mails are in the record."""
        with self._database.read() as connection:
            mailbox = row_id(connection, self._address)
            query = select(func.count()).where(tables.sent.c.mailbox_id == mailbox)
            return connection.execute(query).scalar_one()

    def add(self, folder: str, mails: Iterable[OutgoingMail], cursor: str | None) -> int:
        rows = {row["identity"]: (row, mail) for mail in mails for row in (self._row(mail),)}
        with self._database.write() as connection:
            mailbox = ensured(connection, self._address)
            for identity in _known(connection, mailbox, tuple(rows)):
                del rows[identity]
            if rows:
                self._insert(connection, mailbox, tuple(rows.values()))
            if cursor is not None:
                _set_cursor(connection, mailbox, folder, cursor)
        return len(rows)

    def _insert(
        self, connection: Connection, mailbox: int, rows: Sequence[tuple[dict[str, Any], OutgoingMail]]
    ) -> None:
        made = connection.execute(
            insert(tables.sent).returning(tables.sent.c.id, sort_by_parameter_order=True),
            [{"mailbox_id": mailbox, **row} for row, _ in rows],
        ).scalars()
        recipients = [
            {
                "sent_id": row,
                "mailbox_id": mailbox,
                "address": self._keyed.hash("address", address),
                "domain": self._keyed.hash("domain", domain_of(address)),
            }
            for row, (_, mail) in zip(made, rows, strict=True)
            for address in dict.fromkeys(map(address_key, mail.recipients))
        ]
        if recipients:
            connection.execute(insert(tables.sent_recipient), recipients)

    def _row(self, mail: OutgoingMail) -> dict[str, Any]:
        subject = subject_key(mail.subject)
        recipients = sorted(set(map(address_key, mail.recipients)))
        # The same mail stands in several folders (Sent, an archive, a migrated copy): known by its id,
        # else by all that it shows.
        identity = mail.message_id or f"{mail.time.timestamp():.0f} {subject} {' '.join(recipients)}"
        return {
            "identity": self._keyed.hash("identity", identity),
            "message_id": self._keyed.hash("message-id", mail.message_id) if mail.message_id else None,
            "id_domain": self._keyed.hash("id-domain", _right_side(mail.message_id or "")),
            "subject": self._keyed.hash("subject", subject) if subject else None,
            "time": mail.time,
            "recipients": len(recipients),
        }

    def ask(self, question: SentQuestion) -> SentRecordView:
        with self._database.read() as connection:
            mailbox = row_id(connection, self._address)
            if mailbox is None:
                return SentRecordView()
            return _Answer(connection, mailbox, self._keyed, question).view()


class _Answer:
    """One question being answered: hashes of what was asked, and back from hash to what was asked."""

    def __init__(self, connection: Connection, mailbox: int, keyed: Keyed, question: SentQuestion) -> None:
        self._connection = connection
        self._mailbox = mailbox
        keys = {address_key(address) for address in question.addresses}
        subjects = {key for subject in question.subjects if (key := subject_key(subject))}
        self._ids = {keyed.hash("message-id", asked): asked for asked in question.message_ids}
        self._addresses = {keyed.hash("address", key): key for key in keys}
        self._domains = {keyed.hash("domain", domain): domain for key in keys if (domain := domain_of(key))}
        self._subjects = {keyed.hash("subject", key): key for key in subjects}
        sides = {_right_side(asked) for asked in question.message_ids}
        self._sides = {keyed.hash("id-domain", side): side for side in sides if side}

    def view(self) -> SentRecordView:
        s, r = tables.sent.c, tables.sent_recipient.c
        by_id = self._sent(s.message_id, self._ids)
        by_subject = self._sent(s.subject, self._subjects)
        by_address = tuple(self._joined(self._addresses))
        mails = self._mails({row.id: row for row in (*by_id, *by_subject, *by_address)})
        begins, ends, count = self._extent()
        return SentRecordView(
            by_message_id={self._ids[row.message_id]: mails[row.id] for row in reversed(by_id)},
            by_subject=_grouped((self._subjects[row.subject], mails[row.id]) for row in by_subject),
            by_recipient=_grouped((self._addresses[row.address], mails[row.id]) for row in by_address),
            domains_written_to=frozenset(
                self._domains[known] for known in self._distinct(r.domain, self._domains)
            ),
            begins=begins,
            ends=ends,
            mails=count,
            id_domains=self._id_domains(),
            completeness=completeness(self._connection, self._mailbox),
        )

    def _sent(self, column: ColumnElement[Any], wanted: Mapping[bytes, str]) -> tuple[Row[Any], ...]:
        query = select(tables.sent).where(tables.sent.c.mailbox_id == self._mailbox)
        query = query.order_by(tables.sent.c.time.desc())
        return tuple(self._in_chunks(query, column, wanted))

    def _joined(self, wanted: Mapping[bytes, str]) -> Iterator[Row[Any]]:
        query = (
            select(tables.sent, tables.sent_recipient.c.address)
            .join_from(tables.sent_recipient, tables.sent)
            .where(tables.sent_recipient.c.mailbox_id == self._mailbox)
            .order_by(tables.sent.c.time.desc())
        )
        seen: dict[bytes, int] = {}
        for row in self._in_chunks(query, tables.sent_recipient.c.address, wanted):
            seen[row.address] = seen.get(row.address, 0) + 1
            if seen[row.address] <= LATEST:
                yield row

    def _in_chunks(
        self, query: Select[Any], column: ColumnElement[Any], wanted: Mapping[Any, Any]
    ) -> Iterator[Row[Any]]:
        values = tuple(wanted)
        for start in range(0, len(values), CHUNK):
            yield from self._connection.execute(query.where(column.in_(values[start : start + CHUNK])))

    def _mails(self, rows: Mapping[int, Row[Any]]) -> dict[int, SentMail]:
        """The mails with those of their recipients, domains and subjects that were asked about."""
        r = tables.sent_recipient.c
        recipients: dict[int, set[str]] = {}
        domains: dict[int, set[str]] = {}
        for row in self._in_chunks(select(r.sent_id, r.address, r.domain), r.sent_id, rows):
            if row.address in self._addresses:
                recipients.setdefault(row.sent_id, set()).add(self._addresses[row.address])
            if row.domain in self._domains:
                domains.setdefault(row.sent_id, set()).add(self._domains[row.domain])
        return {
            number: SentMail(
                time=row.time,
                message_id=self._ids.get(row.message_id),
                recipients=frozenset(recipients.get(number, ())),
                domains=frozenset(domains.get(number, ())),
                subject=self._subjects.get(row.subject),
                recipient_count=row.recipients,
            )
            for number, row in rows.items()
        }

    def _distinct(self, column: ColumnElement[Any], wanted: Mapping[bytes, str]) -> Iterator[bytes]:
        query = select(column).where(tables.sent_recipient.c.mailbox_id == self._mailbox).distinct()
        for row in self._in_chunks(query, column, wanted):
            yield row[0]

    def _extent(self) -> tuple[datetime | None, datetime | None, int]:
        s = tables.sent.c
        query = select(func.min(s.time), func.max(s.time), func.count()).where(s.mailbox_id == self._mailbox)
        row: Any = self._connection.execute(query).one()
        return row[0], row[1], row[2]

    def _id_domains(self) -> dict[str, int]:
        s = tables.sent.c
        query = select(s.id_domain, func.count()).where(s.mailbox_id == self._mailbox).group_by(s.id_domain)
        rows: Iterator[Any] = self._in_chunks(query, s.id_domain, self._sides)
        return {self._sides[side]: count for side, count in rows}


def erase(connection: Connection, mailbox: int) -> None:
    """Erases the whole record of a mailbox."""
    for table in (tables.sent_recipient, tables.sent, tables.sent_cursor):
        connection.execute(delete(table).where(table.c.mailbox_id == mailbox))


def _known(connection: Connection, mailbox: int, identities: Sequence[bytes]) -> Iterator[bytes]:
    s = tables.sent.c
    for start in range(0, len(identities), CHUNK):
        query = select(s.identity).where(
            s.mailbox_id == mailbox, s.identity.in_(identities[start : start + CHUNK])
        )
        yield from connection.execute(query).scalars().all()


def _set_cursor(connection: Connection, mailbox: int, folder: str, cursor: str) -> None:
    c = tables.sent_cursor.c
    same = (c.mailbox_id == mailbox) & (c.folder == folder)
    if connection.execute(update(tables.sent_cursor).where(same).values(cursor=cursor)).rowcount == 0:
        connection.execute(
            insert(tables.sent_cursor).values(mailbox_id=mailbox, folder=folder, cursor=cursor)
        )


def _grouped(pairs: Iterable[tuple[str, SentMail]]) -> dict[str, tuple[SentMail, ...]]:
    found: dict[str, list[SentMail]] = {}
    for key, mail in pairs:
        if len(found.setdefault(key, [])) < LATEST:
            found[key].append(mail)
    return {key: tuple(mails) for key, mails in found.items()}


def _right_side(message_id: str) -> str:
    return message_id.strip().strip("<>").rpartition("@")[2].casefold()
