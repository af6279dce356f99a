"""
Going through what mailbox owners proposed by moving messages.

Like notices of which the same is proposed make a group, called by the number of its first proposal. The surprising
come first, where the program itself would have said the contrary: there it can learn most, and there one of the two
is wrong. Then those that it could not decide, then those that it agrees with.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from cleaner.service.context import Context
from cleaner.service.label.listing import Row, require, rows, settle
from cleaner.store.labelling import Label, LabelState
from cleaner.values import Opinion

PROPOSED: Final = (LabelState.PROPOSED,)

OWN_BELIEF: Final = {Opinion.BACKSCATTER: 1.0, Opinion.GENUINE: 0.0}
"""How sure the program was that it is backscatter, where no model said so in numbers."""


@dataclass(frozen=True, slots=True)
class Group:
    """Proposals of which one look tells: like notices, moved the same way."""

    rows: tuple[Row, ...]
    against: tuple[int, ...] = ()
    """Labels that say otherwise of one of the messages, or of their like with the same findings."""

    @property
    def id(self) -> int:
        return self.rows[0].label.id

    @property
    def truth(self) -> Opinion:
        return self.rows[0].label.truth

    @property
    def surprise(self) -> float:
        return max(surprise(row.label) for row in self.rows)

    def as_json(self) -> dict[str, object]:
        return {
            "group": self.id,
            "truth": self.truth.value,
            "surprise": round(self.surprise, 3),
            "against": list(self.against),
            "proposals": [row.as_json() for row in self.rows],
        }


def surprise(label: Label) -> float:
    """From 0, the program says the same, to 1, it is sure of the contrary; a half where it could not tell."""
    believed = label.probability
    if believed is None or label.proven:
        believed = OWN_BELIEF.get(label.opinion, 0.5)
    return 1.0 - believed if label.truth is Opinion.BACKSCATTER else believed


def groups(
    context: Context, *, organisation: str | None = None, mailbox: str | None = None
) -> tuple[Group, ...]:
    """What waits to be reviewed, the most telling first. That mail was read is recorded with its mailboxes."""
    context.expire_samples()
    found = context.store.labels.find(organisation=organisation, mailbox=mailbox, states=PROPOSED)
    alike: dict[tuple[str, str, Opinion], list[Row]] = {}
    for row in rows(context, found, "label review"):
        alike.setdefault((row.label.organisation, row.label.cluster, row.label.truth), []).append(row)
    contrary = contraries(context, [label.id for label in found])
    made = (
        Group(
            tuple(some),
            tuple(sorted({id for row in some for id in contrary.get(row.label.id, ())})),
        )
        for some in alike.values()
    )
    return tuple(sorted(made, key=lambda group: (-group.surprise, -len(group.rows), group.id)))


def contraries(context: Context, ids: Sequence[int]) -> dict[int, tuple[int, ...]]:
    """For each label those that say otherwise, as far as training would leave them out."""
    found: dict[int, tuple[int, ...]] = {}
    for one in context.store.labels.contradictions(with_any_of=ids) if ids else ():
        if one.grade.bars_training:
            for label in one.labels:
                others = tuple(other.id for other in one.labels if other.truth is not label.truth)
                found[label.id] = (*found.get(label.id, ()), *others)
    return found


def confirm(
    context: Context, ids: Sequence[int], in_groups: Sequence[int] = (), by: str | None = None, why: str = ""
) -> tuple[Label, ...]:
    """Confirms proposals, single ones and whole groups. Raises UsageError, and then changes nothing."""
    return _decided(context, ids, in_groups, LabelState.CONFIRMED, by, why)


def refuse(
    context: Context, ids: Sequence[int], in_groups: Sequence[int] = (), by: str | None = None, why: str = ""
) -> tuple[Label, ...]:
    """Refuses proposals; they are not made again. Raises UsageError, and then changes nothing."""
    return _decided(context, ids, in_groups, LabelState.WITHDRAWN, by, why)


def _decided(
    context: Context,
    ids: Sequence[int],
    in_groups: Sequence[int],
    state: LabelState,
    by: str | None,
    why: str,
) -> tuple[Label, ...]:
    require(context, [*ids, *in_groups], PROPOSED, "is no proposal that waits")
    every = [*ids, *members(context, in_groups)]
    return settle(context, list(dict.fromkeys(every)), state, by, why)


def members(context: Context, in_groups: Sequence[int]) -> Iterator[int]:
    """The proposals of groups; a group is called by any of its proposals."""
    if not in_groups:
        return
    waiting = context.store.labels.find(states=PROPOSED)
    called = [label for label in waiting if label.id in in_groups]
    keys = {(label.organisation, label.cluster, label.truth) for label in called}
    yield from (label.id for label in waiting if (label.organisation, label.cluster, label.truth) in keys)
