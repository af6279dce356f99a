"""
Ctrl-C: the first one lets the message at hand be finished, the second one stops at once.

A change is journalled before and after, so that even the second one, or a kill, loses nothing: the next run
completes what was begun.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from cleaner.cli.screen import remark


class Interruption:
    """Whether the person, or the system, asked for an end."""

    def __init__(self) -> None:
        self.asked = False

    def __call__(self) -> bool:
        return self.asked

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        if number == signal.SIGINT:
            remark("Finishing the message at hand; Ctrl-C again stops at once.")


@contextmanager
def interruption() -> Iterator[Interruption]:
    """While this lasts, Ctrl-C and a polite kill (SIGTERM) only ask for an end."""
    asked = Interruption()
    before = {number: signal.signal(number, asked._on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
