"""`history`: the journal, newest at the bottom."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich import box
from rich.table import Table

from cleaner.cli.listing import about
from cleaner.cli.options import (
    Format,
    FormatOption,
    GroundOption,
    MailboxOption,
    SinceOption,
    command,
    ground_of,
    open_app,
    time_of,
)
from cleaner.cli.screen import print_json, print_table, results
from cleaner.cli.text import safe

if TYPE_CHECKING:
    from cleaner.service.history import Change
    from cleaner.store.records import Run


RUNS_WIDTH: Final = 80
"""Columns of the table of runs; a narrower terminal folds its lines, so that no name is cut."""


def history(
    context: typer.Context,
    mailbox: MailboxOption = None,
    run: Annotated[str | None, typer.Option(metavar="RUN", help="Only the changes of this run.")] = None,
    ground: GroundOption = None,
    since: SinceOption = None,
    limit: Annotated[int, typer.Option(min=1, help="The last so many changes and runs.")] = 20,
    output: FormatOption = Format.TABLE,
) -> None:
    """
    Show what was done: the latest runs and changes.

    Each has the number by which undo takes it back.
    """
    from cleaner.service.history import history

    with open_app(context) as app:
        found = history(
            app.context,
            mailbox=mailbox,
            run=run,
            ground=ground_of(ground),
            since=time_of(since),
            limit=limit,
        )
    if output is Format.JSONL:
        for change in found.changes:
            print_json(change.as_json())
        return
    if found.changes:
        print_table(changes_table(found.changes))
    else:
        results().print("No message was moved.")
    if found.runs and run is None and mailbox is None and ground is None:
        print_table(runs_table(found.runs), least=RUNS_WIDTH)
    if found.changes:
        results().print(f"To take one back: {command(context, 'undo --entry ENTRY')}", soft_wrap=True)


def changes_table(changes: Iterable[Change]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("Entry", justify="right", no_wrap=True)
    table.add_column("When", no_wrap=True)
    table.add_column("Mailbox, and what about", overflow="fold")
    table.add_column("From → to, and now", overflow="fold", min_width=19)
    for change in changes:
        entry = change.entry
        when = entry.intended_at
        table.add_row(
            str(entry.id),
            f"{when.astimezone():%Y-%m-%d\n%H:%M}" if when else "",
            f"{safe(entry.mailbox, 80)}\n{_about(change)}",
            f"{safe(entry.folder, 60)} → {safe(entry.target, 60)}\n{entry.state.value}",
        )
    return table


def _about(change: Change) -> str:
    if change.report is not None:
        return about(change.report)
    return safe(change.entry.message_id or "", 60)


def runs_table(runs: Iterable[Run]) -> Table:
    """Runs, the latest first."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("Run", no_wrap=True)
    table.add_column("What")
    table.add_column("Started", no_wrap=True)
    table.add_column("State")
    table.add_column("Looked at", justify="right")
    table.add_column("Moved", justify="right")
    for run in runs:
        started = f"{run.started.astimezone():%Y-%m-%d %H:%M}"
        table.add_row(run.id, run.kind, started, run.state, f"{run.looked_at:,}", f"{run.moved:,}")
    return table
