"""`check`: is everything in place, and what to do about what is not."""

from __future__ import annotations

from typing import Final

import typer
from rich.text import Text

from cleaner.cli.codes import FAILED
from cleaner.cli.screen import results
from cleaner.cli.text import safe

_MARKS: Final = {"ok": ("ok  ", "green"), "note": ("note", "yellow"), "fail": ("FAIL", "bold red")}


def check(context: typer.Context) -> None:
    """
    Check configuration, secrets, mailboxes, folders and rights.

    One line each, and what to do about what fails. Mailboxes are opened
    read-only, and each opening is recorded.
    """
    from cleaner.app import examining
    from cleaner.service.check import Level, check

    failed = False
    with examining(context.obj) as (surroundings, trouble):
        for finding in check(surroundings, trouble):
            failed = failed or finding.level is Level.FAIL
            text = Text.assemble(
                _MARKS[finding.level.value], f" {safe(finding.subject)}: {safe(finding.text, 1_000)}"
            )
            if finding.remedy:
                text.append(f"; {safe(finding.remedy, 1_000)}")
            results().print(text, soft_wrap=True)
    raise typer.Exit(FAILED if failed else 0)
