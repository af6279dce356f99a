"""Reading a mailbox of Exchange, as far as no protocol makes a difference."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from cleaner.config import MailboxSettings
from cleaner.connectors.exchange.item import Item
from cleaner.connectors.exchange.session import ExchangeSession
from cleaner.errors import FolderMissingError, UnreadableMessageError
from cleaner.values import Folder, Headers, Heading, Message

S = TypeVar("S", bound=ExchangeSession)


@dataclass(frozen=True, slots=True)
class Failed:
    """A message that the server does not give out, and why."""

    id: str
    why: str

    def heading(self, folder: str) -> Heading:
        return Heading(folder, self.id, Headers(), 0, unreadable=self.why)


class ReadingExchange(ABC, Generic[S]):
    """One mailbox, read-only."""

    def __init__(self, settings: MailboxSettings, session: S) -> None:
        self._settings = settings
        self._session = session

    @property
    def address(self) -> str:
        return self._settings.address

    def folders(self) -> tuple[Folder, ...]:
        return self._session.folders().all

    def fetch(self, folder: str, ids: Sequence[str]) -> Iterator[Message]:
        """
        The messages as the server writes them anew, with the header as received beside them.

        Those that cannot be read are passed over; the first of them is raised when the others are out.
        """
        failed: Failed | None = None
        for item in self._whole(folder, ids):
            if isinstance(item, Item):
                yield item.message(folder)
            else:
                failed = failed or item
        if failed is not None:
            raise UnreadableMessageError(folder, failed.id, failed.why)

    @abstractmethod
    def _whole(self, folder: str, ids: Sequence[str]) -> Iterator[Item | Failed]:
        """The messages with their MIME, in the order asked; what is gone is left out."""

    def close(self) -> None:
        self._session.close()

    def _require(self, folder: str) -> str:
        id = self._session.folder(folder)
        if id is None:
            raise FolderMissingError(self.address, folder)
        return id


def heading_with(item: Item, whole: Item | None, folder: str, fields: Collection[str]) -> Heading:
    """The heading of a message without a header as received, by the header of its MIME where that is known."""
    if whole is None or not whole.mime:
        return item.heading(folder, fields)
    rebuilt = Headers.parse(whole.mime)
    kept = tuple(field for field in rebuilt.items if field[0].strip().lower() != b"to")
    return replace(item.heading(folder, fields), headers=Headers(kept, item.headers().unknown))
