"""Keeping statements as labels, in one transaction; and forgetting those about a person who opted out."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from cleaner.store import samples, tables
from cleaner.store.hashing import Keyed
from cleaner.store.labelling import Became, Kept, LabelState, Origin, Statement
from cleaner.store.owners import ensured, ensured_organisation, has_withdrawn
from cleaner.store.sealing import Seals
from cleaner.values import Opinion, Specimen, address_key

OPEN_PROPOSALS: Final = 100
"""Unconfirmed proposals of one mailbox; further ones are not kept, so that no owner floods the administrator."""

MOVED_AGAIN: Final = "its owner moved it again"

Place: TypeAlias = tuple[int, int | None, bool]
"""The rows of organisation and mailbox, and whether anything of its owner's mail may be kept."""


@dataclass(slots=True)
class Keeping:
    """Statements being kept, in one transaction."""

    connection: Connection
    keyed: Keyed
    seals: Seals | None
    """None: no samples are kept."""
    _places: dict[tuple[str, str | None], Place] = field(default_factory=dict)

    def keep(self, specimen: Specimen, statement: Statement) -> Kept:
        organisation, mailbox, may_keep = self._place(statement)
        if not may_keep:
            return Kept(Became.NOT_KEPT)
        same, others = self._said_of(organisation, specimen.fingerprint, statement.truth)
        against = tuple(row.id for row in others if row.state != LabelState.WITHDRAWN.value)
        if same is not None and same.state == LabelState.CONFIRMED.value:
            if same.mailbox_id is None and mailbox is not None:
                # Now that it is known whose mail it is, it will go when he opts out.
                bound = update(tables.label).where(tables.label.c.id == same.id)
                self.connection.execute(bound.values(mailbox_id=mailbox))
            self._keep_sample(same.id, specimen, statement, only_if_missing=True)
            return Kept(Became.KNOWN, same.id, against)
        values = self._values(specimen, statement, mailbox, LabelState.CONFIRMED)
        if same is None:
            return Kept(Became.ADDED, self._insert(organisation, values, specimen, statement), against)
        became = Became.CONFIRMED if same.state == LabelState.PROPOSED.value else Became.RENEWED
        self._overwrite(same.id, values, specimen, statement)
        return Kept(became, same.id, against)

    def propose(self, specimen: Specimen, statement: Statement) -> Kept:
        organisation, mailbox, may_keep = self._place(statement)
        if mailbox is None or not may_keep:
            return Kept(Became.NOT_KEPT)
        same, others = self._said_of(organisation, specimen.fingerprint, statement.truth)
        values = self._values(specimen, statement, mailbox, LabelState.PROPOSED)
        taken_back = [row.id for row in others if _is_open_of(row, mailbox)]
        if same is not None and not _was_taken_back(same, statement):
            return Kept(Became.KNOWN, same.id)
        if self._open_proposals(mailbox) - len(taken_back) >= OPEN_PROPOSALS:
            return Kept(Became.NOT_KEPT)
        if taken_back:
            # He moved it the other way meanwhile: the later move counts.
            settled = {"settled_by": statement.by, "settled_at": statement.at, "settled_why": MOVED_AGAIN}
            set_state(self.connection, taken_back, LabelState.WITHDRAWN, settled)
        if same is None:
            return Kept(Became.ADDED, self._insert(organisation, values, specimen, statement))
        self._overwrite(same.id, values, specimen, statement)
        return Kept(Became.ADDED, same.id)

    def _place(self, statement: Statement) -> Place:
        key = statement.organisation, statement.mailbox
        if key not in self._places:
            mailbox = ensured(self.connection, statement.mailbox) if statement.mailbox is not None else None
            may_keep = mailbox is None or not has_withdrawn(self.connection, mailbox)
            self._places[key] = (
                ensured_organisation(self.connection, statement.organisation),
                mailbox,
                may_keep,
            )
        return self._places[key]

    def _said_of(self, organisation: int, fingerprint: str, truth: Opinion) -> tuple[Any | None, list[Any]]:
        """The label that says the same of this message, and those that say something else."""
        c = tables.label.c
        query = select(c.id, c.truth, c.state, c.origin, c.mailbox_id, c.settled_by)
        rows = self.connection.execute(
            query.where(c.organisation_id == organisation, c.fingerprint == fingerprint)
        ).all()
        same = next((row for row in rows if row.truth == truth.value), None)
        return same, [row for row in rows if row.truth != truth.value]

    def _open_proposals(self, mailbox: int) -> int:
        c = tables.label.c
        query = select(func.count()).select_from(tables.label)
        query = query.where(c.mailbox_id == mailbox, c.state == LabelState.PROPOSED.value)
        return self.connection.execute(query).scalar_one()

    def _insert(
        self, organisation: int, values: dict[str, Any], specimen: Specimen, statement: Statement
    ) -> int:
        made = (
            insert(tables.label).values(organisation_id=organisation, **values).returning(tables.label.c.id)
        )
        try:
            with self.connection.begin_nested():
                id = int(self.connection.execute(made).scalar_one())
        except IntegrityError:
            # PostgreSQL lets several write at once, and another was faster.
            same, _ = self._said_of(organisation, specimen.fingerprint, statement.truth)
            if same is None:
                raise
            return int(same.id)
        self._keep_sample(id, specimen, statement)
        return id

    def _overwrite(self, id: int, values: dict[str, Any], specimen: Specimen, statement: Statement) -> None:
        anew = {**values, "settled_by": None, "settled_at": None, "settled_why": None}
        if anew["mailbox_id"] is None:
            del anew["mailbox_id"]
        self.connection.execute(update(tables.label).where(tables.label.c.id == id).values(anew))
        self._keep_sample(id, specimen, statement)

    def _keep_sample(
        self, id: int, specimen: Specimen, statement: Statement, *, only_if_missing: bool = False
    ) -> None:
        if self.seals is not None and (specimen.raw or specimen.about):
            samples.keep(
                self.connection, self.seals, id, specimen, statement.at, only_if_missing=only_if_missing
            )

    def _values(
        self, specimen: Specimen, statement: Statement, mailbox: int | None, state: LabelState
    ) -> dict[str, Any]:
        return {
            "mailbox_id": mailbox,
            "fingerprint": specimen.fingerprint,
            "truth": statement.truth.value,
            "state": state.value,
            "origin": statement.origin.value,
            "kind": specimen.kind.value,
            "cluster": self.keyed.hash("cluster", specimen.cluster),
            "by": statement.by,
            "at": statement.at,
            "why": statement.why,
            "entry": statement.entry,
            "opinion": specimen.opinion.value,
            "score": specimen.score,
            "probability": specimen.probability,
            "model": specimen.model,
            "proven": specimen.proven,
            "features": dict(specimen.features),
        }


def _is_open_of(row: Any, mailbox: int) -> bool:
    return bool(row.state == LabelState.PROPOSED.value and row.mailbox_id == mailbox)


def _was_taken_back(row: Any, statement: Statement) -> bool:
    """Whether the owner himself withdrew that proposal, by moving the message again."""
    return bool(row.state == LabelState.WITHDRAWN.value and row.settled_by == statement.by)


def set_state(
    connection: Connection, ids: Sequence[int], state: LabelState, settled: Mapping[str, Any]
) -> None:
    """Of what is withdrawn neither features nor sample stay."""
    c = tables.label.c
    gone = state is LabelState.WITHDRAWN
    values = {"state": state.value, **settled, **({"features": {}} if gone else {})}
    connection.execute(update(tables.label).where(c.id.in_(ids)).values(values))
    if gone:
        connection.execute(delete(tables.sample).where(tables.sample.c.label_id.in_(ids)))


def forget(connection: Connection, mailbox: int) -> None:
    """
    Erases what labels hold of a person who opted out.

    What he said himself goes, and so does the raw mail. Of what others said about his mail the bare findings
    stay, as "a stranger handed it over": no word, no name, nothing by which message or person could be found.
    """
    c = tables.label.c
    his = c.mailbox_id == mailbox
    samples.erase(connection, mailbox)
    connection.execute(delete(tables.label).where(his, c.origin == Origin.OWNER.value))
    address = connection.execute(select(tables.mailbox.c.address).where(tables.mailbox.c.id == mailbox))
    himself = address_key(address.scalar_one())
    for row in connection.execute(select(c.id, c.features, c.at, c.by).where(his)).all():
        connection.execute(update(tables.label).where(c.id == row.id).values(**_anonymous(row, himself)))


def _anonymous(row: Any, himself: str) -> dict[str, Any]:
    return {
        "mailbox_id": None,
        # Of chance, so that it is nobody's, also where labels of several installations come together.
        "fingerprint": f"erased {secrets.token_hex(16)}",
        "entry": None,
        "by": "" if address_key(row.by) == himself else row.by,
        "why": "",
        "settled_why": None,
        # The day is enough to learn from; the minute could be looked up elsewhere.
        "at": row.at.replace(hour=0, minute=0, second=0, microsecond=0),
        "features": {"facts": row.features["facts"], "words": []} if row.features else {},
    }
