"""The review of notices that nobody could decide: as a list, or one of each group on a terminal."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import typer
from rich import box
from rich.table import Table

from cleaner.cli import explanation
from cleaner.cli.options import command
from cleaner.cli.reviewing import answer
from cleaner.cli.screen import remark, results
from cleaner.cli.text import count, safe
from cleaner.errors import CleanerError, StopError

if TYPE_CHECKING:
    from cleaner.service.context import Context
    from cleaner.service.label.undecided import Undecided

_CHOICES: Final = {
    "g": "genuine",
    "b": "backscatter",
    "n": "not-a-bounce",
    "s": "skip",
    "q": "quit",
}


def show(context: typer.Context, found: Sequence[Undecided]) -> None:
    if not found:
        results().print("No notice is undecided.")
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("Like", justify="right", no_wrap=True)
    table.add_column("Kind", no_wrap=True)
    table.add_column("Received", no_wrap=True)
    table.add_column("The latest of them lies in", overflow="fold")
    for one in found:
        table.add_row(
            str(one.like),
            one.kind.value,
            f"{one.received.astimezone():%Y-%m-%d}" if one.received else "",
            f"{safe(one.mailbox, 80)} {safe(one.folder, 60)}\n{safe(one.id, 100)}",
        )
    results().print(table)
    total = sum(one.like for one in found)
    results().print(f"{count(total, 'notice')} in {count(len(found), 'group')}.", soft_wrap=True)
    first = found[0]
    place = f"--mailbox {shlex.quote(safe(first.mailbox))} --folder {shlex.quote(safe(first.folder))}"
    whole = command(context, f"label add {place} --id {shlex.quote(safe(first.id))} --as genuine")
    results().print(f"To label one: {whole} (or backscatter)", soft_wrap=True)


def ask(context: Context, found: Sequence[Undecided], by: str | None, why: str) -> None:
    """Shows the latest of each group and asks; what was answered counts at once."""
    done: Counter[str] = Counter()
    for number, one in enumerate(found, start=1):
        results().print(f"\n{number} of {len(found)}: {count(one.like, 'like notice')}", style="bold")
        try:
            choice = asked_about(context, one, by, why)
        except StopError:
            raise
        except CleanerError as error:
            remark(str(error), "yellow")
            continue
        if choice == "q":
            break
        done[choice] += choice != "s"
    results().print(f"{count(done.total(), 'label')} added.")


def asked_about(context: Context, one: Undecided, by: str | None, why: str) -> str:
    from cleaner.service.explain import explain_message
    from cleaner.service.label.adding import Said, add_message
    from cleaner.values import Opinion

    explanation.show(explain_message(context, one.mailbox, one.folder, one.id))
    choice = answer(_CHOICES)
    if choice not in "sq":
        said = Said(Opinion(_CHOICES[choice]), by, why)
        add_message(context, one.mailbox, one.folder, one.id, said)
    return choice
