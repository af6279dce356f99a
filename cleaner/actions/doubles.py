"""
Of what an interrupted move left twice, one is kept.

Where a message is moved in several steps, an interruption may leave an original and a copy, and meanwhile the owner may
have moved, deleted or brought back either. What the owner did counts: a message stays where it was put, then in the
target, and only what our own move left beside it goes. Never does anything go that does not stand elsewhere as well:
of messages that are alike, as many stay as the journal has open moves of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from cleaner.actions.whereabouts import Whereabouts
from cleaner.errors import ChangeRefusedError
from cleaner.ports import BegunMove, ChangeableMailbox, InFlight
from cleaner.values import Entry, EntryState, Heading

Place: TypeAlias = tuple[str, str]
"""A folder, and the id of a message there."""

Likeness: TypeAlias = tuple[str, datetime | None]
"""Fingerprint, and when it was received."""


@dataclass(frozen=True, slots=True)
class Alike:
    """Open moves of messages that nothing tells apart, and what there is of these."""

    entries: tuple[Entry, ...]
    own: tuple[Heading, ...]
    """Originals where the moves began."""
    others: tuple[Heading, ...]
    """Copies, and originals that somebody moved."""
    marked: frozenset[Place]

    @property
    def messages(self) -> tuple[Heading, ...]:
        return self.own + self.others

    @property
    def is_undo(self) -> bool:
        return any(entry.state is EntryState.UNDOING for entry in self.entries)

    @property
    def at_target(self) -> tuple[Heading, ...]:
        """Copies that nobody touched. What the owner marked as deleted is the first that may go."""
        targets = {begun(entry).target for entry in self.entries}
        found = (message for message in self.others if message.folder in targets)
        return tuple(sorted(found, key=lambda message: "\\Deleted" not in message.flags))

    @property
    def by_hand(self) -> tuple[Heading, ...]:
        """Those that somebody put elsewhere, or back."""
        here = frozenset(map(place_of, self.at_target))
        return tuple(message for message in self.others if place_of(message) not in here)

    @property
    def surplus(self) -> int:
        return max(0, len(self.messages) - len(self.entries))

    def doubles(self) -> tuple[Heading, ...]:
        """
        What is to go, so that there is one of each.

        The original, as the move was meant; but an original without a mark, beside a copy with one, is what was
        left of a move that was being given up: then the copy. Giving back is never given up.
        """
        marked = [message for message in self.own if place_of(message) in self.marked]
        bare = [message for message in self.own if place_of(message) not in self.marked]
        first = {message.folder: message for message in reversed(self.by_hand)}
        twice = [message for message in self.by_hand if message is not first[message.folder]]
        order = (*marked, *bare, *self.at_target) if self.is_undo else (*marked, *self.at_target, *bare)
        return (*order, *twice)[: self.surplus]

    def without(self, gone: Iterable[Heading]) -> Alike:
        places = frozenset(map(place_of, gone))
        own = tuple(message for message in self.own if place_of(message) not in places)
        others = tuple(message for message in self.others if place_of(message) not in places)
        return Alike(self.entries, own, others, self.marked)


def place_of(message: Heading) -> Place:
    return message.folder, message.id


def begun(entry: Entry) -> BegunMove:
    """The move that an open entry stands for: there, or back again."""
    if entry.state is EntryState.UNDOING:
        return BegunMove(entry.target, entry.new_id or entry.message, entry.folder)
    return BegunMove(entry.folder, entry.message, entry.target)


def leave_one_of_each(
    mailbox: ChangeableMailbox, where: Whereabouts, entries: Sequence[Entry]
) -> Mapping[int, Heading]:
    """
    Ends what interrupted moves left halfway.

    Returns by the numbers of their entries the messages that are known to have left their places: now in
    the target, or in the source again.
    """
    flight = mailbox.in_flight(tuple(map(begun, entries))) if entries else None
    if flight is None:
        return {}
    left = _drop(mailbox, flight, tuple(_alike(mailbox, where, entries, flight.messages)))
    flight.land(frozenset(place for alike in left for place in _not_deleted(alike)))
    found = {entry.id: message for alike in left for entry, message in _found(alike)}
    for message in found.values():
        where.take(message)
    return found


def _alike(
    mailbox: ChangeableMailbox, where: Whereabouts, entries: Sequence[Entry], marked: Sequence[Heading]
) -> Iterator[Alike]:
    groups: dict[Likeness, list[Entry]] = {}
    for entry in entries:
        groups.setdefault((entry.fingerprint, entry.received), []).append(entry)
    own = _own(mailbox, where, entries)
    taken = where.claimed_by_others(entries) | frozenset(map(place_of, own.values()))
    others: dict[Likeness, list[Heading]] = {}
    for message in marked:
        if place_of(message) not in taken:
            likeness = where.fingerprint_of(message.headers), message.received
            others.setdefault(likeness, []).append(message)
    places = frozenset(map(place_of, marked))
    for likeness, group in groups.items():
        here = [own[entry.id] for entry in group if entry.id in own]
        there = others.get(likeness, [])
        for size in {message.size for message in (*here, *there)}:
            yield Alike(
                tuple(group),
                tuple(message for message in here if message.size == size),
                tuple(message for message in there if message.size == size),
                places,
            )


def _own(mailbox: ChangeableMailbox, where: Whereabouts, entries: Sequence[Entry]) -> Mapping[int, Heading]:
    """The messages that still stand where their moves began, by the numbers of the entries."""
    expected: dict[str, dict[str, Entry]] = {}
    for entry in entries:
        move = begun(entry)
        expected.setdefault(move.folder, {})[move.id] = entry
    return {
        by_id[message.id].id: message
        for folder, by_id in expected.items()
        for message in mailbox.headings(folder, tuple(by_id))
        if where.fingerprint_of(message.headers) == by_id[message.id].fingerprint
    }


def _drop(mailbox: ChangeableMailbox, flight: InFlight, groups: Sequence[Alike]) -> tuple[Alike, ...]:
    """The groups without what could be dropped; where originals cannot be taken away, their copies are."""
    left = _dropped(mailbox, flight, groups, Alike.doubles)
    return _dropped(mailbox, flight, left, lambda alike: alike.at_target[: alike.surplus])


def _dropped(
    mailbox: ChangeableMailbox,
    flight: InFlight,
    groups: Sequence[Alike],
    choose: Callable[[Alike], Sequence[Heading]],
) -> tuple[Alike, ...]:
    chosen = [(alike, choose(alike)) for alike in groups]
    there = _there(mailbox, [m for alike, going in chosen if going for m in alike.without(going).messages])
    by_folder: dict[str, list[str]] = {}
    for alike, going in chosen:
        if all(place_of(message) in there for message in alike.without(going).messages):
            for message in going:
                by_folder.setdefault(message.folder, []).append(message.id)
    gone: set[Place] = set()
    for folder, ids in by_folder.items():
        with suppress(ChangeRefusedError):
            flight.drop(folder, ids)
            gone.update((folder, id) for id in ids)
    return tuple(
        alike.without(message for message in going if place_of(message) in gone) for alike, going in chosen
    )


def _there(mailbox: ChangeableMailbox, messages: Sequence[Heading]) -> frozenset[Place]:
    """Those that are there at this moment: nothing goes before the other was seen."""
    by_folder: dict[str, list[str]] = {}
    for message in messages:
        by_folder.setdefault(message.folder, []).append(message.id)
    return frozenset((folder, id) for folder, ids in by_folder.items() for id in mailbox.present(folder, ids))


def _not_deleted(alike: Alike) -> Iterator[Place]:
    """Originals, wherever they are now, that their owner had not marked as deleted."""
    if not any("\\Deleted" in entry.flags for entry in alike.entries):
        yield from map(place_of, (*alike.own, *alike.by_hand))


def _found(alike: Alike) -> Iterator[tuple[Entry, Heading]]:
    if alike.is_undo:
        return
    own = frozenset(map(place_of, alike.own))
    sources = {entry.folder for entry in alike.entries}
    back = [message for message in alike.by_hand if message.folder in sources]
    moved_first = sorted(alike.entries, key=lambda entry: (entry.folder, entry.message) in own)
    yield from zip(moved_first, back, strict=False)
    others = [e for e in moved_first[len(back) :] if (e.folder, e.message) not in own]
    yield from zip(others, alike.at_target, strict=False)
