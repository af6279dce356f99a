"""`optin invite` and `optin confirm`: an owner is asked, and answers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from cleaner.cli.codes import FAILED, PARTLY
from cleaner.cli.optin import ByOption, NoteOption, ServerOption, say_that_it_is_new
from cleaner.cli.options import command, duration_of, open_app
from cleaner.cli.screen import remark, results
from cleaner.cli.text import count, safe, safe_lines
from cleaner.errors import CleanerError, StoreError, UsageError

if TYPE_CHECKING:
    from cleaner.service.consent import NewMailbox
    from cleaner.service.context import Context
    from cleaner.service.invite import Invited


def invite(
    context: typer.Context,
    address: Annotated[list[str] | None, typer.Argument(metavar="[ADDRESS]...")] = None,
    source: Annotated[
        str | None, typer.Option("--list", metavar="LIST", help="Those of a list, as optin import takes it.")
    ] = None,
    put: Annotated[
        bool, typer.Option("--put", help="Put the letter into the mailbox instead of printing it.")
    ] = False,
    valid: Annotated[str, typer.Option(metavar="TIME", help="How long the code is taken.")] = "14d",
    by: ByOption = None,
    note: NoteOption = "",
    server: ServerOption = None,
) -> None:
    """
    Ask owners whether their mailbox may be cleaned.

    Each gets a letter with a code; nothing is done before the code comes
    back (optin confirm). The letter is printed, to be sent on, or put
    into the mailbox, where nobody but its owner reads the code.
    """
    from cleaner.service.consent import NewMailbox
    from cleaner.service.roster import read

    if bool(address) == bool(source):
        raise UsageError("name addresses, or a list with --list, and not both")
    span = duration_of(valid)
    if not span:
        raise UsageError("--valid must not be 0; write for example 14d")
    with open_app(context) as app:
        if source is not None:
            asked = read(app.context, source)
        else:
            asked = tuple(NewMailbox(one, server=server, note=note) for one in address or ())
        failed = 0
        for outcome in invited(app.context, asked, span, by=by, put=put):
            if isinstance(outcome, CleanerError):
                failed += 1
                remark(str(outcome), "yellow")
            else:
                show(outcome, put=put)
    told = f"{count(len(asked) - failed, 'owner')} asked."
    if len(asked) > failed:
        told += f" With the code that comes back: {command(context, 'optin confirm CODE')}"
    results().print(told, soft_wrap=True)
    if failed:
        raise typer.Exit(FAILED if failed == len(asked) else PARTLY)


def invited(
    context: Context, asked: tuple[NewMailbox, ...], valid: timedelta, *, by: str | None, put: bool
) -> Iterator[Invited | CleanerError]:
    """Each that was asked, or why not: one that cannot be keeps none of the others."""
    from dataclasses import replace

    from cleaner.service.invite import invite

    for one in asked:
        try:
            yield invite(context, replace(one, by=by), valid=valid, into_mailbox=put)
        except StoreError:
            raise
        except CleanerError as error:
            yield error


def show(invited: Invited, *, put: bool) -> None:
    if put:
        results().print(f"{safe(invited.address)}: the letter lies in the mailbox.", soft_wrap=True)
        return
    letter = invited.letter
    results().print(f"To: {safe(letter.address)}", soft_wrap=True)
    results().print(f"Subject: {letter.wording.subject}\n", soft_wrap=True)
    results().print(safe_lines(letter.text()), soft_wrap=True)


def confirm(
    context: typer.Context,
    code: Annotated[str, typer.Argument(metavar="CODE", help="From the letter, however it is typed.")],
) -> None:
    """Record that an owner agreed: he gave back the code of his invitation."""
    from cleaner.service.invite import confirm

    with open_app(context) as app:
        began = app.context.clock()
        row = confirm(app.context, code)
    results().print(f"{safe(row.address)} has opted in.", soft_wrap=True)
    say_that_it_is_new(row, began)
