"""`optin`: consent, and the mailboxes that are not in the configuration file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.table import Table

from cleaner.cli.options import command, duration_of, open_app
from cleaner.cli.screen import results
from cleaner.cli.text import count, safe

if TYPE_CHECKING:
    from cleaner.service.consent import ConsentRow

optin = typer.Typer(no_args_is_help=True)

AddressArgument = Annotated[str, typer.Argument(metavar="ADDRESS")]
NoteOption = Annotated[str, typer.Option(metavar="TEXT", help="Kept with the consent.")]
BasisOption = Annotated[
    str,
    typer.Option(
        metavar="TEXT",
        help="The legal basis, where not the owner himself agreed but an administrator acts for him.",
    ),
]
ByOption = Annotated[
    str | None, typer.Option(metavar="NAME", help="Who agreed or decided.", show_default="this account")
]


@optin.callback()
def root() -> None:
    """Consent: which mailboxes may be cleaned."""


@optin.command("add")
def add(
    context: typer.Context,
    address: AddressArgument,
    basis: BasisOption = "owner",
    by: ByOption = None,
    note: NoteOption = "",
    preview: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Only report for so long, like 7d; 0: act at once."),
    ] = None,
    server: Annotated[
        str | None, typer.Option(metavar="NAME", help="For a mailbox that is not in the configuration file.")
    ] = None,
    user: Annotated[str | None, typer.Option(metavar="NAME", help="The name to sign in with.")] = None,
    password: Annotated[
        str | None, typer.Option(metavar="REFERENCE", help="Where the password is: env:NAME, file:PATH …")
    ] = None,
    alias: Annotated[
        list[str] | None, typer.Option(metavar="ADDRESS", help="A further address of the owner.")
    ] = None,
    sent_from: Annotated[
        list[str] | None, typer.Option(metavar="ADDRESS", help="A mailbox whose Sent folder counts, too.")
    ] = None,
) -> None:
    """
    Record that a mailbox may be cleaned.

    A mailbox that is not in the configuration file is kept in the store.
    """
    from cleaner.service.consent import NewMailbox, opt_in

    new = NewMailbox(
        address=address,
        server=server,
        user=user,
        password=password,
        aliases=tuple(alias or ()),
        sent_from=tuple(sent_from or ()),
        basis=basis,
        by=by,
        note=note,
        preview=duration_of(preview),
    )
    with open_app(context) as app:
        row = opt_in(app.context, new)
        now = app.context.clock()
    results().print(f"{safe(row.address)} has opted in.", soft_wrap=True)
    if row.preview_until is not None and row.preview_until > now:
        results().print(
            f"Until {row.preview_until.astimezone():%Y-%m-%d %H:%M} it is only reported on "
            "(--preview 0: act at once).",
            soft_wrap=True,
        )
    results().print(f"Next: {command(context, 'scan')}", soft_wrap=True)


@optin.command("import")
def import_(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(metavar="FILE.csv", help="First line: address,server,user,password,aliases …")
    ],
    basis: BasisOption = "owner",
    by: ByOption = None,
) -> None:
    """Opt in the mailboxes of a CSV file; if one is faulty, none is taken."""
    from cleaner.service.consent import opt_in_many

    with open_app(context) as app:
        rows = opt_in_many(app.context, file, basis, by)
    results().print(f"{count(len(rows), 'mailbox', 'mailboxes')} opted in.")


@optin.command("list")
def list_(context: typer.Context) -> None:
    """List the mailboxes with their consent."""
    from cleaner.service.consent import consents

    with open_app(context) as app:
        rows = consents(app.context)
    if rows:
        results().print(_table(rows))
    results().print(f"{count(len(rows), 'mailbox', 'mailboxes')}.")


@optin.command("pause")
def pause(context: typer.Context, address: AddressArgument, note: NoteOption = "") -> None:
    """Stop cleaning a mailbox until it is added again; nothing is erased."""
    from cleaner.service.consent import pause

    with open_app(context) as app:
        row = pause(app.context, address, note)
    results().print(f"{safe(row.address)} is paused.", soft_wrap=True)


@optin.command("remove")
def remove(context: typer.Context, address: AddressArgument, note: NoteOption = "") -> None:
    """
    Withdraw consent and erase what is known about the mailbox's owner.

    What is in the quarantine can still be taken back with undo.
    """
    from cleaner.service.consent import opt_out

    with open_app(context) as app:
        row = opt_out(app.context, address, note)
    results().print(f"{safe(row.address)} has opted out; what was known of it is erased.", soft_wrap=True)


def _table(rows: Iterable[ConsentRow]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("Mailbox", overflow="fold")
    for heading in ("Consent", "Since", "By", "Basis", "Server"):
        table.add_column(heading)
    for row in rows:
        table.add_row(
            safe(row.address),
            row.state,
            f"{row.at.astimezone():%Y-%m-%d}" if row.at else "",
            safe(row.by),
            safe(row.basis),
            safe(row.server) + (" (stored)" if row.stored else ""),
        )
    return table
