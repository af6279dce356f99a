"""The review of proposals: as a list, or group by group on a terminal."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from cleaner.cli.labelling import about, table_of
from cleaner.cli.listing import STYLES
from cleaner.cli.options import command
from cleaner.cli.screen import remark, results
from cleaner.cli.text import count, safe
from cleaner.errors import UsageError

if TYPE_CHECKING:
    from cleaner.service.context import Context
    from cleaner.service.label.review import Group

SHOWN: Final = 5
"""Proposals of a group that are shown; the others are like them."""

_CHOICES: Final = {
    "c": "confirm",
    "r": "refuse",
    "e": "each for itself",
    "s": "skip",
    "q": "quit",
}


_OF_ONE: Final = {letter: word for letter, word in _CHOICES.items() if letter != "e"}


def is_asked_here() -> bool:
    """Whether a person sits at both ends."""
    return sys.stdin.isatty() and results().is_terminal


# --- as a list ------------------------------------------------------------------------------------


def show(context: typer.Context, groups: Sequence[Group]) -> None:
    if not groups:
        results().print("No proposal waits.")
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("Group", justify="right", no_wrap=True)
    table.add_column("Like", justify="right", no_wrap=True)
    table.add_column("Proposed", no_wrap=True)
    table.add_column("About, and what the program says", overflow="fold")
    for group in groups:
        table.add_row(
            str(group.id),
            str(len(group.rows)),
            Text(group.truth.value, STYLES.get(group.truth.value, "")),
            Text.assemble(about(group.rows[0]), "\n", (said(group), "dim")),
        )
    results().print(table)
    total = sum(len(group.rows) for group in groups)
    results().print(
        f"{count(total, 'proposal')} in {count(len(groups), 'group')}. "
        f"To decide: {command(context, 'label review --group GROUP --confirm')} (or --refuse)",
        soft_wrap=True,
    )


def said(group: Group) -> str:
    """What the program thought of them itself, and what contradicts them."""
    opinions = Counter(row.label.opinion.value for row in group.rows)
    told = ", ".join(
        word if len(opinions) == 1 else f"{number:,} {word}" for word, number in opinions.items()
    )
    because = safe(group.rows[0].about.get("because") or "", 200)
    against = f" Labels {' '.join(map(str, group.against))} say otherwise." if group.against else ""
    return f"{told}. {because}{against}".strip()


# --- group by group -------------------------------------------------------------------------------


def ask(context: Context, groups: Sequence[Group], by: str | None, why: str) -> None:
    """Asks about each group; what was answered counts at once, so that quitting loses nothing."""
    from cleaner.service.label import review

    done: Counter[str] = Counter()
    waiting = list(groups)
    total = len(waiting)
    while waiting:
        group = waiting.pop(0)
        present(group, total - len(waiting), total)
        choice = answer(_CHOICES if len(group.rows) > 1 else _OF_ONE)
        if choice == "q":
            break
        if choice == "e":
            waiting[:0] = [replace(group, rows=(row,)) for row in group.rows]
            total += len(group.rows) - 1
        elif choice != "s":
            ids = [row.label.id for row in group.rows]
            try:
                settled = (review.confirm if choice == "c" else review.refuse)(context, ids, (), by, why)
            except UsageError as error:
                # Somebody else decided meanwhile; what he said stands.
                remark(str(error), "yellow")
            else:
                done[_CHOICES[choice]] += len(settled)
    results().print(f"{done['confirm']:,} confirmed, {done['refuse']:,} refused.")


def present(group: Group, number: int, total: int) -> None:
    results().print(f"\n{number} of {total}: {count(len(group.rows), 'notice')}", style="bold")
    results().print(table_of(group.rows[:SHOWN]))
    if len(group.rows) > SHOWN:
        results().print(f"… and {len(group.rows) - SHOWN:,} like them")
    results().print(f"The program says: {said(group)}", soft_wrap=True)


def answer(choices: Mapping[str, str]) -> str:
    """One of the letters; the end of the input means `q`, quit."""
    offered = ", ".join(f"{letter} {word}" for letter, word in choices.items())
    while True:
        results().print(f"{offered}? ", end="", soft_wrap=True)
        line = sys.stdin.readline()
        if not line:
            return "q"
        letter = line.strip().lower()[:1]
        if letter in choices:
            return letter
        remark(f"Type one of {', '.join(choices)}.")
