"""
The operations of EWS that we use: what is asked, and what came of each item.

Elements stand in the order of the schema (types.xsd, messages.xsd), and only such as Exchange 2010 SP2 knows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from exchangelib.errors import (
    ErrorIncorrectSchemaVersion,
    ErrorInvalidRequest,
    ErrorInvalidSchemaVersionForMailboxVersion,
    ErrorInvalidServerVersion,
)
from exchangelib.services.common import EWSAccountService
from exchangelib.util import ENS, MNS, SOAPNS, TNS, create_element

from cleaner.connectors.ews.errors import SoapFaultError
from cleaner.connectors.ews.wire import tree
from cleaner.errors import ServerUnavailableError

T: Final = f"{{{TNS}}}"
M: Final = f"{{{MNS}}}"

_WRONG_VERSION: Final = {
    kind.__name__: kind
    for kind in (
        ErrorIncorrectSchemaVersion,
        ErrorInvalidRequest,
        ErrorInvalidSchemaVersionForMailboxVersion,
        ErrorInvalidServerVersion,
    )
}
"""The library asks again with another version."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one item of a request. `code` is empty where it succeeded."""

    code: str
    text: str
    wait: float | None
    element: Any

    @property
    def is_ok(self) -> bool:
        return not self.code

    def all(self, container: str) -> list[Any]:
        """The elements inside a container of the answer."""
        found = self.element.find(f"{M}{container}")
        return [] if found is None else [child for child in found if isinstance(child.tag, str)]

    def page(self, container: str) -> tuple[list[Any], bool]:
        """What one page of a search tells, and whether it is the last."""
        root = self.element.find(f"{M}RootFolder")
        if root is None:
            return [], True
        is_last = str(root.get("IncludesLastItemInRange", "true")).lower() in ("true", "1")
        found = root.find(f"{T}{container}")
        return ([] if found is None else list(found)), is_last

    def text_of(self, name: str) -> str:
        return str(self.element.findtext(f"{M}{name}") or "")


class Call(EWSAccountService):  # type: ignore[misc]
    """One operation, asked once: no waiting, no asking again, no error of one item raised for all."""

    def answers(self, payload: Any) -> list[Answer]:
        return [answer_of(message) for message in self._get_response_xml(payload=payload)]

    def _handle_response_cookies(self, session: Any) -> None:
        """Who subscribed asks the same server for what it tells; which that is, a cookie says."""
        super()._handle_response_cookies(session)
        if self.prefer_affinity:
            self.account.kept_cookies = {cookie.name: cookie.value for cookie in session.cookies}

    @classmethod
    def _raise_soap_errors(cls, fault: Any) -> None:
        raise fault_of(fault)

    def _get_soap_parts(self, response: Any) -> tuple[Any, Any]:
        root = tree(response.content, self.protocol._server)
        body = root.find(f"{{{SOAPNS}}}Body")
        if body is None:
            raise ServerUnavailableError(str(self.protocol.server), "its answer has no body")
        return root.find(f"{{{SOAPNS}}}Header"), body

    def _get_soap_messages(self, body: Any) -> Any:
        if body.find(self._response_tag()) is None and body.find(f"{{{SOAPNS}}}Fault") is None:
            raise ServerUnavailableError(
                str(self.protocol.server), "it answers something else than it was asked"
            )
        return super()._get_soap_messages(body)


_BOUND: Final = ("GetStreamingEvents", "Subscribe", "Unsubscribe")
"""Operations of one server behind a name that many answer to."""


def _call(name: str) -> type[Call]:
    return type(name, (Call,), {"SERVICE_NAME": name, "prefer_affinity": name in _BOUND})


CALLS: Final = {
    name: _call(name)
    for name in (
        "CreateFolder CreateItem FindFolder FindItem GetAttachment GetFolder GetItem GetStreamingEvents "
        "GetUserConfiguration MoveItem Subscribe SyncFolderItems Unsubscribe UpdateItem"
    ).split()
}


def fault_of(fault: Any) -> Exception:
    """The fault as an exception: by the code in its detail, else by its fault code."""
    detail = fault.find("detail")
    found = detail if detail is not None else fault
    named = (fault.findtext("faultcode") or "").rpartition(":")[2]
    code = (found.findtext(f"{{{ENS}}}ResponseCode") or named).strip()
    text = (found.findtext(f"{{{ENS}}}Message") or fault.findtext("faultstring") or "").strip()
    if code in _WRONG_VERSION:
        wrong: Exception = _WRONG_VERSION[code](text)
        return wrong
    if not code.startswith("Error"):
        # An open server puts the code into the words: `ErrorCannotFindUser`.
        code = next((word for word in text.replace(":", " ").split() if word.startswith("Error")), code)
    return SoapFaultError(code, text, wait_of(found.find(f"{T}MessageXml")))


def answer_of(message: Any) -> Answer:
    code = (message.findtext(f"{M}ResponseCode") or "").strip()
    kind = message.get("ResponseClass")
    if code == "NoError" or (not code and kind == "Success"):
        return Answer("", "", None, message)
    told = message.find(f"{M}MessageXml")
    # An inner code says what an ErrorInternalServerError really was.
    inner = values_of(told).get("InnerErrorResponseCode", "")
    text = message.findtext(f"{M}MessageText") or ""
    return Answer(inner or code or "no code", text, wait_of(told), message)


def values_of(told: Any) -> Mapping[str, str]:
    if told is None:
        return {}
    return {str(value.get("Name")): str(value.text or "").strip() for value in told.iter(f"{T}Value")}


def wait_of(told: Any) -> float | None:
    """How long the server wants to be left alone, in seconds."""
    milliseconds = values_of(told).get("BackOffMilliseconds", "")
    return int(milliseconds) / 1000 if milliseconds.isascii() and milliseconds.isdigit() else None


# --- what is asked -------------------------------------------------------------------------------


def node(name: str, *inside: Any, **attributes: str) -> Any:
    """An element: `t:` or `m:`, text or elements inside."""
    made = create_element(name, attrs={key: _writable(value) for key, value in attributes.items()})
    for child in inside:
        if isinstance(child, str):
            made.text = _writable(child)
        else:
            made.append(child)
    return made


def _writable(text: str) -> str:
    """Without what XML cannot hold: control characters, halves of characters."""
    return "".join(c for c in text if c.isprintable() or c in "\t\n\r")


def field(name: str) -> Any:
    """A field by its URI (`item:Subject`), or a MAPI property: `0x7d String`."""
    if name.startswith("0x"):
        tag, kind = name.split()
        return node("t:ExtendedFieldURI", PropertyTag=tag, PropertyType=kind)
    return node("t:FieldURI", FieldURI=name)


def shape(tag: str, fields: Iterable[str], *, mime: bool = False) -> Any:
    parts = [node("t:BaseShape", "IdOnly")]
    if mime:
        parts.append(node("t:IncludeMimeContent", "true"))
    wanted = [field(name) for name in fields]
    if wanted:
        parts.append(node("t:AdditionalProperties", *wanted))
    return node(tag, *parts)


def item_ids(ids: Iterable[str]) -> Any:
    return node("m:ItemIds", *(node("t:ItemId", Id=id) for id in ids))


def folder_id(id: str) -> Any:
    return node("t:FolderId", Id=id)


def distinguished(name: str, address: str) -> Any:
    """A folder by what it is for, of a mailbox by its address: without that it would be the account's own."""
    whose = node(
        "t:Mailbox",
        node("t:EmailAddress", address),
        node("t:RoutingType", "SMTP"),
        node("t:MailboxType", "Mailbox"),
    )
    return node("t:DistinguishedFolderId", whose, Id=name)


def get_items(ids: Iterable[str], fields: Iterable[str], *, mime: bool = False) -> Any:
    return node("m:GetItem", shape("m:ItemShape", fields, mime=mime), item_ids(ids))


def get_attachments(ids: Iterable[str], fields: Iterable[str]) -> Any:
    asked = node("m:AttachmentShape", node("t:IncludeMimeContent", "true"))
    asked.append(node("t:AdditionalProperties", *(field(name) for name in fields)))
    return node(
        "m:GetAttachment", asked, node("m:AttachmentIds", *(node("t:AttachmentId", Id=id) for id in ids))
    )


def sync_items(folder: str, state: str | None, fields: Iterable[str], most: int) -> Any:
    parts = [shape("m:ItemShape", fields), node("m:SyncFolderId", folder_id(folder))]
    if state:
        parts.append(node("m:SyncState", state))
    return node("m:SyncFolderItems", *parts, node("m:MaxChangesReturned", str(most)))


def find_items(folder: str, fields: Iterable[str], restriction: Any, offset: int, most: int) -> Any:
    """Oldest first, since paging without an order may skip and repeat."""
    view = node(
        "m:IndexedPageItemView", MaxEntriesReturned=str(most), Offset=str(offset), BasePoint="Beginning"
    )
    order = node("m:SortOrder", node("t:FieldOrder", field("item:DateTimeReceived"), Order="Ascending"))
    asked = shape("m:ItemShape", fields)
    parents = node("m:ParentFolderIds", folder_id(folder))
    return node("m:FindItem", asked, view, restriction, order, parents, Traversal="Shallow")


def newest_items(folders: Iterable[Any]) -> Any:
    """The id of the newest message of each folder."""
    view = node("m:IndexedPageItemView", MaxEntriesReturned="1", Offset="0", BasePoint="Beginning")
    order = node("m:SortOrder", node("t:FieldOrder", field("item:DateTimeReceived"), Order="Descending"))
    parents = node("m:ParentFolderIds", *folders)
    return node("m:FindItem", shape("m:ItemShape", ()), view, order, parents, Traversal="Shallow")


def any_equal(name: str, values: Sequence[str]) -> Any:
    """A restriction: the field is one of these."""
    tests = [
        node("t:IsEqualTo", field(name), node("t:FieldURIOrConstant", node("t:Constant", Value=value)))
        for value in values
    ]
    return node("m:Restriction", tests[0] if len(tests) == 1 else node("t:Or", *tests))


def get_folders(folders: Iterable[Any], fields: Iterable[str]) -> Any:
    return node("m:GetFolder", shape("m:FolderShape", fields), node("m:FolderIds", *folders))


def find_folders(parent: Any, fields: Iterable[str], offset: int, most: int, *, deep: bool = True) -> Any:
    view = node(
        "m:IndexedPageFolderView", MaxEntriesReturned=str(most), Offset=str(offset), BasePoint="Beginning"
    )
    return node(
        "m:FindFolder",
        shape("m:FolderShape", fields),
        view,
        node("m:ParentFolderIds", parent),
        Traversal="Deep" if deep else "Shallow",
    )


def get_user_configuration(folder: Any, name: str) -> Any:
    """What stands as XML in a hidden message of settings of a folder."""
    named = node("m:UserConfigurationName", folder, Name=name)
    return node("m:GetUserConfiguration", named, node("m:UserConfigurationProperties", "XmlData"))


def create_folder(parent: Any, name: str) -> Any:
    """A folder for mail, which Outlook shows: without a class it is a folder of nothing."""
    made = node("t:Folder", node("t:FolderClass", "IPF.Note"), node("t:DisplayName", name))
    return node("m:CreateFolder", node("m:ParentFolderId", parent), node("m:Folders", made))


def move_items(ids: Iterable[str], target: str) -> Any:
    return node("m:MoveItem", node("m:ToFolderId", folder_id(target)), item_ids(ids))


def set_property(name: str, value: str | None) -> Any:
    """A change of one MAPI property; None takes it away."""
    if value is None:
        return node("t:DeleteItemField", field(name))
    return node("t:SetItemField", field(name), node("t:Message", extended(name, value)))


def set_read(is_read: bool) -> Any:
    return node("t:SetItemField", field("message:IsRead"), node("t:Message", read(is_read)))


def read(is_read: bool) -> Any:
    return node("t:IsRead", "true" if is_read else "false")


def extended(name: str, value: str) -> Any:
    return node("t:ExtendedProperty", field(name), node("t:Value", value))


def update_item(id: str, change_key: str, changes: Iterable[Any]) -> Any:
    change = node("t:ItemChange", node("t:ItemId", Id=id, ChangeKey=change_key), node("t:Updates", *changes))
    return node(
        "m:UpdateItem",
        node("m:ItemChanges", change),
        ConflictResolution="AlwaysOverwrite",
        MessageDisposition="SaveOnly",
        SendMeetingInvitationsOrCancellations="SendToNone",
    )


def create_item(folder: str, mime: str, properties: Iterable[Any], *, is_read: bool) -> Any:
    message = node("t:Message", node("t:MimeContent", mime), *properties, read(is_read))
    return node(
        "m:CreateItem",
        node("m:SavedItemFolderId", folder_id(folder)),
        node("m:Items", message),
        MessageDisposition="SaveOnly",
    )


def subscribe(folder: str, events: Iterable[str]) -> Any:
    kinds = node("t:EventTypes", *(node("t:EventType", event) for event in events))
    return node(
        "m:Subscribe", node("m:StreamingSubscriptionRequest", node("t:FolderIds", folder_id(folder)), kinds)
    )


def unsubscribe(subscription: str) -> Any:
    return node("m:Unsubscribe", node("m:SubscriptionId", subscription))


def get_events(subscription: str, minutes: int) -> Any:
    return node(
        "m:GetStreamingEvents",
        node("m:SubscriptionIds", node("t:SubscriptionId", subscription)),
        node("m:ConnectionTimeout", str(minutes)),
    )
