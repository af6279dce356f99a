"""Which row stands for a mailbox; made when something is first kept of it."""

from __future__ import annotations

from sqlalchemy import Connection, select

from cleaner.store.tables import mailbox
from cleaner.values import address_key


def row_id(connection: Connection, address: str) -> int | None:
    """The mailbox's row, None where nothing was ever kept of it."""
    return connection.execute(select(mailbox.c.id).where(mailbox.c.address == address_key(address))).scalar()


def ensured(connection: Connection, address: str) -> int:
    """The mailbox's row, made if it is not there; for write transactions only."""
    found = row_id(connection, address)
    if found is not None:
        return found
    made = mailbox.insert().values(address=address_key(address)).returning(mailbox.c.id)
    return int(connection.execute(made).scalar_one())
