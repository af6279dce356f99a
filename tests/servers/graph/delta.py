"""
What changed in a folder since a token was given out.

Source: https://learn.microsoft.com/graph/delta-query-messages, .../api/message-delta. Sighted beside it: a change of
isRead alone brings three properties whatever was selected (microsoft-graph-docs issue 7776); with immutable ids a
message that is moved away and back is told as removed, and not told again until something else of it changes
(microsoft-graph-docs issue 21752); the change of a read mark and removals come whatever the filter says.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from tests.servers.graph.errors import GraphError, bad
from tests.servers.graph.shapes import DELTA_TYPE, View, folder, item_id, message
from tests.servers.graph.state import Folder, Item, Mailbox, Removal

FILTERED_MOST: Final = 5000
"""With a filter no more than so many messages are ever told. Source: the page on delta query of messages."""


@dataclass(frozen=True)
class Asked:
    """What the first request of a round said; the tokens carry it on."""

    view: View = field(default_factory=View)
    since: datetime | None = None
    """`receivedDateTime ge`; with `after` it is `gt`."""
    after: bool = False
    newest_first: bool = False
    page: int | None = None
    changes: frozenset[str] = frozenset({"created", "updated", "deleted"})

    def lets_through(self, item: Item) -> bool:
        if self.since is None:
            return True
        return item.received > self.since if self.after else item.received >= self.since


@dataclass(frozen=True)
class Change:
    """One entry of an answer."""

    kind: str
    """`whole`, `read` or `removed`."""
    item: Item | None = None
    removal: Removal | None = None
    folder: Folder | None = None
    folder_id: str = ""


@dataclass(frozen=True)
class Round:
    """A round of requests, at one of its pages."""

    owner: Mailbox
    folder: int
    """By number; 0: the folders themselves are watched."""
    epoch: int
    asked: Asked
    until: int
    changes: Sequence[Change] = ()
    at: int = 0


@dataclass
class Tokens:
    """All that were given out; a client cannot read them."""

    most: int = 500
    """The largest page."""
    given: dict[str, Round] = field(default_factory=dict)

    def keep(self, round_: Round) -> str:
        token = secrets.token_urlsafe(48)
        self.given[token] = round_
        return token

    def read(self, token: str, owner: Mailbox, number: int, epoch: int) -> Round:
        found = self.given.get(token)
        if found is None or found.owner is not owner or found.folder != number:
            raise bad("Badly formed token.")
        if found.epoch < epoch:
            raise GraphError(410, "SyncStateNotFound")
        return found


def begin(place: Folder, asked: Asked) -> Round:
    """The first request: all that is there."""
    until = place.mailbox.tick()
    items = [item for item in place.items.values() if asked.lets_through(item)]
    if asked.since is not None:
        items = sorted(items, key=lambda item: item.received, reverse=True)[:FILTERED_MOST]
    ordered = sorted(items, key=_newest if asked.newest_first else _anyhow)
    changes = [Change("whole", item) for item in ordered]
    return Round(place.mailbox, place.number, place.epoch, asked, until, changes)


def go_on(place: Folder, last: Round, *, immutable: bool) -> Round:
    """The first request of a later round."""
    until = place.mailbox.tick()
    changes = _removed(place, last.until) + _present(place, last, immutable)
    wanted = last.asked.changes
    kept = [change for change in changes if _type(change, last.until) in wanted]
    return replace(last, until=until, changes=kept, at=0)


def page(
    tokens: Tokens, here: Round, asks: int | None, view: View
) -> tuple[list[dict[str, object]], str, str]:
    """What is told, and the name and value of the token of the link to the rest."""
    size = min(asks or here.asked.page or 10, tokens.most)
    told = here.changes[here.at : here.at + size]
    values = [each for each in (_entry(change, here, view) for change in told) if each is not None]
    if len(told) == size:
        # Whether that was all shows with the next page only, which may be empty.
        return values, "$skiptoken", tokens.keep(replace(here, at=here.at + size))
    return values, "$deltatoken", tokens.keep(replace(here, changes=(), at=0))


def _newest(item: Item) -> tuple[float, int]:
    return (-item.received.timestamp(), item.number)


def _anyhow(item: Item) -> bytes:
    """No order is promised without $orderby."""
    return hashlib.sha256(item.id.encode()).digest()


def _removed(place: Folder, since: int) -> list[Change]:
    return [Change("removed", removal=each) for each in place.removals if each.when > since >= each.entered]


def _present(place: Folder, last: Round, immutable: bool) -> list[Change]:
    found = []
    for item in sorted(place.items.values(), key=_anyhow):
        if item.changed <= last.until:
            continue
        came = item.entered > last.until
        returned = came and immutable and item.again and place.first_entered[item.number] <= last.until
        if returned and item.changed == item.entered:
            continue
        if (came and not returned) or (item.altered > last.until and item.altered != item.entered):
            if last.asked.lets_through(item):
                found.append(Change("whole", item))
        else:
            found.append(Change("read", item))
    return found


def _type(change: Change, since: int) -> str:
    if change.kind == "removed":
        return "deleted"
    return "created" if change.item is not None and change.item.entered > since else "updated"


def _entry(change: Change, here: Round, view: View) -> dict[str, object] | None:
    if change.folder is not None:
        return {"@odata.type": "#microsoft.graph.mailFolder"} | folder(change.folder, here.asked.view.select)
    if change.folder_id:
        return {"id": change.folder_id, "@removed": {"reason": "deleted"}}
    if change.removal is not None:
        id = change.removal.id if view.prefers.immutable else change.removal.ordinary_id
        return {"@odata.type": DELTA_TYPE, "id": id, "@removed": {"reason": "deleted"}}
    item = change.item
    assert item is not None
    if item.number not in here.owner.folders[here.folder].items:
        return None
    if change.kind == "read":
        return {
            "@odata.type": DELTA_TYPE,
            "@odata.etag": f'W/"{item.change_key}"',
            "id": item_id(item, view),
            "isRead": item.is_read,
            "parentFolderId": item.folder.id,
        }
    asked = replace(here.asked.view, prefers=view.prefers, is_basic=view.is_basic, is_list=True)
    return {"@odata.type": DELTA_TYPE} | message(item, asked)


# --- folders


def begin_folders(mailbox: Mailbox, asked: Asked, below: list[Folder]) -> Round:
    changes = [Change("whole", folder=each) for each in below]
    return Round(mailbox, 0, 0, asked, mailbox.tick(), changes)


def go_on_folders(mailbox: Mailbox, last: Round, below: list[Folder]) -> Round:
    changes = [Change("whole", folder=each) for each in below if each.changed > last.until]
    changes += [Change("removed", folder_id=id) for when, id in mailbox.dropped if when > last.until]
    return replace(last, until=mailbox.tick(), changes=changes, at=0)
