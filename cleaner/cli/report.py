"""`report`: what was done since a time, by mailbox and organisation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from cleaner.cli.options import Format, FormatOption, MailboxesOption, SinceOption, open_app, time_of
from cleaner.cli.screen import print_json, print_table, results
from cleaner.cli.text import count, safe

if TYPE_CHECKING:
    from cleaner.service.report import Day, Tally

BAR: Final = 40
"""Columns of the longest bar."""
MAX_ROWS: Final = 50
STYLES: Final = {"genuine": "green", "unsure": "yellow", "backscatter": "red"}
BLOCKS: Final = {"genuine": "█", "unsure": "▒", "backscatter": "▓"}


def report(
    context: typer.Context,
    since: SinceOption = "30d",
    mailbox: MailboxesOption = None,
    svg: Annotated[
        Path | None, typer.Option("--svg", metavar="FILE", help="Also write the days as a picture (SVG).")
    ] = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """
    Show what was judged and moved since a time, by organisation and mailbox.
    """
    from cleaner.service.report import report

    with open_app(context) as app:
        found = report(app.context, time_of(since) or app.context.clock(), mailbox or ())
    if svg is not None:
        from cleaner.service.report import chart

        title = f"Notices judged, {found.since:%Y-%m-%d} to {found.until:%Y-%m-%d}"
        svg.write_text(chart.svg(found.days, title), encoding="utf-8")
    if output is Format.JSONL:
        print_json(found.as_json())
        return
    results().print(
        f"From {found.since.astimezone():%Y-%m-%d %H:%M} to {found.until.astimezone():%Y-%m-%d %H:%M}:"
    )
    if not found.mailboxes:
        results().print("Nothing was judged, and nothing moved.")
        return
    print_table(tallies_table("Organisation", found.organisations))
    print_table(tallies_table("Mailbox", found.mailboxes[:MAX_ROWS]))
    if (left := len(found.mailboxes) - MAX_ROWS) > 0:
        results().print(f"… and {count(left, 'mailbox', 'mailboxes')} more; --format jsonl gives all.")
    for line in chart_of(found.days):
        results().print(line, soft_wrap=True)


def tallies_table(heading: str, tallies: Iterable[Tally]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(heading, overflow="fold")
    for name in ("Genuine", "Unsure", "Spurious", "Moved", "Back", "Trash"):
        table.add_column(name, justify="right")
    for one in tallies:
        numbers = (one.genuine, one.unsure, one.backscatter, one.moved, one.taken_back, one.expired)
        table.add_row(safe(one.name), *(f"{number:,}" for number in numbers))
    return table


def chart_of(days: Sequence[Day]) -> Iterable[Text]:
    """A bar for each day on which something came, as long as its notices are many, by verdict."""
    from cleaner.service.report import SHOWN

    most = max((day.total for day in days), default=0)
    for day in days:
        if not day.total:
            continue
        line = Text(f"{day.day:%Y-%m-%d}  ")
        drawn = told = 0
        for opinion in SHOWN:
            told += day.counts.get(opinion, 0)
            # Ends are rounded, not lengths, so that the parts add up.
            end = round(BAR * told / most)
            line.append(BLOCKS[opinion.value] * (end - drawn), STYLES[opinion.value])
            drawn = end
        line.append(f" {day.total:,}")
        yield line
    yield Text("            ") + Text.assemble(
        *((f"{BLOCKS[opinion.value]} {opinion.value}  ", STYLES[opinion.value]) for opinion in SHOWN)
    )
