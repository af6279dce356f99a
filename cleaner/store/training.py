"""What training is given: the confirmed labels that do not contradict each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

from sqlalchemy import Column, Connection, Row, Select, func, select

from cleaner.store import tables
from cleaner.store.database import CHUNK, Database, chunks
from cleaner.store.hashing import Keyed
from cleaner.store.labelling import Contradiction, Grade, Label, LabelState, Origin, TrainingRow
from cleaner.values import Kind, Opinion

Read: TypeAlias = Callable[[Row[Any]], Label]
Facts: TypeAlias = tuple[tuple[str, float], ...]

PAGE: Final = 1_000
"""Rows read at a time: a hundred thousand labels are never in memory together."""

JUDGED: Final = tuple(kind.value for kind in Kind if kind.is_judged)
STANDING: Final = (LabelState.CONFIRMED, LabelState.PROPOSED)


def rows(
    database: Database, keyed: Keyed, organisation: int, barred: frozenset[int]
) -> Iterator[TrainingRow]:
    c = tables.label.c
    query = (
        select(tables.label, tables.mailbox.c.address)
        .outerjoin(tables.mailbox, tables.mailbox.c.id == c.mailbox_id)
        .where(c.organisation_id == organisation, c.state == LabelState.CONFIRMED.value, c.kind.in_(JUDGED))
        .order_by(c.id)
        .limit(PAGE)
    )
    last = 0
    while True:
        with database.read() as connection:
            page = connection.execute(query.where(c.id > last)).all()
        yield from (_row(row, keyed) for row in page if row.id not in barred)
        if len(page) < PAGE:
            return
        last = page[-1].id


def _row(row: Row[Any], keyed: Keyed) -> TrainingRow:
    return TrainingRow(
        id=row.id,
        features=row.features,
        truth=Opinion(row.truth),
        kind=Kind(row.kind),
        origin=Origin(row.origin),
        mailbox=keyed.hash("address", row.address).hex() if row.address is not None else "",
        cluster=row.cluster.hex(),
        at=row.at,
        proven=row.proven,
    )


def barred(connection: Connection, organisation: int, labels: Select[Any], read: Read) -> Iterator[int]:
    """Confirmed labels that training must not see, because others of them say the contrary."""
    for found in contradictions(connection, organisation, labels, read, states=STANDING[:1]):
        if found.grade.bars_training:
            yield from (label.id for label in found.labels)


def contradictions(
    connection: Connection,
    organisation: int,
    labels: Select[Any],
    read: Read,
    states: Iterable[LabelState] = STANDING,
    with_any_of: Sequence[int] | None = None,
) -> Iterator[Contradiction]:
    """`labels` selects labels as `read` makes them of rows; asked about a few, the others are not gone through."""
    c = tables.label.c
    ours = (c.organisation_id == organisation) & c.state.in_([state.value for state in states])
    few = with_any_of if with_any_of is not None and len(with_any_of) <= CHUNK else None
    told: set[int] = set()
    for group in _mixed(connection, labels, read, c.fingerprint, ours, few):
        told.update(label.id for label in group)
        yield Contradiction(Grade.SAME_MESSAGE, group)
    for group in _mixed(connection, labels, read, c.cluster, ours, few):
        if not _disagree(group):
            continue
        same = tuple(_same_findings(connection, group))
        yield from (Contradiction(Grade.SAME_FINDINGS, alike) for alike in same if not _ids(alike) <= told)
        if not same and not _ids(group) <= told:
            yield Contradiction(Grade.LIKE, group)


def _mixed(
    connection: Connection,
    labels: Select[Any],
    read: Read,
    of: Column[Any],
    ours: Any,
    few: Sequence[int] | None,
) -> Iterator[tuple[Label, ...]]:
    """The labels that share a value of that column, where they have several truths."""
    truths = func.count(func.distinct(tables.label.c.truth))
    query = select(of).where(ours).group_by(of).having(truths > 1)
    if few is not None:
        theirs = connection.execute(select(of).where(tables.label.c.id.in_(few))).scalars().all()
        query = query.where(of.in_(theirs))
    shared = connection.execute(query).scalars().all()
    for some in chunks(shared):
        query = labels.where(ours, of.in_(some)).order_by(of, tables.label.c.id)
        groups: dict[Any, list[Label]] = {}
        for row in connection.execute(query):
            groups.setdefault(getattr(row, of.name), []).append(read(row))
        yield from map(tuple, groups.values())


def _disagree(labels: Iterable[Label]) -> bool:
    """Whether they say both that such notices may go and that they must stay."""
    return len({label.truth is Opinion.BACKSCATTER for label in labels}) > 1


def _same_findings(connection: Connection, group: tuple[Label, ...]) -> Iterator[tuple[Label, ...]]:
    """Those of like notices that disagree although the same was found of them."""
    c = tables.label.c
    facts: dict[int, Facts] = {}
    for ids in chunks(label.id for label in group):
        for row in connection.execute(select(c.id, c.features).where(c.id.in_(ids))):
            facts[row.id] = _facts(row.features)
    alike: dict[Facts, list[Label]] = {}
    for label in group:
        alike.setdefault(facts[label.id], []).append(label)
    yield from (tuple(labels) for labels in alike.values() if _disagree(labels))


def _facts(features: Mapping[str, Any]) -> Facts:
    """What was found, to a tenth of its strength."""
    return tuple(
        sorted((str(name), round(float(value), 1)) for name, value in features.get("facts", {}).items())
    )


def _ids(labels: Iterable[Label]) -> set[int]:
    return {label.id for label in labels}
