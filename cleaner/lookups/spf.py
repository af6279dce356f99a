"""
Whether a domain lets a host send in its name (SPF, RFC 7208).

All of `check_host` is evaluated: every mechanism, macros, and the limits on questions. One thing differs from a mail
server: no mail is at hand, so that the sender's local part and the HELO name are guesses. A refusal that hangs on
such a guess is none. Policies are written by others: their length, and what they may ask, are bounded.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final
from urllib.parse import quote

from cleaner.lookups.dns import Resolver, Texts
from cleaner.lookups.names import MAX_NAME, host_key, registered_domain
from cleaner.values import ABSENT, UNKNOWN, IPAddress, IPNetwork

MAX_LOOKUPS: Final = 10
"""Terms that ask something, RFC 7208 section 4.6.4."""
MAX_VOIDS: Final = 2
"""Of these, those that nothing was found for."""
MAX_HOSTS: Final = 10
"""Of one `mx` or `ptr`."""
MAX_POLICY: Final = 8_192
"""Characters: far more than any receiver takes, and 600 terms."""
MAX_EXPANDED: Final = 2_000
"""Characters of a name with its macros filled in, before it is shortened to a name's length."""


class Result(enum.Enum):
    """What `check_host` says (RFC 7208 section 2.6)."""

    NONE = "none"
    NEUTRAL = "neutral"
    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    SOFTFAIL = "softfail"
    TEMPERROR = "temperror"
    PERMERROR = "permerror"

    @property
    def is_error(self) -> bool:
        return self in (Result.TEMPERROR, Result.PERMERROR)


GUESSED: Final = "slh"
"""The macros whose value a mail would give: sender, local part, HELO name."""
EVERYBODY: Final = "*"
WIDEST: Final = {4: 12, 6: 28}
"""
Shorter prefixes are nobody's own network.

A /12 is sixteen times what a large site or service has (a /16); of IPv6 an internet provider gets a /32, and sixteen of
them are a /28.
"""
SIGNS: Final = {"+": Result.PASS, "-": Result.FAIL, "~": Result.SOFTFAIL, "?": Result.NEUTRAL}


class SpfError(Exception):
    """The evaluation ends without an answer."""

    def __init__(self, result: Result) -> None:
        super().__init__(result.value)
        self.result = result


# --- what is written -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Term:
    """One mechanism of a policy (RFC 7208 section 5)."""

    sign: str
    name: str
    target: str = ""
    """The domain as written, with its macros; empty: the policy's own."""
    network: IPNetwork | None = None
    lengths: tuple[int, int] = (32, 128)
    """How much of an address of a host counts: of IPv4, of IPv6."""

    @property
    def asks(self) -> bool:
        """Whether it counts among the look-ups."""
        return self.name in ("include", "a", "mx", "ptr", "exists")


@dataclass(frozen=True, slots=True)
class SpfPolicy:
    """A policy as published, in order."""

    terms: tuple[Term, ...]
    redirect: str = ""
    """The domain as written; empty where there is none, or where an `all` makes it idle."""


def is_policy(text: str) -> bool:
    """Whether a text record is an SPF policy (RFC 7208 section 4.5)."""
    return text.lower() == "v=spf1" or text.lower().startswith("v=spf1 ")


_MECHANISM: Final = re.compile(r"([+?~-]?)([a-z][a-z0-9_.-]*)(:[^ ]*|/[^ ]*)?", re.IGNORECASE)
_MODIFIER: Final = re.compile(r"([a-z][a-z0-9_.-]*)=(.*)", re.IGNORECASE)
_LENGTHS: Final = re.compile(r"(.*?)(?:/(0|[1-9][0-9]{0,2}))?(?://(0|[1-9][0-9]{0,2}))?")
_MACRO: Final = re.compile(r"%(?:([%_-])|\{([slodiphcrtv])([0-9]{0,3})(r?)([-.+,/_=]{0,8})\})", re.IGNORECASE)
_LABEL: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)


@lru_cache(maxsize=256)
def parse(text: str) -> SpfPolicy | None:
    """A policy; None where it breaks the grammar, which makes all of it void (RFC 7208 section 4.6)."""
    if len(text) > MAX_POLICY or not text.isascii():
        return None
    terms: list[Term] = []
    modifiers: dict[str, str] = {}
    for word in filter(None, text.split(" ")[1:]):
        if (modifier := _MODIFIER.fullmatch(word)) is not None:
            name = modifier[1].lower()
            if name not in ("redirect", "exp"):
                if not _is_macro_text(modifier[2], "slodiphcrtv"):
                    return None
            elif name in modifiers or not _is_domain(modifier[2]):
                return None
            modifiers[name] = modifier[2]
        elif (term := _term(word)) is not None:
            terms.append(term)
        else:
            return None
    is_idle = any(term.name == "all" for term in terms)
    return SpfPolicy(tuple(terms), "" if is_idle else modifiers.get("redirect", ""))


def _term(word: str) -> Term | None:
    match = _MECHANISM.fullmatch(word)
    if match is None:
        return None
    sign, name, rest = match[1] or "+", match[2].lower(), match[3] or ""
    match name:
        case "all":
            return Term(sign, name) if not rest else None
        case "ip4" | "ip6":
            network = _network(rest.removeprefix(":"), name) if rest.startswith(":") else None
            return Term(sign, name, network=network) if network is not None else None
        case "include" | "exists":
            return Term(sign, name, rest[1:]) if rest.startswith(":") and _is_domain(rest[1:]) else None
        case "ptr":
            return (
                Term(sign, name, rest[1:]) if not rest or (rest[0] == ":" and _is_domain(rest[1:])) else None
            )
        case "a" | "mx":
            found = _LENGTHS.fullmatch(rest)
            if found is None:
                return None
            target, v4, v6 = found[1], int(found[2] or 32), int(found[3] or 128)
            is_well_formed = not target or (target[0] == ":" and _is_domain(target[1:]))
            return (
                Term(sign, name, target[1:], lengths=(v4, v6))
                if is_well_formed and v4 <= 32 and v6 <= 128
                else None
            )
    return None


def _network(text: str, name: str) -> IPNetwork | None:
    address, slash, length = text.partition("/")
    if slash and not (length.isdigit() and str(int(length[:4])) == length):
        return None
    try:
        found = ip_network(f"{address}/{length}" if slash else address, strict=False)
    except ValueError:
        return None
    is_right = isinstance(found, IPv4Network if name == "ip4" else IPv6Network) and "%" not in address
    return found if is_right else None


def _is_domain(text: str) -> bool:
    """Whether it is a domain-spec (RFC 7208 section 7.1): it ends with a top-level label, or with a macro."""
    if not _is_macro_text(text, "slodiphv"):
        return False
    last = None
    for last in _MACRO.finditer(text):
        if last[2] is not None and last[3] and int(last[3]) == 0:
            return False
    if last is not None and last.end() == len(text):
        return last[2] is not None
    before, _, top = text.removesuffix(".").rpartition(".")
    is_number = top.replace("-", "").isdecimal()
    return bool(before) and _LABEL.fullmatch(top) is not None and not is_number


def _is_macro_text(text: str, letters: str) -> bool:
    if any(match[2] is not None and match[2].lower() not in letters for match in _MACRO.finditer(text)):
        return False
    return "%" not in _MACRO.sub("", text) and all("!" <= one <= "~" for one in text)


def depends_on(target: str, letters: str) -> bool:
    """Whether a domain as written has one of those macros."""
    return any(match[2] is not None and match[2].lower() in letters for match in _MACRO.finditer(target))


def expand(target: str, value: Callable[[str], str]) -> str:
    """
    A domain with its macros filled in by `value` (RFC 7208 section 7.3), shortened to a name's length.

    Raises SpfError where it grows without measure.
    """
    parts: list[str] = []
    size = end = 0
    for match in _MACRO.finditer(target):
        parts.append(target[end : match.start()])
        if match[1] is not None:
            parts.append({"%": "%", "_": " ", "-": "%20"}[match[1]])
        else:
            parts.append(_transformed(match, value))
        end = match.end()
        size += len(parts[-1]) + len(parts[-2])
        if size > MAX_EXPANDED:
            raise SpfError(Result.PERMERROR)
    parts.append(target[end:])
    name = host_key("".join(parts))
    while len(name) > MAX_NAME and "." in name:
        name = name.partition(".")[2]
    return name


def _transformed(match: re.Match[str], value: Callable[[str], str]) -> str:
    letter, digits, reverse, delimiters = match[2], match[3], match[4], match[5] or "."
    parts = re.split(f"[{re.escape(delimiters)}]", value(letter.lower()))
    if reverse:
        parts.reverse()
    kept = ".".join(parts[-int(digits) :] if digits else parts)
    return quote(kept, safe="-._~") if letter.isupper() else kept


def policies_of(found: Texts) -> tuple[str, ...]:
    """The SPF policies among the text records of a name."""
    return tuple(text for text in found if is_policy(text)) if isinstance(found, tuple) else ()


# --- what it says of a host ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Checked:
    """What a domain's policy says of a host."""

    result: Result
    is_own: bool = True
    """What lets it send is written by the domain itself and names hosts of its own: not a provider's policy or hosts."""
    is_everybody: bool = False
    """It lets all the world send, or a large part of it."""
    is_guess: bool = False
    """It hangs on what no mail is at hand for: the sender's local part, the HELO name."""


def check_host(
    dns: Resolver, ip: IPAddress, domain: str, *, name: str = "", ours: frozenset[str] = frozenset()
) -> Checked:
    """
    What the policy of `domain` says of a host.

    `name` is the host's name as some server looked it up; `ours` holds registered domains that belong together with
    this one.
    """
    domain = host_key(domain)
    asked = _Check(dns, ip, domain, host_key(name), ours | {registered_domain(domain) or domain})
    try:
        result = asked.evaluate(domain)
    except SpfError as error:
        result = error.result
    strangers = asked.strangers if result is Result.PASS else []
    return Checked(result, not strangers, EVERYBODY in strangers, asked.is_guess)


@dataclass
class _Check:
    """One evaluation, with what it may still ask."""

    dns: Resolver
    ip: IPAddress
    sender: str
    """The domain of the sender; its address is taken for postmaster's (RFC 7208 section 4.3)."""
    name: str
    ours: frozenset[str]
    lookups: int = 0
    voids: int = 0
    is_guess: bool = False
    strangers: list[str] = field(default_factory=list)
    """Other people's domains through which the match came about."""
    _confirmed: tuple[str, ...] | None = None

    def evaluate(self, domain: str) -> Result:
        found = self.dns.texts(domain)
        if found is UNKNOWN:
            raise SpfError(Result.TEMPERROR)
        texts = policies_of(found)
        if not texts:
            return Result.NONE
        policy = parse(texts[0])
        if len(texts) > 1 or policy is None:
            raise SpfError(Result.PERMERROR)
        for term in policy.terms:
            if term.asks:
                self.spend()
            if self.matches(term, domain):
                if depends_on(term.target, GUESSED):
                    # For another sender it may be otherwise.
                    raise SpfError(Result.NEUTRAL)
                return SIGNS[term.sign]
        if not policy.redirect:
            return Result.NEUTRAL
        self.spend()
        target = self.filled(policy.redirect, domain)
        self.note(target)
        if (result := self.evaluate(target)) is Result.NONE:
            raise SpfError(Result.PERMERROR)
        return result

    def spend(self) -> None:
        self.lookups += 1
        if self.lookups > MAX_LOOKUPS:
            raise SpfError(Result.PERMERROR)

    def note(self, target: str) -> None:
        if (registered_domain(target) or target) not in self.ours:
            self.strangers.append(target)

    def matches(self, term: Term, domain: str) -> bool:
        match term.name:
            case "all":
                self.strangers.append(EVERYBODY)
                return True
            case "ip4" | "ip6":
                return self.is_in(term.network)
        target = self.filled(term.target, domain) if term.target else domain
        if term.name == "include":
            return self.includes(target)
        if not self.finds(term, target):
            return False
        self.note(target)
        return True

    def includes(self, target: str) -> bool:
        before = len(self.strangers)
        self.note(target)
        match self.evaluate(target):
            case Result.PASS:
                return True
            case Result.NONE:
                raise SpfError(Result.PERMERROR)
        del self.strangers[before:]
        return False

    def finds(self, term: Term, target: str) -> bool:
        match term.name:
            case "a":
                return self.is_one_of((target,), term)
            case "mx":
                hosts = self.answer(self.dns.exchangers(target))
                if len(hosts) > MAX_HOSTS:
                    raise SpfError(Result.PERMERROR)
                return self.is_one_of(hosts, term, counts=False)
            case "exists":
                is_there = bool(self.answer(self.dns.addresses(target)))
                if is_there and not depends_on(term.target, "ip"):
                    self.strangers.append(EVERYBODY)
                return is_there
        return any(name == target or name.endswith(f".{target}") for name in self.confirmed())

    def answer(self, found: Texts, *, counts: bool = True) -> tuple[str, ...]:
        if found is UNKNOWN:
            raise SpfError(Result.TEMPERROR)
        if isinstance(found, tuple):
            return found
        self.voids += counts
        if self.voids > MAX_VOIDS:
            raise SpfError(Result.PERMERROR)
        return ()

    def is_one_of(self, hosts: tuple[str, ...], term: Term, *, counts: bool = True) -> bool:
        length = term.lengths[self.ip.version == 6]
        for host in hosts:
            for address in self.answer(self.dns.addresses(host, self.ip.version), counts=counts):
                if self.is_in(network_of(address, length)):
                    if term.name == "mx":
                        self.note(host)
                    return True
        return False

    def is_in(self, network: IPNetwork | None) -> bool:
        if not _is_in(self.ip, network):
            return False
        if network is not None and network.prefixlen < WIDEST[network.version]:
            self.strangers.append(EVERYBODY)
        return True

    def confirmed(self) -> tuple[str, ...]:
        """The names of the host that lead back to it (RFC 7208 section 5.5), at most ten."""
        if self._confirmed is None:
            pointed = self.answer(self.dns.names(str(self.ip)))[:MAX_HOSTS]
            candidates = dict.fromkeys(host_key(one) for one in (self.name, *pointed) if one)
            self._confirmed = tuple(one for one in candidates if is_confirmed(self.dns, self.ip, one))
        return self._confirmed

    def filled(self, target: str, domain: str) -> str:
        if depends_on(target, GUESSED):
            self.is_guess = True
        return expand(target, lambda letter: self.macro(letter, domain))

    def macro(self, letter: str, domain: str) -> str:
        match letter:
            case "s":
                return f"postmaster@{self.sender}"
            case "l":
                return "postmaster"
            case "o":
                return self.sender
            case "d":
                return domain
            case "i":
                return str(self.ip) if self.ip.version == 4 else ".".join(self.ip.exploded.replace(":", ""))
            case "v":
                return "in-addr" if self.ip.version == 4 else "ip6"
            case "h":
                return self.name or self.sender
        names = sorted(self.confirmed(), key=lambda one: (one != domain, not one.endswith(f".{domain}")))
        return names[0] if names else "unknown"


def is_confirmed(dns: Resolver, ip: IPAddress, name: str) -> bool:
    """Whether the name leads back to the address. Raises SpfError where nobody tells."""
    found = dns.addresses(name, ip.version)
    if found is UNKNOWN:
        raise SpfError(Result.TEMPERROR)
    return found is not ABSENT and any(_is_in(ip, network_of(one, ip.max_prefixlen)) for one in found)


def network_of(address: str, length: int) -> IPNetwork | None:
    try:
        found = ip_address(address)
        return ip_network((found, min(length, found.max_prefixlen)), strict=False)
    except ValueError:
        return None


def _is_in(ip: IPAddress, network: IPNetwork | None) -> bool:
    return network is not None and ip.version == network.version and ip in network


def targets_of(policy: SpfPolicy, domain: str, sender: str) -> Iterator[tuple[Term, str]]:
    """
    Every term that asks something, with the name that it leads to; empty where that depends on the mail or the host.

    A redirection comes last, as if it were a term.
    """
    redirect = (Term("+", "redirect", policy.redirect),) if policy.redirect else ()
    for term in (*(term for term in policy.terms if term.asks), *redirect):
        if depends_on(term.target, "slihpv"):
            yield term, ""
        else:
            try:
                values = {"d": domain, "o": sender}
                yield term, expand(term.target, values.__getitem__) if term.target else domain
            except SpfError:
                yield term, ""
