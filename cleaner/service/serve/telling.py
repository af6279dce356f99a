"""
Telling people of alarms, in a thread of its own: a web server that does not answer keeps no mailbox waiting.

It looks for what is due in the store, so that it also tells what another process posted.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

from cleaner.errors import CleanerError
from cleaner.service.alerts import deliver
from cleaner.service.context import Context
from cleaner.values import Alert

log = logging.getLogger(__name__)

LOOK: Final = 2.0
"""Seconds between looks at whether something is due."""
PAUSES: Final = (60.0, 300.0, 900.0)
"""Seconds until who could not be told is tried again, where nothing new is to be told; the last one from then on."""


class Telling:
    """From `start` to `close`."""

    def __init__(
        self, context: Callable[[], Context], *, look: float = LOOK, pauses: tuple[float, ...] = PAUSES
    ) -> None:
        self._context = context
        self._look = look
        self._pauses = pauses
        self._untold: frozenset[Alert] = frozenset()
        self._failures = 0
        self._again = 0.0
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, name="telling", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self, patience: float) -> None:
        """What is not told by then stays due for the next start."""
        self._ends.set()
        if self._thread.ident is not None:
            self._thread.join(patience)

    def _run(self) -> None:
        while not self._ends.wait(self._look):
            try:
                self._tell(self._context())
            except CleanerError as error:
                log.warning("alarms could not be told: %s", error)
                self._fail()
            except Exception:
                log.exception("alarms could not be told")
                self._fail()

    def _tell(self, context: Context) -> None:
        waits = time.monotonic() < self._again
        if waits and not context.store.alerts.due().keys() - self._untold:
            return
        self._untold = deliver(context)
        if self._untold:
            self._fail()
        else:
            self._failures, self._again = 0, 0.0

    def _fail(self) -> None:
        self._again = time.monotonic() + self._pauses[min(self._failures, len(self._pauses) - 1)]
        self._failures += 1
