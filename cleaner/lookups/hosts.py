"""
What the outside says of hosts: blocklists (RFC 5782), and the policies of our own domains (SPF).

Both are off unless the configuration names them. A name server that does not answer leaves a host unknown, and
nothing waits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import ip_address, ip_network
from typing import Final

from cleaner.lookups import spf
from cleaner.lookups.dns import Resolver
from cleaner.values import HostQuestion, HostsView, IPAddress

MAX_ASKED: Final = 100
"""Hosts asked about at a time."""
LISTED: Final = ip_network("127.0.0.0/8")
ERRORS: Final = (ip_network("127.255.255.0/24"), ip_network("127.0.0.1/32"))
"""Answers that say that the question was refused, or that a list is broken (RFC 5782 section 5)."""


class KnownHosts:
    """Satisfies `ports.Hosts`."""

    def __init__(self, dns: Resolver, blocklists: Sequence[str] = (), *, spf: bool = False) -> None:
        self._dns = dns
        self._blocklists = tuple(blocklists)
        self._spf = spf

    def find(self, question: HostQuestion) -> HostsView:
        listed = {ip: lists for ip in sorted(question.ips)[:MAX_ASKED] if (lists := tuple(self._lists(ip)))}
        if not self._spf:
            return HostsView(listed)
        results = {
            (ip, domain): found
            for ip, domain in sorted(question.senders)[:MAX_ASKED]
            if (found := spf.result(self._dns, ip_address(ip), domain))
        }
        return HostsView(listed, results)

    def _lists(self, ip: str) -> Iterator[str]:
        for blocklist in self._blocklists:
            found = self._dns.addresses(f"{reversed_name(ip_address(ip))}.{blocklist}", 4)
            if isinstance(found, tuple) and any(map(is_listing, found)):
                yield blocklist


def is_listing(answer: str) -> bool:
    ip = ip_address(answer)
    return ip in LISTED and not any(ip in network for network in ERRORS)


def reversed_name(ip: IPAddress) -> str:
    """The name under which lists keep an address (RFC 5782 sections 2.1 and 2.4)."""
    return ip.reverse_pointer.removesuffix(".in-addr.arpa").removesuffix(".ip6.arpa")
