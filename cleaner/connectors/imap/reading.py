"""
Reading a mailbox over IMAP: little is fetched, and nothing changes.

Ids are UIDs. Headings come in large batches, as compact ranges of UIDs, and are handed out while the server
still writes; a connection that breaks is opened again and asked for what is still missing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from cleaner.config import MailboxSettings
from cleaner.connectors.imap.cursor import Cursor
from cleaner.connectors.imap.errors import is_busy, shown
from cleaner.connectors.imap.fetching import (
    MAX_MESSAGE,
    MESSAGE_ITEMS,
    Fetched,
    fetched,
    heading_items,
    in_order,
    skim_items,
    without_parts,
)
from cleaner.connectors.imap.grammar import MAX_UID, sets
from cleaner.connectors.imap.obstacles import obstacles
from cleaner.connectors.imap.session import Opened, Session
from cleaner.connectors.imap.wire import Status, string
from cleaner.errors import FolderMissingError, ServerUnavailableError, UnreadableMessageError
from cleaner.ports import Obstacle
from cleaner.values import Folder, Headers, Heading, Listing, Message

Uids: TypeAlias = list[int]

PAGE: Final = 2000
"""Messages listed, and asked for, at once."""

MAX_FETCH: Final = 16 * 1024 * 1024
"""Bytes of whole messages asked for at once, as far as their sizes are known."""

USUAL_SIZE: Final = 100 * 1024
"""What a message of unknown size is taken for."""


@dataclass(slots=True)
class Pages:
    """New messages of a folder that were found and not listed yet."""

    cursor: str
    """Who comes with this gets the next page."""
    uids: list[int]
    last: str
    """The cursor of the last page."""
    validity: int
    total: int


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A message that the server does not give out, and why."""

    uid: int
    why: str


@dataclass(slots=True)
class Missing:
    """What of one request is still to come."""

    uids: dict[int, None]
    trouble: Status | None = field(default=None)


class ReadingImap:
    """One mailbox, read-only."""

    def __init__(self, settings: MailboxSettings, session: Session) -> None:
        self._settings = settings
        self._session = session
        self._pages: dict[str, Pages] = {}
        self._sizes: dict[tuple[str, int], int] = {}
        self._takes_parts = True
        """Whether the server understands that only a part of something is wanted."""

    @property
    def address(self) -> str:
        return self._settings.address

    def folders(self) -> tuple[Folder, ...]:
        return self._session.folders().all

    def list(self, folder: str, cursor: str | None = None) -> Listing:
        """By UID, page by page; why nothing is missed stands in `cursor.py`."""
        pages = self._pages.pop(folder, None)
        if pages is None or cursor != pages.cursor:
            pages = self._session.patiently(lambda: self._look(folder, cursor))
        return self._page(folder, pages)

    def present(self, folder: str, ids: Sequence[str]) -> frozenset[str]:
        uids = uids_of(ids)
        return frozenset(map(str, self._session.patiently(lambda: self._still(folder, uids))))

    def skim(self, folder: str, ids: Sequence[str], fields: Collection[str]) -> Iterator[Heading]:
        """Without a question whether all are still there: a message just gone may still be told of."""
        return self._headings(folder, uids_of(ids), skim_items(fields))

    def headings(self, folder: str, ids: Sequence[str], fields: Collection[str] = ()) -> Iterator[Heading]:
        uids = uids_of(ids)
        if self._is_there(folder):
            yield from self._headings(folder, uids, heading_items(fields))

    def fetch(self, folder: str, ids: Sequence[str]) -> Iterator[Message]:
        """
        As much of each message as its reader looks at: of larger ones the beginning.

        Those that cannot be read are passed over; the first of them is raised when the others are out.
        """
        failed: Unreadable | None = None
        if not self._is_there(folder):
            return
        for uids in self._by_size(folder, uids_of(ids)):
            for found in self._in_order(folder, uids, MESSAGE_ITEMS):
                if isinstance(found, Unreadable):
                    failed = failed or found
                else:
                    yield found.message(folder)
        if failed is not None:
            raise UnreadableMessageError(folder, str(failed.uid), failed.why)

    def find(self, folder: str, message_id: str) -> tuple[str, ...]:
        """What the server finds is compared again: its search takes parts of words, too."""
        wanted = bare_id(message_id)
        if not wanted:
            return ()
        try:
            uids = self._session.patiently(lambda: self._with_id(folder, wanted))
        except FolderMissingError:
            return ()
        found = self.headings(folder, tuple(map(str, uids)), ("message-id",))
        return tuple(heading.id for heading in found if bare_id(heading.headers.text("message-id")) == wanted)

    def obstacles(self) -> tuple[Obstacle, ...]:
        return obstacles(self._session, self._settings.policy)

    def close(self) -> None:
        self._session.close()

    # --- listing

    def _look(self, folder: str, cursor: str | None) -> Pages:
        before = Cursor.parse(cursor)
        # Whoever lists anew gets ids that count from now on.
        self._session.renumbered(folder)
        opened = self._session.examine(folder, anew=True)
        first = 1 if before is None else before.first_new(opened.validity, opened.next_uid)
        uids = self._since(opened, first)
        next_uid = opened.next_uid or max(uids, default=first - 1) + 1
        last = str(Cursor(opened.validity, next_uid))
        return Pages("", uids, last, opened.validity, opened.exists)

    def _since(self, opened: Opened, first: int) -> Uids:
        if not opened.exists or (opened.next_uid is not None and first >= opened.next_uid):
            return []
        if first == 1:
            return self._session.search(b"ALL")
        # In `5:*` the star is the highest UID there is, which may be below 5.
        return [uid for uid in self._session.search(b"UID %d:*" % first) if uid >= first]

    def _page(self, folder: str, pages: Pages) -> Listing:
        page, rest = pages.uids[:PAGE], pages.uids[PAGE:]
        cursor = str(Cursor(pages.validity, page[-1] + 1)) if rest else pages.last
        if rest:
            self._pages[folder] = Pages(cursor, rest, pages.last, pages.validity, pages.total)
        return Listing(tuple(map(str, page)), cursor, pages.total, len(rest))

    def _still(self, folder: str, uids: Sequence[int]) -> set[int]:
        if not uids:
            return set()
        try:
            self._session.examine(folder)
        except FolderMissingError:
            return set()
        return self._session.still(uids)

    def _with_id(self, folder: str, wanted: str) -> Uids:
        self._session.refresh(folder)
        if wanted.isascii() and wanted.isprintable():
            return self._session.search(b"HEADER MESSAGE-ID", string(wanted.encode()))
        return self._session.search(b"ALL")

    # --- fetching

    def _is_there(self, folder: str) -> bool:
        """Looks at the folder anew; whether there is one."""
        try:
            self._session.patiently(lambda: self._session.refresh(folder))
        except FolderMissingError:
            return False
        return True

    def _headings(self, folder: str, uids: Sequence[int], items: bytes) -> Iterator[Heading]:
        for start in range(0, len(uids), PAGE):
            for found in self._in_order(folder, uids[start : start + PAGE], items):
                if isinstance(found, Unreadable):
                    yield Heading(folder, str(found.uid), Headers(), 0, unreadable=found.why)
                    continue
                if found.size:
                    self._sizes[folder, found.uid] = found.size
                yield found.heading(folder)

    def _by_size(self, folder: str, uids: Sequence[int]) -> Iterator[Uids]:
        """Groups that together are not too large."""
        group: Uids = []
        size = 0
        for uid in uids:
            expected = min(self._sizes.get((folder, uid), USUAL_SIZE), MAX_MESSAGE)
            if group and size + expected > MAX_FETCH:
                yield group
                group, size = [], 0
            group.append(uid)
            size += expected
        if group:
            yield group

    def _in_order(self, folder: str, uids: Sequence[int], items: bytes) -> Iterator[Fetched | Unreadable]:
        found = self._fetch(folder, Missing(dict.fromkeys(uids)), items)
        return in_order(uids, ((item.uid, item) for item in found))

    def _fetch(self, folder: str, missing: Missing, items: bytes) -> Iterator[Fetched | Unreadable]:
        """
        The messages as they come; those gone are left out.

        Where the server refuses a part of a request, the rest is asked for again in halves, until one
        message is left that it does not give out.
        """
        while missing.uids:
            asked = len(missing.uids)
            try:
                yield from self._responses(folder, missing, items)
                if missing.trouble is None or not missing.uids:
                    return
                if missing.trouble.kind == b"BAD":
                    self._ask_for_the_whole(missing.trouble)
                    continue
                missing.uids = dict.fromkeys(sorted(self._still(folder, tuple(missing.uids))))
            except FolderMissingError:
                return
            except ServerUnavailableError as error:
                self._session.reconnect(error)
                continue
            if len(missing.uids) < asked:
                continue
            if asked == 1:
                (uid,) = missing.uids
                yield Unreadable(uid, why_not(missing.trouble))
                return
            halves = tuple(missing.uids)
            for half in (halves[: asked // 2], halves[asked // 2 :]):
                yield from self._fetch(folder, Missing(dict.fromkeys(half)), items)
            return

    def _responses(self, folder: str, missing: Missing, items: bytes) -> Iterator[Fetched]:
        self._session.examine(folder)
        wanted = items if self._takes_parts else without_parts(items)
        stream = self._session.wire.stream((b"UID FETCH", numbers, wanted) for numbers in sets(missing.uids))
        for parts in stream:
            found = fetched(parts)
            if found is not None and found.uid in missing.uids:
                del missing.uids[found.uid]
                yield found
        missing.trouble = stream.trouble
        if missing.trouble is not None and is_busy(missing.trouble.code, missing.trouble.text):
            raise self._session.wire.broken("it does not give messages out now", missing.trouble.text)

    def _ask_for_the_whole(self, trouble: Status) -> None:
        """BAD speaks of the request, not of a message: without parts, or not at all."""
        if not self._takes_parts:
            raise self._session.wire.broken("it does not understand FETCH", trouble.text)
        self._takes_parts = False


def why_not(status: Status | None) -> str:
    return (
        f"the server says {shown(status.text)!r}"
        if status is not None and status.text
        else "the server refuses"
    )


def uids_of(ids: Iterable[str]) -> Uids:
    """The ids that can be UIDs: others were never given by this server."""
    found = (int(id) for id in ids if id.isascii() and id.isdigit() and len(id) <= 10)
    return [uid for uid in found if 0 < uid <= MAX_UID]


def bare_id(value: str) -> str:
    return value.partition("<")[2].partition(">")[0].strip() or value.strip(" <>")
