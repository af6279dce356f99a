"""Which alarms were told when, so that one of them is not told at every run; and those still to be told."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from cleaner.errors import StoreError
from cleaner.store import tables
from cleaner.store.database import Database
from cleaner.store.hashing import Keyed
from cleaner.store.sealing import Seals
from cleaner.values import Alert, address_key


class AlertBook:
    """Times by keyed hashes of what was told; what is still to be told is sealed."""

    def __init__(self, database: Database, keyed: Keyed, seals: Seals) -> None:
        self._database = database
        self._keyed = keyed
        self._seals = seals

    def told(self, key: str) -> datetime | None:
        table = tables.alert
        with self._database.read() as connection:
            query = select(table.c.at).where(table.c.key == self._keyed.hash("alert", key))
            found: datetime | None = connection.execute(query).scalar()
        return found

    def note(self, key: str, at: datetime) -> None:
        table, hashed = tables.alert, self._keyed.hash("alert", key)
        with self._database.write() as connection:
            if connection.execute(update(table).where(table.c.key == hashed).values(at=at)).rowcount == 0:
                # PostgreSQL lets several write at once, and another may have been faster.
                with suppress(IntegrityError), connection.begin_nested():
                    connection.execute(insert(table).values(key=hashed, at=at))

    def forget(self, before: datetime) -> None:
        with self._database.write() as connection:
            connection.execute(delete(tables.alert).where(tables.alert.c.at < before))

    def post(self, alerts: Iterable[Alert], at: datetime) -> None:
        """They are due from then on; of one that is due already the newer text counts."""
        table = tables.alert_due
        rows = [
            {"key": self._hash(alert), "sealed": self._seals.seal(json.dumps(asdict(alert)).encode())}
            for alert in dict.fromkeys(alerts)
        ]
        with self._database.write() as connection:
            for row in rows:
                again = update(table).where(table.c.key == row["key"]).values(sealed=row["sealed"])
                if connection.execute(again).rowcount == 0:
                    with suppress(IntegrityError), connection.begin_nested():
                        connection.execute(insert(table).values(**row, at=at))

    def due(self) -> Mapping[Alert, datetime]:
        """Since when which alarm is due, the oldest first; one that was sealed with another master key is left out."""
        return {alert: row.at for row in self._rows() if (alert := self._opened(row)) is not None}

    def _rows(self) -> Sequence[Row[Any]]:
        table = tables.alert_due
        with self._database.read() as connection:
            return connection.execute(select(table).order_by(table.c.at, table.c.key)).all()

    def _opened(self, row: Row[Any]) -> Alert | None:
        try:
            return Alert(**json.loads(self._seals.open(row.sealed)))
        except StoreError:
            return None

    def settle(self, alerts: Iterable[Alert]) -> None:
        """They are due no more."""
        self._drop([self._hash(alert) for alert in alerts])

    def forget_about(self, address: str) -> None:
        """Tells nobody any more of what speaks of that mailbox, nor of what nobody can read."""
        name = address_key(address)
        read = [(row.key, self._opened(row)) for row in self._rows()]
        self._drop(
            [key for key, alert in read if alert is None or name in f"{alert.about}\n{alert.text}".casefold()]
        )

    def _drop(self, keys: Sequence[bytes]) -> None:
        if keys:
            with self._database.write() as connection:
                connection.execute(delete(tables.alert_due).where(tables.alert_due.c.key.in_(keys)))

    def _hash(self, alert: Alert) -> bytes:
        return self._keyed.hash("alert", alert.key)
