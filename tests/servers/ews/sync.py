"""SyncFolderItems and SyncFolderHierarchy: what changed since a state that the client keeps."""

from __future__ import annotations

import base64
import struct
from dataclasses import dataclass, replace
from typing import Final

from tests.servers.ews.shapes import Shape, folder_element, item_element
from tests.servers.ews.soap import RefusedError, Ways, flag, tag, text
from tests.servers.ews.state import Folder, Item, Mailbox, encode

_MARK: Final = b"SY01"
_PACKED: Final = struct.Struct(">12sIIQiI")


@dataclass(frozen=True)
class State:
    """What is in a sync state; to the client it is a piece of text."""

    digest: bytes
    folder: int
    epoch: int
    sequence: int
    snapshot: int = -1
    """Which list of changes is being given, -1: none; and how many of them have been."""
    offset: int = 0

    def __str__(self) -> str:
        packed = _PACKED.pack(self.digest, self.folder, self.epoch, self.sequence, self.snapshot, self.offset)
        return base64.b64encode(_MARK + packed).decode()

    @classmethod
    def read(cls, given: str) -> State | None:
        try:
            packed = base64.b64decode(given, validate=True)
            return cls(*_PACKED.unpack(packed.removeprefix(_MARK))) if packed.startswith(_MARK) else None
        except (ValueError, struct.error):
            return None


def items(folder: Folder, given: str, most: int, shape: Shape) -> str:
    """The inside of the response message."""
    state = _accepted(folder, given, shape.ways)
    foreign = ""
    if state is not None and (state.digest, state.folder) != (folder.mailbox.digest, folder.number):
        # The recorded server takes it: deletions that never were, then everything.
        foreign = _never_were(folder, state)
        state = None
    start = state or State(folder.mailbox.digest, folder.number, folder.epoch, 0)
    if start.snapshot < 0:
        changes = folder.changes(start.sequence)
        start = replace(start, sequence=folder.sequence or start.sequence)
        if len(changes) > most:
            folder.snapshots.append(changes)
            start = replace(start, snapshot=len(folder.snapshots) - 1, offset=0)
    else:
        changes = folder.snapshots[start.snapshot]
    page = changes[start.offset : start.offset + most]
    is_last = start.offset + most >= len(changes)
    after = replace(
        start, snapshot=-1 if is_last else start.snapshot, offset=0 if is_last else start.offset + most
    )
    told = foreign + "".join(_change(folder, kind, number, shape) for kind, number in page)
    return (
        text("m:SyncState", str(after)) + flag("m:IncludesLastItemInRange", is_last) + tag("m:Changes", told)
    )


def _accepted(folder: Folder, given: str, ways: Ways) -> State | None:
    """The state, or nothing for a first sync. Raises RefusedError."""
    if not given:
        return None
    state = State.read(given)
    own = state is not None and (state.digest, state.folder) == (folder.mailbox.digest, folder.number)
    if state is not None and own and state.epoch < folder.epoch:
        raise RefusedError("ErrorInvalidSyncStateData")
    if ways is Ways.EXCHANGE and not own:
        raise RefusedError("ErrorInvalidSyncStateData")
    return state


def _never_were(folder: Folder, state: State) -> str:
    other = folder.mailbox.folders.get(state.folder)
    if other is None:
        return ""
    ids = [
        encode(folder.mailbox.digest, folder.number, item.number)
        for item in other.items.values()
        if item.created <= state.sequence
    ]
    return "".join(tag("t:Delete", tag("t:ItemId", Id=each)) for each in ids)


def _change(folder: Folder, kind: str, number: int, shape: Shape) -> str:
    if kind == "Delete":
        return tag("t:Delete", tag("t:ItemId", Id=encode(folder.mailbox.digest, folder.number, number)))
    item = folder.items.get(number)
    if item is None:
        return ""
    if kind == "ReadFlagChange" and shape.ways is Ways.EXCHANGE:
        return _read_flag(item)
    return tag("t:Create" if kind == "Create" else "t:Update", item_element(item, shape))


def _read_flag(item: Item) -> str:
    return tag(
        "t:ReadFlagChange",
        tag("t:ItemId", Id=item.id, ChangeKey=item.change_key),
        flag("t:IsRead", item.is_read),
    )


def _by_level(mailbox: Mailbox) -> list[Folder]:
    """All but the root, those above before those below."""
    found: list[Folder] = []
    level = [each for each in mailbox.folders.values() if each.distinguished == "root"]
    while level:
        level = [child for each in level for child in each.children]
        found += level
    return found


def hierarchy(mailbox: Mailbox, who: str, given: str, fields: frozenset[str], ways: Ways) -> str:
    state = State.read(given) if given else None
    if given and ways is Ways.EXCHANGE and state is None:
        raise RefusedError("ErrorInvalidSyncStateData")
    since = state.sequence if state else -1
    told = [
        tag("t:Create", folder_element(each, fields, mailbox.rights(who, each), ways))
        for each in _by_level(mailbox)
        if each.born > since
    ]
    told += [
        tag("t:Delete", tag("t:FolderId", Id=identifier))
        for when, identifier in mailbox.dropped
        if state is not None and when > since
    ]
    after = State(mailbox.digest, 0, 0, mailbox.hierarchy)
    return (
        text("m:SyncState", str(after)) + flag("m:IncludesLastFolderInRange", True) + tag("m:Changes", *told)
    )
