"""
The archive of DKIM keys: a selector that was rotated away still verifies what was signed with it.

They are public keys of organisations, nothing about persons, so they stay when somebody opts out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, insert, select, tuple_, update
from sqlalchemy.exc import IntegrityError

from cleaner.store import tables
from cleaner.store.database import Database, chunks
from cleaner.store.hashing import SIZE
from cleaner.values import DkimKey, Selector

OFTEN: Final = timedelta(hours=12)
"""That a key is still published is not noted more often than this."""


class KeyBook:
    """Satisfies `ports.KeyArchive`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keys(self, wanted: Iterable[Selector]) -> Mapping[DkimKey, datetime]:
        k = tables.dkim_key.c
        found: dict[DkimKey, datetime] = {}
        with self._database.read() as connection:
            for asked in chunks(sorted(set(wanted))):
                query = select(tables.dkim_key).where(tuple_(k.domain, k.selector).in_(asked))
                for row in connection.execute(query.order_by(k.last_seen.desc(), k.id)):
                    found[DkimKey(row.domain, row.selector, row.record)] = row.last_seen
        return found

    def of(self, domains: Iterable[str]) -> tuple[DkimKey, ...]:
        """All keys of those domains that were ever seen, the earliest first."""
        k = tables.dkim_key.c
        query = select(tables.dkim_key).where(k.domain.in_(sorted(domains))).order_by(k.id)
        with self._database.read() as connection:
            return tuple(DkimKey(row.domain, row.selector, row.record) for row in connection.execute(query))

    def remember(self, keys: Iterable[DkimKey], at: datetime, source: str) -> None:
        news = [key for key, seen in self._last_seen(keys).items() if seen is None or seen + OFTEN <= at]
        if not news:
            return
        with self._database.write() as connection:
            for key in news:
                _keep(connection, key, at, source)

    def _last_seen(self, keys: Iterable[DkimKey]) -> dict[DkimKey, datetime | None]:
        comparable = [DkimKey(key.domain.lower(), key.selector.lower(), key.record) for key in keys]
        known = self.keys((key.domain, key.selector) for key in comparable)
        return {key: known.get(key) for key in comparable}


def _keep(connection: Connection, key: DkimKey, at: datetime, source: str) -> None:
    k = tables.dkim_key.c
    digest = hashlib.sha256(key.record.encode()).digest()[:SIZE]
    same = (k.domain == key.domain) & (k.selector == key.selector) & (k.digest == digest)
    if connection.execute(update(tables.dkim_key).where(same).values(last_seen=at)).rowcount:
        return
    fresh = insert(tables.dkim_key).values(
        domain=key.domain,
        selector=key.selector,
        digest=digest,
        record=key.record,
        source=source,
        first_seen=at,
        last_seen=at,
    )
    # PostgreSQL lets several write at once, and another may have been faster.
    with suppress(IntegrityError), connection.begin_nested():
        connection.execute(fresh)
