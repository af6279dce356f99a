"""
Waiting where new mail is told of (IMAP IDLE), one thread for each mailbox that is waited at.

Polling is the truth: what is told here only makes a mailbox due at once.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

from cleaner.errors import CleanerError
from cleaner.service.context import Context
from cleaner.service.serve.marks import at_work_on
from cleaner.service.serve.timing import is_quiet

log = logging.getLogger(__name__)

PAUSES: Final = (5.0, 15.0, 60.0, 300.0)
"""Seconds before a connection that ended is opened again; the last one from then on."""
QUIET_PAUSE: Final = 15.0


class Wakers:
    """Waits at the mailboxes that it is told to."""

    def __init__(self, wake: Callable[[str], None]) -> None:
        self._wake = wake
        self._ends: dict[str, threading.Event] = {}
        self._threads: list[threading.Thread] = []

    def keep(self, context: Context, addresses: frozenset[str]) -> None:
        """From now on at these and no others."""
        for address in self._ends.keys() - addresses:
            self._ends.pop(address).set()
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        for address in sorted(addresses - self._ends.keys()):
            end = self._ends[address] = threading.Event()
            thread = threading.Thread(
                target=self._wait, args=(context, address, end), name="waiting", daemon=True
            )
            self._threads.append(thread)
            thread.start()

    def close(self, patience: float) -> None:
        """Those whose server does not answer any more are left to themselves after so many seconds."""
        for end in self._ends.values():
            end.set()
        self._ends = {}
        until = time.monotonic() + patience
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _wait(self, context: Context, address: str, end: threading.Event) -> None:
        mailbox = context.settings.mailbox(address)
        settings = context.settings.service
        failures = 0

        def must_stop() -> bool:
            return end.is_set() or is_quiet(context.clock(), settings)

        with at_work_on(address):
            while not end.is_set():
                if is_quiet(context.clock(), settings):
                    end.wait(QUIET_PAUSE)
                    continue
                try:
                    context.require_consent(mailbox)
                    context.note_access(mailbox, "waiting for new mail")
                    if not context.mailboxes.wait_for_mail(mailbox, must_stop, lambda: self._tell(address)):
                        log.info("its server does not tell of new mail; it is only polled")
                        return
                    failures = 0
                except CleanerError as error:
                    pause = PAUSES[min(failures, len(PAUSES) - 1)]
                    failures += 1
                    log.info("waiting for new mail ended, again in %g seconds: %s", pause, error)
                    end.wait(pause)
                    if not end.is_set():
                        # Something may have come meanwhile.
                        self._tell(address)
                except Exception:
                    log.exception("waiting for new mail failed; it is only polled")
                    return

    def _tell(self, address: str) -> None:
        try:
            self._wake(address)
        except CleanerError as error:
            log.warning("new mail came, and could not be noted down: %s", error)
