"""
The sent record: what is known of the mail that a mailbox's owner sent.

Only keyed hashes are kept, so a question can be answered about what it names and about nothing else
(`answer.py`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Select, bindparam, delete, insert, select, update

from cleaner.store import tables
from cleaner.store.answer import Answer, count_mails, id_key, right_side
from cleaner.store.cursors import cursor, set_cursor
from cleaner.store.database import BATCH, Database, chunks
from cleaner.store.hashing import Keyed
from cleaner.store.owners import ensured, has_withdrawn, row_id
from cleaner.values import OutgoingMail, SentQuestion, SentRecordView, address_key, domain_of, subject_key


@dataclass(frozen=True, slots=True)
class HashedMail:
    """A mail on its way in, of which only this is kept."""

    identity: bytes
    host: bytes
    subject: bytes | None
    time: datetime
    recipients: Mapping[bytes, bytes]
    """Hashes of the addresses, each with that of its domain."""
    logged: bool = False
    """Known from a transport log, not from a copy."""
    manner: tuple[bytes, ...] = ()
    """Hashes of its traits and of their kinds."""


class StoredSentRecord:
    """The sent record of one mailbox; satisfies `ports.SentRecord`."""

    def __init__(
        self, database: Database, keyed: Keyed, address: str, begins: datetime | None = None
    ) -> None:
        self._database = database
        self._keyed = keyed
        self._address = address
        self._begins = begins

    def cursor(self, folder: str) -> str | None:
        with self._database.read() as connection:
            return cursor(connection, tables.sent_cursor, self._address, folder)

    def mails(self) -> int:
        """How many mails are in the record."""
        with self._database.read() as connection:
            return count_mails(connection, row_id(connection, self._address))

    def ask(self, question: SentQuestion) -> SentRecordView:
        with self._database.read() as connection:
            mailbox = row_id(connection, self._address)
            if mailbox is None:
                return SentRecordView()
            return Answer(connection, mailbox, self._keyed, question).view()

    def add(self, folder: str, mails: Iterable[OutgoingMail], cursor: str | None) -> int:
        """
        Adds mails, and nothing once the owner has opted out.

        One mail stands in several folders (Sent, an archive, a migrated copy), and some programs keep a copy
        for each recipient under one Message-ID: what is known already only gets what it lacks.
        """
        return self._add(_merged(map(self._hashed, self._kept(mails))), folder, cursor)

    def add_logged(self, mails: Iterable[OutgoingMail]) -> int:
        """Adds mails that a transport log tells of; returns how many were not known."""
        return self._add(_merged(replace(self._hashed(mail), logged=True) for mail in self._kept(mails)))

    def _kept(self, mails: Iterable[OutgoingMail]) -> Iterator[OutgoingMail]:
        """What is not too old already: a Sent folder that is looked through anew shows all that was ever sent."""
        return (mail for mail in mails if self._begins is None or mail.time >= self._begins)

    def expire(self, before: datetime) -> int:
        """
        Takes mails from before then out of the record, some at a time; returns how many.

        What they taught of the manner of writing stays: it is counted for all mails together.
        """
        with self._database.read() as connection:
            mailbox = row_id(connection, self._address)
            if mailbox is None or not connection.execute(_oldest(mailbox, before).limit(1)).first():
                return 0
        return self._database.in_batches(lambda connection: _expire(connection, mailbox, before))

    def _add(self, hashed: Mapping[bytes, HashedMail], folder: str = "", cursor: str | None = None) -> int:
        with self._database.write() as connection:
            mailbox = ensured(connection, self._address)
            _wait_for_turn(connection, mailbox)
            if has_withdrawn(connection, mailbox):
                return 0
            known = _ids(connection, mailbox, hashed)
            fresh = {identity: mail for identity, mail in hashed.items() if identity not in known}
            if fresh:
                _insert(connection, mailbox, fresh)
            _complete(connection, mailbox, {row: hashed[identity] for identity, row in known.items()})
            if cursor is not None:
                set_cursor(connection, tables.sent_cursor, mailbox, folder, cursor)
        return len(fresh)

    def _hashed(self, mail: OutgoingMail) -> HashedMail:
        subject = subject_key(mail.subject)
        recipients = sorted(set(map(address_key, mail.recipients)))
        if mail.message_id:
            identity = self._keyed.hash("message-id", id_key(mail.message_id))
        else:
            all_of_it = f"{mail.time.timestamp():.0f} {subject} {' '.join(recipients)}"
            identity = self._keyed.hash("nameless", all_of_it)
        return HashedMail(
            identity=identity,
            host=self._keyed.hash("host", right_side(mail.message_id or "")),
            subject=self._keyed.hash("subject", subject) if subject else None,
            time=mail.time,
            recipients={
                self._keyed.hash("address", address): self._keyed.hash("domain", domain_of(address))
                for address in recipients
            },
            manner=tuple(self._keyed.hash("manner", text) for text in manner_keys(mail.manner)),
        )


def manner_keys(manner: Iterable[str]) -> Iterable[str]:
    """What is counted of a mail: each of its traits, and the kind of each."""
    return dict.fromkeys(text for trait in manner for text in (trait, trait.partition(" ")[0]))


def _wait_for_turn(connection: Connection, mailbox: int) -> None:
    """A scan and the reading of a log may add the same mail at once: on PostgreSQL, the one after the other."""
    connection.execute(select(tables.mailbox.c.id).where(tables.mailbox.c.id == mailbox).with_for_update())


def erase(connection: Connection, mailbox: int) -> None:
    """Erases the whole record of a mailbox."""
    parts = (tables.sent_recipient, tables.sent, tables.sent_host, tables.sent_manner, tables.sent_cursor)
    for table in parts:
        connection.execute(delete(table).where(table.c.mailbox_id == mailbox))


def _oldest(mailbox: int, before: datetime) -> Select[tuple[int, bytes]]:
    s = tables.sent.c
    # Both kinds are named, so that the index leads to the oldest of each.
    query = select(s.id, s.host).where(s.mailbox_id == mailbox, s.logged.in_((False, True)), s.time < before)
    return query.limit(BATCH)


def _expire(connection: Connection, mailbox: int, before: datetime) -> int:
    _wait_for_turn(connection, mailbox)
    rows = connection.execute(_oldest(mailbox, before)).all()
    for some in chunks(row.id for row in rows):
        connection.execute(delete(tables.sent_recipient).where(tables.sent_recipient.c.sent_id.in_(some)))
        connection.execute(delete(tables.sent).where(tables.sent.c.id.in_(some)))
    fewer = Counter(row.host for row in rows)
    _count(connection, mailbox, tables.sent_host.c.host, {host: -count for host, count in fewer.items()})
    h = tables.sent_host.c
    connection.execute(delete(tables.sent_host).where(h.mailbox_id == mailbox, h.mails <= 0))
    return len(rows)


def _merged(mails: Iterable[HashedMail]) -> dict[bytes, HashedMail]:
    found: dict[bytes, HashedMail] = {}
    for mail in mails:
        first = found.setdefault(mail.identity, mail)
        if first is not mail:
            found[mail.identity] = replace(
                first,
                recipients={**first.recipients, **mail.recipients},
                subject=first.subject or mail.subject,
            )
    return found


def _ids(connection: Connection, mailbox: int, identities: Iterable[bytes]) -> dict[bytes, int]:
    """The rows of those mails that are in the record."""
    s = tables.sent.c
    found: dict[bytes, int] = {}
    for wanted in chunks(identities):
        query = select(s.identity, s.id).where(s.mailbox_id == mailbox, s.identity.in_(wanted))
        found.update((row.identity, row.id) for row in connection.execute(query))
    return found


def _insert(connection: Connection, mailbox: int, mails: Mapping[bytes, HashedMail]) -> None:
    connection.execute(
        insert(tables.sent),
        [
            {
                "mailbox_id": mailbox,
                "identity": mail.identity,
                "host": mail.host,
                "subject": mail.subject,
                "time": mail.time,
                "recipients": len(mail.recipients),
                "logged": mail.logged,
            }
            for mail in mails.values()
        ],
    )
    _count(connection, mailbox, tables.sent_host.c.host, Counter(mail.host for mail in mails.values()))
    traits = Counter(trait for mail in mails.values() for trait in mail.manner)
    _count(connection, mailbox, tables.sent_manner.c.trait, traits)
    # Asked for afterwards: with RETURNING, rows are inserted one by one where their order must be known.
    rows = _ids(connection, mailbox, mails)
    _add_recipients(connection, mailbox, {rows[identity]: mail for identity, mail in mails.items()})


def _count(connection: Connection, mailbox: int, of: Column[Any], counts: Mapping[bytes, int]) -> None:
    """Adds to the counts that a table keeps for each value of a column."""
    table, c = of.table, of.table.c
    for value, count in sorted(counts.items()):
        more = update(table).where(c.mailbox_id == mailbox, of == value).values(mails=c.mails + count)
        if connection.execute(more).rowcount == 0:
            connection.execute(insert(table).values({"mailbox_id": mailbox, of.name: value, "mails": count}))


def _add_recipients(connection: Connection, mailbox: int, mails: Mapping[int, HashedMail]) -> None:
    rows: list[dict[str, Any]] = [
        {"sent_id": row, "mailbox_id": mailbox, "address": address, "domain": domain, "time": mail.time}
        for row, mail in mails.items()
        for address, domain in mail.recipients.items()
    ]
    if rows:
        connection.execute(insert(tables.sent_recipient), rows)


def _complete(connection: Connection, mailbox: int, mails: Mapping[int, HashedMail]) -> None:
    """Adds to mails of the record what further copies of them, or logs, tell beside."""
    _replace_logged(connection, {row: mail for row, mail in mails.items() if not mail.logged})
    _add_subjects(connection, {row: mail for row, mail in mails.items() if mail.subject is not None})
    kept = _recipients(connection, tuple(mails))
    lacking: dict[int, HashedMail] = {}
    for row, mail in mails.items():
        new = {address: domain for address, domain in mail.recipients.items() if address not in kept[row]}
        if new:
            lacking[row] = replace(mail, recipients=new)
    if lacking:
        _add_recipients(connection, mailbox, lacking)
        connection.execute(
            update(tables.sent).where(tables.sent.c.id == bindparam("row")),
            [
                {"row": row, "recipients": len(kept[row]) + len(mail.recipients)}
                for row, mail in lacking.items()
            ],
        )


def _replace_logged(connection: Connection, copies: Mapping[int, HashedMail]) -> None:
    """Mails that were known from a log alone, and of which a copy has come to light."""
    s = tables.sent.c
    if copies:
        connection.execute(
            update(tables.sent).where(s.id == bindparam("row"), s.logged).values(logged=False),
            [{"row": row} for row in copies],
        )


def _add_subjects(connection: Connection, mails: Mapping[int, HashedMail]) -> None:
    s = tables.sent.c
    if mails:
        connection.execute(
            update(tables.sent)
            .where(s.id == bindparam("row"), s.subject.is_(None))
            .values(subject=bindparam("its_subject")),
            [{"row": row, "its_subject": mail.subject} for row, mail in mails.items()],
        )


def _recipients(connection: Connection, mails: Sequence[int]) -> dict[int, set[bytes]]:
    r = tables.sent_recipient.c
    found: dict[int, set[bytes]] = {number: set() for number in mails}
    for some in chunks(mails):
        query = select(r.sent_id, r.address).where(r.sent_id.in_(some))
        for row in connection.execute(query):
            found[row.sent_id].add(row.address)
    return found
