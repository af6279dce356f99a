"""`scan`: clean the mailboxes that opted in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Final

import typer

from cleaner.cli.codes import FAILED, INTERRUPTED, PARTLY
from cleaner.cli.options import (
    AllOption,
    Format,
    FormatOption,
    MailboxesOption,
    command,
    open_app,
    time_of,
)
from cleaner.cli.screen import print_json, print_table, remark, results
from cleaner.cli.text import count, safe
from cleaner.errors import MailboxBusyError, SafetyStopError, UsageError

if TYPE_CHECKING:
    from cleaner.service.scan import MailboxScan
    from cleaner.steps.lines import Line

MAX_ROWS: Final = 200
"""Rows of a table; a first scan can find many thousand."""


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
    since: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Look again at what came since then, judged before or not, and act on it however old it is; "
            "older messages are not looked at. 7d, 2h, 2026-11-01 or 2026-11-01T10:15.",
        ),
    ] = None,
    confirm: Annotated[
        str | None,
        typer.Option(metavar="RUN", help="Move what the safety limit held back when it stopped that run."),
    ] = None,
    quiet: Annotated[
        bool,
        typer.Option("--quiet", help="Print only problems: for a timer or crontab that mails the output."),
    ] = False,
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
            if quiet:
                show_problems(result)
                for sentence in unreadable(result):
                    remark(f"{result.address}: {sentence}", "yellow")
            else:
                if done and output is Format.TABLE:
                    results().print()
                show(result, output, only_looks=request.only_looks)
            done.append(result)
    if not quiet:
        say_what_is_next(context, output, done, interrupted=stopping.asked)
    raise typer.Exit(exit_code(done, interrupted=stopping.asked))


def say_what_is_next(
    context: typer.Context, output: Format, done: Sequence[MailboxScan], *, interrupted: bool
) -> None:
    if not done and not interrupted:
        say(output, "No mailbox is opted in now: all owners have paused or withdrawn, so none was opened.")
    if any(result.moved for result in done):
        run = next(result.run for result in done if result.moved)
        say(output, f"To take it back: {command(context, f'undo --run {run}')}")


def show(result: MailboxScan, output: Format, *, only_looks: bool) -> None:
    """One mailbox: its messages, what came of it, and what went wrong."""
    if output is Format.JSONL:
        from cleaner.steps.lines import contract

        for line in result.lines:
            print_json(contract(line))
    else:
        from cleaner.cli.listing import table_of

        if result.looked_at or result.moved or result.error is None:
            results().print(safe(result.address), style="bold")
        if result.lines:
            print_table(table_of(result.lines[:MAX_ROWS]))
        if (left := len(result.lines) - MAX_ROWS) > 0:
            results().print(f"… and {left:,} more; --format jsonl gives all.", soft_wrap=True)
    for sentence in summary(result, only_looks=only_looks):
        say(output, sentence)
    show_problems(result)


def show_problems(result: MailboxScan) -> None:
    if failed := [line for line in result.lines if line["outcome"] == "failed"]:
        remark(
            f"{result.address}: {count(len(failed), 'message')} could not be moved ({first(failed)})",
            "yellow",
        )
    for note in result.notes:
        remark(f"{result.address}: {note}", "yellow")
    if result.error is not None:
        remark(str(result.error), "red")


def summary(result: MailboxScan, *, only_looks: bool) -> list[str]:
    """What came of a mailbox, in sentences."""
    from cleaner.cli.listing import tally

    if result.error is not None and not result.looked_at:
        return [f"{count(result.moved, 'message')} moved before it failed."] if result.moved else []
    told = tally(result.lines, noun="notice" if result.looked_again else "new notice")
    sentences = [f"{count(result.looked_at, 'message')} looked at, {told}."]
    sentences += unreadable(result)
    sentences += [
        f"Run {run} was cut off; it had moved {count(moved, 'message')}, and what it had begun is completed."
        for run, moved in result.recovered
    ]
    sentences.append(planned(result) if only_looks else moved(result))
    if result.waits_for is not None:
        waits = f"{count(result.held, 'message')} held back by the safety limit, until somebody answers"
        sentences.append(f"{waits}: bounce-cleaner scan --confirm {result.waits_for}")
    if result.interrupted:
        sentences.append("Stopped before the end; the next scan goes on.")
    return sentences


def unreadable(result: MailboxScan) -> list[str]:
    """How many could not be read, and of one of them where it lies and why."""
    failed = [line for line in result.lines if line["error"] is not None and line["outcome"] == "none"]
    if not failed:
        return []
    stays = "stays where it is" if len(failed) == 1 else "stay where they are"
    return [f"{count(len(failed), 'message')} could not be read and {stays} ({first(failed)})."]


def first(failed: Sequence[Line]) -> str:
    """Where the first of them lies, and what is wrong with it."""
    line = failed[0]
    which = "" if len(failed) == 1 else "the first of them, "
    return f"{which}{safe(line['id'])} in {safe(line['folder'])}: {safe(line['error'])}"


def planned(result: MailboxScan) -> str:
    """What would be moved; for a mailbox that is only reported on as yet, when that ends."""
    begins = ""
    if result.preview_until is not None:
        begins = f" once cleaning begins, on {_when(result.preview_until)}"
    elif not result.is_opted_in:
        begins = " once its owner has agreed and cleaning begins"
    return f"{count(result.count(outcome='planned'), 'message')} would be moved{begins}; nothing was changed."


def moved(result: MailboxScan) -> str:
    done = f"{count(result.moved, 'message')} moved." if result.moved else "Nothing was moved."
    if result.preview_until is None:
        return done
    return f"{done} This mailbox is new: until {_when(result.preview_until)} it is only reported on."


def _when(time: datetime) -> str:
    return f"{time.astimezone():%Y-%m-%d %H:%M}"


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
    left = (SafetyStopError, MailboxBusyError)
    if errors and len(errors) == len(done) and not any(isinstance(error, left) for error in errors):
        return FAILED
    if errors or any(result.count(outcome="failed") for result in done):
        return PARTLY
    return 0
