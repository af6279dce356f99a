"""`models shadow` and `models compare`: a candidate judges along, and what it would do is looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.table import Table

from cleaner.cli.options import Format, FormatOption, command, open_app
from cleaner.cli.screen import print_json, print_table, results
from cleaner.cli.text import count, safe

if TYPE_CHECKING:
    from cleaner.service.shadow import Beside
    from cleaner.store.records import Difference
    from cleaner.values import Advice

OrganisationOption = Annotated[
    str | None,
    typer.Option("--organisation", metavar="NAME", help="For which one; needed where there are several."),
]


def shadow(
    context: typer.Context,
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A model that is not in use, or 'none': none does.")
    ],
    organisation: OrganisationOption = None,
) -> None:
    """Let a candidate judge along, without acting."""
    from cleaner.service.models import RULES_ALONE, judge_along

    with open_app(context) as app:
        named = judge_along(app.context, name, organisation)
    if name == RULES_ALONE:
        results().print(f"No candidate judges along for {safe(named)} any more.", soft_wrap=True)
        return
    results().print(
        f"Model {safe(name)} judges along for {safe(named)} from the next scan on, and nothing is done by it. What "
        f"it would do: {command(context, 'models compare')}",
        soft_wrap=True,
    )


def compare(
    context: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]", help="A candidate; unnamed the one that judges along.", show_default=False
        ),
    ] = None,
    organisation: OrganisationOption = None,
    every: Annotated[bool, typer.Option("--all", help="Every difference that is kept.")] = False,
    output: FormatOption = Format.TABLE,
) -> None:
    """Show of which notices a candidate says otherwise."""
    from cleaner.service.shadow import SHOWN, compare

    with open_app(context) as app:
        found = compare(app.context, name, organisation, most=None if every else SHOWN)
    if output is Format.JSONL:
        print_json(found.as_json())
        for difference in found.differences:
            print_json(difference.as_json())
        return
    console = results()
    beside = f"model {found.active}" if found.active is not None else "the rules alone"
    console.print(
        safe(f"{found.organisation} is judged by {beside}; {found.sentence()}.", 1_000), soft_wrap=True
    )
    if found.differences:
        print_table(table(found.differences))
    more = found.differs - len(found.differences)
    if more > 0:
        console.print(
            f"And {count(more, 'difference')} more: {command(context, 'models compare --all')}",
            soft_wrap=True,
        )
    _what_next(context, found)


def _what_next(context: typer.Context, found: Beside) -> None:
    if found.differences:
        one = found.differences[0]
        look = f"explain --mailbox {one.mailbox} --folder '{one.folder}' --id '{one.id}'"
        results().print(safe(f"Why one is judged so: {command(context, look)}", 600), soft_wrap=True)
    if found.judged:
        promote = command(context, f"models promote {found.candidate}")
        results().print(safe(f"To be judged by it from now on: {promote}", 600), soft_wrap=True)


def table(differences: tuple[Difference, ...]) -> Table:
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    shown.add_column("Mailbox", overflow="fold")
    shown.add_column("Message", overflow="fold")
    shown.add_column("Came", no_wrap=True)
    shown.add_column("In use says", overflow="fold")
    shown.add_column("Candidate says", overflow="fold")
    for one in differences:
        shown.add_row(
            safe(one.mailbox),
            safe(f"{one.folder} {one.id}", 80),
            f"{one.received.astimezone():%Y-%m-%d}" if one.received else "",
            said(one.active),
            said(one.candidate),
        )
    return shown


def said(advice: Advice) -> str:
    sure = f" {advice.probability:.3f}" if advice.probability is not None else ""
    return f"{advice.opinion.value}{sure}"
