"""`login`: a person lets the program into his mailbox, at the provider's own page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cleaner.cli.codes import INTERRUPTED
from cleaner.cli.options import command, open_app
from cleaner.cli.screen import remark, results
from cleaner.cli.text import safe
from cleaner.errors import UsageError

if TYPE_CHECKING:
    from cleaner.ports import Invitation
    from cleaner.service.login import SignedIn


def login(
    context: typer.Context,
    server: Annotated[str, typer.Argument(metavar="SERVER", help="The [[server]] of the configuration.")],
    mailbox: Annotated[
        str | None,
        typer.Argument(metavar="MAILBOX", help="Whose address; not needed where the server has only one."),
    ] = None,
    forget: Annotated[bool, typer.Option("--forget", help="Erase what is kept for that mailbox.")] = False,
    port: Annotated[
        int,
        typer.Option(
            min=0,
            max=65_535,
            help="Of this machine, for the browser to come back to: for a tunnel to a machine without one.",
            show_default="any",
        ),
    ] = 0,
) -> None:
    """
    Sign in to a mailbox that is opened with tokens.

    You sign in at the provider's own page. What it lets this program do is
    kept encrypted in the store, and erased by --forget, or when the owner
    opts out.
    """
    from cleaner.service import login as use_case

    with open_app(context) as app:
        if forget:
            if port:
                raise UsageError("--port goes with signing in, not with --forget")
            address, was_there = use_case.forget(app.context, server, mailbox)
            told = "is erased" if was_there else "was not there"
            results().print(
                f"{safe(address)}: what was kept for signing in to {safe(server)} {told}.", soft_wrap=True
            )
            return
        try:
            found = app.login(server, mailbox, invite, port)
        except KeyboardInterrupt:
            remark("Given up: nothing new is kept.")
            raise typer.Exit(INTERRUPTED) from None
        show(context, found)


def invite(invitation: Invitation) -> None:
    minutes = max(1, invitation.seconds // 60)
    if invitation.code:
        remark(f"Open {invitation.url} in a browser, on any machine, and enter the code {invitation.code}")
    else:
        remark("Open this address in a browser on this machine:")
        remark(invitation.url)
        remark(
            "It comes back to this machine. Where the browser is on another one, make a tunnel there first: "
            f"ssh -L {invitation.port}:127.0.0.1:{invitation.port} THIS-MACHINE"
        )
    remark(f"Waiting for {minutes} minutes; Ctrl-C gives up.")


def show(context: typer.Context, found: SignedIn) -> None:
    out = results()
    if found.trouble:
        out.print(
            f"{safe(found.mailbox)}: signed in, but not tried: {safe(found.trouble, 1_000)}", soft_wrap=True
        )
    else:
        out.print(
            f"{safe(found.mailbox)}: signed in; the mailbox opens, and has {found.folders} folders.",
            soft_wrap=True,
        )
    forget = command(context, f"login {safe(found.server)} {safe(found.mailbox)} --forget")
    out.print(f"What was granted is kept encrypted in the store. To erase it: {forget}", soft_wrap=True)
    if found.taken_back_at:
        out.print(f"To take it back at the provider, too: {found.taken_back_at}", soft_wrap=True)
