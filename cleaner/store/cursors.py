"""How far folders were looked through: the watched ones and the Sent folders, in tables of one shape."""

from __future__ import annotations

from sqlalchemy import Connection, Table, insert, select, update

from cleaner.store import tables
from cleaner.values import address_key


def cursor(connection: Connection, table: Table, address: str, folder: str) -> str | None:
    query = (
        select(table.c.cursor)
        .join_from(table, tables.mailbox)
        .where(tables.mailbox.c.address == address_key(address), table.c.folder == folder)
    )
    return connection.execute(query).scalar()


def set_cursor(connection: Connection, table: Table, mailbox: int, folder: str, value: str) -> None:
    same = (table.c.mailbox_id == mailbox) & (table.c.folder == folder)
    if connection.execute(update(table).where(same).values(cursor=value)).rowcount == 0:
        connection.execute(insert(table).values(mailbox_id=mailbox, folder=folder, cursor=value))
