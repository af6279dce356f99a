"""
Listing a folder: a page of a round of changes, and what such a round does not tell.

Why nothing is missed stands in `cursor.py`. A page tells of each message what the shortlist needs with it, so that
most are never asked for by themselves.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

from cleaner.connectors.exchange.item import Item
from cleaner.connectors.graph.cursor import MOST_KNOWN, START, UNKNOWN_GAP, Cursor, mark_of, short
from cleaner.connectors.graph.errors import is_gone, is_passing, is_stale, is_without_rounds
from cleaner.connectors.graph.folders import link_of
from cleaner.connectors.graph.items import ALL, KIND, expanding, is_whole, item_of
from cleaner.connectors.graph.session import Session
from cleaner.connectors.graph.wire import Answer, Request, text_of
from cleaner.values import Listing

PAGE: Final = 250
"""Messages listed at once."""

IDS: Final = 1000
"""Ids listed at once; Graph gives no more (`$top`)."""

LATEST: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(slots=True)
class Found:
    """What one page told."""

    known: set[bytes] | None
    """Marks of the messages that are there; None: they are not kept apart."""
    ids: dict[str, datetime | None] = field(default_factory=dict)
    """What may be new, and when it came."""
    items: dict[str, Item] = field(default_factory=dict)

    def take(self, told: Any) -> None:
        """One entry. Of a message that we know, what merely changed is nothing new."""
        id = text_of(told, "id")
        if not id:
            return
        mark = mark_of(id)
        if "@removed" in told:
            self.ids.pop(id, None)
            if self.known is not None:
                self.known.discard(mark)
            return
        item = item_of(told) if is_whole(told) else None
        if item is not None:
            self.items[id] = item
        elif self.known is not None and mark in self.known:
            return
        self.ids[id] = item.received if item is not None else None
        if self.known is not None:
            self.known.add(mark)

    @property
    def oldest_first(self) -> tuple[str, ...]:
        return tuple(sorted(self.ids, key=lambda id: self.ids[id] or LATEST))


class Lister:
    """Lists the folders of one mailbox, by their ids."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.told: dict[str, Item] = {}
        """The messages of the last page."""

    def list(self, id: str, before: Cursor | None, *, stamp: str, keeps_apart: bool) -> Listing | None:
        """What is new since the cursor; None where the folder is gone."""
        if before is not None and stamp and before.stamp == stamp:
            return Listing((), str(before), self.total(id))
        answer = self._round(before)
        if answer is None:
            if before is not None and before.link != START:
                before = None
            answer = self._first_page(id)
        if not answer.is_ok and is_without_rounds(answer):
            if before is not None and before.known is not None:
                return self._compared(id, before, before.known)
            answer, before = self._session.read(Request("GET", self._plain(id))), None
        if is_gone(answer):
            return None
        if not answer.is_ok:
            raise self._session.trouble(answer)
        if before is not None and before.link == START:
            before = None
        start = before or Cursor(short(id), START, frozenset() if keeps_apart else None)
        return self._listing(id, replace(start, stamp=stamp), answer, is_first=before is None)

    def _round(self, before: Cursor | None) -> Answer | None:
        """The next page by a cursor's link; None where there is none, or it is of no use any more."""
        if before is None or before.link == START:
            return None
        answer = self._session.read(Request("GET", before.link, prefer=prefer()))
        return None if is_stale(answer) else answer

    def _plain(self, id: str) -> str:
        """The newest messages of a folder as it is."""
        options = {
            "select": ALL,
            "expand": expanding(KIND),
            "orderby": "receivedDateTime desc",
            "top": str(PAGE),
        }
        return self._session.path("mailFolders", id, "messages", **options)

    def _first_page(self, id: str) -> Answer:
        """
        With the message's class, if the service tells that here.

        `$expand` is documented for a look for changes; with extended properties it was sighted to be answered with
        500 ([issue 7929]). A message's class is a hint and not needed.

        [issue 7929]: https://github.com/microsoftgraph/microsoft-graph-docs-contrib/issues/7929
        """
        path = self._session.path("mailFolders", id, "messages", "delta", select=ALL, expand=expanding(KIND))
        answer = self._session.read(Request("GET", path, prefer=prefer()), is_attempt=True)
        if is_passing(answer) and answer.status != 500:
            answer = self._session.read(Request("GET", path, prefer=prefer()))
        if answer.status not in (400, 500, 501) or is_gone(answer):
            return answer
        path = self._session.path("mailFolders", id, "messages", "delta", select=ALL)
        return self._session.read(Request("GET", path, prefer=prefer()))

    def _listing(self, id: str, before: Cursor, answer: Answer, *, is_first: bool) -> Listing:
        found = Found(set(before.known) if before.known is not None else None)
        for told in answer.values():
            found.take(told)
        if found.known is not None and len(found.known) > MOST_KNOWN:
            found.known = None
        self.told = found.items
        link, is_last = self._link(before, answer)
        gap = before.gap
        if is_last and found.known is not None:
            gap = self._gap(id, found.known)
            if not is_first and UNKNOWN_GAP < before.gap < gap:
                found.ids |= dict.fromkeys(self._untold(id, found.known))
                gap = self._gap(id, found.known)
        known = None if found.known is None else frozenset(found.known)
        total = len(known) + max(0, gap) if known is not None and is_last else self.total(id)
        if is_last:
            self._session.forget_total(id)
        left = 0 if is_last else max(1, total - len(found.ids if known is None else known))
        cursor = Cursor(before.folder, link, known, gap, before.stamp if is_last else "")
        return Listing(found.oldest_first, str(cursor), max(total, len(found.ids)), left)

    def _link(self, before: Cursor, answer: Answer) -> tuple[str, bool]:
        """What to go on with, and whether the round has ended."""
        following = link_of(self._session, answer, "nextLink")
        if following is not None:
            if following == before.link:
                raise self._session.silent()
            return following, False
        last = link_of(self._session, answer, "deltaLink")
        if last is not None:
            return last, True
        if "/messages/delta" in before.link:
            raise self._session.silent()
        # The folder was listed as it is.
        return START, True

    def _compared(self, id: str, before: Cursor, known: frozenset[bytes]) -> Listing:
        """What is there and was not known to be, where no round of changes tells it."""
        there: set[bytes] = set()
        new = []
        for found in self._ids(id):
            there.add(mark_of(found))
            if mark_of(found) not in known:
                new.append(found)
        self.told = {}
        kept = frozenset(there) if len(there) <= MOST_KNOWN else None
        cursor = replace(before, known=kept, stamp="")
        return Listing(tuple(reversed(new)), str(cursor), len(there))

    def _gap(self, id: str, known: Collection[bytes]) -> int:
        """How many messages more the folder holds than we know of; asked anew before it is believed."""
        total = self._session.total_of(id)
        if total is None or total > len(known):
            total = self.total(id, anew=True)
        return max(0, total - len(known))

    def total(self, id: str, *, anew: bool = False) -> int:
        told = None if anew else self._session.total_of(id)
        if told is not None:
            return told
        answer = self._session.read(
            Request("GET", self._session.path("mailFolders", id, select="totalItemCount"))
        )
        total = answer.body.get("totalItemCount") if answer.is_ok and isinstance(answer.body, dict) else None
        return total if isinstance(total, int) else 0

    def _untold(self, id: str, known: set[bytes]) -> Iterator[str]:
        """Messages that are there and that we were never told of."""
        for found in self._ids(id):
            if mark_of(found) not in known:
                known.add(mark_of(found))
                yield found

    def _ids(self, id: str) -> Iterator[str]:
        """Of all messages in a folder."""
        link: str | None = self._session.path("mailFolders", id, "messages", select="id", top=str(IDS))
        seen = 0
        while link is not None and seen <= 2 * MOST_KNOWN:
            answer = self._session.read(Request("GET", link))
            if is_gone(answer):
                return
            if not answer.is_ok:
                raise self._session.trouble(answer)
            for one in answer.values():
                seen += 1
                if found := text_of(one, "id"):
                    yield found
            link = link_of(self._session, answer, "nextLink")


def prefer() -> tuple[str, ...]:
    return (f"odata.maxpagesize={PAGE}",)
