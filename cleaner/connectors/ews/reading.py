"""
Reading a mailbox over EWS: little is fetched, and nothing changes.

A listing is SyncFolderItems, which tells ids and dates. The header as received is to be had from GetItem alone
(FindItem cuts it off after 255 characters), for many messages at a time; MIME only of likely notices. Ids hold for
the whole mailbox, so that what is asked of a folder is held against the folder that the message says it is in.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final, TypeAlias

from cleaner.config import MailboxSettings
from cleaner.connectors.ews import calls
from cleaner.connectors.ews.calls import Answer, T
from cleaner.connectors.ews.cursor import Cursor, short
from cleaner.connectors.ews.errors import (
    AWAY,
    NO_FOLDER,
    NO_ITEM,
    NO_STATE,
    PASSING,
    STOPPED,
    THROTTLED,
    said,
)
from cleaner.connectors.ews.items import (
    FACE,
    HEADER,
    RECIPIENTS,
    STATE,
    WHERE,
    item_of,
)
from cleaner.connectors.ews.obstacles import obstacles
from cleaner.connectors.ews.returned import with_originals
from cleaner.connectors.ews.session import Session
from cleaner.connectors.exchange.item import Item, bare_id
from cleaner.connectors.exchange.reading import Failed, ReadingExchange, heading_with
from cleaner.errors import FolderMissingError
from cleaner.ports import Obstacle
from cleaner.values import Heading, Listing

Ids: TypeAlias = list[str]
Answers: TypeAlias = list[Answer]

CHANGES: Final = 512
"""Messages listed at once; Exchange gives no more."""

MANY: Final = 256
"""Messages whose header is asked for at once."""

SOME: Final = 30
"""Messages whose MIME is asked for at once, if they are not too large together."""

MAX_GROUP: Final = 12 * 1024 * 1024
"""Bytes of those together, as far as their sizes are known."""

LARGEST: Final = 48 * 1024 * 1024
"""Bytes of a message that is fetched: EWS gives out no part of one, and writes a third more."""

NO_MIME: Final = "the server does not write it as a mail"
"""Appointments, contacts and what is broken; some servers then leave the MIME out without a word."""

USUAL_SIZE: Final = 100 * 1024
LATEST: Final = datetime.max.replace(tzinfo=UTC)
FOUND: Final = 100
MOST_FOUND: Final = 20
"""Pages of messages with one Message-ID."""


class ReadingEws(ReadingExchange[Session]):
    """One mailbox, read-only."""

    def __init__(self, settings: MailboxSettings, session: Session) -> None:
        super().__init__(settings, session)
        self._sizes: dict[str, int] = {}
        self._many = MANY

    def list(self, folder: str, cursor: str | None = None) -> Listing:
        """By date, page by page; why nothing is missed stands in `cursor.py`."""
        id = self._require(folder)
        before = Cursor.parse(cursor, id)
        listing = self._page(id, before)
        if listing is None:
            listing = self._page(id, None)
        if listing is None:
            raise FolderMissingError(self.address, folder)
        return listing

    def present(self, folder: str, ids: Sequence[str]) -> frozenset[str]:
        return frozenset(item.id for item in self._items(folder, ids, (WHERE,)) if isinstance(item, Item))

    def skim(self, folder: str, ids: Sequence[str], fields: Collection[str]) -> Iterator[Heading]:
        wanted = (*FACE, "item:DateTimeReceived", *_recipients(fields), WHERE)
        return self._headings(folder, ids, wanted, fields)

    def headings(self, folder: str, ids: Sequence[str], fields: Collection[str] = ()) -> Iterator[Heading]:
        """For mail that has no header as received, that of the MIME: `fetch` tells no other."""
        wanted = (*FACE, *STATE, *_recipients(fields))
        for start in range(0, len(ids), MANY):
            part = ids[start : start + MANY]
            found = tuple(self._items(folder, part, wanted))
            self._sizes |= {item.id: item.size for item in found if isinstance(item, Item) and item.size}
            bare = [item.id for item in found if isinstance(item, Item) and item.is_empty]
            mimes = {item.id: item for item in self._whole(folder, bare) if isinstance(item, Item)}
            for item in found:
                if isinstance(item, Item):
                    yield heading_with(item, mimes.get(item.id), folder, fields)
                else:
                    yield item.heading(folder)

    def find(self, folder: str, message_id: str) -> tuple[str, ...]:
        """What the server finds is compared again: some search without regard to case."""
        bare = bare_id(message_id)
        id = self._session.folder(folder) if bare else None
        if id is None:
            return ()
        found: dict[str, None] = {}
        restriction = ("message:InternetMessageId", (f"<{bare}>", bare))
        for page in range(MOST_FOUND):
            asked = calls.find_items(
                id, ("message:InternetMessageId",), calls.any_equal(*restriction), page * FOUND, FOUND
            )
            answer = self._session.one("FindItem", asked)
            if answer.code in NO_FOLDER or answer.code in NO_ITEM:
                return ()
            if not answer.is_ok:
                raise self._session.trouble(answer)
            items, is_last = answer.page("Items")
            for item in map(item_of, items):
                if item is not None and bare_id(item.properties.get("message-id", "")) == bare:
                    found[item.id] = None
            if is_last:
                break
        return tuple(found)

    def obstacles(self) -> tuple[Obstacle, ...]:
        return obstacles(self._session, self._settings.policy)

    # --- listing

    def _page(self, id: str, before: Cursor | None) -> Listing | None:
        """What is new since the cursor; None where the cursor or the folder is of no use."""
        total = self._session.total_of(id)
        asked = calls.sync_items(
            id, before.state if before else None, ("item:DateTimeReceived", "item:Size"), CHANGES
        )
        answer = self._session.one("SyncFolderItems", asked)
        if answer.code in NO_STATE or (before is not None and answer.code in NO_ITEM):
            return None
        if answer.code in NO_FOLDER or answer.code in NO_ITEM:
            self._session.forget_folders()
            return None
        if not answer.is_ok:
            raise self._session.trouble(answer)
        added, changed, removed = changes_of(answer)
        count = max(0, (before.count if before else 0) + len(added) - removed)
        is_last = answer.text_of("IncludesLastItemInRange").lower() != "false"
        gap = max(0, total - count) if total is not None and is_last else before.gap if before else 0
        if before is not None and is_last and total is not None and gap > before.gap:
            # There are messages that we were never told of.
            return None
        items = sorted((*added, *changed), key=lambda item: item.received or LATEST)
        self._sizes |= {item.id: item.size for item in items if item.size}
        state = answer.text_of("SyncState").strip()
        left = 0
        if not is_last and (items or removed or state != (before.state if before else None)):
            left = max(1, (total or 0) - count)
        if is_last:
            self._session.forget_total(id)
        cursor = str(Cursor(short(id), count, gap, state))
        return Listing(
            tuple(item.id for item in items), cursor, max(count, total or 0) if left else count, left
        )

    # --- items

    def _headings(
        self, folder: str, ids: Sequence[str], wanted: Sequence[str], fields: Collection[str]
    ) -> Iterator[Heading]:
        for item in self._items(folder, ids, wanted):
            yield item.heading(folder, fields) if isinstance(item, Item) else item.heading(folder)

    def _items(
        self, folder: str, ids: Sequence[str], fields: Sequence[str], *, mime: bool = False, most: int = MANY
    ) -> Iterator[Item | Failed]:
        """The messages that are in the folder, in the order asked."""
        where = self._session.folder(folder) if ids else None
        if where is None:
            return
        waiting = list(dict.fromkeys(ids))
        while waiting:
            part, waiting = waiting[: min(most, self._many)], waiting[min(most, self._many) :]
            answers = self._answered(part, fields, mime=mime)
            outcomes = dict(zip(part, answers, strict=False))
            busy = [id for id in part if id not in outcomes or outcomes[id].code in THROTTLED | STOPPED]
            if len(busy) == len(part):
                raise self._session.trouble(answers[0]) if answers else self._session.silent("GetItem")
            if any(id in outcomes and outcomes[id].code in THROTTLED for id in busy):
                # Some servers answer so many and call themselves too busy for the rest.
                self._many = max(1, min(self._many, len(part) - len(busy)))
            waiting = busy + waiting
            found = {id: self._item(id, answer) for id, answer in outcomes.items() if id not in busy}
            for id in part:
                item = found.get(id)
                if isinstance(item, Item) and item.folder and item.folder != where:
                    continue
                if item is not None:
                    yield item

    def _item(self, id: str, answer: Answer) -> Item | Failed | None:
        """None for a message that is gone."""
        if answer.is_ok:
            items = [item for item in map(item_of, answer.all("Items")) if item is not None]
            # Under the id that was asked with: the answer may write it in another way.
            return replace(items[0], id=id) if items else None
        if answer.code in NO_ITEM or answer.code in NO_FOLDER:
            return None
        if answer.code in AWAY:
            raise self._session.trouble(answer)
        return Failed(id, said(answer.code, answer.text))

    def _answered(self, ids: Sequence[str], fields: Sequence[str], *, mime: bool) -> Answers:
        """One message that the server cannot write down is no server in trouble, though it may say the same."""
        asked = calls.get_items(ids, fields, mime=mime)
        answers = self._session.read("GetItem", asked, by_item=True)
        if len(answers) > 1 and all(answer.code in PASSING for answer in answers):
            self._session.again(self._session.unavailable(answers[0]))
            answers = self._session.read("GetItem", asked, by_item=True)
        return [
            self._again(id, fields, mime=mime) if answer.code in PASSING else answer
            for id, answer in zip(ids, answers, strict=False)
        ]

    def _again(self, id: str, fields: Sequence[str], *, mime: bool) -> Answer:
        """Whether the server knows a message at all; then what it says of it when it is asked once more."""
        known = self._session.one("GetItem", calls.get_items((id,), ()))
        if not known.is_ok:
            return known
        answers = self._session.read("GetItem", calls.get_items((id,), fields, mime=mime), by_item=True)
        return answers[0] if answers else known

    def _whole(self, folder: str, ids: Sequence[str]) -> Iterator[Item | Failed]:
        wanted = (HEADER, "item:ItemClass", "item:HasAttachments", *STATE)
        for group in self._by_size(ids):
            large = [id for id in group if self._sizes.get(id, 0) > LARGEST]
            if large:
                yield Failed(large[0], f"it is larger than {LARGEST // 1024**2} MB")
                continue
            found = tuple(self._items(folder, group, wanted, mime=True, most=SOME))
            whole = {item.id: item for item in found if isinstance(item, Item)}
            whole |= {item.id: item for item in with_originals(self._session, whole.values())}
            for item in found:
                told = whole[item.id] if isinstance(item, Item) else item
                yield told if not isinstance(told, Item) or told.mime else Failed(told.id, NO_MIME)

    def _by_size(self, ids: Sequence[str]) -> Iterator[Ids]:
        """Groups that together are not too large; one that is too large by itself stands alone."""
        group: Ids = []
        size = 0
        for id in dict.fromkeys(ids):
            expected = self._sizes.get(id, USUAL_SIZE)
            if group and (size + expected > MAX_GROUP or len(group) == SOME):
                yield group
                group, size = [], 0
            group.append(id)
            size += expected
        if group:
            yield group


def changes_of(answer: Answer) -> tuple[list[Item], list[Item], int]:
    """What SyncFolderItems tells: added, changed, and how many are gone."""
    added: list[Item] = []
    changed: list[Item] = []
    removed = 0
    for change in answer.all("Changes"):
        if change.tag == f"{T}Delete":
            removed += 1
        elif change.tag in (f"{T}Create", f"{T}Update"):
            for item in map(item_of, change):
                if item is not None:
                    (added if change.tag == f"{T}Create" else changed).append(item)
    return added, changed, removed


def _recipients(fields: Collection[str]) -> tuple[str, ...]:
    return tuple(uri for name, uri in RECIPIENTS.items() if name in fields)
