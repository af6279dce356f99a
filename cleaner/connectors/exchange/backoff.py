"""
When a server wants to be left alone.

Exchange counts what an account does, whichever mailboxes it opens, and says how long it will refuse everything more
([EWS throttling], `BackOffMilliseconds`); Graph counts for an application and a mailbox ([Graph throttling],
`Retry-After`). Whoever asks on makes it longer, so the pause is kept for all that are counted together. Short ones
are waited for; with a longer one the run ends, to be tried again later.

[EWS throttling]: https://learn.microsoft.com/exchange/client-developer/exchange-web-services/ews-throttling-in-exchange
[Graph throttling]: https://learn.microsoft.com/graph/throttling
"""

from __future__ import annotations

import random
import threading
import time
from typing import Final

LONGEST_NAP: Final = 5.0
"""Seconds that are waited at most at a time."""

PATIENCE: Final = 30.0
"""Seconds that one mailbox's work waits altogether."""

LEAST_COUNTED: Final = 0.05
"""Seconds that a wait counts at least: who is told to wait for none at all asks again only so often."""

UNTOLD: Final = 0.5
"""Seconds to begin with, where the server does not say how long."""


class Backoff:
    """A pause for all that are counted together. For use by many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until = 0.0

    def hold(self, seconds: float) -> None:
        with self._lock:
            self._until = max(self._until, time.monotonic() + seconds)

    def left(self) -> float:
        """Seconds until the server may be asked again."""
        with self._lock:
            return max(0.0, self._until - time.monotonic())


class Patience:
    """How long one mailbox's work has waited already."""

    def __init__(self, patience: float = PATIENCE) -> None:
        self._left = patience
        self._untold = UNTOLD

    def guess(self) -> float:
        """How long to wait where nobody said: twice as long each time."""
        seconds, self._untold = self._untold, self._untold * 2
        return seconds * random.uniform(0.75, 1.25)  # noqa: S311 - nothing secret about it

    def nap(self, seconds: float) -> bool:
        """Waits, if it is short enough; says whether it did."""
        if seconds > LONGEST_NAP or seconds > self._left:
            return False
        self._left -= max(seconds, LEAST_COUNTED)
        time.sleep(seconds)
        return True
