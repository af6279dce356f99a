"""
What the sent record answers: everything about what was asked, and about nothing else.

The record holds hashes. What was asked is hashed, too, and what is found is told in the words of the question.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from sqlalchemy import (
    CTE,
    Column,
    Connection,
    Row,
    column,
    func,
    literal,
    select,
    values,
)

from cleaner.store import tables
from cleaner.store.database import CHUNK
from cleaner.store.hashing import Keyed
from cleaner.store.seen import completeness
from cleaner.values import SentMail, SentQuestion, SentRecordView, address_key, domain_of, subject_key

LATEST: Final = 20
"""Mails told about for one recipient or subject."""
LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)

T = TypeVar("T")


class Answer:
    """One question being answered, in one transaction."""

    def __init__(self, connection: Connection, mailbox: int, keyed: Keyed, question: SentQuestion) -> None:
        self._connection = connection
        self._mailbox = mailbox
        keys = {address_key(address) for address in question.addresses}
        subjects = {key for subject in question.subjects if (key := subject_key(subject))}
        hosts = {host for asked in question.message_ids if (host := right_side(asked))}
        self._ids: dict[bytes, list[str]] = {}
        for asked in sorted(question.message_ids):
            self._ids.setdefault(keyed.hash("message-id", id_key(asked)), []).append(asked)
        self._addresses = {keyed.hash("address", key): key for key in keys}
        self._domains = {keyed.hash("domain", domain): domain for key in keys if (domain := domain_of(key))}
        self._subjects = {keyed.hash("subject", key): key for key in subjects}
        self._hosts = {keyed.hash("host", host): host for host in hosts}

    def view(self) -> SentRecordView:
        by_id = tuple(self._by_id())
        by_subject = tuple(self._by_subject())
        by_address = tuple(self._latest(tables.sent_recipient.c.address, self._addresses))
        mails = self._mails({row.id: row for row in (*by_id, *by_subject, *by_address)})
        begins, ends = self._extent()
        return SentRecordView(
            by_message_id={asked: mails[row.id] for row in by_id for asked in self._ids[row.identity]},
            by_subject=_grouped((self._subjects[row.subject], mails[row.id]) for row in by_subject),
            by_recipient=_grouped(
                ((self._addresses[row.address], mails[row.id]) for row in by_address), LATEST
            ),
            domains_written_to=frozenset(self._domains_written_to()),
            begins=begins,
            ends=ends,
            mails=count_mails(self._connection, self._mailbox),
            id_domains=self._id_domains(),
            completeness=completeness(self._connection, self._mailbox),
        )

    def _by_id(self) -> Iterator[Row[Any]]:
        s = tables.sent.c
        for identities in _chunks(self._ids):
            query = select(tables.sent).where(s.mailbox_id == self._mailbox, s.identity.in_(identities))
            yield from self._connection.execute(query)

    def _by_subject(self) -> Iterator[Row[Any]]:
        """
        The latest mails with each subject, and the latest with it to each of the asked recipients.

        The latter is asked for only where there are more: of the thousand mails called "Invoice" that to the
        recipient who failed is the one that matters.
        """
        found: dict[bytes, int] = {}
        for row in self._latest(tables.sent.c.subject, self._subjects):
            found[row.subject] = found.get(row.subject, 0) + 1
            yield row
        frequent = tuple(subject for subject, count in found.items() if count >= LATEST)
        for subjects in _chunks(frequent):
            for addresses in _chunks(self._addresses):
                yield from self._latest_to(addresses, subjects)

    def _latest_to(self, addresses: Sequence[bytes], subjects: Sequence[bytes]) -> Iterator[Row[Any]]:
        s, r = tables.sent.c, tables.sent_recipient.c
        place = func.row_number().over(partition_by=(s.subject, r.address), order_by=s.time.desc())
        ranked = (
            select(s.id, place.label("place"))
            .join_from(tables.sent_recipient, tables.sent)
            .where(r.mailbox_id == self._mailbox, r.address.in_(addresses), s.subject.in_(subjects))
            .subquery()
        )
        query = select(tables.sent).join(ranked, ranked.c.id == s.id).where(ranked.c.place <= LATEST)
        yield from self._connection.execute(query)

    def _latest(self, of: Column[Any], wanted: Mapping[bytes, str]) -> Iterator[Row[Any]]:
        """
        For each wanted value of a column the latest mails, LATEST or, where several are of one time, some more.

        The time of the last of them is looked up in the index first, so that of ten thousand mails to one
        recipient only these are read.
        """
        table, c = of.table, of.table.c
        for hashes in _chunks(wanted):
            asked = _table_of(hashes)
            other = table.alias("other")
            last = (
                select(other.c.time)
                .where(other.c.mailbox_id == self._mailbox, other.c[of.name] == asked.c.hash)
                .order_by(other.c.time.desc())
                .offset(LATEST - 1)
                .limit(1)
                .scalar_subquery()
            )
            is_late = c.time >= func.coalesce(last, literal(LONG_AGO, tables.UtcTime))
            # Outer joins, so that SQLite, which knows no numbers of rows, begins with what is asked.
            query = (
                select(tables.sent, *(() if table is tables.sent else (of,)))
                .select_from(asked)
                .outerjoin(table, (c.mailbox_id == self._mailbox) & (of == asked.c.hash) & is_late)
            )
            if table is not tables.sent:
                query = query.outerjoin(tables.sent, tables.sent.c.id == c.sent_id)
            yield from (row for row in self._connection.execute(query) if row.id is not None)

    def _mails(self, rows: Mapping[int, Row[Any]]) -> dict[int, SentMail]:
        """The mails with those of their recipients, domains and subjects that were asked about."""
        r = tables.sent_recipient.c
        recipients: dict[int, set[str]] = {}
        domains: dict[int, set[str]] = {}
        for numbers in _chunks(rows):
            query = select(r.sent_id, r.address, r.domain).where(r.sent_id.in_(numbers))
            for number, address, domain in self._connection.execute(query):
                if address in self._addresses:
                    recipients.setdefault(number, set()).add(self._addresses[address])
                if domain in self._domains:
                    domains.setdefault(number, set()).add(self._domains[domain])
        return {
            number: SentMail(
                time=row.time,
                message_id=self._ids.get(row.identity, [None])[0],
                recipients=frozenset(recipients.get(number, ())),
                domains=frozenset(domains.get(number, ())),
                subject=self._subjects.get(row.subject),
                recipient_count=row.recipients,
            )
            for number, row in rows.items()
        }

    def _domains_written_to(self) -> Iterator[str]:
        """One look into the index for each domain: half of the mail may go to one of them."""
        r = tables.sent_recipient.c
        for hashes in _chunks(self._domains):
            asked = _table_of(hashes)
            written = (
                select(literal(1)).where(r.mailbox_id == self._mailbox, r.domain == asked.c.hash).exists()
            )
            for domain in self._connection.execute(select(asked.c.hash).where(written)).scalars():
                yield self._domains[domain]

    def _extent(self) -> tuple[datetime | None, datetime | None]:
        s = tables.sent.c
        # Each for itself: then both are read from the ends of an index.
        first, last = (
            select(end(s.time)).where(s.mailbox_id == self._mailbox).scalar_subquery()
            for end in (func.min, func.max)
        )
        row: Any = self._connection.execute(select(first.label("begins"), last.label("ends"))).one()
        return row.begins, row.ends

    def _id_domains(self) -> dict[str, int]:
        h = tables.sent_host.c
        return {
            self._hosts[row.host]: row.mails
            for hosts in _chunks(self._hosts)
            for row in self._connection.execute(
                select(h.host, h.mails).where(h.mailbox_id == self._mailbox, h.host.in_(hosts))
            )
        }


def count_mails(connection: Connection, mailbox: int | None) -> int:
    """How many mails are in the record."""
    h = tables.sent_host.c
    query = select(func.coalesce(func.sum(h.mails), 0)).where(h.mailbox_id == mailbox)
    return int(connection.execute(query).scalar_one())


def _chunks(wanted: Iterable[T]) -> Iterator[tuple[T, ...]]:
    """As many at a time as a statement bears."""
    every = tuple(wanted)
    for start in range(0, len(every), CHUNK):
        yield every[start : start + CHUNK]


def _table_of(hashes: Sequence[bytes]) -> CTE:
    """What was asked, as a table to join."""
    return values(column("hash", tables.Hash), name="asked").data([(one,) for one in hashes]).cte("asked")


def _grouped(
    pairs: Iterable[tuple[str, SentMail]], most: int | None = None
) -> dict[str, tuple[SentMail, ...]]:
    """The mails of each key, latest first."""
    found: dict[str, set[SentMail]] = {}
    for key, mail in pairs:
        found.setdefault(key, set()).add(mail)
    return {
        key: tuple(sorted(mails, key=lambda mail: mail.time, reverse=True)[:most])
        for key, mails in found.items()
    }


def id_key(message_id: str) -> str:
    """The form in which two spellings of one Message-ID are equal: without brackets and white space."""
    return "".join(message_id.split()).strip("<>")


def right_side(message_id: str) -> str:
    """The host of a Message-ID in comparable form."""
    return id_key(message_id).rpartition("@")[2].lower()
