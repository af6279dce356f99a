"""What a FindItem or FindFolder lets through, and in which order."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from lxml import etree

from tests.servers.ews.shapes import extended_value, own_tag
from tests.servers.ews.soap import RefusedError, T, Ways, name_of
from tests.servers.ews.state import Folder, Item

Value = str | int | bool | datetime | None
Test = Callable[[Item], bool]


def _address(found: tuple[str, str] | None) -> str:
    return f"{found[0]} <{found[1]}>" if found else ""


FIELDS: Final[dict[str, Callable[[Item], Value]]] = {
    "item:DateTimeReceived": lambda item: item.received,
    "item:DateTimeSent": lambda item: item.content.sent,
    "item:HasAttachments": lambda item: bool(item.content.attachments),
    "item:ItemClass": lambda item: item.content.item_class,
    "item:Size": lambda item: len(item.content.raw) + 1024,
    "item:Subject": lambda item: item.content.subject,
    "message:From": lambda item: _address(item.content.author),
    "message:InternetMessageId": lambda item: item.content.message_id,
    "message:IsRead": lambda item: item.is_read,
    "message:Sender": lambda item: _address(item.content.sender),
}


def _anything(_: object) -> bool:
    return True


def test_of(restriction: etree._Element | None, ways: Ways) -> Test:
    """Raises RefusedError for what the server does not know."""
    if restriction is None or not len(restriction):
        return _anything
    return _test(restriction[0], ways)


def _test(element: etree._Element, ways: Ways) -> Test:
    kind = name_of(element)
    if kind in ("And", "Or"):
        inner = [_test(each, ways) for each in element]
        every = all if kind == "And" else any
        return lambda item: every(each(item) for each in inner)
    if kind == "Not":
        negated = _test(element[0], ways)
        return lambda item: not negated(item)
    get = _field(element)
    if kind == "Exists":
        return lambda item: get(item) is not None
    if kind == "Contains":
        return _contains(element, get)
    return _compares(kind, element, get, ways)


def _contains(element: etree._Element, get: Callable[[Item], Value]) -> Test:
    ignores = "IgnoreCase" in element.get("ContainmentComparison", "")
    mode = element.get("ContainmentMode", "Substring")
    wanted = _constant(element)

    def holds(item: Item) -> bool:
        found, needle = str(get(item) or ""), wanted
        if ignores:
            found, needle = found.casefold(), needle.casefold()
        if mode == "FullString":
            return found == needle
        return found.startswith(needle) if mode.startswith("Prefix") else needle in found

    return holds


def _compares(kind: str, element: etree._Element, get: Callable[[Item], Value], ways: Ways) -> Test:
    known = "IsEqualTo IsNotEqualTo IsGreaterThan IsLessThan".split()
    if ways is Ways.EXCHANGE:
        known += ["IsGreaterThanOrEqualTo", "IsLessThanOrEqualTo"]
    if kind not in known:
        raise RefusedError("ErrorInvalidRestriction")
    wanted = _constant(element)

    def holds(item: Item) -> bool:
        found = get(item)
        if kind == "IsEqualTo":
            return _same(found, wanted)
        if kind == "IsNotEqualTo":
            return not _same(found, wanted)
        left, right = _number(found), _number_of(wanted, found)
        if left is None or right is None:
            return False
        if left == right:
            return kind.endswith("OrEqualTo")
        return (left > right) == kind.startswith("IsGreater")

    return holds


def _same(found: Value, wanted: str) -> bool:
    if isinstance(found, bool):
        return found == (wanted.lower() in ("true", "1"))
    if isinstance(found, datetime):
        return _number(found) == _number_of(wanted, found)
    return str(found).casefold() == wanted.casefold() if found is not None else False


def _number(found: Value) -> float | None:
    if isinstance(found, datetime):
        return found.timestamp()
    return float(found) if isinstance(found, int) else None


def _number_of(wanted: str, beside: Value) -> float | None:
    try:
        if isinstance(beside, datetime):
            when = datetime.fromisoformat(wanted)
            return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
        return float(wanted)
    except ValueError:
        return None


def _field(element: etree._Element) -> Callable[[Item], Value]:
    extended = element.find(T + "ExtendedFieldURI")
    if extended is not None:
        own = own_tag(extended.get("PropertyTag", "0"))
        return lambda item: extended_value(item, own)
    uri = element.find(T + "FieldURI")
    name = "" if uri is None else uri.get("FieldURI", "")
    if name not in FIELDS:
        raise RefusedError("ErrorInvalidRestriction")
    return FIELDS[name]


def _constant(element: etree._Element) -> str:
    found = next(element.iter(T + "Constant"), None)
    return "" if found is None else found.get("Value", "")


def folder_test(restriction: etree._Element | None) -> Callable[[Folder], bool]:
    """By DisplayName, equal or containing."""
    if restriction is None or not len(restriction):
        return _anything
    wanted = _constant(restriction).casefold()
    if name_of(restriction[0]) == "Contains":
        return lambda folder: wanted in folder.name.casefold()
    return lambda folder: folder.name.casefold() == wanted


def ordered(items: list[Item], order: etree._Element | None) -> list[Item]:
    for each in reversed([] if order is None else list(order)):
        get = _field(each)
        empty = datetime.min.replace(tzinfo=UTC)

        def key(
            item: Item, get: Callable[[Item], Value] = get, empty: datetime = empty
        ) -> tuple[bool, str, float]:
            found = get(item)
            number = _number(found)
            return (found is None, "" if number is not None else str(found), number or 0.0)

        items = sorted(items, key=key, reverse=each.get("Order") == "Descending")
    return items
