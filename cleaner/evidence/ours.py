"""
What belongs to an organisation: domains, hosts, addresses.

A domain that millions share is nobody's own: mail "from gmail.com" says nothing about one user
(DESIGN.md, decision 16), so it never counts as ours, whatever the configuration lists.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_network
from typing import Final

from publicsuffixlist import PublicSuffixList

from cleaner.values import IPAddress, IPNetwork, Organisation, domain_of

SHARED_DOMAINS: Final = frozenset(
    """
    aol.com att.net bigpond.com bluewin.ch bol.com.br btinternet.com comcast.net cox.net daum.net
    earthlink.net email.cz fastmail.com fastmail.fm free.fr freenet.de gmail.com gmx.at gmx.ch gmx.com
    gmx.de gmx.net googlemail.com hanmail.net hotmail.co.uk hotmail.com hotmail.de hotmail.es hotmail.fr
    hotmail.it icloud.com inbox.lv inbox.ru interia.pl laposte.net libero.it list.ru live.co.uk live.com
    live.fr live.nl mac.com mail.com mail.ru mailbox.org me.com msn.com naver.com o2.pl onet.pl orange.fr
    outlook.com outlook.de outlook.fr pm.me posteo.de proton.me protonmail.com qq.com rambler.ru
    rediffmail.com rocketmail.com sbcglobal.net seznam.cz sfr.fr sina.com sky.com t-online.de terra.com.br
    tiscali.it tuta.com tutanota.com ukr.net uol.com.br verizon.net virgilio.it wanadoo.fr web.de wp.pl
    yahoo.ca yahoo.co.in yahoo.co.jp yahoo.co.uk yahoo.com yahoo.com.br yahoo.de yahoo.es yahoo.fr yahoo.it
    yandex.com yandex.ru ymail.com zoho.com 126.com 163.com
    """.split()
)
"""Domains whose addresses anybody may have."""

_INTERNAL: Final[tuple[IPNetwork, ...]] = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.168.0.0/16 "
        "::1/128 fc00::/7 fe80::/10"
    ).split()
)
"""
Addresses that never cross the internet (RFC 1918, 3927, 4193, 6598).

Not `is_private`: for Python that holds the documentation networks too.
"""

_suffixes: PublicSuffixList | None = None


@lru_cache(maxsize=4096)
def registered_domain(host: str) -> str:
    """The domain that somebody registered, by the public suffix list; empty for a bare word or an address."""
    global _suffixes
    if _suffixes is None:
        _suffixes = PublicSuffixList()
    if "." not in host or host.startswith("[") or host.replace(".", "").isdigit():
        return ""
    return _suffixes.privatesuffix(host.lower().strip(".")) or ""


def is_same_side(host: str, other: str) -> bool:
    """Whether two hosts are one or belong to one registered domain."""
    if not host or not other:
        return False
    return host == other or (registered_domain(host) == registered_domain(other) != "")


@lru_cache(maxsize=4096)
def is_internal(ip: IPAddress) -> bool:
    """Whether the address is of a machine's or a site's own network."""
    return any(ip.version == network.version and ip in network for network in _INTERNAL)


def is_own_domain(domain: str, organisation: Organisation) -> bool:
    """Whether the domain is one of ours or lies below one."""
    return _is_below(domain, organisation.domains)


@lru_cache(maxsize=4096)
def _is_below(domain: str, domains: frozenset[str]) -> bool:
    domain = domain.lower().rstrip(".")
    return any(domain == own or domain.endswith("." + own) for own in domains - SHARED_DOMAINS)


def is_own_host(name: str, organisation: Organisation) -> bool:
    """Whether a host bears a name of ours. What a peer calls itself proves nothing."""
    return bool(name) and (name in organisation.relay_names or is_own_domain(name, organisation))


def is_own_address(address: str, organisation: Organisation) -> bool:
    return is_own_domain(domain_of(address), organisation)


def is_relay(ip: IPAddress, organisation: Organisation) -> bool:
    return _within(ip, organisation.relay_networks)


def is_client(ip: IPAddress, organisation: Organisation) -> bool:
    return _within(ip, organisation.client_networks)


def is_inside(ip: IPAddress, organisation: Organisation) -> bool:
    """Whether the address is a relay's, our clients', or of a machine's or site's own network."""
    return is_internal(ip) or is_relay(ip, organisation) or is_client(ip, organisation)


def is_neighbour(ip: IPAddress, organisation: Organisation) -> bool:
    """
    Whether the address lies next to a relay or to our clients: same /24, or /48 of IPv6.

    A scanner, a printer or a new server that nobody listed sends from there; to us it is no stranger.
    """
    around = surroundings(ip)
    return any(
        _overlap(around, network) for network in (*organisation.relay_networks, *organisation.client_networks)
    )


@lru_cache(maxsize=4096)
def surroundings(ip: IPAddress) -> IPNetwork:
    """The network that one site mostly has: /24, or /48 of IPv6."""
    return ip_network((ip, 24 if isinstance(ip, IPv4Address) else 48), strict=False)


def knows_addresses_like(ip: IPAddress, organisation: Organisation) -> bool:
    """
    Whether the relays are listed by address, of the same IP version.

    A relay listed by name only, or by its IPv4 address only, may well be this unknown address.
    """
    return any(network.version == ip.version for network in organisation.relay_networks)


def _within(ip: IPAddress, networks: tuple[IPNetwork, ...]) -> bool:
    return any(ip.version == network.version and ip in network for network in networks)


def _overlap(one: IPNetwork, other: IPNetwork) -> bool:
    if isinstance(one, IPv4Network) and isinstance(other, IPv4Network):
        return one.overlaps(other)
    if isinstance(one, IPv6Network) and isinstance(other, IPv6Network):
        return one.overlaps(other)
    return False
