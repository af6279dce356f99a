"""How labels are shown: what became of those just given, tables, contradictions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from cleaner.cli.codes import FAILED, PARTLY
from cleaner.cli.listing import STYLES
from cleaner.cli.options import Format, command
from cleaner.cli.screen import print_json, remark, results
from cleaner.cli.text import count, safe

if TYPE_CHECKING:
    from cleaner.service.label.adding import Answer
    from cleaner.service.label.listing import Disagreement, Row
    from cleaner.store.labelling import SampleNote

SHOWN: Final = 20
"""Remarks of one kind that are printed; of more, how many."""

_BECAME: Final = {
    "added": ("label added", "labels added"),
    "confirmed": ("proposal of its owner confirmed", "proposals of their owners confirmed"),
    "renewed": ("withdrawn label counts again", "withdrawn labels count again"),
    "known": ("said before, kept once", "said before, kept once"),
    "not kept": (
        "not kept: the owner of the mailbox has opted out",
        "not kept: the owners of their mailboxes have opted out",
    ),
}


# --- what became of those just given --------------------------------------------------------------


def show_answers(context: typer.Context, answers: Sequence[Answer], disputed: Sequence[int]) -> None:
    became = Counter(answer.kept.became.value for answer in answers if answer.kept is not None)
    told = [
        f"{became[word]:,} {one if became[word] == 1 else many}"
        for word, (one, many) in _BECAME.items()
        if became[word]
    ]
    if not answers:
        told = ["no message found"]
    if told:
        results().print(f"{'; '.join(told)}.", soft_wrap=True)
    if len(answers) == 1 and answers[0].kept is not None and answers[0].kept.label is not None:
        _show_one(answers[0], answers[0].kept.label)
    _remark_all([f"{answer.source}: {answer.error}" for answer in answers if answer.error], "red")
    _remark_all(list(_contradicted(context, answers)), "yellow")
    unread = sum(answer.kept is not None and not answer.kind.is_judged for answer in answers)
    if unread:
        what = "it is" if unread == 1 else f"{unread:,} are"
        remark(f"{what} read as no notice, and no model learns from such mail; kept all the same.")
    if disputed:
        remark(
            f"{count(len(disputed), 'label')} left out of training, because like notices are labelled "
            f"otherwise: {command(context, 'label list --contradictions')}",
            "yellow",
        )


def _show_one(answer: Answer, number: int) -> None:
    whose = f", of {safe(answer.mailbox)}" if answer.mailbox else ""
    results().print(f"Label {number}: {answer.kind.value}{whose}.", soft_wrap=True)


def _contradicted(context: typer.Context, answers: Sequence[Answer]) -> Iterable[str]:
    for answer in answers:
        if answer.kept is not None and answer.kept.against:
            numbers = " ".join(map(str, answer.kept.against))
            yield (
                f"{answer.source}: label {numbers} says otherwise of the same message. Neither is learned "
                f"from before one is withdrawn: {command(context, f'label withdraw {numbers}')}"
            )


def _remark_all(lines: Sequence[str], style: str) -> None:
    for line in lines[:SHOWN]:
        remark(line, style)
    if len(lines) > SHOWN:
        remark(f"… and {len(lines) - SHOWN:,} more", style)


def code_of(answers: Sequence[Answer]) -> int:
    """Failed if nothing could be taken down, partly done if something could not."""
    failed = sum(answer.kept is None or answer.kept.label is None for answer in answers)
    if not failed:
        return 0
    return FAILED if failed == len(answers) else PARTLY


# --- tables ---------------------------------------------------------------------------------------


def table_of(rows: Iterable[Row]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("Label", justify="right", no_wrap=True)
    table.add_column("Said", overflow="fold", max_width=16)
    table.add_column("Truth", no_wrap=True)
    table.add_column("About, and why", overflow="fold")
    for row in rows:
        label = row.label
        table.add_row(
            str(label.id),
            Text.assemble(f"{label.at.astimezone():%Y-%m-%d}\n", (safe(label.by, 60), "dim")),
            Text.assemble(
                (label.truth.value, STYLES.get(label.truth.value, "")), "\n", (label.state.value, "dim")
            ),
            Text.assemble(about(row), "\n", (_why(row), "dim")),
        )
    return table


def about(row: Row) -> str:
    """The subject of the mail that it is about, else its own, and whose mailbox it came to."""
    kind = row.label.kind.value
    subject = safe(row.about.get("returned_subject") or row.about.get("subject") or "", 80)
    mailbox = f" to {safe(row.label.mailbox, 80)}" if row.label.mailbox else ""
    return f"{kind}{mailbox}" + (f": {subject}" if subject else "")


def _why(row: Row) -> str:
    label = row.label
    said = [safe(label.why, 200)] if label.why else []
    if label.settled_by:
        settled = f"{label.state.value} by {safe(label.settled_by, 60)}"
        said.append(settled + (f": {safe(label.settled_why, 200)}" if label.settled_why else ""))
    return "; ".join(said) or label.origin.value


def tally(rows: Sequence[Row]) -> str:
    truths = Counter(row.label.truth.value for row in rows if row.label.state.value == "confirmed")
    told = [f"{truths[word]:,} {word}" for word in STYLES if truths[word]]
    waiting = sum(row.label.state.value == "proposed" for row in rows)
    if waiting:
        told.append(f"{count(waiting, 'proposal')} to review")
    return count(len(rows), "label") + (f": {', '.join(told)}" if told else "")


def samples_table(notes: Iterable[SampleNote], keep: timedelta) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("Label", justify="right", no_wrap=True)
    table.add_column("Mailbox", overflow="fold")
    table.add_column("Kept since", no_wrap=True)
    table.add_column("Until", no_wrap=True)
    table.add_column("Bytes", justify="right")
    for note in notes:
        table.add_row(
            str(note.label),
            safe(note.mailbox or "", 80),
            f"{note.kept_at.astimezone():%Y-%m-%d}",
            f"{(note.kept_at + keep).astimezone():%Y-%m-%d}",
            f"{note.size:,}",
        )
    return table


def show_contradictions(context: typer.Context, found: Sequence[Disagreement], output: Format) -> None:
    if output is Format.JSONL:
        for one in found:
            print_json(one.as_json())
        return
    if not found:
        results().print("No label contradicts another.")
        return
    for one in found:
        barred = "not learned from" if one.grade.bars_training else "learned from all the same"
        results().print(f"{one.grade.value.capitalize()}: {barred}.", soft_wrap=True)
        results().print(table_of(one.rows))
    results().print(
        f"{count(len(found), 'contradiction')}. To take a wrong label back: "
        f"{command(context, 'label withdraw LABEL')}",
        soft_wrap=True,
    )
