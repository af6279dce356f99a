"""What each operation of EWS does; one function each, which writes the response messages."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, TypeVar

from lxml import etree

from tests.servers.ews import sync
from tests.servers.ews.content import Content
from tests.servers.ews.faults import Fault, Kind
from tests.servers.ews.restrictions import folder_test, ordered, test_of
from tests.servers.ews.shapes import (
    Shape,
    attachment_element,
    bare,
    folder_element,
    folder_id,
    item_element,
    item_id,
    own_tag,
)
from tests.servers.ews.soap import FaultError, M, RefusedError, T, Ways, name_of, refused, success, tag, text
from tests.servers.ews.state import Folder, Item, Mailbox, decode
from tests.servers.ews.streaming import Subscriptions

Listed = TypeVar("Listed")

TAILS: Final = {
    "CopyItem": "<m:Items/>",
    "CreateFolder": "<m:Folders/>",
    "CreateItem": "<m:Items/>",
    "GetAttachment": "<m:Attachments/>",
    "GetFolder": "<m:Folders/>",
    "GetItem": "<m:Items/>",
    "MoveItem": "<m:Items/>",
    "SyncFolderItems": "<m:SyncState/><m:IncludesLastItemInRange>true</m:IncludesLastItemInRange>",
    "UpdateItem": "<m:Items/><m:ConflictResults><t:Count>0</t:Count></m:ConflictResults>",
}
"""What stands at the end of a response message that is an error."""

MOST: Final = 1000
"""Items that Exchange gives at once."""

MOST_CHANGES: Final = 512
"""The schema allows no more in one answer."""


@dataclass
class Call:
    """One request, understood."""

    operation: str
    body: etree._Element
    who: str
    """As whom it is done: the account, or whom it impersonates."""
    mailboxes: dict[str, Mailbox]
    digests: dict[bytes, Mailbox]
    ways: Ways
    subscriptions: Subscriptions
    fault: Fault | None = None
    """Of one item of the batch."""
    renews: bool = False
    """MIME has other boundaries each time."""

    # --- what is named

    def shape(self) -> Shape:
        asked = next(iter(self.body.iter(M + "ItemShape", M + "AttachmentShape")), None)
        return replace(Shape.of(asked, self.ways), renews=self.renews)

    def folder_fields(self) -> frozenset[str]:
        return self.folder_shape().fields

    def folder_shape(self) -> Shape:
        return Shape.of(self.body.find(M + "FolderShape"), self.ways)

    def folder(
        self, element: etree._Element, *, gone: str = "ErrorFolderNotFound", needs: str = "read"
    ) -> Folder:
        found = self._distinguished(element) if name_of(element) == "DistinguishedFolderId" else None
        if found is None:
            found = self._by_id(element.get("Id", ""), gone)
        self.require(found, needs)
        return found

    def _distinguished(self, element: etree._Element) -> Folder:
        address = next((each.text or "" for each in element.iter(T + "EmailAddress")), self.who)
        mailbox = self.mailboxes.get(address.strip().lower())
        if mailbox is None:
            if self.ways is Ways.RECORDED:
                raise RefusedError("ErrorCannotFindUser")
            raise RefusedError("ErrorNonExistentMailbox", {"SmtpAddress": address})
        found = mailbox.known(element.get("Id", ""))
        if found is None:
            raise RefusedError("ErrorFolderNotFound")
        return found

    def _by_id(self, identifier: str, gone: str) -> Folder:
        read = decode(identifier)
        if read is None:
            raise RefusedError(
                "ErrorInvalidFolderId" if self.ways is Ways.RECORDED else "ErrorInvalidIdMalformed"
            )
        mailbox = self.digests.get(read[0])
        found = mailbox.folders.get(read[1]) if mailbox else None
        if found is None:
            raise RefusedError(gone)
        return found

    def item(self, element: etree._Element, *, needs: str = "read") -> Item:
        return self.located(element)[0] if needs == "read" else self._allowed(element, needs)

    def _allowed(self, element: etree._Element, needs: str) -> Item:
        item, _ = self.located(element)
        self.require(item.folder, needs)
        return item

    def located(self, element: etree._Element) -> tuple[Item, int]:
        """The item, and which attachment of it (0: itself)."""
        read = decode(element.get("Id", ""))
        if read is None:
            raise RefusedError("ErrorInvalidId" if self.ways is Ways.RECORDED else "ErrorInvalidIdMalformed")
        digest, folder_number, number, attachment = read
        mailbox = self.digests.get(digest)
        folder = mailbox.folders.get(folder_number) if mailbox else None
        item = folder.items.get(number) if folder else None
        if folder is not None:
            self.require(folder, "read")
        if item is None:
            raise RefusedError("ErrorItemNotFound")
        return item, attachment

    def require(self, folder: Folder, right: str) -> None:
        if right not in folder.mailbox.rights(self.who, folder):
            raise RefusedError("ErrorAccessDenied")

    # --- batches

    def each(self, elements: Iterable[etree._Element], do: Callable[[etree._Element], str]) -> str:
        """A response message for each, and what stops the rest."""
        return "".join(self._messages(elements, do))

    def _messages(
        self, elements: Iterable[etree._Element], do: Callable[[etree._Element], str]
    ) -> Iterator[str]:
        tail = TAILS.get(self.operation, "")
        stopped = False
        for at, element in enumerate(elements):
            if stopped:
                yield refused(self.operation, RefusedError("ErrorBatchProcessingStopped"), tail)
                continue
            try:
                self._strike(at)
                yield success(self.operation, do(element))
            except RefusedError as error:
                yield refused(self.operation, error, tail)
                stopped = error.stops or (self.ways is Ways.EXCHANGE and error.code in STOPPING)

    def _strike(self, at: int) -> None:
        fault = self.fault
        if fault is None or fault.kind is not Kind.ITEM or fault.at != at:
            return
        if fault.meanwhile is not None:
            fault.meanwhile()
        if fault.code:
            raise RefusedError(fault.code, fault.values, fault.stops_batch)


STOPPING: Final = frozenset(
    {"ErrorAccessDenied", "ErrorMailboxMoveInProgress", "ErrorMailboxStoreUnavailable"}
)
"""After these Exchange does nothing more of a batch."""


def _children(call: Call, name: str) -> list[etree._Element]:
    found = call.body.find(M + name)
    return [] if found is None else list(found)


# --- folders


def convert_id(call: Call) -> str:
    return refused(call.operation, RefusedError("ErrorCorruptData"))


def get_folder(call: Call) -> str:
    shape = call.folder_shape()
    gone = "ErrorFolderPropertyRequestFailed" if call.ways is Ways.RECORDED else "ErrorFolderNotFound"

    def do(element: etree._Element) -> str:
        folder = call.folder(element, gone=gone)
        rights = folder.mailbox.rights(call.who, folder)
        return tag("m:Folders", folder_element(folder, shape.fields, rights, call.ways, shape.tags))

    return call.each(_children(call, "FolderIds"), do)


def find_folder(call: Call) -> str:
    fields = call.folder_fields()
    passes = folder_test(call.body.find(M + "Restriction"))
    deep = call.body.get("Traversal") == "Deep"

    def do(element: etree._Element) -> str:
        parent = call.folder(element)
        found = [each for each in _under(parent, deep) if passes(each)]
        if not found and call.ways is Ways.RECORDED:
            return ""
        page, attributes = _paged(call, "IndexedPageFolderView", found)
        written = (
            folder_element(each, fields, each.mailbox.rights(call.who, each), call.ways) for each in page
        )
        return tag("m:RootFolder", tag("t:Folders", *written), **attributes)

    return call.each(_children(call, "ParentFolderIds"), do)


def _under(parent: Folder, deep: bool) -> Iterator[Folder]:
    for child in parent.children:
        yield child
        if deep:
            yield from _under(child, deep)


def create_folder(call: Call) -> str:
    def do(element: etree._Element) -> str:
        parent = call.folder(_children(call, "ParentFolderId")[0], needs="hierarchy")
        name = element.findtext(T + "DisplayName") or ""
        if any(each.name.casefold() == name.casefold() for each in parent.children):
            raise RefusedError("ErrorFolderExists")
        made = parent.mailbox.make(parent, name, element.findtext(T + "FolderClass"))
        return tag("m:Folders", tag("t:Folder", folder_id(made)))

    return call.each(_children(call, "Folders"), do)


def delete_folder(call: Call) -> str:
    def do(element: etree._Element) -> str:
        folder = call.folder(element, needs="delete")
        if folder.distinguished or (call.ways is Ways.RECORDED and folder.items):
            raise RefusedError("ErrorCannotDeleteObject")
        folder.mailbox.drop(folder)
        return ""

    return call.each(_children(call, "FolderIds"), do)


def sync_folder_hierarchy(call: Call) -> str:
    def do(element: etree._Element) -> str:
        mailbox = call.folder(element).mailbox
        state = call.body.findtext(M + "SyncState") or ""
        return sync.hierarchy(mailbox, call.who, state.strip(), call.folder_fields(), call.ways)

    start = _children(call, "SyncFolderId") or [etree.Element(T + "DistinguishedFolderId", Id="root")]
    return call.each(start, do)


# --- finding and reading


def find_item(call: Call) -> str:
    shape = call.shape().of_a_list()

    def do(element: etree._Element) -> str:
        try:
            folder = call.folder(element)
        except RefusedError as error:
            # The recorded server finds a deleted folder empty.
            if error.code != "ErrorFolderNotFound" or call.ways is Ways.EXCHANGE:
                raise
            found: list[Item] = []
        else:
            passes = test_of(call.body.find(M + "Restriction"), call.ways)
            found = [item for item in list(folder.items.values()) if passes(item)]
            found = ordered(found, call.body.find(M + "SortOrder"))
        page, attributes = _paged(call, "IndexedPageItemView", found)
        written = (item_element(item, shape) for item in page)
        groups = "<t:Groups/>" if call.ways is Ways.RECORDED else ""
        return tag("m:RootFolder", tag("t:Items", *written), groups, **attributes)

    return call.each(_children(call, "ParentFolderIds"), do)


def _paged(call: Call, view: str, found: list[Listed]) -> tuple[list[Listed], dict[str, str]]:
    asked = call.body.find(M + view)
    offset = int(asked.get("Offset", "0")) if asked is not None else 0
    most = int(asked.get("MaxEntriesReturned", len(found))) if asked is not None else len(found)
    if call.ways is Ways.EXCHANGE:
        most = min(most, MOST)
    page = found[offset : offset + most]
    end = offset + len(page)
    return page, {
        "IndexedPagingOffset": str(end),
        "IncludesLastItemInRange": "true" if end >= len(found) else "false",
        "TotalItemsInView": str(len(found)),
    }


def get_item(call: Call) -> str:
    shape = call.shape()

    def do(element: etree._Element) -> str:
        item = call.item(element)
        return tag("m:Items", item_element(item, shape, item.folder.mailbox.rights(call.who, item.folder)))

    return call.each(_children(call, "ItemIds"), do)


def get_attachment(call: Call) -> str:
    shape = call.shape()

    def do(element: etree._Element) -> str:
        item, attachment = call.located(element)
        if not 1 <= attachment <= len(item.content.attachments):
            raise RefusedError("ErrorItemNotFound")
        return tag("m:Attachments", attachment_element(item, attachment - 1, shape))

    return call.each(_children(call, "AttachmentIds"), do)


def sync_folder_items(call: Call) -> str:
    shape = call.shape().of_a_list()

    def do(element: etree._Element) -> str:
        folder = call.folder(element)
        state = (call.body.findtext(M + "SyncState") or "").strip()
        most = int(call.body.findtext(M + "MaxChangesReturned") or "512")
        return sync.items(folder, state, min(most, MOST_CHANGES), shape)

    return call.each(_children(call, "SyncFolderId"), do)


# --- changing


def move_item(call: Call) -> str:
    return _to_folder(call, moves=True)


def copy_item(call: Call) -> str:
    return _to_folder(call, moves=False)


def _to_folder(call: Call, *, moves: bool) -> str:
    named = _children(call, "ToFolderId")[0]
    try:
        call.folder(named)
    except RefusedError as error:
        if error.code == "ErrorFolderNotFound" and call.ways is Ways.RECORDED:
            raise FaultError("SOAP:Server") from None

    def do(element: etree._Element) -> str:
        item = call.item(element, needs="delete" if moves else "read")
        target = call.folder(named, needs="create")
        if moves:
            made = item.folder.mailbox.move(item, target)
        else:
            _require_room(target.mailbox, len(item.content.raw))
            made = target.new(item.content, item.received, is_read=item.is_read, saved=True)
        return tag("m:Items", bare(made, call.ways))

    return call.each(_children(call, "ItemIds"), do)


def delete_item(call: Call) -> str:
    kind = call.body.get("DeleteType", "")

    def do(element: etree._Element) -> str:
        item = call.item(element, needs="delete")
        mailbox = item.folder.mailbox
        target = None
        if kind == "MoveToDeletedItems":
            target = mailbox.known("deleteditems")
        elif kind == "SoftDelete":
            target = mailbox.known("recoverableitemsdeletions")
        elif mailbox.hold:
            target = mailbox.known("recoverableitemspurges")
        if target is None:
            item.folder.remove(item)
        else:
            mailbox.move(item, target)
        return ""

    return call.each(_children(call, "ItemIds"), do)


def create_item(call: Call) -> str:
    where = _children(call, "SavedItemFolderId")

    def do(element: etree._Element) -> str:
        named = where[0] if where else etree.Element(T + "DistinguishedFolderId", Id="drafts")
        folder = call.folder(named, needs="create")
        raw = base64.b64decode(element.findtext(T + "MimeContent") or "")
        _require_room(folder.mailbox, len(raw))
        now = datetime.now(UTC)
        extended = dict(_extended(element))
        received = extended.pop("0xe06", "")
        made = folder.new(
            Content(raw, now, trace=False),
            datetime.fromisoformat(received).astimezone(UTC) if received else now,
            is_read=_truth(element.findtext(T + "IsRead")),
            categories=_categories(element),
            extended=extended,
            saved=True,
        )
        return tag("m:Items", tag("t:Message", item_id(made)))

    return call.each(_children(call, "Items"), do)


def _require_room(mailbox: Mailbox, size: int) -> None:
    if mailbox.quota is not None and mailbox.used() + size > mailbox.quota:
        raise RefusedError("ErrorQuotaExceeded")


def update_item(call: Call) -> str:
    def do(element: etree._Element) -> str:
        item = call.item(element.find(T + "ItemId"), needs="edit")
        for change in element.find(T + "Updates"):
            _apply(item, change)
        results = tag("m:ConflictResults", text("t:Count", "0"))
        return tag("m:Items", tag("t:Message", item_id(item))) + results

    return call.each(_children(call, "ItemChanges"), do)


def _apply(item: Item, change: etree._Element) -> None:
    sets = name_of(change) == "SetItemField"
    new = change[1] if sets else None
    extended = change.find(T + "ExtendedFieldURI")
    uri = change.find(T + "FieldURI")
    name = uri.get("FieldURI") if uri is not None else ""
    if extended is not None:
        own = own_tag(extended.get("PropertyTag", "0"))
        item.extended.pop(own, None)
        if new is not None:
            item.extended |= dict(_extended(new))
    elif name == "message:IsRead":
        item.is_read = new is not None and _truth(new.findtext(T + "IsRead"))
    elif name == "item:Categories":
        item.categories = _categories(new) if new is not None else ()
    item.folder.touch(item, read_only=name == "message:IsRead")


def _extended(element: etree._Element) -> Iterator[tuple[str, str]]:
    for each in element.iter(T + "ExtendedProperty"):
        uri = each.find(T + "ExtendedFieldURI")
        yield own_tag(uri.get("PropertyTag", "0")), each.findtext(T + "Value") or ""


def _categories(element: etree._Element) -> tuple[str, ...]:
    found = element.find(T + "Categories")
    return () if found is None else tuple(each.text or "" for each in found)


# --- settings


def get_user_configuration(call: Call) -> str:
    """One hidden message of settings: the retention tags, with the hold over them."""

    def do(element: etree._Element) -> str:
        mailbox = call.folder(element[0]).mailbox
        if element.get("Name") != "MRM" or mailbox.retention is None:
            raise RefusedError("ErrorItemNotFound")
        name = tag("t:UserConfigurationName", tag("t:DistinguishedFolderId", Id="inbox"), Name="MRM")
        data = text("t:XmlData", base64.b64encode(mailbox.retention).decode())
        return tag("m:UserConfiguration", name, data)

    return call.each(call.body.findall(M + "UserConfigurationName"), do)


# --- subscriptions


def subscribe(call: Call) -> str:
    def do(element: etree._Element) -> str:
        named = element.find(T + "FolderIds")
        folders = [call.folder(each) for each in named] if named is not None else []
        mailbox = folders[0].mailbox if folders else call.mailboxes[call.who.lower()]
        events = frozenset(each.text or "" for each in element.iter(T + "EventType"))
        id = call.subscriptions.add(mailbox, frozenset(each.number for each in folders), events)
        return text("m:SubscriptionId", id)

    return call.each(list(call.body), do)


def unsubscribe(call: Call) -> str:
    def do(element: etree._Element) -> str:
        if not call.subscriptions.drop(element.text or ""):
            raise RefusedError("ErrorSubscriptionNotFound")
        return ""

    return call.each(call.body.findall(M + "SubscriptionId"), do)


def _truth(value: str | None) -> bool:
    return (value or "").strip().lower() in ("true", "1")


OPERATIONS: Final[dict[str, Callable[[Call], str]]] = {
    "ConvertId": convert_id,
    "CopyItem": copy_item,
    "CreateFolder": create_folder,
    "CreateItem": create_item,
    "DeleteFolder": delete_folder,
    "DeleteItem": delete_item,
    "FindFolder": find_folder,
    "FindItem": find_item,
    "GetAttachment": get_attachment,
    "GetFolder": get_folder,
    "GetItem": get_item,
    "GetUserConfiguration": get_user_configuration,
    "MoveItem": move_item,
    "Subscribe": subscribe,
    "SyncFolderHierarchy": sync_folder_hierarchy,
    "SyncFolderItems": sync_folder_items,
    "Unsubscribe": unsubscribe,
    "UpdateItem": update_item,
}
