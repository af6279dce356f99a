"""Consents and accesses as tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table

from cleaner.cli.text import safe

if TYPE_CHECKING:
    from cleaner.service.consent import ConsentRow
    from cleaner.store.records import Access, Consent


def consent_table(rows: Iterable[ConsentRow]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("Mailbox", overflow="fold")
    for heading in ("Consent", "Since", "Preview to", "By", "Basis", "Server"):
        table.add_column(heading)
    for row in rows:
        table.add_row(
            safe(row.address),
            row.state,
            f"{row.at.astimezone():%Y-%m-%d}" if row.at else "",
            f"{row.preview_until.astimezone():%Y-%m-%d}" if row.preview_until else "",
            safe(row.by),
            safe(row.basis),
            safe(row.server) + (" (stored)" if row.stored else ""),
        )
    return table


def steps_table(steps: Iterable[Consent]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("When", "Consent", "By", "Basis", "Note"):
        table.add_column(heading, overflow="fold")
    for step in steps:
        when = f"{step.at.astimezone():%Y-%m-%d %H:%M}"
        table.add_row(when, step.state.value, safe(step.by), safe(step.basis), safe(step.note))
    return table


def accesses_table(accesses: Iterable[Access]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("Opened", "By", "For", "Run"):
        table.add_column(heading, overflow="fold")
    for access in accesses:
        when = f"{access.at.astimezone():%Y-%m-%d %H:%M}"
        purpose = access.purpose
        if access.until is not None:
            purpose += f", {access.times} times until {access.until.astimezone():%H:%M}"
        table.add_row(when, safe(access.by), safe(purpose), access.run or "")
    return table
