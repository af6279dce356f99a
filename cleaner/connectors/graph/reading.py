"""
Reading a mailbox over Graph: little is fetched, and nothing changes.

A listing is a page of a round of changes, which tells of each message what the shortlist needs with it; MIME is asked
for only of likely notices, in batches. Ids hold for the whole mailbox, wherever in it the message is, so that what is
asked of a folder is held against the folder that the message says it is in.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import Final

from cleaner.config import MailboxSettings
from cleaner.connectors.exchange.item import MAX_MESSAGE, Item, bare_id
from cleaner.connectors.exchange.reading import Failed, ReadingExchange, heading_with
from cleaner.connectors.graph.cursor import Cursor
from cleaner.connectors.graph.errors import (
    TooLargeError,
    is_gone,
    said,
)
from cleaner.connectors.graph.folders import link_of
from cleaner.connectors.graph.items import (
    ALL,
    HEADER,
    KIND,
    SIZE,
    VERB,
    WHERE,
    expanding,
    item_of,
)
from cleaner.connectors.graph.listing import Lister
from cleaner.connectors.graph.obstacles import obstacles
from cleaner.connectors.graph.returned import with_originals
from cleaner.connectors.graph.session import Session
from cleaner.connectors.graph.wire import Answer, Request, text_of
from cleaner.errors import FolderMissingError
from cleaner.ports import Obstacle
from cleaner.values import Heading, Listing

MANY: Final = 200
"""Messages whose header is asked for before the first is given out."""

SOME: Final = 40
"""The same for whole messages."""

LARGE: Final = 1024 * 1024
"""Bytes from which on a message is asked for by itself, and left off where its reader looks no further."""

FOUND: Final = 100
MOST_FOUND: Final = 20
"""Pages of messages with one Message-ID."""


class ReadingGraph(ReadingExchange[Session]):
    """One mailbox, read-only."""

    def __init__(self, settings: MailboxSettings, session: Session) -> None:
        super().__init__(settings, session)
        self._lister = Lister(session)

    def list(self, folder: str, cursor: str | None = None) -> Listing:
        """By date, page by page; why nothing is missed stands in `cursor.py`."""
        id = self._require(folder)
        keeps_apart = folder in self._settings.policy.folders
        before, stamp = Cursor.parse(cursor, id), self._stamp_of(folder, id)
        listing = self._lister.list(id, before, stamp=stamp, keeps_apart=keeps_apart)
        if listing is None:
            self._session.forget_folders()
            raise FolderMissingError(self.address, folder)
        return listing

    def present(self, folder: str, ids: Sequence[str]) -> frozenset[str]:
        where = self._session.folder(folder) if ids else None
        return frozenset() if where is None else self.those_in(where, ids)

    def those_in(self, where: str, ids: Sequence[str]) -> frozenset[str]:
        """Those of the ids whose message is in the folder with that id."""
        return frozenset(id for id, place in self.places_of(ids).items() if place == where)

    def places_of(self, ids: Sequence[str]) -> dict[str, str]:
        """In which folder each message is; those that are gone are left out."""
        asked = list(dict.fromkeys(ids))
        answers = self._session.batch([self._item_request(id, WHERE) for id in asked])
        found: dict[str, str] = {}
        for id, answer in zip(asked, answers, strict=True):
            if answer.is_ok:
                found[id] = text_of(answer.body, WHERE)
            elif not is_gone(answer):
                raise self._session.trouble(answer)
        return found

    def skim(self, folder: str, ids: Sequence[str], fields: Collection[str]) -> Iterator[Heading]:
        """As the listing told them, and only what it did not tell is asked for."""
        for start in range(0, len(ids), MANY):
            part = ids[start : start + MANY]
            untold = [id for id in part if id not in self._lister.told]
            found = dict(self._lister.told)
            failed: dict[str, Failed] = {}
            for one in self._items(folder, untold):
                if isinstance(one, Item):
                    found[one.id] = one
                else:
                    failed[one.id] = one
            for id in dict.fromkeys(part):
                if id in found:
                    yield found[id].heading(folder, fields)
                elif id in failed:
                    yield failed[id].heading(folder)

    def headings(self, folder: str, ids: Sequence[str], fields: Collection[str] = ()) -> Iterator[Heading]:
        """For mail that has no header as received, that of the MIME: `fetch` tells no other."""
        for start in range(0, len(ids), MANY):
            items = tuple(self._items(folder, ids[start : start + MANY]))
            bare = [item for item in items if isinstance(item, Item) and item.is_empty]
            mimes = {item.id: item for item in self._with_mime(bare) if isinstance(item, Item)}
            for item in items:
                if isinstance(item, Item):
                    yield heading_with(item, mimes.get(item.id), folder, fields)
                else:
                    yield item.heading(folder)

    def find(self, folder: str, message_id: str) -> tuple[str, ...]:
        """What the server finds is compared again: it searches without regard to case."""
        bare = bare_id(message_id)
        id = self._session.folder(folder) if bare else None
        if id is None:
            return ()
        return self._found(id, f"<{bare}>", bare) or self._found(id, bare, bare)

    def _found(self, folder: str, written: str, bare: str) -> tuple[str, ...]:
        """Those whose Message-ID is written so: few are without brackets, and they need a request of their own."""
        link: str | None = self._session.path(
            "mailFolders",
            folder,
            "messages",
            filter=f"internetMessageId eq '{_literal(written)}'",
            select="internetMessageId",
            top=str(FOUND),
        )
        found: dict[str, None] = {}
        for _ in range(MOST_FOUND):
            if link is None:
                break
            answer = self._session.read(Request("GET", link))
            if is_gone(answer):
                return ()
            if not answer.is_ok:
                raise self._session.trouble(answer)
            for one in answer.values():
                if bare_id(text_of(one, "internetMessageId")) == bare and text_of(one, "id"):
                    found[text_of(one, "id")] = None
            link = link_of(self._session, answer, "nextLink")
        return tuple(found)

    def obstacles(self) -> tuple[Obstacle, ...]:
        return obstacles(self._session, self._settings.policy)

    # --- listing

    def _stamp_of(self, folder: str, id: str) -> str:
        """Of a folder that nothing is judged by; empty where it may have changed since it was told."""
        policy = self._settings.policy
        aside = {policy.quarantine, policy.training_folder} - {*policy.folders, *policy.sent}
        return self._session.stamp_of(id) if folder in aside else ""

    # --- items

    def _item_request(self, id: str, select: str, expand: str = "") -> Request:
        options = {"select": select} | ({"expand": expand} if expand else {})
        return Request("GET", self._session.path("messages", id, **options))

    def _items(self, folder: str, ids: Sequence[str]) -> Iterator[Item | Failed]:
        """The messages that are in the folder, in the order asked."""
        where = self._session.folder(folder) if ids else None
        if where is None:
            return
        asked = list(dict.fromkeys(ids))
        expand = expanding(HEADER, KIND, SIZE, VERB)
        answers = self._session.batch([self._item_request(id, ALL, expand) for id in asked])
        for id, answer in zip(asked, answers, strict=True):
            if is_gone(answer):
                continue
            item = item_of(answer.body) if answer.is_ok and isinstance(answer.body, dict) else None
            if item is None:
                if answer.status in (401, 403):
                    raise self._session.trouble(answer)
                yield Failed(id, said(answer))
            elif item.folder == where:
                # Under the id that was asked with: the answer may write it in another way.
                yield replace(item, id=id)

    def _whole(self, folder: str, ids: Sequence[str]) -> Iterator[Item | Failed]:
        for start in range(0, len(ids), SOME):
            items = tuple(self._items(folder, ids[start : start + SOME]))
            found = {one.id: one for one in self._with_mime([one for one in items if isinstance(one, Item)])}
            whole = [one for one in found.values() if isinstance(one, Item)]
            found |= {one.id: one for one in with_originals(self._session, whole)}
            for item in items:
                one = found.get(item.id) if isinstance(item, Item) else item
                if one is not None:
                    yield one

    def _with_mime(self, items: Sequence[Item]) -> Iterator[Item | Failed]:
        """With their MIME; what is gone meanwhile is left out."""
        small = [item for item in items if item.size < LARGE]
        try:
            answers = self._session.batch([self._mime_request(item.id) for item in small], is_attempt=True)
        except TooLargeError:
            small, answers = [], []
        for item, answer in zip(small, answers, strict=True):
            yield from _with_content(item, answer)
        alone = {item.id for item in items} - {item.id for item in small}
        for item in items:
            if item.id in alone:
                request = replace(self._mime_request(item.id), most=MAX_MESSAGE)
                (answer,) = self._session.batch([request], is_attempt=True)
                yield from _with_content(item, answer)

    def _mime_request(self, id: str) -> Request:
        return Request("GET", self._session.path("messages", id, "$value"))


def _with_content(item: Item, answer: Answer) -> Iterator[Item | Failed]:
    if answer.is_ok and isinstance(answer.body, bytes):
        yield replace(item, mime=answer.body)
    elif not is_gone(answer):
        yield Failed(item.id, said(answer))


def _literal(text: str) -> str:
    """A text inside quotes of OData."""
    return text.replace("'", "''")
