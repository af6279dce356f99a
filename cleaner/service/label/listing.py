"""Showing labels and their contradictions, withdrawing them, and what raw mail is kept of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any

from cleaner.errors import UsageError
from cleaner.service.context import Context
from cleaner.store.labelling import Grade, Label, LabelState, Origin, SampleNote
from cleaner.store.records import Access
from cleaner.values import Opinion


@dataclass(frozen=True, slots=True)
class Row:
    """One label as it is shown."""

    label: Label
    about: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    """What tells which message it is, as long as its sample is kept."""

    def as_json(self) -> dict[str, object]:
        told = {key: self.about.get(key) for key in ("subject", "returned_subject", "recipients", "reporter")}
        return {**self.label.as_json(), **told}


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Labels of which not all can be right."""

    grade: Grade
    rows: tuple[Row, ...]

    def as_json(self) -> dict[str, object]:
        return {
            "contradiction": self.grade.value,
            "trained_on": not self.grade.bars_training,
            "labels": [row.as_json() for row in self.rows],
        }


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which labels are meant."""

    organisation: str | None = None
    mailbox: str | None = None
    states: tuple[LabelState, ...] | None = None
    truths: tuple[Opinion, ...] | None = None
    origins: tuple[Origin, ...] | None = None
    since: datetime | None = None
    limit: int | None = None


def labels(context: Context, wanted: Wanted) -> tuple[Row, ...]:
    """The labels that fit all that is given; with a limit the last ones."""
    context.expire_samples()
    found = context.store.labels.find(
        organisation=wanted.organisation,
        mailbox=wanted.mailbox,
        states=wanted.states,
        truths=wanted.truths,
        origins=wanted.origins,
        since=wanted.since,
        limit=wanted.limit,
    )
    return rows(context, found, "label list")


def contradictions(context: Context, organisation: str | None = None) -> tuple[Disagreement, ...]:
    context.expire_samples()
    found = context.store.labels.contradictions(organisation)
    every = rows(context, (label for one in found for label in one.labels), "label list")
    shown = {row.label.id: row for row in every}
    return tuple(Disagreement(one.grade, tuple(shown[label.id] for label in one.labels)) for one in found)


def rows(context: Context, found: Iterable[Label], purpose: str) -> tuple[Row, ...]:
    """Labels with what tells which message each is about; the mailboxes' owners can see that it was read."""
    every = tuple(found)
    about = context.store.labels.about(label.id for label in every if label.has_sample)
    note_reading(context, [label for label in every if label.id in about], purpose)
    return tuple(Row(label, about.get(label.id, {})) for label in every)


def note_reading(context: Context, read: Sequence[Label], purpose: str) -> None:
    """Samples are mail: that somebody looked at them is recorded like an opening of the mailbox."""
    for address in dict.fromkeys(label.mailbox for label in read if label.mailbox is not None):
        context.store.accesses.record(Access(address, context.clock(), context.actor, purpose))


def withdraw(context: Context, ids: Sequence[int], by: str | None, why: str) -> tuple[Label, ...]:
    """
    Withdraws labels; the next training does without them, and nothing of them is left to learn from.

    Raises UsageError, and then none is withdrawn, if one is not there or was withdrawn before.
    """
    standing = (LabelState.CONFIRMED, LabelState.PROPOSED)
    require(context, ids, standing, "was withdrawn before")
    return settle(context, ids, LabelState.WITHDRAWN, by, why)


def require(context: Context, ids: Sequence[int], states: Sequence[LabelState], otherwise: str) -> None:
    """Raises UsageError unless all these labels are there, in one of the states."""
    found = {label.id: label for label in context.store.labels.find(ids=ids)}
    faults = list(_faults(ids, found, states, otherwise))
    if faults:
        raise UsageError(f"nothing was changed: {'; '.join(faults)}. 'bounce-cleaner label list' shows them")


def _faults(
    ids: Sequence[int], found: Mapping[int, Label], states: Sequence[LabelState], otherwise: str
) -> Iterator[str]:
    for id in dict.fromkeys(ids):
        if id not in found:
            yield f"there is no label {id}"
        elif found[id].state not in states:
            yield f"label {id} {otherwise}"


def settle(
    context: Context, ids: Sequence[int], state: LabelState, by: str | None, why: str
) -> tuple[Label, ...]:
    return context.store.labels.settle(ids, state, by=by or context.actor, at=context.clock(), why=why)


def samples(context: Context, mailbox: str | None) -> tuple[SampleNote, ...]:
    """The raw mail that is kept of labels."""
    context.expire_samples()
    return context.store.labels.samples(mailbox)


def erase_samples(context: Context, mailbox: str) -> int:
    """Erases the raw mail of a mailbox; its labels stay, and training needs it no more."""
    return context.store.labels.erase_samples(mailbox)
