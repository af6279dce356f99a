"""The table of judged messages: one row for each JSON object of the contract."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import PurePath
from typing import Any, Final

from rich import box
from rich.table import Table
from rich.text import Text

from cleaner.cli.text import count, safe

Line = Mapping[str, Any]

STYLES: Final = {"genuine": "green", "backscatter": "yellow", "unsure": "magenta", "not-a-bounce": "dim"}

_HAPPENED: Final = {
    ("move", "done"): "moved",
    ("move", "planned"): "would be moved",
    ("delete", "done"): "moved to trash",
    ("delete", "planned"): "would be moved to trash",
    ("review", "done"): "moved to review",
    ("review", "planned"): "would be moved to review",
    ("move", "none"): "is to be moved",
    ("delete", "none"): "is to be deleted",
    ("review", "none"): "is to be reviewed",
    ("report", "none"): "reported only",
    ("wait", "none"): "waits",
    ("none", "none"): "stays",
}


def happened(line: Line) -> str:
    """What was done with a message, or would be, in words."""
    if line["outcome"] == "gone":
        return "gone meanwhile"
    if line["outcome"] == "failed":
        return "failed, stays"
    if line.get("held_back"):
        return "held back"
    plan = line["plan"]
    return _HAPPENED.get((plan, line["outcome"])) or _HAPPENED.get((plan, "none")) or str(plan)


def why(line: Line) -> str:
    """The sentence that decided; and what holds a spurious notice back, where something does."""
    if line["error"]:
        return safe(line["error"])
    sentences = [line.get("because") or ""]
    if line["verdict"] == "backscatter" and line["plan"] in ("none", "wait", "report"):
        sentences.append(line.get("plan_reason") or "")
    return safe(" ".join(sentence for sentence in sentences if sentence), 600)


def kind_of(line: Line) -> str:
    """The kind of a message, and the system that wrote it."""
    family = safe(line["family"] or "", 20)
    return line["kind"] if family in ("", line["kind"]) else f"{line['kind']} {family}"


def about(line: Line) -> str:
    """The recipients that the notice speaks of, else its subject."""
    addresses = [safe(recipient["address"], 80) for recipient in line["recipients"] if recipient["address"]]
    if len(addresses) > 2:
        return f"{addresses[0]} and {len(addresses) - 1} more"
    return ", ".join(addresses) or safe(line.get("subject") or "", 80)


def table_of(lines: Sequence[Line], *, files: bool = False) -> Table:
    """
    The messages as a table of four columns, two lines a row, that fits 80 characters.

    `files`: the first column tells the file, not when the message arrived.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=False)
    table.add_column("File" if files else "Received", no_wrap=not files, max_width=24, overflow="fold")
    table.add_column("About", max_width=32, overflow="fold")
    table.add_column("Verdict", no_wrap=True)
    table.add_column("Why")
    for line in lines:
        first = safe(PurePath(line["id"]).name, 60) if files else _day(line["received"])
        verdict = Text(line["verdict"], STYLES.get(line["verdict"], ""))
        table.add_row(
            Text(first),
            Text.assemble(about(line), "\n", (kind_of(line), "dim")),
            Text.assemble(verdict, "\n", (happened(line), "dim")),
            Text(why(line)),
        )
    return table


def tally(lines: Sequence[Line], noun: str = "notice") -> str:
    """`12 notices: 3 genuine, 7 backscatter, 2 unsure`; other messages are not counted."""
    notices = Counter(line["verdict"] for line in lines if line["kind"] != "not-a-bounce")
    told = [
        f"{notices.pop(word):,} {word}" for word in ("genuine", "backscatter", "unsure") if word in notices
    ]
    if left := sum(notices.values()):
        told.append(f"{left:,} not ours to judge")
    total = sum(line["kind"] != "not-a-bounce" for line in lines)
    return f"{count(total, noun)}: {', '.join(told)}" if told else f"no {noun}s"


def _day(received: str | None) -> str:
    if not received:
        return "unknown"
    return f"{datetime.fromisoformat(received).astimezone():%Y-%m-%d\n%H:%M}"
