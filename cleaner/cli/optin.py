"""`optin`: consent, and the mailboxes that are not in the configuration file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from cleaner.cli.arguments import Commands
from cleaner.cli.codes import INTERRUPTED
from cleaner.cli.consents import accesses_table, consent_table, steps_table
from cleaner.cli.options import Format, FormatOption, command, duration_of, open_app
from cleaner.cli.screen import print_json, print_table, remark, results
from cleaner.cli.text import count, safe

if TYPE_CHECKING:
    from cleaner.service.consent import ConsentRow, Trial

optin = Commands()

AddressArgument = Annotated[str, typer.Argument(metavar="ADDRESS")]
NoteOption = Annotated[str, typer.Option(metavar="TEXT", help="Kept with the consent.")]
BasisOption = Annotated[
    str,
    typer.Option(
        metavar="TEXT",
        help="The legal basis, where not the owner himself agreed but an administrator acts for him.",
    ),
]
PreviewOption = Annotated[
    str | None, typer.Option(metavar="TIME", help="Only report for so long, like 7d; 0: act at once.")
]
ByOption = Annotated[
    str | None, typer.Option(metavar="NAME", help="Who agreed or decided.", show_default="this account")
]


ServerOption = Annotated[
    str | None, typer.Option(metavar="NAME", help="For a mailbox that is not in the configuration file.")
]
UserOption = Annotated[str | None, typer.Option(metavar="NAME", help="The name to sign in with.")]
PasswordOption = Annotated[
    str | None, typer.Option(metavar="REFERENCE", help="Where the password is: env:NAME, file:PATH …")
]
AliasOption = Annotated[
    list[str] | None, typer.Option(metavar="ADDRESS", help="A further address of the owner.")
]
SentFromOption = Annotated[
    list[str] | None, typer.Option(metavar="ADDRESS", help="A mailbox whose Sent folder counts, too.")
]
SourceArgument = Annotated[
    str,
    typer.Argument(
        metavar="LIST",
        help="A file whose first line is address,server,user …; - for standard input; or command:PROGRAM ARG…, "
        "which prints it and is run without a shell.",
    ),
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
    preview: PreviewOption = None,
    server: ServerOption = None,
    user: UserOption = None,
    password: PasswordOption = None,
    alias: AliasOption = None,
    sent_from: SentFromOption = None,
) -> None:
    """
    Record that a mailbox may be cleaned.

    A mailbox that is not in the configuration file is kept in the store.
    """
    from cleaner.service.consent import NewMailbox, opt_in, try_to_open

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
        began = app.context.clock()
        row = opt_in(app.context, new)
        (trial,) = try_to_open(app.context, (row.address,))
    say_that_it_opted_in(row, began)
    warn(context, trial)
    say_that_it_is_new(row, began)
    results().print(f"Next: {command(context, 'scan')}", soft_wrap=True)


def say_that_it_opted_in(row: ConsentRow, began: datetime) -> None:
    if row.at is None or row.at >= began:
        results().print(f"{safe(row.address)} has opted in.", soft_wrap=True)
        return
    results().print(
        f"{safe(row.address)} opted in already, on {row.at.astimezone():%Y-%m-%d %H:%M}; nothing was "
        "changed. To begin its preview anew, give --preview TIME.",
        soft_wrap=True,
    )


def say_that_it_is_new(row: ConsentRow, now: datetime) -> None:
    if row.preview_until is not None and row.preview_until > now:
        results().print(
            f"Until {row.preview_until.astimezone():%Y-%m-%d %H:%M} it is only reported on "
            "(--preview 0: act at once).",
            soft_wrap=True,
        )


@optin.command("import")
def import_(
    context: typer.Context,
    source: SourceArgument,
    basis: BasisOption = "owner",
    by: ByOption = None,
    preview: PreviewOption = None,
) -> None:
    """
    Opt in the mailboxes of a list; if one is faulty, none is taken.

    The list is CSV, or LDIF as ldapsearch prints it. Who paused or
    withdrew is left alone. Then each is opened once, and those that
    cannot be are named.
    """
    from cleaner.cli.progress import Bar
    from cleaner.cli.stopping import interruption
    from cleaner.service.consent import try_to_open
    from cleaner.service.roster import opt_in_many

    with open_app(context) as app:
        imported = opt_in_many(app.context, source, basis, by, duration_of(preview))
        rows = imported.rows
        results().print(f"{count(len(rows), 'mailbox', 'mailboxes')} opted in.")
        say_who_is_left_alone(imported.left_alone)
        with interruption() as stopping, Bar() as bar:
            for number, trial in enumerate(try_to_open(app.context, [row.address for row in rows]), start=1):
                bar("opening each once", number, len(rows))
                if trial.obstacle is not None:
                    bar.clear()
                    warn(context, trial)
                if stopping.asked:
                    break
    if stopping.asked:
        remark(f"All have opted in; {count(number, 'mailbox', 'mailboxes')} of them were opened to try.")
        raise typer.Exit(INTERRUPTED)


def say_who_is_left_alone(addresses: Sequence[str]) -> None:
    for address in addresses:
        remark(
            f"{address} paused or withdrew and is left alone; when its owner agrees again: optin add.",
            "yellow",
        )


def warn(context: typer.Context, trial: Trial) -> None:
    """Says why a mailbox cannot be opened, on one line, and how to take back an address that was a slip."""
    if trial.obstacle is None:
        return
    slip = ""
    if trial.meant is not None:
        undoing = command(context, f"optin remove {trial.address} --forget")
        slip = f" Did you mean {trial.meant}? To take this one back: {undoing}"
    remark(
        f"The consent of {trial.address} is recorded, but it cannot be opened now: {trial.obstacle}.{slip}",
        "yellow",
    )


@optin.command("list")
def list_(context: typer.Context, output: FormatOption = Format.TABLE) -> None:
    """List the mailboxes with their consent."""
    from cleaner.service.consent import consents

    with open_app(context) as app:
        rows = consents(app.context)
    if output is Format.JSONL:
        for row in rows:
            print_json(row.as_json())
        return
    if rows:
        print_table(consent_table(rows))
    results().print(f"{count(len(rows), 'mailbox', 'mailboxes')}.")


@optin.command("show")
def show(context: typer.Context, address: AddressArgument, output: FormatOption = Format.TABLE) -> None:
    """
    Show what is on record about a mailbox: each step of its consent, and every time it was opened.
    """
    from cleaner.service.consent import record_of

    with open_app(context) as app:
        record = record_of(app.context, address)
    if output is Format.JSONL:
        for line in record.as_json():
            print_json(line)
        return
    print_table(consent_table((record.now,)))
    if record.steps:
        print_table(steps_table(record.steps))
    else:
        results().print("Nobody was asked yet.")
    if record.accesses:
        print_table(accesses_table(record.accesses))
    else:
        results().print("It was never opened.")


@optin.command("pause")
def pause(context: typer.Context, address: AddressArgument, note: NoteOption = "") -> None:
    """Stop cleaning a mailbox until it is added again; nothing is erased."""
    from cleaner.service.consent import pause

    with open_app(context) as app:
        row = pause(app.context, address, note)
    results().print(f"{safe(row.address)} is paused.", soft_wrap=True)


@optin.command("remove")
def remove(
    context: typer.Context,
    address: AddressArgument,
    note: NoteOption = "",
    forget: Annotated[
        bool,
        typer.Option(
            "--forget",
            help="Also forget how to open a mailbox that the configuration file does not have; "
            "undo cannot reach it then.",
        ),
    ] = False,
) -> None:
    """
    Withdraw consent and erase what is known about the mailbox's owner.

    What is in the quarantine can still be taken back with undo.
    """
    from cleaner.service.consent import opt_out, opt_out_and_forget

    with open_app(context) as app:
        row = (opt_out_and_forget if forget else opt_out)(app.context, address, note)
    results().print(f"{safe(row.address)} has opted out; what was known of it is erased.", soft_wrap=True)
    if forget:
        results().print("How to open it is forgotten, too.")
