"""`ledger`: transport logs into the sent record."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cleaner.cli.arguments import Commands
from cleaner.cli.codes import FAILED, INTERRUPTED, PARTLY
from cleaner.cli.options import Format, FormatOption, open_app
from cleaner.cli.screen import print_json, remark, results
from cleaner.cli.text import count, safe

if TYPE_CHECKING:
    from cleaner.service.ledger import LogResult

ledger = Commands()


@ledger.callback()
def root() -> None:
    """Transport logs: what your mail servers know of the mail that was sent."""


@ledger.command("import")
def import_(
    context: typer.Context,
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE…", help="Logs, also rotated and compressed (gz, bz2, xz).")
    ],
    again: Annotated[
        bool,
        typer.Option(
            "--again",
            help="Read also what was read before: for addresses that were added to a mailbox since.",
        ),
    ] = False,
    output: FormatOption = Format.TABLE,
) -> None:
    """
    Read logs of Postfix, Exim or Exchange (message tracking) into the sent record.

    For mail that leaves no copy in a Sent folder. Only mail of mailboxes that
    opted in is kept, as keyed hashes. Run it daily: each log is read on from
    where it ended, and reading it twice adds nothing.
    """
    from cleaner.cli.progress import Bar
    from cleaner.cli.stopping import interruption
    from cleaner.service.ledger import import_logs

    done: list[LogResult] = []
    with open_app(context) as app, interruption() as stopping, Bar() as bar:
        for result in import_logs(app.context, files, bar, stopping, again=again):
            bar.clear()
            show(result, output)
            done.append(result)
    raise typer.Exit(exit_code(done, interrupted=stopping.asked))


def show(result: LogResult, output: Format) -> None:
    if output is Format.JSONL:
        print_json(result.to_json())
    elif result.error is None or result.lines:
        results().print(f"{safe(result.path)}: {summary(result)}", soft_wrap=True)
    if result.strangers:
        remark(
            f"{result.path}: {count(result.strangers, 'mail')} with a sender address of yours came from outside "
            "and counted for nobody; if they are yours, name the hosts in relays or client_networks",
            "yellow",
        )
    if result.error is not None:
        remark(str(result.error), "red")


def summary(result: LogResult) -> str:
    lines = count(result.lines, "further line" if result.resumed else "line")
    sentence = f"{lines}, {count(result.mails, 'mail')}, {result.new:,} of them new."
    if result.bad:
        sentence += f" {count(result.bad, 'line')} could not be read."
    return sentence


def exit_code(done: list[LogResult], *, interrupted: bool) -> int:
    if interrupted:
        return INTERRUPTED
    failed = sum(result.error is not None for result in done)
    if not failed:
        return 0
    return FAILED if failed == len(done) else PARTLY
