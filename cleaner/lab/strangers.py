"""
Third parties have networks of their own, and publish what third parties publish.

In made-up worlds honest strangers tend to stand next to the organisation's own servers, because documentation has few
addresses. Then "not from our network" is as good as forged, which it never is outside. So under every circumstance each
host beside our relays that is not ours moves to a network of its registered domain, in every trace and every text.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from ipaddress import ip_address
from typing import Final

from cleaner.evidence import ours
from cleaner.lab.rewriting import Place, edit_unsigned, rewrite
from cleaner.lab.scene import Letter, Scene, merged
from cleaner.lookups.recorded import Records
from cleaner.values import Kind, Notice, Organisation, domain_of

_IPV4: Final = re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d]|\.\d)")
_NAMED: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9.-]{2,200})[ ]?\(?\[(\d{1,3}(?:\.\d{1,3}){3})\]")


def apart(scene: Scene) -> Scene:
    """The world with every third party in a network of its own, and its records."""
    names: dict[str, Counter[str]] = {}
    seen: set[str] = set()
    for _, letter in scene.letters:
        text = letter.message.raw.decode("latin-1")
        seen |= {address for address in _IPV4.findall(text) if _is_address(address)}
        for name, address in _named(letter.notice, text):
            names.setdefault(address, Counter())[name] += 1
    organisation = scene.organisation
    neighbours = sorted(address for address in seen if _is_strange_neighbour(address, organisation))
    told = {address: _name(names.get(address, Counter()), organisation) for address in neighbours}
    strange = {address: name for address, name in told.items() if name is not None}
    taken = frozenset(address.rpartition(".")[0] for address in seen if address not in strange)
    scene = replace(scene, taken=taken)
    moved = _moved(scene, strange)
    hosts = {name: moved[address] for address, name in strange.items() if name}
    for name, address in _elsewhere(scene):
        if address not in strange:
            hosts.setdefault(name, address)
    scene = replace(scene, taken=taken | {address.rpartition(".")[0] for address in moved.values()})
    scene = scene.with_raw(lambda _, letter: relocated(letter.message.raw, moved))
    return scene.with_dns(None if scene.dns is None else merged(records(scene, hosts), scene.dns))


def relocated(raw: bytes, moved: Mapping[str, str]) -> bytes:
    """A message in which hosts have other addresses."""
    if not moved:
        return raw

    def edit(_: Place, text: str) -> str:
        if not any(found in moved for found in _IPV4.findall(text)):
            return text
        return edit_unsigned(text, lambda line: _IPV4.sub(lambda m: moved.get(m[0], m[0]), line))

    return rewrite(raw, edit)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _is_strange_neighbour(address: str, organisation: Organisation) -> bool:
    ip = ip_address(address)
    return ours.is_neighbour(ip, organisation) and not ours.is_inside(ip, organisation)


def _elsewhere(scene: Scene) -> Iterator[tuple[str, str]]:
    """Named hosts that stand nowhere near us: those that reported, and those that genuine mail passed."""
    for _, letter in scene.letters:
        hops = letter.notice.hops if letter.label.kind is not Kind.NDR_PHISH else ()
        for hop in (*hops, *(letter.notice.returned.hops if letter.is_genuine else ())):
            is_outside = hop.ip is not None and not ours.is_inside(hop.ip, scene.organisation)
            is_named = ours.registered_domain(hop.peer) and not ours.is_own_host(hop.peer, scene.organisation)
            if is_outside and is_named:
                yield hop.peer, str(hop.ip)


def _named(notice: Notice, text: str) -> list[tuple[str, str]]:
    found = [
        (hop.peer or hop.helo, str(hop.ip))
        for hop in notice.hops
        if hop.ip is not None and "." in (hop.peer or hop.helo)
    ]
    found += [(name.lower().strip("."), address) for name, address in _NAMED.findall(text)]
    return [(name, address) for name, address in found if ours.registered_domain(name)]


def _name(counted: Counter[str], organisation: Organisation) -> str | None:
    """What a host is called; empty where nobody tells, None where it is one of ours that nobody listed."""
    others = [name for name, _ in counted.most_common() if not ours.is_own_host(name, organisation)]
    if others:
        return others[0]
    return None if counted else ""


def _moved(scene: Scene, strange: Mapping[str, str]) -> dict[str, str]:
    """Old address → the new one: in the network of its domain, under its old last octet."""
    moved: dict[str, str] = {}
    for address, name in sorted(strange.items()):
        owner = ours.registered_domain(name) or address
        moved[address] = f"{scene.network(owner)}.{address.rpartition('.')[2]}"
    return moved


def records(scene: Scene, hosts: Mapping[str, str]) -> Records:
    """Addresses and names of the hosts, who takes whose mail, and from where each site sends."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    sites: dict[str, set[str]] = {}
    for name, address in sorted(hosts.items()):
        found.setdefault(name, {})["A"] = (address,)
        found.setdefault(address, {})["PTR"] = (name,)
        sites.setdefault(ours.registered_domain(name), set()).add(address)
    for domain, takers in exchangers(scene).items():
        known = tuple(host for host, _ in takers.most_common() if host in hosts)
        if known:
            found.setdefault(domain, {})["MX"] = tuple(f"{10 * n} {host}" for n, host in enumerate(known, 1))
            sites.setdefault(domain, set()).update(hosts[host] for host in known)
    for domain, addresses in sites.items():
        if not ours.is_own_domain(domain, scene.organisation):
            senders = " ".join(f"ip4:{address}" for address in sorted(addresses))
            found.setdefault(domain, {})["TXT"] = (f"v=spf1 mx {senders} -all",)
    return found


def exchangers(scene: Scene) -> dict[str, Counter[str]]:
    """Domain → the hosts that take its mail, as the reports of refusals tell."""
    found: dict[str, Counter[str]] = {}
    for _, letter in scene.letters:
        for domain, host in _takers(letter, scene.organisation):
            if domain and ours.registered_domain(host) and not ours.is_own_domain(domain, scene.organisation):
                found.setdefault(domain, Counter())[host] += 1
    return found


def _takers(letter: Letter, organisation: Organisation) -> list[tuple[str, str]]:
    notice = letter.notice
    reporter = notice.reporter.lower()
    by_us = ours.is_own_host(reporter, organisation)
    found = []
    for recipient in notice.recipients:
        final = domain_of(recipient.address)
        asked = domain_of(recipient.original or recipient.address)
        remote = (recipient.remote or "").lower()
        if by_us:
            found.append((asked, remote))
            continue
        found.append((asked, reporter))
        if final != asked:
            found.append((final, remote))
    return found
