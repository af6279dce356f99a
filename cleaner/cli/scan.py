"""`scan`: clean the mailboxes that opted in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from cleaner.cli.codes import FAILED, INTERRUPTED, PARTLY
from cleaner.cli.options import (
    AllOption,
    Format,
    FormatOption,
    MailboxesOption,
    SinceOption,
    command,
    open_app,
    time_of,
)
from cleaner.cli.screen import print_json, remark, results
from cleaner.cli.text import count, safe
from cleaner.errors import SafetyStopError, UsageError

if TYPE_CHECKING:
    from cleaner.service.scan import MailboxScan


def scan(
    context: typer.Context,
    mailbox: MailboxesOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would be done; the mailbox is opened read-only.")
    ] = False,
    preview: Annotated[
        bool,
        typer.Option("--preview", help="Like --dry-run, also for a mailbox whose owner has not agreed yet."),
    ] = False,
    all_messages: AllOption = False,
    since: SinceOption = None,
    confirm: Annotated[
        str | None,
        typer.Option(metavar="RUN", help="Go on with a run that the safety limit stopped."),
    ] = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """
    Clean the mailboxes that opted in, once.

    Spurious notices are moved to the quarantine folder, everything else
    stays. Each run has a number, by which it can be taken back.
    """
    from cleaner.cli.progress import Bar
    from cleaner.cli.stopping import interruption
    from cleaner.service.scan import ScanRequest, scan

    if confirm is not None and (dry_run or preview or mailbox):
        raise UsageError("--confirm goes on with a run as it was: give it alone")
    request = ScanRequest(
        mailboxes=tuple(mailbox or ()),
        dry_run=dry_run,
        preview=preview,
        since=time_of(since),
        all_messages=all_messages,
        confirm=confirm,
    )
    done: list[MailboxScan] = []
    with open_app(context) as app, interruption() as stopping, Bar() as bar:
        for result in scan(app.context, request, bar, stopping):
            bar.clear()
            if done and output is Format.TABLE:
                results().print()
            show(result, output, only_looks=request.only_looks)
            done.append(result)
    if any(result.moved for result in done):
        run = next(result.run for result in done if result.moved)
        say(output, f"To take it back: {command(context, f'undo --run {run}')}")
    raise typer.Exit(exit_code(done, interrupted=stopping.asked))


def show(result: MailboxScan, output: Format, *, only_looks: bool) -> None:
    """One mailbox: its messages, what came of it, and what went wrong."""
    if output is Format.JSONL:
        from cleaner.steps.lines import contract

        for line in result.lines:
            print_json(contract(line))
    else:
        from cleaner.cli.listing import table_of

        if result.looked_at or result.error is None:
            results().print(safe(result.address), style="bold")
        if result.lines:
            results().print(table_of(result.lines))
    for sentence in summary(result, only_looks=only_looks):
        say(output, sentence)
    for note in result.notes:
        remark(f"{result.address}: {note}", "yellow")
    if result.error is not None:
        remark(str(result.error), "red")


def summary(result: MailboxScan, *, only_looks: bool) -> list[str]:
    """What came of a mailbox, in sentences."""
    from cleaner.cli.listing import tally

    if result.error is not None and not result.looked_at:
        return []
    sentences = [f"{count(result.looked_at, 'message')} looked at, {tally(result.lines)}."]
    if result.completed:
        sentences.append(f"{count(result.completed, 'change')} of an interrupted run completed.")
    if only_looks:
        planned = result.count(outcome="planned")
        sentences.append(f"{count(planned, 'message')} would be moved; nothing was changed.")
    else:
        sentences.append(f"{count(result.moved, 'message')} moved.")
    if result.preview_until is not None:
        sentences.append(
            f"This mailbox is new: until {result.preview_until.astimezone():%Y-%m-%d %H:%M} "
            "it is only reported on."
        )
    if result.interrupted:
        sentences.append("Stopped before the end; the next scan goes on.")
    return sentences


def say(output: Format, sentence: str) -> None:
    """A sentence for the person: beside the results, or out of their way where a program reads them."""
    if output is Format.JSONL:
        remark(sentence)
    else:
        results().print(sentence, soft_wrap=True)


def exit_code(done: Sequence[MailboxScan], *, interrupted: bool) -> int:
    if interrupted:
        return INTERRUPTED
    errors = [result.error for result in done if result.error is not None]
    if errors and len(errors) == len(done) and not any(isinstance(e, SafetyStopError) for e in errors):
        return FAILED
    if errors or any(result.count(outcome="failed") for result in done):
        return PARTLY
    return 0
