"""What `serve` and `worker` handle, whether it is alone or one of many."""

from __future__ import annotations

from typing import Protocol

from cleaner.errors import CleanerError
from cleaner.service.context import Context
from cleaner.service.serve.service import Health
from cleaner.store.schedule import Backlog


class Serving(Protocol):
    """A process that looks after mailboxes, from `start` to `stop`."""

    @property
    def context(self) -> Context:
        """By the configuration as it was read last."""

    @property
    def health(self) -> Health: ...

    @property
    def fault(self) -> CleanerError | None:
        """Why it cannot go on, and is to be ended."""

    @property
    def running(self) -> int:
        """Mailboxes at work on here."""

    def start(self) -> None: ...

    def backlog(self) -> Backlog: ...

    def use(self, context: Context) -> None:
        """From now on with this configuration; what is at work ends with the old one."""

    def stop(self) -> bool:
        """Lets what is at work come to its end; false if something did not."""

    def hurry(self) -> None:
        """Asked a second time: stops at the next message. Signals call it, so that it takes no lock."""
