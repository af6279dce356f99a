"""
Streaming notifications: one answer that goes on for minutes, an envelope for each thing that happens.

Source: the documentation of GetStreamingEvents; none of it was recorded.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from queue import Empty
from typing import Final

from tests.servers.ews import soap
from tests.servers.ews.shapes import item_id, moment
from tests.servers.ews.soap import RefusedError, Version, Ways, refused, success, tag, text
from tests.servers.ews.state import Item, Mailbox, Watcher

OPERATION: Final = "GetStreamingEvents"

LOOK_AFTER: Final = 0.02
"""Seconds between two looks at what happened."""


class Subscriptions:
    """Who wants to be told of what."""

    def __init__(self) -> None:
        self._watchers: dict[str, tuple[Mailbox, Watcher]] = {}
        self._numbers = itertools.count(1)
        self._ended = threading.Event()
        """Set when all answers that go on shall end."""
        self.ends_at_once = False
        """As a proxy does that lets nothing pass that goes on."""

    def add(self, mailbox: Mailbox, folders: frozenset[int], events: frozenset[str]) -> str:
        id = f"subscription-{next(self._numbers)}"
        watcher = Watcher(folders, events)
        self._watchers[id] = mailbox, watcher
        mailbox.watchers.append(watcher)
        return id

    def drop(self, id: str) -> bool:
        """Whether there was such a one."""
        mailbox, watcher = self._watchers.pop(id, (None, None))
        if mailbox is None or watcher is None:
            return False
        mailbox.watchers.remove(watcher)
        return True

    def forget(self) -> None:
        """As after a failover: nobody is subscribed any more, and what is being told ends."""
        for id in list(self._watchers):
            self.drop(id)
        self.hang_up()

    def hang_up(self) -> None:
        """Ends every answer that is going on; later ones go on again."""
        self._ended.set()
        self._ended = threading.Event()

    def stream(self, ids: Sequence[str], minutes: float, version: Version) -> Iterator[bytes]:
        """The envelopes, until the time is up or somebody hangs up."""
        if any(id not in self._watchers for id in ids):
            error = RefusedError("ErrorSubscriptionNotFound")
            yield soap.answer(OPERATION, refused(OPERATION, error), version)
            return
        ended, until = self._ended, time.monotonic() + minutes * 60
        watchers = {id: self._watchers[id][1] for id in ids}
        yield soap.answer(OPERATION, success(OPERATION, text("m:ConnectionStatus", "OK")), version)
        if self.ends_at_once:
            return
        while time.monotonic() < until and not ended.wait(LOOK_AFTER):
            told = "".join(_notification(id, watcher) for id, watcher in watchers.items())
            if told:
                yield soap.answer(OPERATION, success(OPERATION, tag("m:Notifications", told)), version)
        if not ended.is_set():
            yield soap.answer(OPERATION, success(OPERATION, text("m:ConnectionStatus", "Closed")), version)


def _notification(id: str, watcher: Watcher) -> str:
    events = []
    while True:
        try:
            events.append(_event(*watcher.told.get_nowait()))
        except Empty:
            break
    return tag("m:Notification", text("t:SubscriptionId", id), *events) if events else ""


def _event(kind: str, item: Item, when: datetime) -> str:
    parent = tag("t:ParentFolderId", Id=item.folder.id)
    return tag(f"t:{kind}", text("t:TimeStamp", moment(when, Ways.EXCHANGE)), item_id(item), parent)
