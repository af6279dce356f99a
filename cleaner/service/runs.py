"""Runs that were killed: what they had moved is counted from the journal, and a later scan speaks of them once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from cleaner.service.context import Context
from cleaner.store.records import Run

LATEST = 50
"""Among how many runs those that were cut off are looked for."""


def latest_runs(context: Context, limit: int | None = None, since: datetime | None = None) -> tuple[Run, ...]:
    """The latest first, those that were cut off with what they had moved."""
    runs = context.store.runs.list(limit=limit, since=since)
    return tuple(replace(run, moved=moved_by(context, run.id)) if is_cut_off(run) else run for run in runs)


def cut_off_runs(context: Context) -> tuple[Run, ...]:
    """Scans that were killed, and that no later one has spoken of yet."""
    return tuple(run for run in context.store.runs.list(limit=LATEST) if is_cut_off(run))


def is_cut_off(run: Run) -> bool:
    return run.kind in ("scan", "retention") and run.state == "interrupted" and run.finished is None


def recovered(context: Context, runs: Sequence[Run], mailbox: str) -> tuple[tuple[str, int], ...]:
    """What those runs had moved in that mailbox."""
    counted = ((run.id, moved_by(context, run.id, mailbox)) for run in runs)
    return tuple((run, moved) for run, moved in counted if moved)


def moved_by(context: Context, run: str, mailbox: str | None = None, since: datetime | None = None) -> int:
    return sum(entry.was_moved for entry in context.store.entries(run=run, mailbox=mailbox, since=since))


def close_runs(context: Context, runs: Sequence[Run]) -> None:
    """Gives runs that were cut off their end, once nothing that they had begun is open."""
    for run in runs:
        if not any(entry.state.is_open for entry in context.store.entries(run=run.id)):
            moved = moved_by(context, run.id)
            context.store.runs.finish(run.id, context.clock(), state=run.state, moved=moved, since=run.since)
