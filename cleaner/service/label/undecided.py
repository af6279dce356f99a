"""
What a label would teach most about: notices that nobody could decide, those first that have the most like them.

Of them the store holds hashes only, so each is opened where it lies when it is looked at, by its owner's consent.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cleaner.service.context import Context
from cleaner.steps.lines import iso
from cleaner.values import Kind, SeenNotice

MOST: Final = 10_000
"""The latest so many are grouped."""


@dataclass(frozen=True, slots=True)
class Undecided:
    """The latest of like notices that nobody could decide."""

    mailbox: str
    folder: str
    id: str
    kind: Kind
    received: datetime | None
    like: int
    """How many they are."""

    def as_json(self) -> dict[str, object]:
        return {
            "mailbox": self.mailbox,
            "folder": self.folder,
            "id": self.id,
            "kind": self.kind.value,
            "received": iso(self.received),
            "like": self.like,
        }


def undecided(
    context: Context, *, organisation: str | None = None, mailbox: str | None = None
) -> tuple[Undecided, ...]:
    """One of each group, the largest group first; only of mailboxes that may be opened."""
    alike: dict[tuple[str, Kind, str], list[tuple[str, SeenNotice]]] = {}
    may_open: dict[str, str | None] = {}
    for address, notice in context.store.undecided(MOST):
        if address not in may_open:
            may_open[address] = organisation_if_open(context, address)
        owner = may_open[address]
        fits = organisation in (None, owner) and mailbox in (None, address)
        if owner is not None and fits:
            key = owner, notice.kind, notice.subject or notice.reporter
            alike.setdefault(key, []).append((address, notice))
    found = (
        Undecided(address, notice.folder, notice.id, notice.kind, notice.received, len(group))
        for group in alike.values()
        for address, notice in group[:1]
    )
    return tuple(sorted(found, key=lambda one: -one.like))


def organisation_if_open(context: Context, address: str) -> str | None:
    """Whose mailbox it is, None for one that may not be opened."""
    if address not in context.settings:
        return None
    mailbox = context.settings.mailbox(address)
    return mailbox.organisation if context.is_opted_in(mailbox) else None
