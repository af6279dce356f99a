"""`demo`: the whole program at work, on sample mailboxes in a new directory."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Annotated

import typer

from cleaner.cli.codes import FAILED
from cleaner.cli.options import Format, command, program
from cleaner.cli.screen import results


def demo(
    context: typer.Context,
    directory: Annotated[
        Path | None, typer.Argument(metavar="DIR", help="A new directory.", show_default="demo")
    ] = None,
) -> None:
    """
    See it at work on sample mailboxes, without any server.

    Builds them in a new directory, cleans them, shows what it did and why.
    Touches nothing else.
    """
    from cleaner.app import App, now
    from cleaner.cli.progress import Bar
    from cleaner.cli.scan import show
    from cleaner.service.consent import NewMailbox, opt_in
    from cleaner.service.demo import build
    from cleaner.service.scan import ScanRequest, scan

    directory = directory or _new_directory()
    context.obj = build(directory, now())
    with App.open(context.obj) as app, Bar() as bar:
        for mailbox in app.context.settings.mailboxes:
            opt_in(app.context, NewMailbox(mailbox.address))
        done = []
        for result in scan(app.context, ScanRequest(), bar, lambda: False):
            bar.clear()
            results().print()
            show(result, Format.TABLE, only_looks=False)
            done.append(result)
    run = next((result.run for result in done if result.moved), None)
    if run is None or any(result.error for result in done):
        raise typer.Exit(FAILED)
    console = results()
    console.print(f"\nThe mailboxes lie in {directory / 'mail'}, the configuration is {context.obj}.")
    for what, arguments in (
        ("To see what was moved:", "history"),
        ("To have one explained:", "explain 1"),
        ("To take it back:", f"undo --run {run}"),
    ):
        console.print(f"{what:<24}{command(context, arguments)}", soft_wrap=True)
    console.print(f"{'For your own mail:':<24}{program()} init", soft_wrap=True)


def _new_directory() -> Path:
    """`demo`, or the first of `demo-2`, `demo-3` … that is not there."""
    if not Path("demo").exists():
        return Path("demo")
    return next(path for number in count(2) if not (path := Path(f"demo-{number}")).exists())
