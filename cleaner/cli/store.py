"""`store`: the database itself."""

from __future__ import annotations

from typing import Annotated

import typer

from cleaner.cli.arguments import Commands
from cleaner.cli.options import open_app
from cleaner.cli.screen import results
from cleaner.cli.text import count, safe
from cleaner.errors import UsageError

store = Commands()


@store.callback()
def root() -> None:
    """The database in which everything is remembered."""


@store.command("move-to")
def move_to(
    context: typer.Context,
    url: Annotated[
        str, typer.Argument(metavar="URL", help="An empty database: postgresql://USER@HOST/DATABASE")
    ],
) -> None:
    """
    Move everything from the SQLite file to PostgreSQL, for many machines.

    End serve first. All is copied and compared row by row in one transaction:
    if anything fails, both databases are as they were. Afterwards the file
    is kept as it was, and refused, so that nothing is journalled in it.
    """
    from cleaner.cli.progress import Bar
    from cleaner.config import forms

    with open_app(context) as app, Bar() as bar:
        path = app.context.settings.path
        try:
            target = forms.store_url(path.parent)(url)
        except ValueError as error:
            raise UsageError(f"the URL {error}") from None
        moved = app.context.store.move_to(target, bar)
        bar.clear()
        before = app.context.store.where
    rows = sum(moved.values())
    results().print(
        f"{count(rows, 'row')} of {count(len(moved), 'table')} moved and compared, one by one.\n"
        f"Now write in {safe(path)}, on every machine that runs with it:\n\n"
        f'    [store]\n    url = "{safe(url)}"\n\n'
        f"The key stays the same. {safe(before)} is as it was, and is not opened any more: keep it as a backup, "
        "together with the key.",
        soft_wrap=True,
        markup=False,
        highlight=False,
    )
