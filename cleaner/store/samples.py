"""The raw mail of labels: sealed, listed, erased."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, delete, insert, select

from cleaner.store import tables
from cleaner.store.database import chunks
from cleaner.store.labelling import Sample, SampleNote
from cleaner.store.sealing import Seals
from cleaner.values import Specimen, address_key

LARGEST: Final = 2 * 1024 * 1024
"""Bytes kept of a message: more of a notice is never read."""


def keep(
    connection: Connection,
    seals: Seals,
    label: int,
    specimen: Specimen,
    at: datetime,
    *,
    only_if_missing: bool = False,
) -> None:
    """Keeps the mail of a label in place of what was kept of it before."""
    s = tables.sample.c
    if only_if_missing and connection.execute(select(s.size).where(s.label_id == label)).first():
        return
    raw = specimen.raw[:LARGEST]
    about = {**specimen.about, "rebuilt": specimen.rebuilt}
    connection.execute(delete(tables.sample).where(s.label_id == label))
    connection.execute(
        insert(tables.sample).values(
            label_id=label,
            kept_at=at,
            size=len(raw),
            about=seals.seal(json.dumps(about).encode()),
            raw=seals.seal(raw),
        )
    )


def about(connection: Connection, seals: Seals, labels: Sequence[int]) -> Mapping[int, Mapping[str, Any]]:
    s = tables.sample.c
    found: dict[int, Mapping[str, Any]] = {}
    for some in chunks(labels):
        query = select(s.label_id, s.about).where(s.label_id.in_(some))
        for row in connection.execute(query):
            found[row.label_id] = json.loads(seals.open(row.about))
    return found


def read(connection: Connection, seals: Seals, label: int) -> Sample | None:
    s = tables.sample.c
    row = connection.execute(select(s.about, s.raw).where(s.label_id == label)).first()
    if row is None:
        return None
    return Sample(label, seals.open(row.raw), bool(json.loads(seals.open(row.about)).get("rebuilt")))


def notes(connection: Connection, mailbox: str | None) -> tuple[SampleNote, ...]:
    s, m = tables.sample.c, tables.mailbox.c
    query = (
        select(s.label_id, m.address, s.kept_at, s.size)
        .join_from(tables.sample, tables.label)
        .outerjoin(tables.mailbox, m.id == tables.label.c.mailbox_id)
        .order_by(s.kept_at, s.label_id)
    )
    if mailbox is not None:
        query = query.where(m.address == address_key(mailbox))
    return tuple(
        SampleNote(row.label_id, row.address, row.kept_at, row.size) for row in connection.execute(query)
    )


def erase(connection: Connection, mailbox: int) -> int:
    """Erases the raw mail of a mailbox."""
    his = select(tables.label.c.id).where(tables.label.c.mailbox_id == mailbox)
    return connection.execute(delete(tables.sample).where(tables.sample.c.label_id.in_(his))).rowcount


def is_any_older(connection: Connection, before: datetime) -> bool:
    s = tables.sample.c
    return connection.execute(select(s.label_id).where(s.kept_at < before).limit(1)).first() is not None


def expire(connection: Connection, before: datetime) -> int:
    return connection.execute(delete(tables.sample).where(tables.sample.c.kept_at < before)).rowcount
