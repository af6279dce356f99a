"""
What our own servers found about where a notice comes from: the Authentication-Results that are believed.

A field is believed where it bears one of the configured `authserv_ids` and stands above the line of our server that
took the mail in from outside. What stands below that line came with the mail, whoever it names.

Source: RFC 8601, sections 2.2 (the syntax), 5 (which fields to believe); RFC 7489 section 3.1 (alignment).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from cleaner.evidence import ours, trail
from cleaner.values import Notice, Organisation, domain_of

MAX_FIELDS: Final = 20
MAX_LENGTH: Final = 8_000
MAX_RESULTS: Final = 40
"""For each field: methods, one for every signature."""

_METHOD: Final = re.compile(
    r"\s*([A-Za-z][A-Za-z0-9-]{0,30})\s{0,5}(?:/\s{0,5}\d{1,3}\s{0,5})?=\s*([A-Za-z]{1,20})(?![\w-])"
)
_PROPERTY: Final = re.compile(
    r"(?<![\w.-])(?:smtp|header)\.([A-Za-z][A-Za-z0-9-]{0,30})\s{0,5}=\s{0,5}([^\s;]{1,300})"
)
_PLAIN: Final = re.compile(r"[\w.@+-]*")
_HOST: Final = re.compile(r"[a-z0-9_.-]{1,253}")


@dataclass(frozen=True, slots=True)
class Finding:
    """One result of one method."""

    method: str
    """`spf`, `dkim`, `dmarc` …, lower case."""
    result: str
    """`pass`, `fail`, `none` …, lower case."""
    domain: str
    """Whose: the signing domain, the domain of the envelope sender, of the author."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What is believed of the origin of one notice."""

    findings: tuple[Finding, ...] = ()

    @property
    def proven(self) -> frozenset[str]:
        """The domains that signed, or whose policy lets the peer send."""
        return frozenset(one.domain for one in self.findings if one.result == "pass" and one.domain)

    @property
    def refuted(self) -> frozenset[str]:
        """The authors' domains that did not send it, by their own word (DMARC)."""
        return frozenset(
            one.domain for one in self.findings if one.method == "dmarc" and one.result == "fail"
        )


def origin(notice: Notice, organisation: Organisation) -> Origin:
    """What our own servers recorded; empty where nothing is believed."""
    found: list[Finding] = []
    for value in _believed(notice, organisation):
        found.extend(read(value, organisation.authserv_ids))
    return Origin(tuple(found))


def _believed(notice: Notice, organisation: Organisation) -> Iterator[str]:
    """The fields above the line with which our server took the notice in; none where no such line is known."""
    entered = trail.entry(notice, organisation)
    if not organisation.authserv_ids or entered is None:
        return
    lines = notice.hops.index(entered)
    values = iter(notice.headers.all("authentication-results")[:MAX_FIELDS])
    for name, _ in notice.headers.items:
        match name.decode("ascii", "replace").strip().lower():
            case "received":
                if lines == 0:
                    return
                lines -= 1
            case "authentication-results":
                value = next(values, None)
                if value is None:
                    return
                yield value


def read(value: str, believed: frozenset[str]) -> tuple[Finding, ...]:
    """The results of SPF, DKIM and DMARC in one field; none unless it is by one of those believed."""
    head, *rest = _segments(value[:MAX_LENGTH])
    named = head.split()
    if not named or named[0].casefold() not in believed:
        return ()
    return tuple(found for text in rest[:MAX_RESULTS] if (found := _finding(text)) is not None)


def _finding(text: str) -> Finding | None:
    match = _METHOD.match(text)
    if match is None:
        return None
    method, result = match[1].lower(), match[2].lower()
    told = {name.lower(): value.casefold() for name, value in _PROPERTY.findall(text)}
    match method:
        case "dkim":
            domain = told.get("d") or domain_of(told.get("i", ""))
        case "spf":
            # A pass for what the peer calls itself (`smtp.helo`) says nothing about a domain in the mail.
            sender = told.get("mailfrom", "")
            domain = domain_of(sender) or sender
        case "dmarc":
            author = told.get("from", "")
            domain = domain_of(author) or author
        case _:
            return None
    domain = domain.strip("<>").rstrip(".")
    return Finding(method, result, domain if _HOST.fullmatch(domain) else "")


def _segments(value: str) -> tuple[str, ...]:
    """
    The value split at its semicolons, comments, which nest, taken out (RFC 5322 section 3.2.2).

    What stands in quotes is the sender's to choose (`smtp.mailfrom="a; dkim=pass"@x`), so of it only plain words stay.
    """
    segments: list[str] = [""]
    kept: list[str] = []
    quoted: list[str] | None = None
    depth = 0
    is_escaped = False
    for letter in value:
        if is_escaped:
            is_escaped = False
        elif letter == "\\":
            is_escaped = True
        elif letter == '"' and depth == 0:
            if quoted is None:
                quoted = []
            else:
                kept.append(text if _PLAIN.fullmatch(text := "".join(quoted)) else "_")
                quoted = None
        elif quoted is not None:
            quoted.append(letter)
        elif letter == "(":
            depth += 1
        elif letter == ")" and depth:
            depth -= 1
            kept.append(" ")
        elif depth:
            continue
        elif letter == ";":
            segments[-1] = "".join(kept)
            segments.append("")
            kept = []
        else:
            kept.append(letter)
    segments[-1] = "".join(kept)
    return tuple(segments)


def is_proven(domain: str, found: Origin) -> bool:
    """Whether the notice is proven to come from that domain: itself, one above or below, as DMARC aligns."""
    return any(ours.is_same_side(domain, proven) for proven in found.proven)
