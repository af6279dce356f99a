"""Folders and items as elements, with the fields that a shape asks for, in the order of the schema."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from lxml import etree

from tests.servers.ews.content import Content
from tests.servers.ews.rebuilding import MARK
from tests.servers.ews.soap import T, Ways, flag, tag, text
from tests.servers.ews.state import ALL_RIGHTS, Folder, Item, encode

RIGHTS: Final = (
    ("CreateAssociated", "create"),
    ("CreateContents", "create"),
    ("CreateHierarchy", "hierarchy"),
    ("Delete", "delete"),
    ("Modify", "edit"),
    ("Read", "read"),
)

TRANSPORT_HEADERS: Final = "0x7d"

LAST_CHANGE: Final = "0x670a"
"""Of a folder: when one of its messages changed last."""

SHORT: Final = 255
"""Characters of a property that Exchange gives in a list of items."""

_TIMES: Final = itertools.count(1)


@dataclass(frozen=True)
class Shape:
    """What a request wants to know of each item."""

    fields: frozenset[str]
    """`item:Subject`, …"""
    tags: tuple[tuple[str, str, str], ...]
    """Extended properties: the tag in our spelling, and tag and type as they were asked for."""
    mime: bool
    ways: Ways
    renews: bool = False
    """MIME has other boundaries each time."""
    cuts: bool = False
    """A list of items, in which Exchange gives neither MIME, text, recipients nor headers, and only short properties."""

    def of_a_list(self) -> Shape:
        if self.ways is Ways.RECORDED:
            return self
        return replace(self, fields=self.fields - NOT_IN_LISTS, cuts=True)

    @classmethod
    def of(cls, element: etree._Element | None, ways: Ways) -> Shape:
        if element is None:
            return cls(frozenset(), (), False, ways)
        fields = {each.get("FieldURI", "") for each in element.iter(T + "FieldURI")}
        if (element.findtext(T + "BaseShape") or "IdOnly") != "IdOnly":
            fields |= DEFAULT
        tags = tuple(
            (own_tag(each.get("PropertyTag", "0")), each.get("PropertyTag", ""), each.get("PropertyType", ""))
            for each in element.iter(T + "ExtendedFieldURI")
        )
        mime = (element.findtext(T + "IncludeMimeContent") or "").strip().lower() in ("true", "1")
        return cls(frozenset(fields), tags, mime or "item:MimeContent" in fields, ways)


NOT_IN_LISTS: Final = frozenset(
    "item:Attachments item:Body item:InternetMessageHeaders message:BccRecipients message:CcRecipients"
    " message:ReplyTo message:ToRecipients".split()
)

DEFAULT: Final = frozenset(
    "item:Subject item:DateTimeReceived item:DateTimeSent item:Size item:HasAttachments item:ItemClass"
    " message:IsRead message:From message:InternetMessageId".split()
)


def own_tag(given: str) -> str:
    """`0x007D` and `125` are `0x7d`."""
    try:
        return hex(int(given, 0))
    except ValueError:
        return given


def moment(when: datetime, ways: Ways, *, exact: bool = False) -> str:
    """In UTC; the recorded server writes times of its own with nine digits after the second."""
    when = when.astimezone(UTC)
    if exact and ways is Ways.RECORDED:
        return when.strftime("%Y-%m-%dT%H:%M:%S.") + f"{when.microsecond * 1000:09d}Z"
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


# --- folders


def folder_id(folder: Folder) -> str:
    return tag("t:FolderId", Id=folder.id, ChangeKey=folder.change_key)


def folder_element(
    folder: Folder,
    fields: frozenset[str],
    rights: frozenset[str],
    ways: Ways,
    tags: tuple[tuple[str, str, str], ...] = (),
) -> str:
    parent = folder.mailbox.folders[folder.parent]
    pieces = [folder_id(folder)]
    if "folder:ParentFolderId" in fields:
        pieces.append(tag("t:ParentFolderId", Id=parent.id))
    if "folder:FolderClass" in fields and folder.folder_class:
        pieces.append(text("t:FolderClass", folder.folder_class))
    if "folder:DisplayName" in fields:
        pieces.append(text("t:DisplayName", folder.name))
    if "folder:TotalCount" in fields:
        pieces.append(text("t:TotalCount", str(len(folder.items))))
    if "folder:ChildFolderCount" in fields:
        pieces.append(text("t:ChildFolderCount", str(_below(folder, ways))))
    if "folder:EffectiveRights" in fields:
        pieces.append(effective_rights(rights))
        # Not asked for by its name, the recorded server tells it along with all the others.
        if folder.distinguished:
            pieces.append(text("t:DistinguishedFolderId", folder.distinguished))
    has_permissions = folder.element not in ("TasksFolder", "SearchFolder") and rights == ALL_RIGHTS
    if "folder:PermissionSet" in fields and has_permissions:
        pieces.append(_permissions(folder))
    if "folder:UnreadCount" in fields and folder.element == "Folder":
        pieces.append(text("t:UnreadCount", str(folder.unread)))
    pieces += [_last_change(folder, ways, asked, kind) for own, asked, kind in tags if own == LAST_CHANGE]
    return tag(f"t:{folder.element}", *pieces)


def _last_change(folder: Folder, ways: Ways, asked: str, kind: str) -> str:
    """A time that grows with each change to a message; with the recorded server it stands still, as was seen."""
    since = datetime(2026, 1, 1, tzinfo=UTC)
    if ways is Ways.EXCHANGE:
        since += timedelta(seconds=folder.sequence)
    uri = tag("t:ExtendedFieldURI", PropertyType=kind, PropertyTag=asked)
    return tag("t:ExtendedProperty", uri, text("t:Value", moment(since, Ways.EXCHANGE)))


def effective_rights(rights: frozenset[str]) -> str:
    return tag("t:EffectiveRights", *(flag(f"t:{name}", needed in rights) for name, needed in RIGHTS))


def _below(folder: Folder, ways: Ways) -> int:
    """The recorded server counts all levels."""
    children = folder.children
    deeper = sum(_below(child, ways) for child in children) if ways is Ways.RECORDED else 0
    return len(children) + deeper


def _permissions(folder: Folder) -> str:
    calendar = folder.element == "CalendarFolder"
    kind = "CalendarPermission" if calendar else "Permission"
    each = [_permission(kind, user, calendar and user == "Default") for user in ("Default", "Anonymous")]
    return tag("t:PermissionSet", tag(f"t:{kind}s", *each))


def _permission(kind: str, user: str, visible: bool) -> str:
    return tag(
        f"t:{kind}",
        tag("t:UserId", text("t:DistinguishedUser", user)),
        *(flag(f"t:{name}", False) for name in ("CanCreateItems", "CanCreateSubFolders", "IsFolderOwner")),
        flag("t:IsFolderVisible", visible),
        flag("t:IsFolderContact", False),
        *(text(f"t:{name}", "None") for name in ("EditItems", "DeleteItems", "ReadItems")),
        text(f"t:{kind}Level", "Custom" if visible else "None"),
    )


# --- items


def item_id(item: Item) -> str:
    return tag("t:ItemId", Id=item.id, ChangeKey=item.change_key)


def bare(item: Item, ways: Ways) -> str:
    """As MoveItem and CopyItem tell of it."""
    return tag("t:Message", item_id(item), _unasked(item, ways))


def item_element(item: Item, shape: Shape, rights: frozenset[str] = ALL_RIGHTS) -> str:
    fields, content, ways = shape.fields, item.content, shape.ways
    pieces = [mime(content, shape)] if shape.mime and not shape.cuts else []
    pieces.append(item_id(item))
    for uri, write in _FIRST:
        if uri in fields:
            pieces.append(write(item))
    if "item:Attachments" in fields and content.attachments:
        pieces.append(attachments(item, shape))
    if "item:DateTimeReceived" in fields:
        pieces.append(text("t:DateTimeReceived", moment(item.received, ways, exact=True)))
    else:
        pieces.append(_unasked(item, ways))
    for uri, write in _SECOND:
        if uri in fields:
            pieces.append(write(item))
    if "item:EffectiveRights" in fields:
        pieces.append(effective_rights(rights))
    for uri, write in _THIRD:
        if uri in fields:
            pieces.append(write(item))
    pieces += [_extended(item, shape, *asked) for asked in shape.tags]
    for uri, write in _LAST:
        if uri in fields:
            pieces.append(write(item))
    return tag("t:Message", *pieces)


def mime(content: Content, shape: Shape) -> str:
    """Like the recorded server's, if wanted no two are the same bytes: they differ in their boundaries."""
    written = content.mime
    if shape.renews:
        written = written.replace(MARK, b"%012X" % next(_TIMES))
    return tag("t:MimeContent", base64.b64encode(written).decode(), CharacterSet="UTF-8")


def _unasked(item: Item, ways: Ways) -> str:
    """The recorded server tells a DateTimeReceived that nobody asked for: what the mail's own Date says."""
    if ways is Ways.EXCHANGE:
        return ""
    if item.saved:
        return text("t:DateTimeReceived", moment(item.received, ways, exact=True))
    return text("t:DateTimeReceived", moment(item.content.sent, ways))


Write = Callable[[Item], str]


def _mailbox(name: str, address: str) -> str:
    return tag(
        "t:Mailbox", text("t:Name", name), text("t:EmailAddress", address), text("t:RoutingType", "SMTP")
    )


def _one(name: str, get: Callable[[Content], tuple[str, str] | None]) -> Write:
    def write(item: Item) -> str:
        found = get(item.content)
        return tag(f"t:{name}", _mailbox(*found)) if found else ""

    return write


def _several(name: str, get: Callable[[Content], tuple[tuple[str, str], ...]]) -> Write:
    def write(item: Item) -> str:
        found = get(item.content)
        return tag(f"t:{name}", *(_mailbox(*each) for each in found)) if found else ""

    return write


def _flag(name: str, get: Callable[[Item], bool]) -> Write:
    return lambda item: flag(f"t:{name}", get(item))


def _text(name: str, get: Callable[[Item], str | None]) -> Write:
    def write(item: Item) -> str:
        found = get(item)
        return "" if found is None else text(f"t:{name}", found)

    return write


def _always(written: str) -> Write:
    return lambda _: written


def _headers(item: Item) -> str:
    if item.composed:
        return ""
    return tag(
        "t:InternetMessageHeaders",
        *(text("t:InternetMessageHeader", value, HeaderName=name) for name, value in item.content.headers),
    )


def _owner(name: str) -> Write:
    return lambda item: "" if item.saved else tag(f"t:{name}", _mailbox(*[item.folder.mailbox.address] * 2))


_FIRST: Final[tuple[tuple[str, Write], ...]] = (
    ("item:ParentFolderId", lambda item: tag("t:ParentFolderId", Id=item.folder.id)),
    ("item:ItemClass", _text("ItemClass", lambda item: item.content.item_class)),
    ("item:Subject", _text("Subject", lambda item: item.content.subject)),
    ("item:Sensitivity", _always(text("t:Sensitivity", "Normal"))),
    ("item:Body", lambda item: text("t:Body", item.content.body[1], BodyType="HTML")),
)

_SECOND: Final[tuple[tuple[str, Write], ...]] = (
    ("item:Size", _text("Size", lambda item: str(len(item.content.raw) + 1024))),
    (
        "item:Categories",
        lambda item: (
            tag("t:Categories", *(text("t:String", each) for each in item.categories))
            if item.categories
            else ""
        ),
    ),
    ("item:Importance", _always(text("t:Importance", "Normal"))),
    ("item:InReplyTo", _text("InReplyTo", lambda item: item.content.part.get("In-Reply-To"))),
    ("item:IsSubmitted", _always(flag("t:IsSubmitted", False))),
    ("item:IsDraft", _always(flag("t:IsDraft", False))),
    ("item:IsFromMe", _always(flag("t:IsFromMe", False))),
    ("item:IsResend", _always(flag("t:IsResend", False))),
    ("item:IsUnmodified", _flag("IsUnmodified", lambda item: item.changed == item.created)),
    ("item:InternetMessageHeaders", _headers),
    ("item:DateTimeSent", _text("DateTimeSent", lambda item: moment(item.content.sent, Ways.EXCHANGE))),
    ("item:DateTimeCreated", _text("DateTimeCreated", lambda item: moment(item.content.sent, Ways.EXCHANGE))),
    ("item:DisplayCc", _text("DisplayCc", lambda item: _names(item.content.cc) or None)),
    ("item:DisplayTo", _text("DisplayTo", lambda item: _names(item.content.to))),
    ("item:HasAttachments", _flag("HasAttachments", lambda item: bool(item.content.attachments))),
)

_THIRD: Final[tuple[tuple[str, Write], ...]] = (
    (
        "item:LastModifiedName",
        _text("LastModifiedName", lambda item: (item.content.author or ("nobody", ""))[0]),
    ),
    (
        "item:LastModifiedTime",
        _text("LastModifiedTime", lambda item: moment(item.received, Ways.RECORDED, exact=True)),
    ),
    ("item:IsAssociated", _always(flag("t:IsAssociated", False))),
    (
        "item:ConversationId",
        lambda item: tag("t:ConversationId", Id=encode(item.folder.mailbox.digest, 0, 1)),
    ),
)

_LAST: Final[tuple[tuple[str, Write], ...]] = (
    ("message:Sender", _one("Sender", lambda content: content.sender)),
    ("message:ToRecipients", _several("ToRecipients", lambda content: content.to)),
    ("message:CcRecipients", _several("CcRecipients", lambda content: content.cc)),
    ("message:BccRecipients", _several("BccRecipients", lambda content: content.bcc)),
    ("message:From", _one("From", lambda content: content.author)),
    ("message:InternetMessageId", _text("InternetMessageId", lambda item: item.content.message_id)),
    ("message:IsRead", _flag("IsRead", lambda item: item.is_read)),
    ("message:References", _text("References", lambda item: item.content.part.get("References"))),
    ("message:ReplyTo", _several("ReplyTo", lambda content: content.reply_to)),
    ("message:ReceivedBy", _owner("ReceivedBy")),
    ("message:ReceivedRepresenting", _owner("ReceivedRepresenting")),
)


def _names(addresses: tuple[tuple[str, str], ...]) -> str:
    return "; ".join(name for name, _ in addresses if name)


def _extended(item: Item, shape: Shape, own: str, asked: str, kind: str) -> str:
    value = extended_value(item, own)
    if value is None:
        return ""
    value = value[:SHORT] if shape.cuts else value
    uri = tag("t:ExtendedFieldURI", PropertyType=kind, PropertyTag=asked)
    return tag("t:ExtendedProperty", uri, text("t:Value", value))


def extended_value(item: Item, own: str) -> str | None:
    if own == TRANSPORT_HEADERS:
        return None if item.composed else item.content.transport_headers
    if own in item.extended:
        return item.extended[own]
    known: dict[str, Callable[[], str | None]] = {
        "0x1a": lambda: item.content.item_class,
        "0x37": lambda: item.content.subject,
        "0x1035": lambda: item.content.message_id,
        "0xe06": lambda: moment(item.received, shape_ways),
        "0xe08": lambda: str(len(item.content.raw) + 1024),
        "0xe07": lambda: str(int(item.is_read)),
    }
    shape_ways = Ways.EXCHANGE
    return known[own]() if own in known else None


# --- attachments


def attachments(item: Item, shape: Shape) -> str:
    """As GetItem lists them. The recorded server puts attached messages there whole."""
    return tag("t:Attachments", *(_listed(item, at, shape) for at in range(len(item.content.attachments))))


def _listed(item: Item, at: int, shape: Shape) -> str:
    made = item.content.attachments[at]
    is_item = made.message is not None
    return tag(
        "t:ItemAttachment" if is_item else "t:FileAttachment",
        attachment_id(item, at),
        text("t:Name", made.name) if made.name is not None else "",
        text("t:ContentType", made.type),
        text("t:Size", str(len(made.data) + 64)),
        tag("t:Item", mime(made.message, shape))
        if made.message is not None and shape.ways is Ways.RECORDED
        else "",
    )


def attachment_id(item: Item, at: int) -> str:
    return tag(
        "t:AttachmentId", Id=encode(item.folder.mailbox.digest, item.folder.number, item.number, at + 1)
    )


def attachment_element(item: Item, at: int, shape: Shape) -> str:
    """As GetAttachment gives it."""
    made = item.content.attachments[at]
    head = [
        attachment_id(item, at),
        text("t:Name", made.name) if made.name is not None else "",
        text("t:ContentType", made.type),
    ]
    if made.message is None:
        content = tag("t:Content", base64.b64encode(made.data).decode())
        return tag("t:FileAttachment", *head, text("t:Size", str(len(made.data))), content)
    if shape.ways is Ways.RECORDED:
        # The fields asked for are ignored, and MIME comes unasked.
        return tag("t:ItemAttachment", *head, tag("t:Item", mime(made.message, shape)))
    inner = Item(item.folder, item.number, made.message, item.received, is_read=True)
    whole = item_element(inner, shape)
    return tag("t:ItemAttachment", *head, whole)
