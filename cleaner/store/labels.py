"""Labels: what people said is true of messages, kept so that it can be learned from, and withdrawn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, func, select

from cleaner.store import samples, tables, training
from cleaner.store.database import Database, chunks
from cleaner.store.hashing import Keyed
from cleaner.store.journal import LARGEST
from cleaner.store.keeping import Keeping, set_state
from cleaner.store.labelling import (
    Became,
    Contradiction,
    Kept,
    Label,
    LabelState,
    Origin,
    Sample,
    SampleNote,
    Statement,
    TrainingRow,
    Unlearned,
)
from cleaner.store.owners import row_id
from cleaner.store.records import Training
from cleaner.store.sealing import Seals
from cleaner.values import Kind, Opinion, Proposal, Specimen, address_key

BEFORE: Final = {
    LabelState.PROPOSED: (),
    LabelState.CONFIRMED: (LabelState.PROPOSED,),
    LabelState.WITHDRAWN: (LabelState.PROPOSED, LabelState.CONFIRMED),
}
"""What a label must be to be settled so."""


@dataclass(frozen=True, slots=True)
class LabelBook:
    """The labels of all organisations."""

    database: Database
    keyed: Keyed
    seals: Seals

    # --- keeping

    def add(
        self, said: Sequence[tuple[Specimen, Statement]], *, keep_samples: bool = True
    ) -> tuple[Kept, ...]:
        """
        Keeps what was said, each about its specimen, in one transaction.

        Said twice it stands once; what an owner had proposed is confirmed by it.
        """
        with self.database.write() as connection:
            keeping = Keeping(connection, self.keyed, self.seals if keep_samples else None)
            return tuple(keeping.keep(specimen, statement) for specimen, statement in said)

    def settle(
        self, ids: Iterable[int], state: LabelState, *, by: str, at: datetime, why: str = ""
    ) -> tuple[Label, ...]:
        """
        Confirms proposals, or withdraws labels and refuses proposals; returns those that changed.

        Of what is withdrawn neither sample nor features stay, so that nothing can learn from it any more.
        """
        before = tuple(earlier.value for earlier in BEFORE[state])
        values = {"settled_by": by, "settled_at": at, "settled_why": why}
        wanted = [id for id in dict.fromkeys(ids) if 0 < id <= LARGEST]
        changed: list[int] = []
        c = tables.label.c
        with self.database.write() as connection:
            for chunk in chunks(wanted):
                query = select(c.id).where(c.id.in_(chunk), c.state.in_(before))
                changed += connection.execute(query).scalars()
            for chunk in chunks(changed):
                set_state(connection, chunk, state, values)
        if state is LabelState.WITHDRAWN and changed:
            self.database.shrink_log()
        return self.find(ids=changed)

    # --- finding

    def find(
        self,
        *,
        ids: Iterable[int] | None = None,
        organisation: str | None = None,
        mailbox: str | None = None,
        states: Iterable[LabelState] | None = None,
        truths: Iterable[Opinion] | None = None,
        origins: Iterable[Origin] | None = None,
        since: datetime | None = None,
        limit: int | None = None,
    ) -> tuple[Label, ...]:
        """Labels that fit all that is given, by number; with a limit the last ones."""
        c = tables.label.c
        query = _labels()
        if organisation is not None:
            query = query.where(tables.organisation.c.name == organisation)
        if mailbox is not None:
            query = query.where(tables.mailbox.c.address == address_key(mailbox))
        if states is not None:
            query = query.where(c.state.in_([state.value for state in states]))
        if truths is not None:
            query = query.where(c.truth.in_([truth.value for truth in truths]))
        if origins is not None:
            query = query.where(c.origin.in_([origin.value for origin in origins]))
        if since is not None:
            query = query.where(c.at >= since)
        found: list[Label] = []
        with self.database.read() as connection:
            for chunk in (None,) if ids is None else chunks(i for i in ids if 0 < i <= LARGEST):
                some = query if chunk is None else query.where(c.id.in_(chunk))
                rows = connection.execute(some.order_by(c.id.desc()).limit(limit))
                found += map(_label, rows)
        last = sorted(found, key=lambda label: label.id)
        return tuple(last if limit is None else last[-limit:])

    def contradictions(
        self, organisation: str | None = None, *, with_any_of: Sequence[int] | None = None
    ) -> tuple[Contradiction, ...]:
        """
        Where labels that were not withdrawn, proposals among them, say different things.

        Asked about some of them, contradictions of others may be told, too.
        """
        with self.database.read() as connection:
            return tuple(
                contradiction
                for number in _organisations(connection, organisation)
                for contradiction in training.contradictions(
                    connection, number, _labels(), _label, with_any_of=with_any_of
                )
            )

    # --- learning

    def teachings(self, organisation: str) -> StoredTeachings:
        return StoredTeachings(self, organisation)

    def stamp(self, organisation: str) -> tuple[int, datetime | None]:
        """Changes whenever a label of the organisation is confirmed or withdrawn."""
        c = tables.label.c
        settled = func.max(func.coalesce(c.settled_at, c.at))
        query = (
            select(func.count(), settled)
            .select_from(tables.label)
            .join(tables.organisation)
            .where(tables.organisation.c.name == organisation, c.state == LabelState.CONFIRMED.value)
        )
        with self.database.read() as connection:
            count, at = connection.execute(query).one()
        return count, at

    def taught(self, organisation: str, groups: Iterable[str]) -> Mapping[str, Opinion]:
        """What confirmed labels say of groups of like notices; those of which they say both are left out."""
        c = tables.label.c
        names = {self.keyed.hash("cluster", group): group for group in groups}
        found: dict[str, set[str]] = {}
        with self.database.read() as connection:
            for number in _organisations(connection, organisation):
                for chunk in chunks(names):
                    query = select(c.cluster, c.truth).where(
                        c.organisation_id == number,
                        c.cluster.in_(chunk),
                        c.state == LabelState.CONFIRMED.value,
                    )
                    for row in connection.execute(query.distinct()):
                        found.setdefault(names[row.cluster], set()).add(row.truth)
        return {group: Opinion(*truths) for group, truths in found.items() if len(truths) == 1}

    def training_rows(self, organisation: str) -> Iterator[TrainingRow]:
        """
        The confirmed labels of notices, by number; what contradicts itself is left out (`contradictions`).

        Messages that were not read as a notice are left out, too: no model is ever asked about their like.
        """
        with self.database.read() as connection:
            numbers = _organisations(connection, organisation)
            barred = {id for n in numbers for id in training.barred(connection, n, _labels(), _label)}
        for number in numbers:
            yield from training.rows(self.database, self.keyed, number, frozenset(barred))

    def unlearned(self, organisation: str, before: Training | None) -> Unlearned:
        """What was confirmed or withdrawn since a training; None: ever."""
        c = tables.label.c
        settled = func.coalesce(c.settled_at, c.at)
        query = (
            select(func.count().label("count"), func.min(settled).label("oldest"))
            .select_from(tables.label)
            .join(tables.organisation)
            .where(tables.organisation.c.name == organisation, c.state != LabelState.PROPOSED.value)
        )
        if before is not None:
            # An imported one may have been given long before it came here.
            came_later = (c.id > before.last_label) & (c.state == LabelState.CONFIRMED.value)
            query = query.where((settled > before.at) | came_later)
        with self.database.read() as connection:
            row = connection.execute(query).one()
        return Unlearned(row._mapping["count"], row.oldest)

    def latest(self) -> int:
        """The number of the latest label; 0 where there is none."""
        with self.database.read() as connection:
            return int(connection.execute(select(func.max(tables.label.c.id))).scalar() or 0)

    def features(self, ids: Iterable[int]) -> Mapping[int, Mapping[str, Any]]:
        """The features of labels; empty for withdrawn ones."""
        c = tables.label.c
        with self.database.read() as connection:
            return {
                row.id: row.features
                for chunk in chunks(ids)
                for row in connection.execute(select(c.id, c.features).where(c.id.in_(chunk)))
            }

    # --- samples

    def about(self, ids: Iterable[int]) -> Mapping[int, Mapping[str, Any]]:
        """What tells a person which message each label is about, as long as its sample is kept."""
        with self.database.read() as connection:
            return samples.about(connection, self.seals, tuple(ids))

    def sample(self, id: int) -> Sample | None:
        """The raw mail of a label, as long as it is kept."""
        with self.database.read() as connection:
            return samples.read(connection, self.seals, id)

    def samples(self, mailbox: str | None = None) -> tuple[SampleNote, ...]:
        """What raw mail is kept, of one mailbox or of all, oldest first."""
        with self.database.read() as connection:
            return samples.notes(connection, mailbox)

    def erase_samples(self, mailbox: str) -> int:
        """Erases the raw mail of a mailbox; its labels stay. Returns how many samples there were."""
        with self.database.write() as connection:
            number = row_id(connection, mailbox)
            erased = samples.erase(connection, number) if number is not None else 0
        self.database.shrink_log()
        return erased

    def expire_samples(self, before: datetime) -> int:
        """Erases the raw mail that was kept before then; labels stay."""
        with self.database.read() as connection:
            if not samples.is_any_older(connection, before):
                return 0
        with self.database.write() as connection:
            expired = samples.expire(connection, before)
        self.database.shrink_log()
        return expired


@dataclass(frozen=True, slots=True)
class StoredTeachings:
    """What one organisation's labels say; satisfies `ports.Teachings`."""

    book: LabelBook
    organisation: str

    def taught(self, groups: frozenset[str]) -> Mapping[str, Opinion]:
        return self.book.taught(self.organisation, groups)


@dataclass(frozen=True, slots=True)
class StoredProposals:
    """What one mailbox's owner says by moving messages; satisfies `ports.Proposals`."""

    book: LabelBook
    organisation: str
    address: str
    keep_samples: bool = True

    def propose(self, proposals: Sequence[Proposal]) -> int:
        if not proposals:
            return 0
        with self.book.database.write() as connection:
            keeping = Keeping(connection, self.book.keyed, self.book.seals if self.keep_samples else None)
            kept = [keeping.propose(p.specimen, self._statement(p)) for p in proposals]
        return sum(one.became is Became.ADDED for one in kept)

    def _statement(self, proposal: Proposal) -> Statement:
        return Statement(
            organisation=self.organisation,
            truth=proposal.truth,
            by=self.address,
            at=proposal.at,
            why=proposal.why,
            mailbox=self.address,
            origin=Origin.OWNER,
            entry=proposal.entry,
        )


def _organisations(connection: Connection, name: str | None) -> tuple[int, ...]:
    query = select(tables.organisation.c.id).order_by(tables.organisation.c.id)
    if name is not None:
        query = query.where(tables.organisation.c.name == name)
    return tuple(connection.execute(query).scalars())


def _labels() -> Select[Any]:
    """Labels as `_label` reads them; without their features."""
    c = tables.label.c
    bare = [column for column in c if column.name != "features"]
    return (
        select(
            *bare,
            tables.organisation.c.name.label("organisation"),
            tables.mailbox.c.address,
            tables.sample.c.label_id.is_not(None).label("has_sample"),
        )
        .join_from(tables.label, tables.organisation)
        .outerjoin(tables.mailbox, tables.mailbox.c.id == c.mailbox_id)
        .outerjoin(tables.sample, tables.sample.c.label_id == c.id)
    )


def _label(row: Row[Any]) -> Label:
    return Label(
        id=row.id,
        organisation=row.organisation,
        mailbox=row.address,
        fingerprint=row.fingerprint,
        truth=Opinion(row.truth),
        state=LabelState(row.state),
        origin=Origin(row.origin),
        kind=Kind(row.kind),
        cluster=row.cluster.hex(),
        by=row.by,
        at=row.at,
        why=row.why,
        entry=row.entry,
        opinion=Opinion(row.opinion),
        score=row.score,
        probability=row.probability,
        model=row.model,
        proven=row.proven,
        settled_by=row.settled_by,
        settled_at=row.settled_at,
        settled_why=row.settled_why,
        has_sample=bool(row.has_sample),
    )
