"""Consents and accesses: who agreed to what, and who opened a mailbox when (DESIGN.md, decision 9)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Select, bindparam, func, insert, select, update

from cleaner.store import tables
from cleaner.store.database import Database, chunks
from cleaner.store.owners import ensured
from cleaner.store.records import Access, Consent, ConsentState
from cleaner.values import address_key

POLL: Final = "looked for new mail"


class ConsentBook:
    """The history of consent; nothing in it is ever changed or deleted."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, consent: Consent) -> None:
        with self._database.write() as connection:
            connection.execute(
                insert(tables.consent).values(
                    mailbox_id=ensured(connection, consent.mailbox),
                    at=consent.at,
                    state=consent.state.value,
                    by=consent.by,
                    basis=consent.basis,
                    note=consent.note,
                    preview_until=consent.preview_until,
                )
            )

    def current(self, address: str) -> Consent | None:
        """The latest step, None where nobody was ever asked."""
        steps = self._read(_LATEST, address)
        return steps[0] if steps else None

    def history(self, address: str) -> tuple[Consent, ...]:
        """All steps, oldest first."""
        return self._read(_STEPS, address)

    def opted_in(self) -> tuple[str, ...]:
        """The mailboxes whose latest step is an agreement, by address."""
        c, m = tables.consent.c, tables.mailbox.c
        latest = select(func.max(c.id)).group_by(c.mailbox_id)
        query = (
            select(m.address)
            .join_from(tables.consent, tables.mailbox)
            .where(c.id.in_(latest), c.state == ConsentState.OPTED_IN.value)
            .order_by(m.address)
        )
        with self._database.read() as connection:
            return tuple(connection.execute(query).scalars())

    def steps(self) -> int:
        """A number that grows whenever anybody agrees, pauses or withdraws."""
        with self._database.read() as connection:
            return connection.execute(select(func.max(tables.consent.c.id))).scalar() or 0

    def agreed_after(self, step: int) -> tuple[str, ...]:
        """The mailboxes that an agreement was recorded of after that step, be it only other terms."""
        c, m = tables.consent.c, tables.mailbox.c
        query = (
            select(m.address)
            .join_from(tables.consent, tables.mailbox)
            .where(c.id > step, c.state == ConsentState.OPTED_IN.value)
            .distinct()
        )
        with self._database.read() as connection:
            return tuple(connection.execute(query).scalars())

    def _read(self, query: Select[Any], address: str) -> tuple[Consent, ...]:
        with self._database.look() as connection:
            rows = connection.execute(query, {"address": address_key(address)}).all()
        return tuple(
            Consent(
                mailbox=row.address,
                at=row.at,
                state=ConsentState(row.state),
                by=row.by,
                basis=row.basis,
                note=row.note,
                preview_until=row.preview_until,
            )
            for row in rows
        )


_OF_MAILBOX: Final = (
    select(tables.consent, tables.mailbox.c.address)
    .join_from(tables.consent, tables.mailbox)
    .where(tables.mailbox.c.address == bindparam("address"))
)
# Asked several times in each turn of a mailbox: writing a statement anew costs more than asking it.
_STEPS: Final = _OF_MAILBOX.order_by(tables.consent.c.id)
_LATEST: Final = _OF_MAILBOX.order_by(tables.consent.c.id.desc()).limit(1)


class AccessBook:
    """Every opening of a mailbox."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, access: Access) -> None:
        with self._database.write() as connection:
            connection.execute(
                insert(tables.access).values(
                    mailbox_id=ensured(connection, access.mailbox),
                    at=access.at,
                    by=access.by,
                    purpose=access.purpose,
                    run=access.run,
                )
            )

    def list(self, address: str) -> tuple[Access, ...]:
        """All openings, oldest first."""
        query = (
            select(tables.access, tables.mailbox.c.address)
            .join_from(tables.access, tables.mailbox)
            .where(tables.mailbox.c.address == address_key(address))
            .order_by(tables.access.c.id)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return tuple(
            Access(row.address, row.at, row.by, row.purpose, row.run, row.times, row.until) for row in rows
        )


def record_polls(connection: Connection, polls: Sequence[tuple[int, datetime, str]]) -> None:
    """Looks for new mail that found none, each with mailbox, time and who: counted, one row a day."""
    again: list[dict[str, Any]] = []
    new: list[dict[str, Any]] = []
    for some in chunks(polls):
        asked = {"mailboxes": [mailbox for mailbox, _, _ in some]}
        rows = {(row.mailbox_id, row.by): row for row in connection.execute(_LATEST_POLLS, asked)}
        for mailbox, at, by in some:
            row = rows.get((mailbox, by))
            if row is not None and row.at.date() == at.date():
                again.append({"row": row.id, "last": at})
            else:
                new.append({"mailbox_id": mailbox, "at": at, "by": by, "purpose": POLL})
    if again:
        connection.execute(_COUNT_POLL, again)
    if new:
        connection.execute(insert(tables.access), new)


_a, _m = tables.access.c, tables.mailbox.c
# Of the looks alone: scans stand between those of a day.
_LAST: Final = (
    select(func.max(_a.id))
    .where(_a.mailbox_id == _m.id, _a.purpose == POLL)
    .correlate(tables.mailbox)
    .scalar_subquery()
)
_LATEST_POLLS: Final = select(_a.id, _a.mailbox_id, _a.at, _a.by).where(
    _a.id.in_(select(_LAST).where(_m.id.in_(bindparam("mailboxes", expanding=True))))
)
_COUNT_POLL: Final = (
    update(tables.access).where(_a.id == bindparam("row")).values(times=_a.times + 1, until=bindparam("last"))
)
