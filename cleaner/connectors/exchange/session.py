"""What a mailbox of Exchange at work remembers, over whichever protocol: its folders, and how long it waited."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Final

from cleaner.config import MailboxSettings
from cleaner.connectors.exchange.backoff import Backoff, Patience
from cleaner.connectors.exchange.errors import ThrottledError
from cleaner.connectors.exchange.folders import Folders

TRIES: Final = 3
"""How often a connection may break within one mailbox's work before the run ends."""


class ExchangeSession(ABC):
    """One mailbox. Not for use by several threads at once."""

    def __init__(self, mailbox: MailboxSettings) -> None:
        self.mailbox = mailbox
        self.address = mailbox.address
        self._patience = Patience()
        self._tries = TRIES
        self._folders: Folders | None = None
        self._stale: set[str] = set()

    def close(self) -> None:  # noqa: B027 - not left out: nothing is to be closed
        """The connections belong to the server's account, and stay for its next mailbox."""

    # --- waiting

    @property
    @abstractmethod
    def backoff(self) -> Backoff:
        """The pause of all that the server counts together."""

    @abstractmethod
    def throttled(self, seconds: float | None) -> ThrottledError:
        """That the server wants to be left alone, in this protocol's words."""

    def pause(self, error: ThrottledError) -> None:
        """Has all that are counted together wait; raises the error where that takes too long."""
        seconds = self._patience.guess() if error.told is None else error.told
        self.backoff.hold(seconds)
        if not self._patience.nap(seconds):
            raise self.throttled(seconds)

    def wait_for_turn(self) -> None:
        """Until the server may be asked. Raises ThrottledError where that takes too long."""
        while (seconds := self.backoff.left()) > 0:
            if not self._patience.nap(seconds):
                raise self.throttled(seconds)

    # --- folders

    @abstractmethod
    def read_folders(self) -> Folders:
        """Asks for all folders."""

    def folders(self) -> Folders:
        """All folders, asked for once."""
        if self._folders is None:
            self._folders = self.read_folders()
            self._stale.clear()
        return self._folders

    def forget_folders(self) -> None:
        self._folders = None

    def folder(self, name: str) -> str | None:
        """The id of a folder; None for one that is not there, also on a second look."""
        found = self.folders().ids.get(name)
        if found is None:
            self.forget_folders()
            found = self.folders().ids.get(name)
        return found

    def total_of(self, id: str) -> int | None:
        """How many messages a folder held when it was last asked; None where that is no longer of use."""
        return None if id in self._stale else self.folders().totals.get(id)

    def stamp_of(self, id: str) -> str:
        """What a folder told of how much it holds; empty where that is no longer of use."""
        return "" if id in self._stale else self.folders().stamps.get(id, "")

    def forget_total(self, id: str) -> None:
        self._stale.add(id)
