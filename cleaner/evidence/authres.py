"""
What our own servers found when a mail came in: DMARC, DKIM and SPF, as they wrote it into Authentication-Results.

Anyone can write such a field. Believed are those of a server that the configuration names (`authserv_ids`), where the
mail did not bring them along: above the line by which it came in from outside, or right below that line, where most
servers write them. What lies below the next trace field came with the mail. A field right below may have come with it,
too: a server must remove those that bear its name (section 5), and what a field higher up says counts first.

Source: RFC 8601.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Final

from cleaner.evidence import ours
from cleaner.values import Headers, Hop, Organisation

MAX_FIELD: Final = 16_384
MAX_FIELDS: Final = 20
MAX_RESULTS: Final = 100
METHODS: Final = {
    "dmarc": ("header.from",),
    "dkim": ("header.d", "header.i"),
    "spf": ("smtp.mailfrom", "smtp.mail"),
}
"""Each method with the properties that tell whose domain it is about, the best first."""


@dataclass(frozen=True, slots=True)
class AuthenticationResult:
    """One finding of a server of ours."""

    method: str
    """`dmarc`, `dkim` or `spf`."""
    result: str
    """`pass`, `fail`, `none` …, lower case."""
    domain: str
    """The domain it is about: of the From, of the signature (d=), of the envelope sender."""


def authenticated(
    headers: Headers, hops: Sequence[Hop], organisation: Organisation
) -> tuple[AuthenticationResult, ...]:
    """What believed servers found. `hops` are the Received fields of `headers`, read, topmost first."""
    found: list[AuthenticationResult] = []
    for results in _believed(headers, hops, organisation):
        known = {one.method for one in found}
        found += [one for one in results if one.method not in known]
    return tuple(found[:MAX_RESULTS])


def passed(results: Iterable[AuthenticationResult], method: str) -> frozenset[str]:
    """The domains for which a method passed."""
    return frozenset(one.domain for one in results if one.method == method and one.result == "pass")


def _believed(
    headers: Headers, hops: Sequence[Hop], organisation: Organisation
) -> Iterator[tuple[AuthenticationResult, ...]]:
    if not organisation.authserv_ids or not hops:
        return
    fields = iter(headers.all("authentication-results")[:MAX_FIELDS])
    lines = iter(hops)
    came_in = False
    for name, _ in headers:
        key = name.decode("ascii", "replace").strip().lower()
        if key == "authentication-results":
            if (field := next(fields, None)) is None:
                return
            server, results = read(field)
            if server in organisation.authserv_ids:
                yield results
        elif key == "received":
            hop = next(lines, None)
            if came_in or hop is None or not is_written_by_us(hop, organisation):
                return
            came_in = hop.ip is not None and not ours.is_inside(hop.ip, organisation)


def is_written_by_us(hop: Hop, organisation: Organisation) -> bool:
    """Google's inner hops name themselves by 6to4 addresses of their own network: `by 2002:a05:6520:…`."""
    if not hop.by or hop.by == "localhost" or hop.by in organisation.authserv_ids:
        return True
    if ours.is_own_host(hop.by, organisation):
        return True
    try:
        ip = ip_address(hop.by.strip("[]"))
    except ValueError:
        return False
    within = ip.sixtofour if isinstance(ip, IPv6Address) else None
    return ours.is_inside(within or ip, organisation)


def read(field: str) -> tuple[str, tuple[AuthenticationResult, ...]]:
    """
    The server that wrote the field (lower case), and what it found; nothing where the field is broken.

    What a method says twice of one domain, and differently, is left out.
    """
    parts = _parts(field)
    if parts is None:
        return "", ()
    head = parts[0].split()
    is_named = len(head) == 1 or (len(head) == 2 and head[1].isascii() and head[1].isdecimal())
    if not is_named:
        return "", ()
    found: dict[tuple[str, str], set[str]] = {}
    for part in parts[1 : MAX_RESULTS + 1]:
        if (one := _result(part)) is not None:
            found.setdefault((one.method, one.domain), set()).add(one.result)
    return head[0].casefold(), tuple(
        AuthenticationResult(method, "pass" if "pass" in said else min(said), domain)
        for (method, domain), said in found.items()
        # Of two signatures of one domain one that holds is enough.
        if len(said) == 1 or method == "dkim"
    )


def _result(part: str) -> AuthenticationResult | None:
    """`method=result`, and properties behind it (RFC 8601 section 2.2)."""
    words = " ".join(part.split()).replace(" = ", "=").replace(" =", "=").replace("= ", "=").split(" ")
    method, equals, result = words[0].lower().partition("=")
    method = method.partition("/")[0]
    if not equals or method not in METHODS:
        return None
    properties: dict[str, str] = {}
    for word in words[1:]:
        key, _, value = word.partition("=")
        properties.setdefault(key.lower(), value)
    for key in METHODS[method]:
        domain = properties.get(key, "").strip("<>").rpartition("@")[2].lower().rstrip(".")
        if domain:
            return AuthenticationResult(method, result, domain)
    return None


_HIDDEN: Final = "\0"
"""Stands for what means something outside of quotes only."""


def _parts(field: str) -> list[str] | None:
    """The field at its semicolons, without comments and quotes; None where one of these does not end."""
    if len(field) > MAX_FIELD:
        return None
    parts: list[list[str]] = [[]]
    depth = 0
    is_quoted = is_escaped = False
    for one in field:
        if is_escaped:
            is_escaped = False
            if is_quoted:
                parts[-1].append(_HIDDEN if one in ' \t;=()"\\' else one)
        elif one == "\\" and (is_quoted or depth):
            is_escaped = True
        elif depth:
            depth += (one == "(") - (one == ")")
        elif one == '"':
            is_quoted = not is_quoted
        elif is_quoted:
            parts[-1].append(_HIDDEN if one in " \t;=()" else one)
        elif one == "(":
            depth = 1
            parts[-1].append(" ")
        elif one == ")":
            return None
        elif one == ";":
            parts.append([])
        else:
            parts[-1].append(one)
    if depth or is_quoted:
        return None
    return ["".join(part).strip() for part in parts]
