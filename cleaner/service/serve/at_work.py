"""The mailboxes that a process is at work on, counted by server, and who is told of them."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

from cleaner.service.context import Context
from cleaner.service.serve.carrying import Carried
from cleaner.service.serve.work import Worked

MOMENT: Final = 0.2
"""Seconds within which somebody who asks a second time is heard."""


class Observer(Protocol):
    """Told what happens; it must not raise."""

    def began(self, server: str) -> None: ...

    def ended(self, server: str, organisation: str, worked: Worked, seconds: float) -> None: ...


class AtWork:
    """For use by many threads."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = tuple(observers)
        self._idle = threading.Condition()
        self._counts: Counter[str] = Counter()

    def begin(self, server: str) -> None:
        with self._idle:
            self._counts[server] += 1
        for observer in self._observers:
            observer.began(server)

    def tell(self, context: Context, carried: Carried) -> None:
        """What came of a turn, before its `end`."""
        turn = carried.worked.turn
        found = context.settings.organisation_of(turn.address)
        organisation = found.name if found is not None else ""
        for observer in self._observers:
            observer.ended(turn.server, organisation, carried.worked, carried.seconds)

    def end(self, server: str) -> None:
        with self._idle:
            self._counts[server] -= 1
            self._idle.notify_all()

    def counts(self) -> Mapping[str, int]:
        with self._idle:
            return dict(self._counts)

    @property
    def total(self) -> int:
        return sum(self.counts().values())

    def wait_until_idle(self, seconds: float, given_up: Callable[[], bool] = lambda: False) -> bool:
        """False where something is still at work when that time is over, or who waits has given up."""
        until = time.monotonic() + seconds
        with self._idle:
            while sum(self._counts.values()):
                left = until - time.monotonic()
                if left <= 0 or given_up():
                    return False
                self._idle.wait(min(left, MOMENT))
        return True
