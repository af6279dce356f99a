"""
Where output goes: results to standard output, everything else to standard error.

Both are made on demand, so that they follow the streams and the terminal of the moment. Markup is off
everywhere: what is printed may quote mail.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from cleaner.cli.text import safe_lines


def results() -> Console:
    """Standard output."""
    return Console(markup=False, emoji=False, highlight=False, soft_wrap=False)


def remarks() -> Console:
    """Standard error: progress, remarks, errors."""
    return Console(markup=False, emoji=False, highlight=False, stderr=True)


def print_json(value: Mapping[str, Any]) -> None:
    """One JSON object on one line, in ASCII: nothing in it can steer a terminal or fail to be encoded."""
    sys.stdout.write(json.dumps(value, ensure_ascii=True) + "\n")


def remark(text: str, style: str = "") -> None:
    """A remark for the person at the terminal."""
    remarks().print(Text(safe_lines(text), style), soft_wrap=True)
