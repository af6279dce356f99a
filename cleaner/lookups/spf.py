"""
Whether a domain lets a host send in its name (SPF, RFC 7208), as far as it can be told without a mail at hand.

Evaluated are `ip4`, `ip6`, `a`, `mx`, `include`, `all` and `redirect`. What needs the sender or asks the host's name
(`ptr`, `exists`, macros), and what nobody answers, makes the result unknown rather than a refusal.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_network
from typing import Final

from cleaner.lookups.dns import Resolver
from cleaner.values import ABSENT, UNKNOWN, IPAddress

PASS, FAIL, NOTHING = "pass", "fail", ""
LOOKUPS: Final = 10
"""RFC 7208 section 4.6.4."""
MAX_HOSTS: Final = 10
MAX_TERMS: Final = 100
_RESULTS: Final = {"+": PASS, "-": FAIL, "~": FAIL, "?": NOTHING}


class _UnknownError(Exception):
    """It cannot be told."""


@dataclass
class _Question:
    """One evaluation, with what it may still ask."""

    dns: Resolver
    ip: IPAddress
    left: int = LOOKUPS

    def spend(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise _UnknownError

    def evaluate(self, domain: str) -> str | None:
        """The result of the first term that matches; None where there is no policy."""
        found = self.dns.texts(domain)
        if found is UNKNOWN:
            raise _UnknownError
        policies = [t for t in found if is_policy(t)] if isinstance(found, tuple) else []
        if not policies:
            return None
        if len(policies) > 1:
            raise _UnknownError
        redirect = ""
        for term in policies[0].split()[1 : MAX_TERMS + 1]:
            if term.lower().startswith("redirect="):
                redirect = term.partition("=")[2]
            elif "=" not in term.partition(":")[0]:
                sign = term[0] if term[0] in _RESULTS else "+"
                if self.matches(term.lstrip("+-~?").lower(), domain):
                    return _RESULTS[sign]
        if not redirect:
            return NOTHING
        self.spend()
        if "%" in redirect:
            raise _UnknownError
        return self.evaluate(redirect)

    def matches(self, term: str, domain: str) -> bool:
        head, colon, rest = term.partition(":")
        name, _, bits = head.partition("/")
        if "%" in term:
            raise _UnknownError
        match name:
            case "all":
                return True
            case "ip4" | "ip6":
                return self.is_in(rest)
            case "include":
                self.spend()
                return self.evaluate(rest) == PASS
            case "a" | "mx":
                self.spend()
                target, _, length = rest.partition("/") if colon else (domain, "", bits)
                hosts = (target,) if name == "a" else self.dns.exchangers(target)
                return self.is_one_of(hosts, length)
        raise _UnknownError

    def is_one_of(self, hosts: object, length: str) -> bool:
        if hosts is ABSENT:
            return False
        if not isinstance(hosts, tuple):
            raise _UnknownError
        lengths = length.split("//")
        bits = lengths[0] if self.ip.version == 4 else (lengths[1] if len(lengths) > 1 else "")
        for host in hosts[:MAX_HOSTS]:
            found = self.dns.addresses(host, self.ip.version)
            if found is UNKNOWN:
                raise _UnknownError
            if isinstance(found, tuple) and any(
                self.is_in(f"{address}/{bits}" if bits else address) for address in found
            ):
                return True
        return False

    def is_in(self, network: str) -> bool:
        try:
            found = ip_network(network, strict=False)
        except ValueError:
            raise _UnknownError from None
        return found.version == self.ip.version and self.ip in found


def is_policy(text: str) -> bool:
    return text.lower() == "v=spf1" or text.lower().startswith("v=spf1 ")


def result(dns: Resolver, ip: IPAddress, domain: str) -> str:
    """`pass`, `fail` (also where it is only doubted: `~all`), or nothing where it cannot be told."""
    try:
        return _Question(dns, ip).evaluate(domain) or NOTHING
    except (_UnknownError, RecursionError):
        return NOTHING
