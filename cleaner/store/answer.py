"""
What the sent record answers: everything about what was asked, and about nothing else.

The record holds hashes. What was asked is hashed, too, and what is found is told in the words of the question.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import product
from typing import Any, Final, TypeVar

from sqlalchemy import ARRAY, Column, Connection, Row, Select, bindparam, column, func, literal_column, select

from cleaner.store import tables
from cleaner.store.database import chunks
from cleaner.store.hashing import Keyed
from cleaner.values import SentMail, SentQuestion, SentRecordView, address_key, domain_of, subject_key

LATEST: Final = 20
"""Mails told about for one recipient or subject."""

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
        self._manner = {keyed.hash("manner", text): text for text in question.manner}

    def view(self) -> SentRecordView:
        to_address, to_many = self._latest(tables.sent_recipient.c.address, self._addresses)
        called, called_often = self._latest(tables.sent.c.subject, self._subjects)
        # Of the thousand mails called "Invoice" that to the recipient who failed is the one that matters.
        called += [row for row in to_address if row.subject in self._subjects]
        called += self._latest_to(to_many, called_often)
        by_id = self._by_id()
        mails = self._mails({row.id: row for row in (*by_id, *called, *to_address)})
        begins, ends = self._extent()
        return SentRecordView(
            by_message_id={asked: mails[row.id] for row in by_id for asked in self._ids[row.identity]},
            by_subject=_grouped((self._subjects[row.subject], mails[row.id]) for row in called),
            by_recipient=_grouped((self._addresses[row.address], mails[row.id]) for row in to_address),
            domains_written_to=frozenset(self._domains_written_to()),
            begins=begins,
            ends=ends,
            mails=count_mails(self._connection, self._mailbox),
            id_domains=self._counts(tables.sent_host.c.host, self._hosts),
            manner=self._counts(tables.sent_manner.c.trait, self._manner),
        )

    def _by_id(self) -> list[Row[Any]]:
        s = tables.sent.c
        return self._among(select(tables.sent).where(s.mailbox_id == self._mailbox), s.identity, self._ids)

    def _latest(self, of: Column[Any], wanted: Iterable[bytes]) -> tuple[list[Row[Any]], list[bytes]]:
        """
        For each wanted value of a column its latest mails, and the values that have more than these.

        The few that have more are asked one by one: so the index is read from its end, and of ten thousand
        mails to one recipient only these.
        """
        table, c = of.table, of.table.c
        counts = self._count_some(of, wanted)
        query = select(tables.sent).where(c.mailbox_id == self._mailbox)
        if table is not tables.sent:
            query = query.add_columns(of).join(table, c.sent_id == tables.sent.c.id)
        rows = self._among(query, of, [value for value, count in counts.items() if count <= LATEST])
        many = [value for value, count in counts.items() if count > LATEST]
        for value in many:
            last = query.where(of == value).order_by(c.time.desc()).limit(LATEST)
            rows += self._connection.execute(last).all()
        return rows, many

    def _count_some(self, of: Column[Any], wanted: Iterable[bytes]) -> Mapping[bytes, int]:
        """How many mails have each of the wanted values, which may stop at more than `LATEST`; without those of none."""
        counting = self._each_for_itself if self._connection.dialect.name == "postgresql" else self._in_groups
        found: dict[bytes, int] = {}
        for some in chunks(wanted):
            found.update((row[0], row[1]) for row in self._connection.execute(counting(of, some)) if row[1])
        return found

    def _in_groups(self, of: Column[Any], some: Sequence[bytes]) -> Select[Any]:
        """SQLite looks each value up in the index."""
        return (
            select(of, func.count()).where(of.table.c.mailbox_id == self._mailbox, of.in_(some)).group_by(of)
        )

    def _each_for_itself(self, of: Column[Any], some: Sequence[bytes]) -> Select[Any]:
        """
        Grouped, PostgreSQL would go through all mails of the mailbox.

        By the average of all mailboxes it takes them for few, and in the largest they are a hundred times as many.
        """
        given = bindparam(None, some, ARRAY(tables.Hash))
        asked = func.unnest(given).table_valued(column("value", tables.Hash)).render_derived(name="asked")
        mails = (
            select(literal_column("1"))
            .where(of.table.c.mailbox_id == self._mailbox, of == asked.c.value)
            .limit(LATEST + 1)
            .correlate(asked)
            .subquery()
        )
        count = select(func.count()).select_from(mails).correlate(asked).scalar_subquery()
        return select(asked.c.value, count)

    def _latest_to(self, addresses: Sequence[bytes], subjects: Sequence[bytes]) -> list[Row[Any]]:
        """The latest mails with each of the subjects to each of the addresses."""
        s, r = tables.sent.c, tables.sent_recipient.c
        place = func.row_number().over(partition_by=(s.subject, r.address), order_by=s.time.desc())
        found: list[Row[Any]] = []
        for some, others in product(chunks(addresses), chunks(subjects)):
            ranked = (
                select(s.id, place.label("place"))
                .join_from(tables.sent_recipient, tables.sent)
                .where(r.mailbox_id == self._mailbox, r.address.in_(some), s.subject.in_(others))
                .subquery()
            )
            query = select(tables.sent).join(ranked, ranked.c.id == s.id).where(ranked.c.place <= LATEST)
            found += self._connection.execute(query).all()
        return found

    def _among(self, query: Select[Any], of: Column[Any], wanted: Iterable[Any]) -> list[Row[Any]]:
        """The rows whose column has one of the wanted values."""
        return [
            row
            for some in chunks(wanted)
            for row in self._connection.execute(query.where(of.in_(some))).all()
        ]

    def _mails(self, rows: Mapping[int, Row[Any]]) -> dict[int, SentMail]:
        """The mails with those of their recipients, domains and subjects that were asked about."""
        r = tables.sent_recipient.c
        recipients: dict[int, set[str]] = {}
        domains: dict[int, set[str]] = {}
        for row in self._among(select(r.sent_id, r.address, r.domain), r.sent_id, rows):
            if row.address in self._addresses:
                recipients.setdefault(row.sent_id, set()).add(self._addresses[row.address])
            if row.domain in self._domains:
                domains.setdefault(row.sent_id, set()).add(self._domains[row.domain])
        return {
            number: SentMail(
                time=row.time,
                message_id=self._ids.get(row.identity, [None])[0],
                recipients=frozenset(recipients.get(number, ())),
                domains=frozenset(domains.get(number, ())),
                subject=self._subjects.get(row.subject),
                recipient_count=row.recipients,
                logged=row.logged,
            )
            for number, row in rows.items()
        }

    def _domains_written_to(self) -> Iterator[str]:
        for domain in self._count_some(tables.sent_recipient.c.domain, self._domains):
            yield self._domains[domain]

    def _extent(self) -> tuple[datetime | None, datetime | None]:
        """
        From when to when mail is known.

        Copies tell when the record begins, logs only where there are none: a single old log would
        else make it look complete for all the time since.
        """
        s = tables.sent.c
        # Each for itself: then all are read from the ends of an index.
        first, first_logged, last, last_logged = (
            select(end(s.time)).where(s.mailbox_id == self._mailbox, s.logged.is_(logged)).scalar_subquery()
            for end in (func.min, func.max)
            for logged in (False, True)
        )
        query = select(
            func.coalesce(first, first_logged, type_=tables.UtcTime()).label("begins"),
            last.label("ends"),
            last_logged.label("ends_logged"),
        )
        row: Any = self._connection.execute(query).one()
        return row.begins, max(filter(None, (row.ends, row.ends_logged)), default=None)

    def _counts(self, of: Column[Any], wanted: Mapping[bytes, str]) -> dict[str, int]:
        """How many mails were counted for each of the wanted values."""
        mails = of.table.c.mails
        query = select(of, mails).where(of.table.c.mailbox_id == self._mailbox)
        return {wanted[row[0]]: row.mails for row in self._among(query, of, wanted)}


def count_mails(connection: Connection, mailbox: int | None) -> int:
    """How many mails are in the record."""
    h = tables.sent_host.c
    query = select(func.coalesce(func.sum(h.mails), 0)).where(h.mailbox_id == mailbox)
    return int(connection.execute(query).scalar_one())


def _grouped(pairs: Iterable[tuple[str, SentMail]]) -> dict[str, tuple[SentMail, ...]]:
    """The mails of each key, latest first."""
    found: dict[str, set[SentMail]] = {}
    for key, mail in pairs:
        found.setdefault(key, set()).add(mail)
    return {
        key: tuple(sorted(mails, key=lambda mail: mail.time, reverse=True)) for key, mails in found.items()
    }


def id_key(message_id: str) -> str:
    """The form in which two spellings of one Message-ID are equal: without brackets and white space."""
    return "".join(message_id.split()).strip("<>")


def right_side(message_id: str) -> str:
    """The host of a Message-ID in comparable form."""
    return id_key(message_id).rpartition("@")[2].lower()
