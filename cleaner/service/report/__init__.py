"""What was done since a time, by mailbox and organisation: the use case behind `report`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from cleaner.service.context import Context
from cleaner.store.report import Changed
from cleaner.values import ActionName, EntryState, Opinion, address_key

MOVES = (ActionName.MOVE, ActionName.DELETE, ActionName.REVIEW)
SHOWN = (Opinion.GENUINE, Opinion.UNSURE, Opinion.BACKSCATTER)


@dataclass(frozen=True, slots=True)
class Tally:
    """The numbers of one mailbox, or of several together."""

    name: str
    organisation: str = ""
    genuine: int = 0
    backscatter: int = 0
    unsure: int = 0
    moved: int = 0
    taken_back: int = 0
    """By undo, or by the owner's own hand."""
    expired: int = 0
    """Gone on from the quarantine to Trash."""
    mailboxes: int = 1

    def as_json(self) -> dict[str, object]:
        return {
            "name": self.name,
            "organisation": self.organisation,
            "mailboxes": self.mailboxes,
            "genuine": self.genuine,
            "backscatter": self.backscatter,
            "unsure": self.unsure,
            "moved": self.moved,
            "taken_back": self.taken_back,
            "expired": self.expired,
        }


@dataclass(frozen=True, slots=True)
class Day:
    """The notices judged on one day (UTC), by verdict."""

    day: date
    counts: dict[Opinion, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class Report:
    since: datetime
    until: datetime
    organisations: tuple[Tally, ...]
    mailboxes: tuple[Tally, ...]
    """Those in which something happened; the most moved first."""
    days: tuple[Day, ...]
    """Every day since then, also those on which nothing came."""

    def as_json(self) -> dict[str, object]:
        return {
            "since": self.since.isoformat(),
            "until": self.until.isoformat(),
            "organisations": [one.as_json() for one in self.organisations],
            "mailboxes": [one.as_json() for one in self.mailboxes],
            "days": [
                {"day": one.day.isoformat()} | {o.value: one.counts.get(o, 0) for o in SHOWN}
                for one in self.days
            ],
        }


def report(context: Context, since: datetime, mailboxes: Iterable[str] = ()) -> Report:
    """Raises UsageError for a mailbox that is not there."""
    wanted = frozenset(address_key(context.settings.mailbox(address).address) for address in mailboxes)
    judged = [one for one in context.store.report.judged(since) if not wanted or one.mailbox in wanted]
    changed = [one for one in context.store.report.changed(since) if not wanted or one.mailbox in wanted]
    verdicts: dict[str, Counter[Opinion]] = {}
    days: dict[date, Counter[Opinion]] = {}
    for one in judged:
        verdicts.setdefault(one.mailbox, Counter())[one.opinion] += one.count
        days.setdefault(one.day, Counter())[one.opinion] += one.count
    by_mailbox: dict[str, list[Changed]] = {}
    for change in changed:
        by_mailbox.setdefault(change.mailbox, []).append(change)
    tallies = [
        _tally(context, address, verdicts.get(address, Counter()), by_mailbox.get(address, ()))
        for address in sorted(verdicts.keys() | by_mailbox.keys())
    ]
    now = context.clock()
    return Report(
        since,
        now,
        organisations=tuple(_together(tallies)),
        mailboxes=tuple(sorted(tallies, key=lambda one: (-one.moved, -one.backscatter, one.name))),
        days=tuple(Day(day, dict(days.get(day, {}))) for day in _days(since.date(), now.date())),
    )


def _tally(context: Context, address: str, verdicts: Counter[Opinion], changes: Iterable[Changed]) -> Tally:
    found = context.settings.organisation_of(address)
    moved = taken_back = expired = 0
    for change in changes:
        if change.action in MOVES and change.state not in (EntryState.INTENDED, EntryState.FAILED):
            moved += change.count
            taken_back += change.count * (change.state in (EntryState.UNDONE, EntryState.RETURNED))
        elif change.action is ActionName.EXPIRE and change.state is EntryState.DONE:
            expired += change.count
    return Tally(
        address,
        found.name if found is not None else "",
        genuine=verdicts[Opinion.GENUINE],
        backscatter=verdicts[Opinion.BACKSCATTER],
        unsure=verdicts[Opinion.UNSURE],
        moved=moved,
        taken_back=taken_back,
        expired=expired,
    )


def _together(tallies: Iterable[Tally]) -> Iterable[Tally]:
    by_name: dict[str, list[Tally]] = {}
    for tally in tallies:
        by_name.setdefault(tally.organisation, []).append(tally)
    for name, members in sorted(by_name.items()):
        yield Tally(
            name,
            name,
            genuine=sum(one.genuine for one in members),
            backscatter=sum(one.backscatter for one in members),
            unsure=sum(one.unsure for one in members),
            moved=sum(one.moved for one in members),
            taken_back=sum(one.taken_back for one in members),
            expired=sum(one.expired for one in members),
            mailboxes=len(members),
        )


def _days(first: date, last: date) -> Iterable[date]:
    return (first + timedelta(days=number) for number in range((last - first).days + 1))
