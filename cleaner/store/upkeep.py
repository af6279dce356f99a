"""When which piece of upkeep was last begun, so that of several processes one does it, also after a restart."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from cleaner.store.database import Database
from cleaner.store.tables import upkeep


class UpkeepBook:
    """Whose turn it is."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(self, name: str, now: datetime, every: timedelta) -> bool:
        """
        Whether it is due and this process may do it; then nobody else may until it is due again.

        A clock that was set back does not keep it waiting until it is that late again.
        """
        c = upkeep.c
        is_due = or_(c.at <= now - every, c.at > now)
        with self._database.write() as connection:
            taken = update(upkeep).where(c.name == name, is_due).values(at=now)
            if connection.execute(taken).rowcount:
                return True
            if connection.execute(select(c.at).where(c.name == name)).first() is not None:
                return False
            try:
                with connection.begin_nested():
                    connection.execute(insert(upkeep).values(name=name, at=now))
            except IntegrityError:
                # PostgreSQL lets several write at once, and another was faster.
                return False
            return True
