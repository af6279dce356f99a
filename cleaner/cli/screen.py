"""
Where output goes: results to standard output, everything else to standard error.

Both are made on demand, so that they follow the streams and the terminal of the moment. Markup is off
everywhere: what is printed may quote mail.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cleaner.cli.text import safe_lines

UNFOLDED: Final = 2_000
"""Columns of a table that goes to a file or program."""


def results(width: int | None = None) -> Console:
    """Standard output."""
    return Console(markup=False, emoji=False, highlight=False, soft_wrap=False, width=width)


def print_table(table: Table, *, least: int = 0) -> None:
    """
    Prints a table as wide as the terminal, and not narrower than `least`.

    Where output is no terminal and no width is asked for ($COLUMNS), rows are not folded, and no spaces
    are left at their ends.
    """
    console = results()
    folds = console.is_terminal or "COLUMNS" in os.environ
    console = results(max(console.width if folds else UNFOLDED, least))
    if console.is_terminal:
        console.print(table, crop=False)
        return
    with console.capture() as captured:
        console.print(table, crop=False)
    sys.stdout.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))


def remarks() -> Console:
    """Standard error: progress, remarks, errors."""
    return Console(markup=False, emoji=False, highlight=False, stderr=True)


def print_json(value: Mapping[str, Any]) -> None:
    """One JSON object on one line, in ASCII: nothing in it can steer a terminal or fail to be encoded."""
    sys.stdout.write(json.dumps(value, ensure_ascii=True) + "\n")


def remark(text: str, style: str = "") -> None:
    """A remark for the person at the terminal."""
    remarks().print(Text(safe_lines(text), style), soft_wrap=True)
