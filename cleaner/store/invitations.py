"""Invitations that are open: by what an owner who was asked can agree."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from cleaner.store import tables
from cleaner.store.database import Database
from cleaner.store.hashing import Keyed
from cleaner.store.owners import ensured


@dataclass(frozen=True, slots=True)
class Invitation:
    """One that nobody has answered yet."""

    mailbox: str
    until: datetime


class InvitationBook:
    """One for each mailbox at most; of its token only a keyed hash."""

    def __init__(self, database: Database, keyed: Keyed) -> None:
        self._database = database
        self._keyed = keyed

    def open(self, address: str, token: str, until: datetime) -> None:
        """An earlier one of the same mailbox counts no more."""
        table = tables.invitation
        with self._database.write() as connection:
            mailbox = ensured(connection, address)
            forget(connection, mailbox)
            hashed = self._keyed.hash("invitation", token)
            connection.execute(insert(table).values(mailbox_id=mailbox, token=hashed, until=until))

    def find(self, token: str) -> Invitation | None:
        table = tables.invitation
        query = (
            select(tables.mailbox.c.address, table.c.until)
            .join_from(table, tables.mailbox)
            .where(table.c.token == self._keyed.hash("invitation", token))
        )
        with self._database.read() as connection:
            row = connection.execute(query).first()
        return Invitation(row.address, row.until) if row is not None else None

    def close(self, address: str) -> None:
        """Nobody can agree with it any more."""
        with self._database.write() as connection:
            forget(connection, ensured(connection, address))


def forget(connection: Connection, mailbox: int) -> None:
    connection.execute(delete(tables.invitation).where(tables.invitation.c.mailbox_id == mailbox))
