"""
What may stand behind the question mark, and in the Prefer header; everything else is refused.

Source: https://learn.microsoft.com/graph/query-parameters, .../outlook-immutable-id, .../api/message-delta
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import parse_qsl

from tests.servers.graph.errors import GraphError, bad

LONGEST_URL: Final = 8192
"""Where exactly Graph stops is not documented; a gateway of this kind does about here."""

_PREFERENCES: Final = frozenset(
    {"idtype", "odata.maxpagesize", "outlook.body-content-type", "outlook.timezone"}
)


@dataclass(frozen=True)
class Preferences:
    """What a client would like; it holds for the one request that says it."""

    immutable: bool = False
    page: int | None = None
    text: bool = False
    """The body as text, not as HTML."""

    @classmethod
    def read(cls, values: Collection[str]) -> Preferences:
        found = {}
        for each in ",".join(values).split(","):
            name, _, value = each.strip().partition("=")
            if not name:
                continue
            if name.lower() not in _PREFERENCES:
                # Graph passes over what it does not know; here it is taken for a slip.
                raise bad(f"The preference '{name}' is not known.")
            found[name.lower()] = value.strip().strip('"')
        return cls(_is_immutable(found), _page(found), found.get("outlook.body-content-type") == "text")


def _is_immutable(found: Mapping[str, str]) -> bool:
    if "idtype" not in found:
        return False
    if found["idtype"] != "ImmutableId":
        raise bad(f"The IdType '{found['idtype']}' is not known.")
    return True


def _page(found: Mapping[str, str]) -> int | None:
    given = found.get("odata.maxpagesize")
    if given is None:
        return None
    if not given.isdigit() or not int(given):
        raise bad("Invalid value for odata.maxpagesize.")
    return int(given)


def options(query: str, allowed: Collection[str]) -> dict[str, str]:
    """The query options, names in lower case. Raises GraphError for what is not `allowed`, or comes twice."""
    if len(query) > LONGEST_URL:
        raise GraphError(414, "RequestUriTooLong", "The request URI is too long.")
    found: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        key = name.lower()
        if key in found:
            raise bad(f"Query option '{name}' was specified more than once.")
        if key not in {each.lower() for each in allowed}:
            raise bad(f"Query option '{name}' is not supported here.")
        found[key] = value
    return found


def number(found: Mapping[str, str], name: str, *, least: int, most: int) -> int | None:
    given = found.get(name)
    if given is None:
        return None
    if not given.isdigit() or not least <= int(given) <= most:
        raise bad(f"Invalid value '{given}' for {name} query option; it is from {least} to {most}.")
    return int(given)


def truth(found: Mapping[str, str], name: str) -> bool:
    given = found.get(name, "false").lower()
    if given not in ("true", "false"):
        raise bad(f"Invalid value '{given}' for {name} query option.")
    return given == "true"


def selected(found: Mapping[str, str], known: Collection[str], type_name: str) -> frozenset[str] | None:
    """The names in $select, `None` without it. Graph knows a property in its own case only."""
    given = found.get("$select")
    if given is None:
        return None
    names = [each.strip() for each in given.split(",")]
    for name in names:
        if name not in known:
            raise bad(f"Could not find a property named '{name}' on type 'microsoft.graph.{type_name}'.")
    return frozenset(names)


ITEM: Final = "microsoft.graph.itemAttachment/item"


@dataclass(frozen=True)
class Expand:
    """What comes along."""

    properties: tuple[str, ...] = ()
    """Ids of extended properties, as Graph writes them."""
    attachments: bool = False
    child_folders: bool = False
    item: bool = False
    """Of an attachment: the message that is attached."""
    inner: str = ""
    """Options for that, if there are any."""


def expanded(given: str | None, known: Collection[str]) -> Expand:
    if given is None:
        return Expand()
    found = Expand()
    for each in apart(given):
        name, _, inner = each.partition("(")
        name = ITEM if name.lower() == ITEM.lower() else name
        if name not in known:
            raise bad(f"Could not find a property named '{name}'.")
        if name == "singleValueExtendedProperties":
            found = replace(found, properties=_property_filter(inner))
        elif name == "attachments":
            found = replace(found, attachments=True)
        elif name == "childFolders":
            found = replace(found, child_folders=True)
        else:
            found = replace(found, item=True, inner=inner.removesuffix(")"))
    return found


def _property_filter(inner: str) -> tuple[str, ...]:
    match = re.fullmatch(r"\$filter=(.*)\)", inner, re.DOTALL | re.IGNORECASE)
    if match is None:
        raise bad("singleValueExtendedProperties needs a $filter that names the properties.")
    ids = []
    for term in re.split(r"\s+or\s+", match[1].strip(), flags=re.IGNORECASE):
        named = re.fullmatch(r"\(?\s*id\s+eq\s+'([^']*)'\s*\)?", term, re.IGNORECASE)
        if named is None:
            raise bad(
                "The filter of singleValueExtendedProperties is not valid.", "ErrorInvalidUrlQueryFilter"
            )
        ids.append(property_id(named[1]))
    return tuple(ids)


def apart(given: str, mark: str = ",") -> list[str]:
    """At the marks that are in no parentheses."""
    found, depth = [""], 0
    for letter in given:
        depth += (letter == "(") - (letter == ")")
        if letter == mark and not depth:
            found.append("")
        else:
            found[-1] += letter
    return [each.strip() for each in found]


_TAGGED: Final = re.compile(
    r"(String|Integer|Long|Boolean|SystemTime|Binary|Short|Double) 0x([0-9a-fA-F]{1,8})"
)
_NAMED: Final = re.compile(
    r"(String|Integer|Long|Boolean|SystemTime|Binary|Short|Double) \{[0-9a-fA-F-]{36}\} (Name \S.*|Id 0x[0-9a-fA-F]+)"
)


def property_id(given: str) -> str:
    """
    As answers write it: `String 0x007D` comes back as `String 0x7d`.

    Source: https://learn.microsoft.com/graph/api/resources/extended-properties-overview; answers in the wild.
    """
    tagged = _TAGGED.fullmatch(given)
    if tagged is not None:
        return f"{tagged[1]} 0x{int(tagged[2], 16):x}"
    if _NAMED.fullmatch(given) is None:
        raise bad(f"The property id '{given}' is not valid.", "ErrorInvalidPropertyId")
    return given
