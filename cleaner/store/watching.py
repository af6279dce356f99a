"""
What arrives, counted by day: what was judged how under which model, what was found, and where a candidate differs.

Counts belong to an organisation and tell of nobody. Differences name the notice that they are about, so that
somebody can look at it, and go with their mailbox's owner.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from cleaner.store import tables
from cleaner.store.database import Database
from cleaner.store.owners import ensured_organisation
from cleaner.store.records import Difference, Shadow
from cleaner.values import Advice, Kind, Opinion, SeenNotice

KEPT: Final = timedelta(days=120)
"""How long the counts of a day are kept."""
MOST: Final = 1_000
"""Differences of one candidate that are kept; beyond them they are only counted."""
BINS: Final = 10

Counts = Mapping[str, int]


class WatchBook:
    """The counts of all organisations, and the candidates that judge along."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def days(self, organisation: str, model: str, since: date) -> Mapping[date, Counts]:
        """What was counted under a model, by the day of arrival."""
        d = tables.model_day.c
        query = (
            select(d.day, d.what, d.count)
            .join_from(tables.model_day, tables.organisation)
            .where(tables.organisation.c.name == organisation, d.model == model, d.day >= since)
        )
        found: dict[date, dict[str, int]] = {}
        with self._database.read() as connection:
            for row in connection.execute(query.order_by(d.day)):
                found.setdefault(row.day, {})[row.what] = row._mapping["count"]
        return found

    # --- candidates

    def judge_along(self, organisation: str, model: str | None, at: datetime) -> None:
        """From now on this candidate judges along; None: none does."""
        s = tables.model_shadow
        with self._database.write() as connection:
            number = ensured_organisation(connection, organisation)
            connection.execute(delete(s).where(s.c.organisation_id == number))
            if model is not None:
                connection.execute(s.insert().values(organisation_id=number, model=model, since=at))

    def shadow(self, organisation: str) -> Shadow | None:
        s = tables.model_shadow.c
        query = (
            select(s.model, s.since)
            .join_from(tables.model_shadow, tables.organisation)
            .where(tables.organisation.c.name == organisation)
        )
        with self._database.read() as connection:
            row = connection.execute(query).first()
        return Shadow(organisation, row.model, row.since) if row is not None else None

    def differences(self, organisation: str, model: str, limit: int | None = None) -> tuple[Difference, ...]:
        """The notices of which a candidate said something else, the latest first."""
        d = tables.model_difference
        query = (
            select(d, tables.mailbox.c.address)
            .join_from(d, tables.mailbox)
            .join(tables.organisation, tables.organisation.c.id == d.c.organisation_id)
            .where(tables.organisation.c.name == organisation, d.c.model == model)
            .order_by(d.c.id.desc())
            .limit(limit)
        )
        with self._database.read() as connection:
            return tuple(_difference(row) for row in connection.execute(query))


def count(connection: Connection, organisation: str, mailbox: int, notices: Sequence[SeenNotice]) -> None:
    """Counts notices that were judged for the first time, and keeps where a candidate differs."""
    if not notices:
        return
    number = ensured_organisation(connection, organisation)
    counts: Counter[tuple[str, date, str]] = Counter()
    for notice in notices:
        day = day_of(notice)
        counts.update((notice.under, day, what) for what in told(notice))
        if notice.shadow is not None and notice.shadow.model is not None:
            counts.update((notice.shadow.model, day, what) for what in told_along(notice, notice.shadow))
    # In one order, so that two processes never wait for each other.
    rows = [
        {"organisation_id": number, "model": model, "day": day, "what": what, "count": n}
        for (model, day, what), n in sorted(counts.items())
    ]
    _add(connection, rows)
    latest = max(day for _, day, _ in counts)
    d = tables.model_day.c
    connection.execute(delete(tables.model_day).where(d.organisation_id == number, d.day < latest - KEPT))
    _keep_differences(connection, number, mailbox, notices)


def day_of(notice: SeenNotice) -> date:
    """The day on which it arrived, as far as that can be: a backlog is not one day's mail."""
    judged = notice.judged_at.astimezone(UTC)
    received = notice.received.astimezone(UTC) if notice.received is not None else judged
    return received.date() if judged - KEPT <= received <= judged else judged.date()


def told(notice: SeenNotice) -> Iterator[str]:
    yield "judged"
    yield notice.opinion.value
    if notice.probability is None:
        return
    yield "asked"
    yield f"p{bin_of(notice.probability)}"
    if notice.is_strange is not None:
        yield "placed"
    if notice.is_strange:
        yield "strange"
    for finding in notice.findings:
        yield f"has:{finding}"


def told_along(notice: SeenNotice, other: Advice) -> Iterator[str]:
    """Under names of its own: one and the same model may have judged along before it was in use."""
    yield "along"
    if other.opinion is not notice.opinion:
        yield "differs"
        yield f"{notice.opinion.value}>{other.opinion.value}"


def bin_of(probability: float) -> int:
    return min(BINS - 1, max(0, int(probability * BINS)))


def forget(connection: Connection, mailbox: int) -> None:
    d = tables.model_difference
    connection.execute(delete(d).where(d.c.mailbox_id == mailbox))


def _add(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    table = tables.model_day
    for row in rows:
        made = dialect.insert(table).values(**row)
        connection.execute(
            made.on_conflict_do_update(
                index_elements=list(table.primary_key.columns),
                set_={"count": table.c.count + made.excluded["count"]},
            )
        )


def _keep_differences(
    connection: Connection, organisation: int, mailbox: int, notices: Iterable[SeenNotice]
) -> None:
    d = tables.model_difference
    for notice in notices:
        other = notice.shadow
        if other is None or other.model is None or other.opinion is notice.opinion:
            continue
        connection.execute(
            delete(d).where(
                d.c.mailbox_id == mailbox,
                d.c.model == other.model,
                d.c.fingerprint == notice.fingerprint,
            )
        )
        those = select(d.c.id).where(d.c.organisation_id == organisation, d.c.model == other.model)
        some = those.limit(MOST).subquery()
        if connection.execute(select(func.count()).select_from(some)).scalar_one() < MOST:
            connection.execute(d.insert().values(_values(organisation, mailbox, notice, other)))


def _values(organisation: int, mailbox: int, notice: SeenNotice, other: Advice) -> dict[str, Any]:
    return {
        "organisation_id": organisation,
        "mailbox_id": mailbox,
        "model": other.model,
        "fingerprint": notice.fingerprint,
        "folder": notice.folder,
        "message": notice.id,
        "kind": notice.kind.value,
        "received": notice.received,
        "at": notice.judged_at,
        "active": notice.under or None,
        "opinion": notice.opinion.value,
        "probability": notice.probability,
        "other": other.opinion.value,
        "other_probability": other.probability,
    }


def _difference(row: Row[Any]) -> Difference:
    return Difference(
        mailbox=row.address,
        fingerprint=row.fingerprint,
        folder=row.folder,
        id=row.message,
        kind=Kind(row.kind),
        received=row.received,
        at=row.at,
        active=Advice(row.active, Opinion(row.opinion), row.probability),
        candidate=Advice(row.model, Opinion(row.other), row.other_probability),
    )
