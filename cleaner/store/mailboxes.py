"""Mailboxes that the configuration file does not have."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, update

from cleaner.store import tables
from cleaner.store.database import Database
from cleaner.store.owners import ensured, ensured_organisation
from cleaner.store.records import StoredMailbox
from cleaner.values import address_key


class MailboxBook:
    """How to open the mailboxes that were opted in with their particulars."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, stored: StoredMailbox) -> None:
        """Keeps a mailbox, in place of what was kept under its address."""
        with self._database.write() as connection:
            named = stored.organisation
            organisation = ensured_organisation(connection, named) if named is not None else None
            connection.execute(
                update(tables.mailbox)
                .where(tables.mailbox.c.id == ensured(connection, stored.address))
                .values(
                    definition=stored.fields(),
                    organisation_id=organisation,
                )
            )

    def all(self) -> tuple[StoredMailbox, ...]:
        m = tables.mailbox.c
        query = select(m.definition).where(m.definition.is_not(None)).order_by(m.address)
        with self._database.read() as connection:
            return tuple(_stored(fields) for fields in connection.execute(query).scalars())

    def remove(self, address: str) -> None:
        """Forgets how to open the mailbox; what was done in it stays in the journal."""
        with self._database.write() as connection:
            connection.execute(
                update(tables.mailbox)
                .where(tables.mailbox.c.address == address_key(address))
                .values(definition=None, organisation_id=None)
            )


def _stored(fields: dict[str, Any]) -> StoredMailbox:
    lists = {"aliases": tuple(fields.get("aliases", ())), "sent_from": tuple(fields.get("sent_from", ()))}
    return StoredMailbox(**(fields | lists))
