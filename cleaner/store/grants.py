"""
What people granted by signing in once, sealed (`cleaner.ports.Grants`).

Names of mailbox and server are sealed along: a row that somebody gave to another mailbox opens nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Connection, delete, insert, select

from cleaner.errors import StoreError
from cleaner.ports import Grant
from cleaner.store import tables
from cleaner.store.database import Database
from cleaner.store.locks import Locks
from cleaner.store.owners import ensured, has_withdrawn, row_id
from cleaner.store.sealing import GRANTS, Seals
from cleaner.values import address_key


class GrantBook:
    """The grants of all mailboxes."""

    def __init__(self, database: Database, locks: Locks, seals: Seals) -> None:
        self._database = database
        self._locks = locks
        self._seals = seals.apart(GRANTS)

    def find(self, server: str, address: str) -> Grant | None:
        s = tables.sign_in.c
        query = select(s.content).join_from(tables.sign_in, tables.mailbox)
        with self._database.read() as connection:
            sealed = connection.execute(
                query.where(tables.mailbox.c.address == address_key(address), s.server == server)
            ).scalar()
        if sealed is None:
            return None
        content = json.loads(self._seals.open(sealed))
        if content.pop("of") != [server, address_key(address)]:
            raise StoreError(
                f"what is kept for signing in to {address} belongs to another mailbox: somebody changed the "
                "database; restore it from a backup"
            )
        return Grant(**content)

    def keep(self, server: str, address: str, grant: Grant) -> bool:
        of = [server, address_key(address)]
        sealed = self._seals.seal(json.dumps({**asdict(grant), "of": of}).encode())
        with self._database.write() as connection:
            mailbox = ensured(connection, address)
            if has_withdrawn(connection, mailbox):
                return False
            connection.execute(delete(tables.sign_in).where(_one(mailbox, server)))
            connection.execute(
                insert(tables.sign_in).values(
                    mailbox_id=mailbox, server=server, at=datetime.now(UTC), content=sealed
                )
            )
        return True

    def forget(self, server: str, address: str) -> bool:
        with self._database.write() as connection:
            mailbox = row_id(connection, address)
            if mailbox is None:
                return False
            was_there = connection.execute(delete(tables.sign_in).where(_one(mailbox, server))).rowcount
        self._database.shrink_log()
        return bool(was_there)

    @contextmanager
    def turn(self, server: str, address: str) -> Iterator[bool]:
        with self._locks.hold(f"grant {server} {address_key(address)}") as hold:
            yield bool(hold)


def erase(connection: Connection, mailbox: int) -> None:
    connection.execute(delete(tables.sign_in).where(tables.sign_in.c.mailbox_id == mailbox))


def _one(mailbox: int, server: str) -> ColumnElement[bool]:
    return (tables.sign_in.c.mailbox_id == mailbox) & (tables.sign_in.c.server == server)
