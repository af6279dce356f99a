"""$filter and $orderby of message lists. Source: https://learn.microsoft.com/graph/filter-query-parameter"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from tests.servers.graph.errors import GraphError, bad
from tests.servers.graph.query import property_id
from tests.servers.graph.shapes import extended
from tests.servers.graph.state import Item

Value = str | bool | datetime | None
Test = Callable[[Item], bool]


def _address(found: tuple[str, str] | None) -> str | None:
    return found[1] if found else None


FIELDS: Final[dict[str, Callable[[Item], Value]]] = {
    "receivedDateTime": lambda item: item.received,
    "sentDateTime": lambda item: item.content.sent,
    "lastModifiedDateTime": lambda item: item.modified,
    "createdDateTime": lambda item: item.created,
    "internetMessageId": lambda item: item.content.message_id,
    "subject": lambda item: item.content.subject,
    "isRead": lambda item: item.is_read,
    "isDraft": lambda item: item.is_draft,
    "hasAttachments": lambda item: bool(item.content.attachments),
    "importance": lambda item: item.importance,
    "parentFolderId": lambda item: item.folder.id,
    "flag/flagStatus": lambda item: str(item.flag.get("flagStatus")),
    "from/emailAddress/address": lambda item: _address(item.content.author),
    "sender/emailAddress/address": lambda item: _address(item.content.sender),
}
"""The id of a message is none of them."""

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<string>'(?:[^']|'')*')|(?P<mark>[(),:])"
    r"|(?P<word>[^\s(),:']+(?::\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)?))"
)
_OPERATORS: Final = frozenset({"eq", "ne", "gt", "ge", "lt", "le"})


def _invalid(what: str) -> GraphError:
    return bad(f"Invalid filter clause: {what}", "BadRequest")


@dataclass
class Filter:
    """A filter, read."""

    text: str
    fields: list[str] = field(default_factory=list)
    """Those it speaks of, in order."""
    _tokens: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        at = 0
        while self.text[at:].strip():
            found = _TOKEN.match(self.text, at)
            if found is None:
                raise _invalid(self.text[at:])
            self._tokens.append(found[0].strip())
            at = found.end()
        self.test = self._any()
        if self._tokens:
            raise _invalid(f"'{self._tokens[0]}' was not expected.")

    def _next(self, wanted: str = "") -> str:
        if not self._tokens:
            raise _invalid("it ends too early.")
        found = self._tokens.pop(0)
        if wanted and found.lower() != wanted:
            raise _invalid(f"'{wanted}' expected, not '{found}'.")
        return found

    def _sees(self, word: str) -> bool:
        return bool(self._tokens) and self._tokens[0].lower() == word

    def _any(self) -> Test:
        tests = [self._all()]
        while self._sees("or"):
            self._next()
            tests.append(self._all())
        return (lambda item: any(test(item) for test in tests)) if len(tests) > 1 else tests[0]

    def _all(self) -> Test:
        tests = [self._one()]
        while self._sees("and"):
            self._next()
            tests.append(self._one())
        return (lambda item: all(test(item) for test in tests)) if len(tests) > 1 else tests[0]

    def _one(self) -> Test:
        if self._sees("not"):
            self._next()
            inner = self._one()
            return lambda item: not inner(item)
        if self._sees("("):
            self._next()
            inner = self._any()
            self._next(")")
            return inner
        name = self._next()
        if name in ("contains", "startswith", "endswith"):
            return self._function(name)
        if name.lower() == "singlevalueextendedproperties/any":
            return self._extended()
        get = self._field(name)
        operator = self._next().lower()
        if operator not in _OPERATORS:
            raise _invalid(f"'{operator}' is no operator.")
        return _compared(get, operator, self._next())

    def _field(self, name: str) -> Callable[[Item], Value]:
        if name not in FIELDS:
            raise _invalid(f"'{name}' cannot be filtered by.")
        self.fields.append(name)
        return FIELDS[name]

    def _function(self, name: str) -> Test:
        self._next("(")
        get = self._field(self._next())
        self._next(",")
        wanted = _string(self._next()).casefold()
        self._next(")")
        how = {"contains": str.__contains__, "startswith": str.startswith, "endswith": str.endswith}[name]
        return lambda item: bool(how(str(get(item) or "").casefold(), wanted))

    def _extended(self) -> Test:
        """`singleValueExtendedProperties/any(ep: ep/id eq 'String 0x1A' and ep/value eq 'IPM.Note')`"""
        self._next("(")
        variable = self._next()
        self._next(":")
        self._next(f"{variable}/id".lower())
        self._next("eq")
        id = property_id(_string(self._next()))
        self._next("and")
        self._next(f"{variable}/value".lower())
        self._next("eq")
        wanted = _string(self._next()).casefold()
        self._next(")")
        self.fields.append(id)
        return lambda item: (extended(item, id) or "").casefold() == wanted


def _string(token: str) -> str:
    if not token.startswith("'"):
        raise _invalid(f"{token} stands in no quotes.")
    return token[1:-1].replace("''", "'")


def _compared(get: Callable[[Item], Value], operator: str, token: str) -> Test:
    wanted = _constant(token)

    def holds(item: Item) -> bool:
        found = get(item)
        left: object = found.casefold() if isinstance(found, str) else found
        right: object = wanted.casefold() if isinstance(wanted, str) else wanted
        if operator in ("eq", "ne"):
            return (left == right) == (operator == "eq")
        if left is None or type(left) is not type(right):
            return False
        if left == right:
            return operator in ("ge", "le")
        return bool(left > right) == operator.startswith("g")  # type: ignore[operator]

    return holds


_CONSTANTS: Final[dict[str, Value]] = {"true": True, "false": False, "null": None}


def _constant(token: str) -> Value:
    if token.startswith("'"):
        return _string(token)
    return _CONSTANTS[token] if token in _CONSTANTS else moment(token)


def moment(token: str) -> datetime:
    """A date and time stands without quotes, and says its zone."""
    try:
        found = datetime.fromisoformat(token)
    except ValueError:
        raise _invalid(f"'{token}' is no value.") from None
    if found.tzinfo is None:
        if "T" in token:
            raise _invalid(f"'{token}' names no zone.")
        found = found.replace(tzinfo=UTC)
    return found


def ordered(items: list[Item], given: str | None, within: Filter | None) -> list[Item]:
    """Newest first, if nothing else is asked."""
    if given is None:
        return sorted(items, key=lambda item: (item.received, item.number), reverse=True)
    terms = [each.split() for each in given.split(",")]
    names = [term[0] for term in terms if term]
    for name in names:
        if name not in FIELDS:
            raise bad(f"Could not order by '{name}'.")
    # Source: https://learn.microsoft.com/graph/api/user-list-messages, "Using filter and orderby in the same query"
    if within is not None and within.fields[: len(names)] != names:
        raise GraphError(400, "InefficientFilter")
    for term in reversed(terms):
        get = FIELDS[term[0]]
        items = sorted(items, key=lambda item: _rank(get(item)), reverse=term[1:] == ["desc"])
    return items


def _rank(value: Value) -> tuple[bool, str]:
    if isinstance(value, datetime):
        return (True, value.astimezone(UTC).isoformat())
    return (value is not None, str(value or "").casefold())
