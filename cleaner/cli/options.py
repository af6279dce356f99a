"""Options that several commands share, and how their values are read."""

from __future__ import annotations

import shlex
import shutil
import sys
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cleaner.cli.screen import remark
from cleaner.errors import UsageError

if TYPE_CHECKING:
    from cleaner.app import App
    from cleaner.values import Ground


class Format(StrEnum):
    """How results are printed."""

    TABLE = "table"
    JSONL = "jsonl"


FormatOption = Annotated[
    Format, typer.Option("--format", help="A table to read, or one JSON object a line for programs.")
]
AllOption = Annotated[
    bool, typer.Option("--all", help="Show every message that was looked at, not only notices.")
]
MailboxesOption = Annotated[
    list[str] | None,
    typer.Option("--mailbox", metavar="ADDRESS", help="Only this mailbox; may be given several times."),
]
MailboxOption = Annotated[str | None, typer.Option("--mailbox", metavar="ADDRESS", help="The mailbox.")]
GroundOption = Annotated[
    str | None,
    typer.Option(
        "--ground", metavar="GROUND", help="Only what was removed on this ground: closed, campaign …"
    ),
]
SinceOption = Annotated[
    str | None,
    typer.Option("--since", metavar="TIME", help="Since when: 7d, 2h, 2026-11-01 or 2026-11-01T10:15."),
]


def open_app(context: typer.Context) -> App:
    """The program with the configuration that was named before the command."""
    from cleaner.app import App

    app = App.open(context.obj)
    if app.context.store.is_new:
        remark(
            f"A new store was made: {app.context.store.where}. If there was one before, put it back from its "
            "backup first: consent, history and undo stand in it.",
            "yellow",
        )
    return app


def command(context: typer.Context, arguments: str) -> str:
    """A command to be copied, with the same configuration as this one."""
    config: Path | None = context.obj
    option = f"-c {shlex.quote(str(config))} " if config is not None else ""
    return f"{program()} {option}{arguments}"


def program() -> str:
    """How this program is called here: by its name where the shell finds it, else by its path."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return "python -m cleaner"
    if called.name != "bounce-cleaner" or shutil.which("bounce-cleaner"):
        return "bounce-cleaner"
    return shlex.quote(str(called))


def ground_of(text: str | None) -> Ground | None:
    """Raises UsageError for a word that is no ground."""
    from cleaner.values import Ground

    if text is None:
        return None
    try:
        return Ground(text.lower())
    except ValueError:
        words = ", ".join(ground.value for ground in Ground)
        raise UsageError(f"there is no ground {text!r}; it is one of {words}") from None


def time_of(text: str | None, now: datetime | None = None) -> datetime | None:
    """
    A point in time: so long ago (`7d`), a day, or a day and time, local where no zone is given.

    Raises UsageError, also for a time to come.
    """
    if text is None:
        return None
    from cleaner.config import forms

    now = now or datetime.now(UTC)
    try:
        ago: timedelta = forms.duration(text)
    except ValueError:
        pass
    else:
        return now - ago
    try:
        time = datetime.fromisoformat(text.strip()).astimezone()
    except (ValueError, OverflowError):
        raise UsageError(
            f"{text!r} is no time; write for example 7d, 2h, 2026-11-01 or 2026-11-01T10:15"
        ) from None
    if time > now:
        raise UsageError(f"{text!r} is a time to come; write one in the past, for example 7d or 2026-11-01")
    return time


def duration_of(text: str | None) -> timedelta | None:
    """A length of time, like `7d`. Raises UsageError."""
    if text is None:
        return None
    from cleaner.config import forms

    try:
        return forms.duration(text)
    except ValueError as error:
        raise UsageError(str(error)) from None
