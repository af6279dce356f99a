"""What was done: the use case behind `history`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cleaner.service.context import Context
from cleaner.service.runs import latest_runs
from cleaner.steps.lines import iso
from cleaner.store.records import Run
from cleaner.values import Entry, Ground


@dataclass(frozen=True, slots=True)
class Change:
    """One change to a mailbox, and the verdict that it came from while that is still kept."""

    entry: Entry
    report: Mapping[str, Any] | None = None

    def as_json(self) -> dict[str, object]:
        entry = self.entry
        return {
            "entry": entry.id,
            "run": entry.run,
            "mailbox": entry.mailbox,
            "action": entry.action.value,
            "folder": entry.folder,
            "id": entry.message,
            "target": entry.target,
            "new_id": entry.new_id,
            "fingerprint": entry.fingerprint,
            "message_id": entry.message_id,
            "state": entry.state.value,
            "intended_at": iso(entry.intended_at),
            "settled_at": iso(entry.settled_at),
            "error": entry.error,
            "ground": entry.ground.value if entry.ground is not None else None,
        }


@dataclass(frozen=True, slots=True)
class History:
    """The latest runs, latest first, and the latest changes, oldest first."""

    runs: tuple[Run, ...]
    changes: tuple[Change, ...]


def history(
    context: Context,
    *,
    mailbox: str | None = None,
    run: str | None = None,
    ground: Ground | None = None,
    since: datetime | None = None,
    limit: int | None = None,
) -> History:
    """
    The changes that fit all that is given; with a limit the last ones.

    Raises UsageError for a run or mailbox that nothing is known of.
    """
    if run is not None:
        context.store.runs.get(run)
    if (
        mailbox is not None
        and not context.store.consent.history(mailbox)
        and not context.store.entries(mailbox=mailbox, limit=1)
    ):
        context.settings.mailbox(mailbox)
    entries = context.store.entries(mailbox=mailbox, run=run, ground=ground, since=since, limit=limit)
    return History(latest_runs(context, limit, since), tuple(changes(context, entries)))


def changes(context: Context, entries: Sequence[Entry]) -> Iterator[Change]:
    by_mailbox: dict[str, list[str]] = {}
    for entry in entries:
        by_mailbox.setdefault(entry.mailbox, []).append(entry.fingerprint)
    seen = {address: context.store.seen(address).known(prints) for address, prints in by_mailbox.items()}
    for entry in entries:
        notice = seen[entry.mailbox].get(entry.fingerprint)
        yield Change(entry, notice.report if notice is not None else None)
