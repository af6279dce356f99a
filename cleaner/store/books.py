"""Consents, accesses, mailboxes that the file does not have, and runs."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select, update

from cleaner.errors import UsageError
from cleaner.store import tables
from cleaner.store.database import Database
from cleaner.store.owners import ensured
from cleaner.store.records import Access, Consent, ConsentState, Run, StoredMailbox
from cleaner.values import address_key


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
        steps = self._steps(address, latest=True)
        return steps[0] if steps else None

    def history(self, address: str) -> tuple[Consent, ...]:
        """All steps, oldest first."""
        return tuple(reversed(self._steps(address)))

    def _steps(self, address: str, *, latest: bool = False) -> list[Consent]:
        query = (
            select(tables.consent, tables.mailbox.c.address)
            .join_from(tables.consent, tables.mailbox)
            .where(tables.mailbox.c.address == address_key(address))
            .order_by(tables.consent.c.id.desc())
        )
        with self._database.read() as connection:
            rows = connection.execute(query.limit(1) if latest else query).all()
        return [
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
        ]


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
        return tuple(Access(row.address, row.at, row.by, row.purpose, row.run) for row in rows)


class MailboxBook:
    """Mailboxes that the configuration file does not have."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, stored: StoredMailbox) -> None:
        """Keeps a mailbox, in place of what was kept under its address."""
        with self._database.write() as connection:
            connection.execute(
                update(tables.mailbox)
                .where(tables.mailbox.c.id == ensured(connection, stored.address))
                .values(
                    definition=stored.fields(),
                    organisation_id=_organisation(connection, stored.organisation),
                )
            )

    def all(self) -> tuple[StoredMailbox, ...]:
        query = (
            select(tables.mailbox.c.definition)
            .where(tables.mailbox.c.definition.is_not(None))
            .order_by(tables.mailbox.c.address)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).scalars().all()
        return tuple(_stored(fields) for fields in rows if fields)

    def remove(self, address: str) -> None:
        """Forgets how to open the mailbox; what was done in it stays in the journal."""
        with self._database.write() as connection:
            connection.execute(
                update(tables.mailbox)
                .where(tables.mailbox.c.address == address_key(address))
                .values(definition=None)
            )


def _organisation(connection: Connection, name: str | None) -> int | None:
    if name is None:
        return None
    query = select(tables.organisation.c.id).where(tables.organisation.c.name == name)
    found = connection.execute(query).scalar()
    if found is None:
        made = insert(tables.organisation).values(name=name).returning(tables.organisation.c.id)
        found = connection.execute(made).scalar_one()
    return int(found)


def _stored(fields: dict[str, Any]) -> StoredMailbox:
    lists = {"aliases": tuple(fields.get("aliases", ())), "sent_from": tuple(fields.get("sent_from", ()))}
    return StoredMailbox(**(fields | lists))


LETTERS: Final = "23456789abcdefghjkmnpqrstvwxyz"
"""For run numbers that people type: none that looks like another."""


class RunBook:
    """Scans and undos, by numbers that sort by time and can be typed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def start(self, kind: str, at: datetime) -> str:
        number = f"{at:%Y%m%d-%H%M}-{''.join(secrets.choice(LETTERS) for _ in range(4))}"
        with self._database.write() as connection:
            connection.execute(
                insert(tables.run).values(
                    id=number, kind=kind, started=at, state="running", looked_at=0, moved=0
                )
            )
        return number

    def finish(
        self,
        run: str,
        at: datetime,
        *,
        state: str,
        looked_at: int = 0,
        moved: int = 0,
        stopped: Sequence[str] = (),
        since: datetime | None = None,
    ) -> None:
        """Ends a run; `stopped` are the mailboxes in which the safety limit held it."""
        with self._database.write() as connection:
            connection.execute(
                update(tables.run)
                .where(tables.run.c.id == run)
                .values(finished=at, state=state, looked_at=looked_at, moved=moved, since=since)
            )
            if stopped:
                connection.execute(
                    insert(tables.run_stop), [{"run_id": run, "address": address} for address in stopped]
                )

    def stopped(self, run: str) -> tuple[str, ...]:
        """The mailboxes in which the safety limit held that run."""
        query = select(tables.run_stop.c.address).where(tables.run_stop.c.run_id == run)
        with self._database.read() as connection:
            return tuple(connection.execute(query.order_by(tables.run_stop.c.address)).scalars())

    def get(self, run: str) -> Run:
        """Raises UsageError for a run that never was."""
        with self._database.read() as connection:
            row = connection.execute(select(tables.run).where(tables.run.c.id == run)).first()
        if row is None:
            raise UsageError(f"there is no run {run}; 'bounce-cleaner history' lists them")
        return _run(row)

    def list(self, limit: int | None = None) -> tuple[Run, ...]:
        """The latest first; a run without an end was cut off, unless it is at work now."""
        query = select(tables.run).order_by(tables.run.c.started.desc(), tables.run.c.id.desc())
        with self._database.read() as connection:
            return tuple(_run(row) for row in connection.execute(query.limit(limit)))


def _run(row: Row[Any]) -> Run:
    return Run(
        id=row.id,
        kind=row.kind,
        started=row.started,
        finished=row.finished,
        state=row.state,
        looked_at=row.looked_at,
        moved=row.moved,
        since=row.since,
    )
