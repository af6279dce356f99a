"""`classify` and `explain`: what a message is, and why."""

from __future__ import annotations

from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cleaner.cli.options import AllOption, Format, FormatOption, MailboxOption, command, open_app
from cleaner.cli.screen import print_json, print_table, results
from cleaner.errors import UsageError

if TYPE_CHECKING:
    from cleaner.service.explain import Explanation


def classify(
    context: typer.Context,
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH", help=".eml files, mbox files, Maildirs, folders; -: standard input."),
    ],
    mailbox: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", help="For whom: whose addresses and sent mail count. Else the organisation's."
        ),
    ] = None,
    all_messages: AllOption = False,
    lookups: Annotated[
        bool,
        typer.Option(
            "--lookups", help="Ask name servers, as cleaning does. Else only what is remembered counts."
        ),
    ] = False,
    output: FormatOption = Format.TABLE,
) -> None:
    """
    Judge mail in files. Nothing is written, no mailbox is opened; --lookups alone asks the network.
    """
    from cleaner.app import judging
    from cleaner.cli.listing import table_of, tally
    from cleaner.cli.scan import MAX_ROWS
    from cleaner.service.classify import classify
    from cleaner.steps.lines import contract

    with judging(context.obj, mailbox, asks=lookups) as judge:
        lines = classify(judge, paths, all_messages=all_messages)
        if output is Format.JSONL:
            for line in lines:
                print_json(contract(line))
            return
        shown = list(islice(lines, MAX_ROWS))
        counted = [(line["kind"], line["verdict"]) for line in chain(shown, lines)]
    if shown:
        print_table(table_of(shown, files=True))
    if (left := len(counted) - len(shown)) > 0:
        results().print(f"… and {left:,} more; --format jsonl gives all.", soft_wrap=True)
    told = tally([{"kind": kind, "verdict": verdict} for kind, verdict in counted])
    results().print(f"{told}.".capitalize(), soft_wrap=True)


def explain(
    context: typer.Context,
    what: Annotated[
        str | None,
        typer.Argument(
            metavar="PATH|ENTRY", help="A file (-: standard input), or the number of a journal entry."
        ),
    ] = None,
    mailbox: MailboxOption = None,
    folder: Annotated[str, typer.Option(metavar="F", help="The folder that the message lies in.")] = "INBOX",
    id: Annotated[
        str | None, typer.Option(metavar="N", help="The message's id in the folder, as scan prints it.")
    ] = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """
    Explain one message: what it is, every piece of evidence, the verdict.

      bounce-cleaner explain message.eml
      bounce-cleaner explain 17
      bounce-cleaner explain --mailbox ADDRESS --folder INBOX --id ID
    """
    from cleaner.cli.explanation import show

    explained = _explained(context, what, mailbox, folder, id)
    if output is Format.JSONL:
        print_json(explained.to_json())
    else:
        show(explained)
        say_what_can_be_done(context, explained)


def say_what_can_be_done(context: typer.Context, explained: Explanation) -> None:
    if (moved := explained.past.moved) is not None:
        results().print(f"\nTo take it back: {command(context, f'undo --entry {moved.id}')}", soft_wrap=True)


def _explained(
    context: typer.Context, what: str | None, mailbox: str | None, folder: str, id: str | None
) -> Explanation:
    from cleaner.app import judging
    from cleaner.service.explain import explain_entry, explain_file, explain_message

    if what is None:
        if mailbox is None or id is None:
            raise UsageError("say which message: a file, a journal entry, or --mailbox, --folder and --id")
        with open_app(context) as app:
            return explain_message(app.context, mailbox, folder, id)
    if id is not None:
        raise UsageError("give either a file or journal entry, or --mailbox, --folder and --id")
    if what == "-" or Path(what).exists() or not what.isdecimal():
        with judging(context.obj, mailbox) as judge:
            return explain_file(judge, Path(what))
    with open_app(context) as app:
        return explain_entry(app.context, int(what))
