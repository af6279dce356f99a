"""What the service itself has to alarm people of: mailboxes that keep failing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from cleaner.store.records import Turn
from cleaner.values import Alert

FAILING: Final = "mailboxes-failing"
OFTEN: Final = 5
"""Failures in a row, by then some two hours of them, that are no passing trouble any more."""


def failing(turns: Iterable[Turn]) -> Iterator[Alert]:
    """One for each server, however many of its mailboxes fail: where one is down, all do."""
    by_server: dict[str, list[Turn]] = {}
    for turn in turns:
        if turn.failures >= OFTEN and turn.state == "failed":
            by_server.setdefault(turn.server, []).append(turn)
    for server, found in sorted(by_server.items()):
        first = max(found, key=lambda turn: turn.failures)
        others = f" and {len(found) - 1} more mailboxes" if len(found) > 1 else ""
        text = f"{first.address}{others} failed {first.failures} times in a row: {first.error}"
        yield Alert(FAILING, server, text)
