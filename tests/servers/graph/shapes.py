"""Messages, attachments and folders as JSON. Source: https://learn.microsoft.com/graph/api/resources/message"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from tests.servers.ews.content import Attachment, Content
from tests.servers.graph.query import Expand, Preferences
from tests.servers.graph.state import Folder, Item

SHORT: Final = 255
"""So much of a text property comes in lists, as with FindItem of EWS; a single message has it whole."""

DELTA_TYPE: Final = "#microsoft.graph.message"


@dataclass(frozen=True)
class View:
    """What of a message is asked for, and how."""

    prefers: Preferences = field(default_factory=Preferences)
    select: frozenset[str] | None = None
    expand: Expand = field(default_factory=Expand)
    is_list: bool = False
    is_basic: bool = False
    """Mail.ReadBasic: no bodies, no attachments, no extended properties."""


def when(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _person(found: tuple[str, str] | None) -> dict[str, object] | None:
    return None if found is None else {"emailAddress": {"name": found[0] or found[1], "address": found[1]}}


def _people(found: tuple[tuple[str, str], ...]) -> list[dict[str, object] | None]:
    return [_person(each) for each in found]


def _body(item: Item, view: View) -> dict[str, str]:
    plain, marked = item.content.body
    if view.prefers.text:
        return {"contentType": "text", "content": plain}
    return {"contentType": "html", "content": marked}


def _headers(item: Item) -> list[dict[str, str]] | None:
    if item.composed:
        return None
    return [{"name": name, "value": value} for name, value in item.content.headers]


def item_id(item: Item, view: View) -> str:
    return item.id if view.prefers.immutable else item.ordinary_id


PROPERTIES: Final[dict[str, Callable[[Item, View], object]]] = {
    "id": item_id,
    "createdDateTime": lambda item, _: when(item.created),
    "lastModifiedDateTime": lambda item, _: when(item.modified),
    "changeKey": lambda item, _: item.change_key,
    "categories": lambda item, _: list(item.categories),
    "receivedDateTime": lambda item, _: when(item.received),
    "sentDateTime": lambda item, _: when(item.content.sent),
    "hasAttachments": lambda item, _: bool(item.content.attachments),
    "internetMessageId": lambda item, _: item.content.message_id,
    "subject": lambda item, _: item.content.subject,
    "bodyPreview": lambda item, _: item.content.body[0][:255],
    "importance": lambda item, _: item.importance,
    "parentFolderId": lambda item, _: item.folder.id,
    "conversationId": lambda item, _: _conversation(item),
    "conversationIndex": lambda item, _: _conversation(item)[:28],
    "isDeliveryReceiptRequested": lambda *_: False,
    "isReadReceiptRequested": lambda *_: False,
    "isRead": lambda item, _: item.is_read,
    "isDraft": lambda item, _: item.is_draft,
    "webLink": lambda item, view: f"https://outlook.office365.com/owa/?ItemID={item_id(item, view)}",
    "inferenceClassification": lambda *_: "focused",
    "body": _body,
    "sender": lambda item, _: _person(item.content.sender),
    "from": lambda item, _: _person(item.content.author),
    "toRecipients": lambda item, _: _people(item.content.to),
    "ccRecipients": lambda item, _: _people(item.content.cc),
    "bccRecipients": lambda item, _: _people(item.content.bcc),
    "replyTo": lambda item, _: _people(item.content.reply_to),
    "flag": lambda item, _: item.flag,
    "internetMessageHeaders": lambda item, _: _headers(item),
    "uniqueBody": _body,
}
ONLY_SELECTED: Final = frozenset({"internetMessageHeaders", "uniqueBody"})
HIDDEN_FROM_BASIC: Final = frozenset({"body", "bodyPreview", "uniqueBody"})
NAVIGATION: Final = frozenset({"attachments", "singleValueExtendedProperties"})


def message(item: Item, view: View) -> dict[str, object]:
    names = PROPERTIES.keys() - ONLY_SELECTED if view.select is None else view.select
    if view.is_basic:
        names = names - HIDDEN_FROM_BASIC
    found: dict[str, object] = {"@odata.etag": f'W/"{item.change_key}"'}
    for name, get in PROPERTIES.items():
        if name in names or name == "id":
            value = get(item, view)
            if value is not None or name not in ONLY_SELECTED:
                found[name] = value
    if view.is_basic:
        return found
    if view.expand.properties:
        _add_extended(found, item, view)
    if view.expand.attachments:
        found["attachments"] = [attachment(each, item, view) for each in item.content.attachments]
    return found


def _conversation(item: Item) -> str:
    thread = re.sub(r"(?i)^((re|fwd?|aw|wg):\s*)+", "", item.content.subject)
    return base64.b64encode(hashlib.sha256(thread.encode()).digest()).decode()


# --- extended properties


def _flags(item: Item) -> str:
    return str(item.is_read | (8 if item.is_draft else 0) | (16 if item.content.attachments else 0))


TAGS: Final[dict[str, Callable[[Item], str | None]]] = {
    "String 0x1a": lambda item: item.content.item_class,
    "String 0x7d": lambda item: None if item.composed else item.content.transport_headers,
    "String 0x37": lambda item: item.content.subject,
    "String 0x1035": lambda item: item.content.message_id,
    "Integer 0xe07": _flags,
    "Integer 0xe08": lambda item: str(size(item)),
    "Long 0xe08": lambda item: str(size(item)),
    "Integer 0x1090": lambda item: {"flagged": "2", "complete": "1"}.get(str(item.flag.get("flagStatus"))),
    "SystemTime 0xe06": lambda item: when(item.received),
}


def size(item: Item) -> int:
    """An estimate, as Exchange's is."""
    return len(item.content.raw) + 1024


def extended(item: Item, id: str) -> str | None:
    if id in TAGS:
        return TAGS[id](item)
    return item.extended.get(id)


def _add_extended(found: dict[str, object], item: Item, view: View) -> None:
    """A property that is not there is left out; with none of them the whole list is."""
    present = [(id, extended(item, id)) for id in view.expand.properties]
    listed = [
        {"id": id, "value": value[:SHORT] if view.is_list else value}
        for id, value in present
        if value is not None
    ]
    if listed:
        found["singleValueExtendedProperties"] = listed


# --- attachments


def attachment_id(each: Attachment, item: Item) -> str:
    seed = hashlib.shake_128(f"{item.id}/{each.position}/{each.name}".encode()).digest(60)
    return base64.urlsafe_b64encode(b"\0\x02" + each.position.to_bytes(2, "big") + seed).decode()


def attachment(each: Attachment, item: Item, view: View, *, whole: bool = False) -> dict[str, object]:
    kind = "fileAttachment" if each.message is None else "itemAttachment"
    found: dict[str, object] = {
        "@odata.type": f"#microsoft.graph.{kind}",
        "id": attachment_id(each, item),
        "lastModifiedDateTime": when(item.modified),
        "name": each.name,
        "contentType": each.type if each.message is None else None,
        "size": len(each.data) + 128,
        "isInline": False,
    }
    if each.message is None and whole:
        found["contentBytes"] = base64.b64encode(each.data).decode()
    return found


def attached_item(each: Attachment, item: Item, view: View, *, is_told: bool) -> dict[str, object]:
    """
    The message in an itemAttachment: it lies nowhere and has no id of its own.

    `is_told`: so does the header that it arrived with, as GetAttachment of EWS tells it; of Graph no page says it.
    """
    assert each.message is not None
    content = each.message
    inner = Item(item.mailbox, item.folder, 0, content, content.sent, composed=not is_told)
    told = message(inner, view) | {"@odata.type": DELTA_TYPE, "id": "", "parentFolderId": None}
    del told["@odata.etag"]
    return told


def attachment_value(each: Attachment) -> bytes:
    """Of an attached message: its MIME, written anew too."""
    return each.data if each.message is None else each.message.mime


# --- folders

FOLDER_PROPERTIES: Final[dict[str, Callable[[Folder], object]]] = {
    "id": lambda folder: folder.id,
    "displayName": lambda folder: folder.name,
    "parentFolderId": lambda folder: folder.parent.id if folder.parent else None,
    "childFolderCount": lambda folder: sum(not each.is_hidden for each in folder.children),
    "unreadItemCount": lambda folder: folder.unread,
    "totalItemCount": lambda folder: len(folder.items),
    "sizeInBytes": lambda folder: sum(size(item) for item in folder.items.values()),
    "isHidden": lambda folder: folder.is_hidden,
}
"""In v1.0 a folder does not say which well-known one it is."""
FOLDER_SELECTABLE: Final = FOLDER_PROPERTIES.keys() - {"sizeInBytes"}
"""The size comes in answers and stands in no documentation (microsoft-graph-docs-contrib pull request 9463)."""


def folder(each: Folder, select: frozenset[str] | None, *, children: bool = False) -> dict[str, object]:
    found = {
        name: get(each)
        for name, get in FOLDER_PROPERTIES.items()
        if select is None or name in select or name == "id"
    }
    if children:
        found["childFolders"] = [folder(child, select) for child in each.children if not child.is_hidden]
    return found


def written(content: Content) -> bytes:
    """The MIME that $value gives."""
    return content.mime
