"""
The log of `serve`: a line for each event, for people or for programs, with the mailbox and the run it is about.

What an unexpected error says may quote mail, so that of one only its kind and the places it came through are
written.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Any, Final

from cleaner.cli.text import safe_lines
from cleaner.service.serve.marks import Marked

MARKS: Final = ("mailbox", "run", "looked_at", "moved", "seconds")
LONGEST: Final = 2_000
"""Characters of one sentence."""


def set_up(form: str) -> None:
    """Has the program's log written to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Json() if form == "json" else Human())
    handler.addFilter(Marked())
    log = logging.getLogger("cleaner")
    for other in tuple(log.handlers):
        log.removeHandler(other)
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False


def event(record: logging.LogRecord) -> dict[str, Any]:
    """What is told of it, in the order in which it is written."""
    found: dict[str, Any] = {
        "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(),
        "event": record.getMessage()[:LONGEST],
    }
    for name in MARKS:
        if (value := getattr(record, name, None)) is not None:
            found[name] = value
    if record.exc_info and record.exc_info[0] is not None:
        kind, _, trace = record.exc_info
        found["error"] = kind.__name__
        found["at"] = [f"{f.filename}:{f.lineno} {f.name}" for f in traceback.extract_tb(trace)]
    return found


class Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(event(record), ensure_ascii=True)


class Human(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        found = event(record)
        head = f"{found.pop('time')} {found.pop('level'):7} {found.pop('event')}"
        places = found.pop("at", ())
        marks = "".join(f" {name}={value}" for name, value in found.items())
        # What a server said may hold line breaks, and would look like a line of ours.
        line = " ".join(safe_lines(f"{head}{marks}").splitlines())
        return "\n".join((line, *(f"    {place}" for place in places)))
