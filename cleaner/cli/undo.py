"""`undo`: take changes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from cleaner.cli.codes import FAILED, INTERRUPTED, PARTLY
from cleaner.cli.options import GroundOption, MailboxOption, SinceOption, ground_of, open_app, time_of
from cleaner.cli.screen import remark, results
from cleaner.cli.text import count, safe
from cleaner.errors import MailboxBusyError, UsageError

if TYPE_CHECKING:
    from cleaner.service.undo import MailboxUndo

_TOLD: Final = {
    "undone": "put back, with flags and dates",
    "returned": "already put back by its owner",
    "gone": "no longer in the quarantine: deleted or put elsewhere by its owner",
    "purged": "gone for good, its retention ran out",
    "failed": "had not been moved",
}


def undo(
    context: typer.Context,
    entry: Annotated[
        list[int] | None,
        typer.Option(
            metavar="ID", help="One change, by its number in the history; may be given several times."
        ),
    ] = None,
    run: Annotated[str | None, typer.Option(metavar="RUN", help="All changes of a run.")] = None,
    mailbox: MailboxOption = None,
    since: SinceOption = None,
    ground: GroundOption = None,
    organisation: Annotated[
        str | None, typer.Option(metavar="NAME", help="With --ground: only mailboxes of this organisation.")
    ] = None,
) -> None:
    """
    Put messages back where they were, with their flags and dates.

    Say which: --entry ID, --run RUN, --mailbox ADDRESS --since TIME, or
    --ground GROUND for all that was removed on it. A message that was put
    back is never moved again.
    """
    from cleaner.cli.progress import Bar
    from cleaner.cli.stopping import interruption
    from cleaner.service.undo import UndoRequest, undo

    if ground is None:
        ways = [bool(entry), run is not None, mailbox is not None]
        is_clear = ways.count(True) == 1 and (mailbox is None) == (since is None) and organisation is None
    else:
        is_clear = not entry and run is None
    if not is_clear:
        raise UsageError(
            "say what to take back: --entry ID, --run RUN, --mailbox ADDRESS with --since TIME, or --ground GROUND "
            "(with --organisation, --mailbox, --since); 'bounce-cleaner history' lists the changes and runs"
        )
    request = UndoRequest(tuple(entry or ()), run, mailbox, time_of(since), ground_of(ground), organisation)
    done: list[MailboxUndo] = []
    with open_app(context) as app, interruption() as stopping, Bar() as bar:
        for result in undo(app.context, request, bar, stopping):
            bar.clear()
            show(result)
            done.append(result)
    if stopping.asked:
        raise typer.Exit(INTERRUPTED)
    errors = [result.error for result in done if result.error is not None]
    if errors and len(errors) == len(done) and not any(isinstance(e, MailboxBusyError) for e in errors):
        raise typer.Exit(FAILED)
    raise typer.Exit(PARTLY if errors or any(result.failed for result in done) else 0)


def show(result: MailboxUndo) -> None:
    from cleaner.service.undo import BEFORE
    from cleaner.values import EntryState

    told = [
        f"{count(number, 'message')} {words}"
        for state, words in _TOLD.items()
        if (number := result.count(EntryState(state)))
    ]
    if told:
        results().print(f"{safe(result.address)}: {'; '.join(told)}.", soft_wrap=True)
    for entry in result.before:
        remark(f"entry {entry.id}: nothing to take back: {BEFORE[entry.state]}")
    if result.failed:
        remark(
            f"{result.address}: {count(result.failed, 'message')} could not be put back now; "
            "repeat this command later",
            "yellow",
        )
        for entry in result.entries:
            if entry.error and entry.state in (EntryState.DONE, EntryState.UNDOING):
                remark(f"  entry {entry.id}: {entry.error}", "yellow")
    if result.error is not None:
        remark(str(result.error), "red")
