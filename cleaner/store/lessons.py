"""
What judged notices taught, kept for those that follow: which machines, domains and mails as hashes only.

What is told about those that were asked about names them; the others are hashes, good for telling them apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, func, insert, literal_column, select

from cleaner.store import tables
from cleaner.store.database import chunks
from cleaner.store.hashing import Keyed
from cleaner.values import Lesson

LATEST: Final = 1_000
"""Proven mails that are learned from: habits change."""
NAMES: Final = ("original", "site", "machine", "network", "author", "selector", "stranger")
MOST_STRANGERS: Final = 5_000
"""Of the time around the notices at hand; a campaign shows itself in far fewer."""


def keep(
    connection: Connection, keyed: Keyed, mailbox: int, lessons: Mapping[str, Lesson], organisation: str = ""
) -> None:
    """
    Keeps the lessons by the fingerprints of their notices, each in the place of an earlier one.

    Where an organisation is named, its other mailboxes may learn them.
    """
    whose = keyed.hash("organisation", organisation) if organisation else None
    c = tables.lesson.c
    for chunk in chunks(lessons):
        connection.execute(delete(tables.lesson).where(c.mailbox_id == mailbox, c.fingerprint.in_(chunk)))
    rows = [
        {"mailbox_id": mailbox, "fingerprint": fingerprint, "organisation": whose, **_values(keyed, lesson)}
        for fingerprint, lesson in lessons.items()
        if lesson.is_proven or lesson.machine
    ]
    if rows:
        connection.execute(insert(tables.lesson), rows)


def recall(
    connection: Connection,
    keyed: Keyed,
    mailbox: int,
    asked: Iterable[str],
    strangers_since: datetime | None = None,
) -> Iterator[Lesson]:
    """The latest lessons about proven mail, those about the machines asked about, and about strangers since then."""
    c = tables.lesson.c
    names = {keyed.hash("way", text): text for text in asked}
    proven = select(tables.lesson).where(c.mailbox_id == mailbox, c.proven)
    for row in connection.execute(proven.order_by(c.day.desc(), c.fingerprint.desc()).limit(LATEST)):
        yield _lesson(row, names)
    for hashes in chunks(names):
        wanted = c.machine.in_(hashes)
        seen = select(tables.lesson).where(c.mailbox_id == mailbox, wanted, ~c.proven)
        for row in connection.execute(seen.order_by(c.day.desc(), c.fingerprint.desc()).limit(LATEST)):
            yield _lesson(row, names)
    if strangers_since is not None:
        late = select(tables.lesson).where(
            c.mailbox_id == mailbox, literal_column("stranger IS NOT NULL"), c.at >= strangers_since
        )
        for row in connection.execute(late.order_by(c.at.desc()).limit(MOST_STRANGERS)):
            yield _lesson(row, names)


def recall_of_colleagues(
    connection: Connection, keyed: Keyed, mailbox: int, asked: Iterable[str], organisation: str
) -> Iterator[Lesson]:
    """The latest lessons about proven mail from other mailboxes of the organisation."""
    c = tables.lesson.c
    names = {keyed.hash("way", text): text for text in asked}
    whose = keyed.hash("organisation", organisation)
    query = select(tables.lesson).where(c.organisation == whose, c.proven, c.mailbox_id != mailbox)
    for row in connection.execute(query.order_by(c.day.desc(), c.fingerprint.desc()).limit(LATEST)):
        yield replace(_lesson(row, names), of_colleague=True)


def count_proven(connection: Connection, keyed: Keyed, mailbox: int, organisation: str = "") -> int:
    """How many lessons about proven mail there are, here or in the whole organisation; counted to `LATEST`."""
    c = tables.lesson.c
    wheres = [c.mailbox_id == mailbox]
    if organisation:
        wheres.append(
            (c.organisation == keyed.hash("organisation", organisation)) & (c.mailbox_id != mailbox)
        )
    # Each for itself: asked for both at once, PostgreSQL gathers all before it counts the first.
    counts = (select(c.fingerprint).where(where, c.proven).limit(LATEST).subquery() for where in wheres)
    found = sum(connection.execute(select(func.count()).select_from(some)).scalar_one() for some in counts)
    return min(found, LATEST)


def _values(keyed: Keyed, lesson: Lesson) -> dict[str, Any]:
    hashes = {name: getattr(lesson, name) for name in NAMES}
    return {
        **{name: keyed.hash("way", text) if text else None for name, text in hashes.items()},
        "day": lesson.day,
        "at": lesson.at,
        "submitted": lesson.submitted,
        "version": lesson.version,
        "listed": lesson.is_listed,
        "at_us": lesson.at_us,
        "signed": lesson.signed,
        "proven": lesson.is_proven,
        "in_record": lesson.in_record,
        "by_mark": lesson.by_mark,
    }


def _lesson(row: Row[Any], names: Mapping[bytes, str]) -> Lesson:
    texts = {name: _text(getattr(row, name), names) for name in NAMES}
    return Lesson(
        day=row.day,
        at=row.at,
        submitted=row.submitted,
        selector=texts["selector"],
        stranger=texts["stranger"],
        original=texts["original"],
        site=texts["site"],
        machine=texts["machine"],
        network=texts["network"],
        version=row.version,
        is_listed=row.listed,
        at_us=row.at_us,
        author=texts["author"],
        signed=row.signed,
        in_record=row.in_record,
        by_mark=row.by_mark,
    )


def _text(value: bytes | None, names: Mapping[bytes, str]) -> str:
    return "" if value is None else names.get(value, value.hex())
