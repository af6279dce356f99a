"""Hosts and addresses: whose they are."""

from __future__ import annotations

from functools import cache
from ipaddress import ip_address, ip_network

from publicsuffixlist import PublicSuffixList

from cleaner.values import Hop, IPAddress, IPNetwork, Known, Notice, Organisation, address_key, domain_of

PRIVATE: tuple[IPNetwork, ...] = tuple(
    ip_network(text)
    for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
)
"""RFC 1918, RFC 6598, RFC 4193. The documentation networks, which `is_private` also counts, are not among them."""


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


@cache
def registered(host: str) -> str:
    """The registered domain of a host (`mx1.a.example.co.uk` → `example.co.uk`); itself if it has none."""
    name = host.strip().strip(".").casefold()
    return _suffixes().privatesuffix(name) or name


def is_name(host: str) -> bool:
    """Whether it is a name that tells something: not an address, not `localhost`, not a bare word."""
    if "." not in host or host.endswith((".local", ".localdomain", ".internal", ".lan")):
        return False
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return True
    return False


def within(ip: IPAddress | None, networks: tuple[IPNetwork, ...]) -> bool:
    return ip is not None and any(ip.version == net.version and ip in net for net in networks)


def is_internal(ip: IPAddress | None) -> bool:
    """An address that only means something inside one network: loopback, private, link-local."""
    if ip is None:
        return False
    return ip.is_loopback or ip.is_link_local or within(ip, PRIVATE)


def is_our_domain(host: str, organisation: Organisation) -> bool:
    """Whether a host's name lies in one of our domains."""
    name = host.casefold().rstrip(".")
    return any(name == domain or name.endswith(f".{domain}") for domain in organisation.domains)


def is_our_host(host: str, organisation: Organisation) -> bool:
    return host in organisation.relay_names or is_our_domain(host, organisation)


def is_our_address(address: str, known: Known) -> bool:
    key = address_key(address)
    return key in known.owner.addresses or domain_of(key) in known.organisation.domains


def is_our_client(hop: Hop, organisation: Organisation) -> bool:
    """Whether our own server recorded one of us as the peer: signed in, from our networks, or our host."""
    return (
        hop.authenticated
        or within(hop.ip, organisation.client_networks)
        or within(hop.ip, organisation.relay_networks)
    )


def reporters(notice: Notice) -> frozenset[str]:
    """Registered domains on whose side the notice was written."""
    hosts = [notice.reporter, domain_of(notice.sender)]
    hosts += [host for hop in notice.hops[:1] for host in (hop.peer, hop.helo)]
    hosts += [r.reporter for r in notice.recipients if r.reporter]
    hosts += [domain_of(r.address) for r in notice.recipients]
    return frozenset(registered(host) for host in hosts if host and is_name(host))
