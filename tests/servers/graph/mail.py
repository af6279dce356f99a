"""
What can be asked of one mailbox, by path and method.

Source: https://learn.microsoft.com/graph/api/resources/mail-api-overview and the pages of each method.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import Final
from urllib.parse import unquote

from tests.servers.ews.content import Attachment, Content
from tests.servers.graph import delta, query, shapes
from tests.servers.graph.errors import GraphError, bad
from tests.servers.graph.filters import Filter, moment, ordered
from tests.servers.graph.query import Expand, Preferences
from tests.servers.graph.shapes import View
from tests.servers.graph.state import WELL_KNOWN, Folder, Item, Mailbox, User

BASIC: Final = "read basic"
READ: Final = "read"
WRITE: Final = "write"

_ID: Final = re.compile(r"[A-Za-z0-9_-]{40,}=*")
_MOST_LISTED: Final = 1000
LONGEST_BODY: Final = 4 * 1024 * 1024


@dataclass(frozen=True)
class Result:
    """What is answered."""

    status: int = 200
    json: Mapping[str, object] | None = None
    raw: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Call:
    """One request to one mailbox, found to be allowed."""

    user: User
    root: str
    """What links begin with, up to the mailbox."""
    keys: tuple[str, ...]
    """The ids in the path."""
    query: str
    prefers: Preferences
    content_type: str
    body: bytes
    tokens: delta.Tokens
    may: frozenset[str]
    tells_returned: bool = True
    has_delta: bool = True
    """See GraphServer for both."""

    @property
    def mailbox(self) -> Mailbox:
        assert self.user.mailbox is not None
        return self.user.mailbox

    @property
    def is_basic(self) -> bool:
        return READ not in self.may

    def options(self, *allowed: str) -> dict[str, str]:
        return query.options(self.query, allowed)

    def json(self, known: frozenset[str], type_name: str) -> dict[str, object]:
        """The body, which has these properties and no others."""
        if not self.content_type:
            raise bad("A missing or empty content type header was found when trying to read a message.")
        if self.content_type.partition(";")[0].strip().lower() != "application/json":
            raise GraphError(
                415, "UnsupportedMediaType", f"The content type '{self.content_type}' is not supported."
            )
        try:
            found = json.loads(self.body)
        except ValueError:
            raise bad("Unable to read JSON request payload.") from None
        if not isinstance(found, dict):
            raise bad("Empty Payload. JSON content expected.")
        for name in found:
            if name not in known and not name.startswith("@odata."):
                raise bad(
                    f"The property '{name}' does not exist on type 'microsoft.graph.{type_name}'.",
                    "RequestBodyRead",
                )
        return found


@dataclass(frozen=True)
class Route:
    """One kind of request."""

    operation: str
    needs: str
    do: Callable[[Call], Result]


# --- finding things


def find_folder(call: Call, key: str) -> Folder:
    if key.lower() in WELL_KNOWN:
        found = call.mailbox.known(key)
        if found is None:
            raise GraphError(404, "ErrorFolderNotFound")
        return found
    if not _ID.fullmatch(key):
        raise bad("Id is malformed.", "ErrorInvalidIdMalformed")
    found = call.mailbox.folder_ids.get(key)
    if found is None:
        raise GraphError(404, "ErrorItemNotFound")
    return found


def find_item(call: Call, key: str) -> Item:
    """By either id, wherever it is: whether the folder in a path is looked at, no page says."""
    if not _ID.fullmatch(key):
        raise bad("Id is malformed.", "ErrorInvalidIdMalformed")
    found = call.mailbox.items.get(key) or call.mailbox.ordinary.get(key)
    if found is None:
        raise GraphError(404, "ErrorItemNotFound")
    return found


def _allowed(place: Folder, right: str) -> Folder:
    if right in place.denied:
        raise GraphError(403, "ErrorAccessDenied")
    return place


# --- folders

_FOLDER_OPTIONS: Final = ("$select", "$top", "$skip", "$filter", "$expand", "$count", "includeHiddenFolders")


def list_folders(call: Call) -> Result:
    return _folders(call, call.mailbox.top, "mailFolders")


def child_folders(call: Call) -> Result:
    parent = find_folder(call, call.keys[0])
    return _folders(call, parent, f"mailFolders('{parent.id}')/childFolders")


def _folders(call: Call, parent: Folder, path: str) -> Result:
    found = call.options(*_FOLDER_OPTIONS)
    select = query.selected(found, shapes.FOLDER_SELECTABLE, "mailFolder")
    children = query.expanded(found.get("$expand"), {"childFolders"}).child_folders
    hidden = query.truth(found, "includehiddenfolders")
    listed = [each for each in parent.children if hidden or not each.is_hidden]
    if "$filter" in found:
        named = re.fullmatch(r"displayName eq '((?:[^']|'')*)'", found["$filter"])
        if named is None:
            raise bad("Invalid filter clause.")
        wanted = named[1].replace("''", "'").casefold()
        listed = [each for each in listed if each.name.casefold() == wanted]
    top = query.number(found, "$top", least=1, most=_MOST_LISTED) or call.prefers.page or 10
    skip = query.number(found, "$skip", least=0, most=10**9) or 0
    values = [shapes.folder(each, select, children=children) for each in listed[skip : skip + top]]
    answer: dict[str, object] = {"@odata.context": f"{call.root}/$metadata#mailFolders", "value": values}
    if query.truth(found, "$count"):
        answer["@odata.count"] = len(listed)
    if skip + top < len(listed):
        answer["@odata.nextLink"] = _next(call, path, found, skip + top, top)
    return Result(json=answer)


def _next(call: Call, path: str, found: Mapping[str, str], skip: int, top: int) -> str:
    kept = {name: value for name, value in found.items() if name not in ("$skip", "$top")}
    names = {"includehiddenfolders": "includeHiddenFolders"}
    asked = "".join(f"&{names.get(name, name)}={_escaped(value)}" for name, value in kept.items())
    return f"{call.root}/{path}?$top={top}&$skip={skip}{asked}"


def _escaped(value: str) -> str:
    return re.sub(
        r"[^A-Za-z0-9$=()',/:._-]", lambda each: "".join(f"%{b:02X}" for b in each[0].encode()), value
    )


def get_folder(call: Call) -> Result:
    found = call.options("$select", "$expand")
    select = query.selected(found, shapes.FOLDER_SELECTABLE, "mailFolder")
    children = query.expanded(found.get("$expand"), {"childFolders"}).child_folders
    return Result(json=shapes.folder(find_folder(call, call.keys[0]), select, children=children))


def create_folder(call: Call) -> Result:
    call.options()
    parent = find_folder(call, call.keys[0]) if call.keys else call.mailbox.top
    given = call.json(frozenset({"displayName", "isHidden"}), "mailFolder")
    name = given.get("displayName")
    if not isinstance(name, str) or not name.strip() or len(name) > 255:
        raise bad("The folder needs a display name.", "ErrorInvalidFolderDisplayName")
    if any(each.name.casefold() == name.casefold() for each in parent.children):
        raise GraphError(409, "ErrorFolderExists")
    made = call.mailbox.make(_allowed(parent, "write"), name, hidden=given.get("isHidden") is True)
    return Result(201, shapes.folder(made, None))


def update_folder(call: Call) -> Result:
    call.options()
    place = find_folder(call, call.keys[0])
    given = call.json(frozenset({"displayName"}), "mailFolder")
    place.name = str(given["displayName"])
    place.changed = call.mailbox.tick()
    return Result(json=shapes.folder(place, None))


def delete_folder(call: Call) -> Result:
    call.options()
    place = find_folder(call, call.keys[0])
    if place.known is not None:
        raise GraphError(400, "ErrorDeleteDistinguishedFolder", "Distinguished folders cannot be deleted.")
    call.mailbox.drop(place)
    return Result(204)


def _require_delta(call: Call, refusal: GraphError) -> None:
    """What is kept for a round of changes needs room in the mailbox, says the page of mailFolder: delta."""
    if not call.has_delta:
        raise refusal
    if call.mailbox.quota is not None and call.mailbox.used() >= call.mailbox.quota:
        raise GraphError(403, "ErrorQuotaExceeded")


def folders_delta(call: Call) -> Result:
    _require_delta(call, bad("Resource not found for the segment 'delta'."))
    below = _below(call.mailbox.top)
    found = call.options("$select", "$skiptoken", "$deltatoken")
    token = found.get("$skiptoken") or found.get("$deltatoken")
    if token is None:
        select = query.selected(found, shapes.FOLDER_SELECTABLE, "mailFolder")
        here = delta.begin_folders(call.mailbox, delta.Asked(View(select=select)), below)
    else:
        here = call.tokens.read(token, call.mailbox, 0, 0)
        if "$deltatoken" in found:
            here = delta.go_on_folders(call.mailbox, here, below)
    return _delta_page(call, here, "mailFolders/delta")


def _below(place: Folder) -> list[Folder]:
    found = []
    for child in place.children:
        if not child.is_hidden:
            found += [child, *_below(child)]
    return found


# --- lists of messages

_LIST_OPTIONS: Final = ("$select", "$top", "$skip", "$filter", "$expand", "$orderby", "$count")


def _view(call: Call, found: Mapping[str, str], *, is_list: bool) -> View:
    known = shapes.PROPERTIES.keys() | shapes.NAVIGATION
    select = query.selected(found, known, "message")
    expand = query.expanded(found.get("$expand"), shapes.NAVIGATION)
    if call.is_basic and (expand != Expand() or (select or frozenset()) & shapes.HIDDEN_FROM_BASIC):
        raise GraphError(403, "ErrorAccessDenied")
    return View(call.prefers, select, expand, is_list, call.is_basic)


def list_messages(call: Call) -> Result:
    """Of one folder, or of the whole mailbox."""
    place = _allowed(find_folder(call, call.keys[0]), "read") if call.keys else None
    found = call.options(*_LIST_OPTIONS)
    view = _view(call, found, is_list=True)
    within = Filter(found["$filter"]) if "$filter" in found else None
    items = list(place.items.values()) if place else list(call.mailbox.items.values())
    if within is not None:
        items = [item for item in items if within.test(item)]
    items = ordered(items, found.get("$orderby"), within)
    top = query.number(found, "$top", least=1, most=_MOST_LISTED) or min(
        call.prefers.page or 10, _MOST_LISTED
    )
    skip = query.number(found, "$skip", least=0, most=10**9) or 0
    values = [shapes.message(item, view) for item in items[skip : skip + top]]
    answer: dict[str, object] = {"@odata.context": f"{call.root}/$metadata#messages", "value": values}
    if query.truth(found, "$count"):
        answer["@odata.count"] = len(items)
    if skip + top < len(items):
        path = f"mailFolders('{place.id}')/messages" if place else "messages"
        answer["@odata.nextLink"] = _next(call, path, found, skip + top, top)
    return Result(json=answer)


def messages_delta(call: Call) -> Result:
    place = _allowed(find_folder(call, call.keys[0]), "read")
    # So it was sighted in the cloud that 21Vianet runs, where no page offers it.
    _require_delta(call, bad("Id is malformed.", "ErrorInvalidIdMalformed"))
    allowed = ("$select", "$top", "$filter", "$expand", "$orderby", "changeType", "$skiptoken", "$deltatoken")
    found = call.options(*allowed)
    token = found.get("$skiptoken") or found.get("$deltatoken")
    if token is None:
        here = delta.begin(place, _asked(call, found))
    else:
        if len(found) > 1:
            raise bad("A token carries all that was asked; nothing can be added to it.")
        here = call.tokens.read(token, call.mailbox, place.number, place.epoch)
        if "$deltatoken" in found:
            here = delta.go_on(place, here, immutable=call.prefers.immutable)
    return _delta_page(call, here, f"mailFolders('{place.id}')/messages/delta")


def no_delta(call: Call) -> Result:
    raise bad("Unsupported request: Change tracking is not supported against 'microsoft.graph.message'.")


_SINCE: Final = re.compile(r"receivedDateTime (ge|gt) (\S+)")


def _asked(call: Call, found: Mapping[str, str]) -> delta.Asked:
    since = _SINCE.fullmatch(found["$filter"]) if "$filter" in found else None
    if "$filter" in found and since is None:
        raise bad("Of a delta query only receivedDateTime can be filtered by, with ge or gt.")
    if found.get("$orderby", "receivedDateTime desc") != "receivedDateTime desc":
        raise bad("A delta query can be ordered by 'receivedDateTime desc' only.")
    changes = found.get("changetype")
    if changes not in (None, "created", "updated", "deleted"):
        raise bad(f"The changeType '{changes}' is not known.")
    return delta.Asked(
        _view(call, found, is_list=True),
        moment(since[2]) if since else None,
        bool(since and since[1] == "gt"),
        "$orderby" in found,
        query.number(found, "$top", least=1, most=_MOST_LISTED),
        frozenset({changes} if changes else {"created", "updated", "deleted"}),
    )


def _delta_page(call: Call, here: delta.Round, path: str) -> Result:
    view = View(call.prefers, is_basic=call.is_basic)
    values, name, token = delta.page(call.tokens, here, call.prefers.page, view)
    link = "@odata.nextLink" if name == "$skiptoken" else "@odata.deltaLink"
    answer = {
        "@odata.context": f"{call.root}/$metadata#Collection(message)",
        "value": values,
        link: f"{call.root}/{path}?{name}={token}",
    }
    return Result(json=answer)


# --- one message


def get_message(call: Call) -> Result:
    found = call.options("$select", "$expand")
    view = _view(call, found, is_list=False)
    item = find_item(call, call.keys[-1])
    _allowed(item.folder, "read")
    return Result(
        json={"@odata.context": f"{call.root}/$metadata#messages/$entity"} | shapes.message(item, view)
    )


def get_mime(call: Call) -> Result:
    call.options()
    item = find_item(call, call.keys[-1])
    _allowed(item.folder, "read")
    return Result(raw=shapes.written(item.content), headers={"Content-Type": "text/plain"})


def move_message(call: Call) -> Result:
    return _transferred(call, keeps=False)


def copy_message(call: Call) -> Result:
    return _transferred(call, keeps=True)


def _transferred(call: Call, *, keeps: bool) -> Result:
    call.options()
    item = find_item(call, call.keys[-1])
    given = call.json(frozenset({"destinationId", "DestinationId"}), "message")
    wanted = given.get("destinationId", given.get("DestinationId"))
    if not isinstance(wanted, str):
        raise bad("The destinationId is missing.", "ErrorInvalidParameter")
    target = _allowed(find_folder(call, wanted), "write")
    if keeps:
        _require_room(call, len(item.content.raw))
        made = call.mailbox.copy(item, target)
    else:
        _allowed(item.folder, "write")
        call.mailbox.move(item, target)
        made = item
    return Result(201, shapes.message(made, View(call.prefers)))


def delete_message(call: Call) -> Result:
    """To where the user can recover it for a while."""
    call.options()
    item = find_item(call, call.keys[-1])
    _allowed(item.folder, "write")
    target = call.mailbox.known("recoverableitemsdeletions")
    assert target is not None
    call.mailbox.move(item, target)
    return Result(204)


_ALWAYS: Final = frozenset(
    "isRead categories flag importance inferenceClassification singleValueExtendedProperties".split()
)
_DRAFTS_ONLY: Final = frozenset(
    "subject body toRecipients ccRecipients bccRecipients replyTo from sender internetMessageId".split()
)


def update_message(call: Call) -> Result:
    call.options()
    item = find_item(call, call.keys[-1])
    _allowed(item.folder, "write")
    given = call.json(_ALWAYS | _DRAFTS_ONLY, "message")
    if _DRAFTS_ONLY & given.keys():
        raise GraphError(400, "ErrorInvalidPropertySet", "These properties can be changed in drafts only.")
    before = (item.is_read, *_rest(item))
    _apply(item, given)
    if _rest(item) != before[1:]:
        call.mailbox.touch(item)
    elif item.is_read != before[0]:
        call.mailbox.touch(item, read_only=True)
    return Result(json=shapes.message(item, View(call.prefers)))


def _rest(item: Item) -> tuple[object, ...]:
    return (item.categories, dict(item.flag), item.importance, dict(item.extended), item.received)


_STATUSES: Final = ("notFlagged", "complete", "flagged")


def _apply(item: Item, given: Mapping[str, object]) -> None:
    if "isRead" in given:
        if not isinstance(given["isRead"], bool):
            raise bad("isRead is true or false.", "RequestBodyRead")
        item.is_read = given["isRead"]
    if "categories" in given:
        categories = given["categories"]
        if not isinstance(categories, list) or not all(isinstance(each, str) for each in categories):
            raise bad("categories are a list of texts.", "RequestBodyRead")
        item.categories = tuple(categories)
    if "flag" in given:
        flag = given["flag"]
        if not isinstance(flag, dict) or flag.get("flagStatus") not in _STATUSES:
            raise bad("flag has a flagStatus.", "RequestBodyRead")
        item.flag = dict(flag)
    if "importance" in given:
        item.importance = str(given["importance"])
    for id, value in _extended_of(given):
        _set_extended(item, id, value)


def _extended_of(given: Mapping[str, object]) -> list[tuple[str, str]]:
    listed = given.get("singleValueExtendedProperties", [])
    if not isinstance(listed, list):
        raise bad("singleValueExtendedProperties are a list.", "RequestBodyRead")
    found = []
    for each in listed:
        if not isinstance(each, dict) or each.keys() - {"id", "value", "@odata.type"}:
            raise bad("An extended property has an id and a value.", "RequestBodyRead")
        if not isinstance(each.get("value"), str):
            raise bad("The value of an extended property is a text.", "RequestBodyRead")
        found.append((query.property_id(str(each.get("id"))), str(each["value"])))
    return found


def _set_extended(item: Item, id: str, value: str) -> None:
    """What cannot be changed any more stays as it is, without a word ([MS-OXCMSG] section 2.2.1.6)."""
    if id == "SystemTime 0xe06":
        item.received = moment(value)
    elif id == "Integer 0x1090":
        item.flag = {"flagStatus": {"2": "flagged", "1": "complete"}.get(value, "notFlagged")}
    elif id not in shapes.TAGS:
        item.extended[id] = value


# --- making a message


def create_message(call: Call) -> Result:
    call.options()
    place = find_folder(call, call.keys[0]) if call.keys else call.mailbox.place("drafts")
    _allowed(place, "write")
    kind = call.content_type.partition(";")[0].strip().lower()
    item = _from_mime(call, place) if kind == "text/plain" else _from_json(call, place)
    return Result(201, shapes.message(item, View(call.prefers)))


def _require_room(call: Call, size: int) -> None:
    quota = call.mailbox.quota
    if quota is not None and call.mailbox.used() + size > quota:
        raise GraphError(507, "ErrorQuotaExceeded")


def _from_mime(call: Call, place: Folder) -> Item:
    """Always a draft. Source: https://learn.microsoft.com/graph/outlook-send-mime-message"""
    try:
        raw = base64.b64decode(b"".join(call.body.split()), validate=True)
    except binascii.Error:
        raise GraphError(400, "ErrorMimeContentInvalidBase64String") from None
    _require_room(call, len(raw))
    now = datetime.now(UTC)
    return call.mailbox.add(place, Content(raw, now, trace=False), now, is_draft=True, is_read=True)


def _from_json(call: Call, place: Folder) -> Item:
    given = call.json(_ALWAYS | _DRAFTS_ONLY | {"internetMessageHeaders", "attachments"}, "message")
    raw = _mime_of(given)
    _require_room(call, len(raw))
    extended = dict(_extended_of(given))
    now = datetime.now(UTC)
    # Only what is made with these flags is no draft ([MS-OXCMSG] section 2.2.1.6: mfUnsent).
    draft = bool(int(extended.pop("Integer 0xe07", "8")) & 8)
    received = moment(extended.pop("SystemTime 0xe06", now.isoformat()))
    content = Content(raw, received, trace=False)
    item = call.mailbox.add(place, content, received, is_draft=draft, is_read=draft, composed=True)
    _apply(item, {name: value for name, value in given.items() if name in _ALWAYS})
    return item


def _mime_of(given: Mapping[str, object]) -> bytes:
    made = EmailMessage(policy=SMTP)
    for name, header in (
        ("from", "From"),
        ("toRecipients", "To"),
        ("ccRecipients", "Cc"),
        ("bccRecipients", "Bcc"),
    ):
        people = given.get(name, [])
        listed = people if isinstance(people, list) else [people]
        addresses = [each["emailAddress"] for each in listed if isinstance(each, dict)]
        if addresses:
            made[header] = [Address(each.get("name", ""), addr_spec=each["address"]) for each in addresses]
    made["Subject"] = str(given.get("subject", ""))
    made["Message-ID"] = str(given.get("internetMessageId") or f"<{id(given):x}@prod.outlook.example>")
    headers = given.get("internetMessageHeaders", [])
    for each in headers if isinstance(headers, list) else []:
        if not str(each["name"]).lower().startswith("x-"):
            raise bad("Only headers that begin with X- can be set.", "InvalidInternetMessageHeader")
        made[each["name"]] = each["value"]
    body = given.get("body")
    text = body if isinstance(body, dict) else {}
    made.set_content(
        str(text.get("content", "")), subtype="html" if text.get("contentType") == "html" else "plain"
    )
    return made.as_bytes()


# --- attachments


def list_attachments(call: Call) -> Result:
    found = call.options("$select", "$top")
    query.selected(
        found, frozenset("id name contentType size isInline lastModifiedDateTime".split()), "attachment"
    )
    item = find_item(call, call.keys[-1])
    view = View(call.prefers)
    values = [shapes.attachment(each, item, view) for each in item.content.attachments]
    return Result(json={"@odata.context": f"{call.root}/$metadata#attachments", "value": values})


def get_attachment(call: Call) -> Result:
    found = call.options("$select", "$expand")
    expand = query.expanded(found.get("$expand"), {query.ITEM})
    item, each = _attachment(call)
    told = shapes.attachment(each, item, View(call.prefers), whole=True)
    if expand.item and each.message is not None:
        if expand.inner and not call.tells_returned:
            raise bad("Term in $expand is not valid: options of an item are not supported.")
        inner = dict(part.partition("=")[::2] for part in query.apart(expand.inner, ";") if part)
        view = _view(call, inner, is_list=False)
        told["item"] = shapes.attached_item(each, item, view, is_told=call.tells_returned)
    return Result(json=told)


def get_attachment_value(call: Call) -> Result:
    call.options()
    _, each = _attachment(call)
    kind = each.type if each.message is None else "text/plain"
    return Result(raw=shapes.attachment_value(each), headers={"Content-Type": kind})


def _attachment(call: Call) -> tuple[Item, Attachment]:
    item = find_item(call, call.keys[-2])
    for each in item.content.attachments:
        if shapes.attachment_id(each, item) == call.keys[-1]:
            return item, each
    raise GraphError(404, "ErrorItemNotFound")


# --- the user


def get_settings(call: Call) -> Result:
    call.options("$select")
    archive = call.mailbox.known("archive")
    return Result(
        json={
            "archiveFolder": archive.id if archive else None,
            "timeZone": "UTC",
            "language": {"locale": call.mailbox.language},
            "userPurpose": call.user.purpose,
        }
    )


# --- paths

SETTINGS: Final = "settings"
DIRECTORY: Final = "directory"

_MESSAGE: Final = {
    "GET messages *": Route("message", BASIC, get_message),
    "PATCH messages *": Route("update", WRITE, update_message),
    "DELETE messages *": Route("delete", WRITE, delete_message),
    "GET messages * $value": Route("value", READ, get_mime),
    "POST messages * move": Route("move", WRITE, move_message),
    "POST messages * copy": Route("copy", WRITE, copy_message),
    "GET messages * attachments": Route("attachments", READ, list_attachments),
    "GET messages * attachments *": Route("attachment", READ, get_attachment),
    "GET messages * attachments * $value": Route("attachmentValue", READ, get_attachment_value),
    "GET messages delta": Route("delta", BASIC, no_delta),
    "GET messages": Route("list", BASIC, list_messages),
    "POST messages": Route("create", WRITE, create_message),
}

ROUTES: Final[dict[str, Route]] = {
    **_MESSAGE,
    **{
        f"{key.partition(' ')[0]} mailfolders * {key.partition(' ')[2]}": route
        for key, route in _MESSAGE.items()
    },
    "GET mailfolders * messages delta": Route("delta", BASIC, messages_delta),
    "GET mailfolders": Route("folders", BASIC, list_folders),
    "POST mailfolders": Route("createFolder", WRITE, create_folder),
    "GET mailfolders delta": Route("foldersDelta", BASIC, folders_delta),
    "GET mailfolders *": Route("folder", BASIC, get_folder),
    "PATCH mailfolders *": Route("updateFolder", WRITE, update_folder),
    "DELETE mailfolders *": Route("deleteFolder", WRITE, delete_folder),
    "GET mailfolders * childfolders": Route("childFolders", BASIC, child_folders),
    "POST mailfolders * childfolders": Route("createFolder", WRITE, create_folder),
    "GET mailboxsettings": Route("settings", SETTINGS, get_settings),
}

_COLLECTIONS: Final = frozenset({"mailfolders", "messages", "attachments", "users"})
_DELTA: Final = frozenset({"delta", "delta()", "microsoft.graph.delta", "microsoft.graph.delta()"})


def segments(path: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """A path as names, with `*` for each key, and the keys: `/users('ann')/messages/AAMk=`."""
    names: list[str] = []
    keys: list[str] = []
    for each in path.strip("/").split("/"):
        part = unquote(each)
        inside = re.fullmatch(r"(\w+)\('(.*)'\)", part)
        if inside is not None:
            names += [inside[1].lower(), "*"]
            keys.append(inside[2].replace("''", "'"))
        elif part.lower() in _DELTA:
            names.append("delta")
        elif names and names[-1] in _COLLECTIONS:
            names.append("*")
            keys.append(part)
        else:
            names.append(part.lower())
    return tuple(names), tuple(keys)
