"""Which row stands for a mailbox or an organisation; made when something is first kept of it."""

from __future__ import annotations

from sqlalchemy import Connection, select
from sqlalchemy.exc import IntegrityError

from cleaner.store.records import ConsentState
from cleaner.store.tables import consent, mailbox, organisation
from cleaner.values import address_key


def row_id(connection: Connection, address: str) -> int | None:
    """The mailbox's row, None where nothing was ever kept of it."""
    return connection.execute(select(mailbox.c.id).where(mailbox.c.address == address_key(address))).scalar()


def ensured(connection: Connection, address: str) -> int:
    """The mailbox's row, made if it is not there; for write transactions only."""
    found = row_id(connection, address)
    if found is None:
        made = mailbox.insert().values(address=address_key(address)).returning(mailbox.c.id)
        try:
            with connection.begin_nested():
                found = connection.execute(made).scalar_one()
        except IntegrityError:
            # PostgreSQL lets several write at once, and another was faster.
            found = row_id(connection, address)
            if found is None:
                raise
    return int(found)


def ensured_organisation(connection: Connection, name: str) -> int:
    """The organisation's row, made if it is not there; for write transactions only."""
    query = select(organisation.c.id).where(organisation.c.name == name)
    found = connection.execute(query).scalar()
    if found is None:
        made = organisation.insert().values(name=name).returning(organisation.c.id)
        try:
            with connection.begin_nested():
                found = connection.execute(made).scalar_one()
        except IntegrityError:
            found = connection.execute(query).scalar()
            if found is None:
                raise
    return int(found)


def has_withdrawn(connection: Connection, mailbox: int) -> bool:
    """
    Whether the owner opted out, so that nothing about him may be kept.

    Asked in the transaction that would keep it: a scan that is still at work when he opts out must not write
    anew what was just erased.
    """
    c = consent.c
    query = select(c.state).where(c.mailbox_id == mailbox).order_by(c.id.desc()).limit(1)
    return connection.execute(query).scalar() == ConsentState.OPTED_OUT.value
