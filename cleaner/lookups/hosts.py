"""
What the outside says of hosts: blocklists (RFC 5782), who may send for us (SPF, DMARC), whose hosts others are.

A name server that does not answer leaves a host unknown, or lets the archive answer, and nothing waits for long. About
our own domains is asked first and by itself: nobody else's names use up what may be asked about them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

from cleaner.lookups.dns import Resolver, Texts
from cleaner.lookups.names import host_key, is_same_site, registered_domain
from cleaner.lookups.published import Published, published
from cleaner.lookups.recorded import RecordedDns
from cleaner.lookups.remembered import RememberedDns, merged, moments, reached, read_states
from cleaner.lookups.resolvers import FirstOf, Limited, Noting, Question
from cleaner.lookups.spf import MAX_HOSTS, Checked, Result, SpfError, check_host, is_confirmed, network_of
from cleaner.ports import DnsArchive, DnsState
from cleaner.values import ABSENT, UNKNOWN, HostQuestion, HostsView, IPAddress, SenderPolicy

MAX_ASKED: Final = 100
"""Hosts looked up in blocklists at a time."""
MAX_SITES: Final = 1_000
"""Pairs of a host and somebody else's domain looked at in one batch; how long that may take is bounded beside."""
MAX_SENDERS: Final = 5_000
"""Pairs of a host and a domain of ours; the answers about our domains are asked for once a batch."""
MAX_DOMAINS: Final = 50
"""Domains of ours looked at in one batch; sub-domains can be invented, so those that are configured come first."""
OWN_SECONDS: Final = 60.0
OWN_QUESTIONS: Final = 5_000
SITE_SECONDS: Final = 20.0
SITE_BATCH: Final = 4_000
SITE_QUESTIONS: Final = 40
"""For one host and one domain."""
NEIGHBOURS: Final = {4: 24, 6: 48}
"""The network that one site mostly has."""
LISTED: Final = ip_network("127.0.0.0/8")
ERRORS: Final = (ip_network("127.255.255.0/24"), ip_network("127.0.0.1/32"))
"""Answers that say that the question was refused, or that a list is broken (RFC 5782 section 5)."""

PASS: Final = "pass"  # noqa: S105
PROVIDER: Final = "provider"
FAIL: Final = "fail"


@dataclass(frozen=True, slots=True)
class _Domain:
    """What is known of one domain of ours: now, and at the times when something was otherwise."""

    domain: str
    now: Resolver
    current: Published
    past: tuple[tuple[datetime, Resolver, Published], ...]
    networks: Mapping[tuple[int, int], frozenset[int]] | None
    """All that was ever let send, by version and prefix length; None where that cannot be enumerated."""

    def may_have_passed(self, ip: IPAddress) -> bool:
        """Whether it is worth looking at the past: of thousands of hosts hardly any is in it."""
        return self.networks is None or any(
            ip.version == version and int(ip) >> (ip.max_prefixlen - length) in found
            for (version, length), found in self.networks.items()
        )

    @property
    def providers(self) -> frozenset[str]:
        return self.current.providers.union(*(then.providers for _, _, then in self.past))

    def policy(self) -> SenderPolicy | None:
        found = self.current.policy
        if found is None or not found.is_closed:
            return found
        since: datetime | None = None
        for at, _, then in reversed(self.past):
            if then.policy is None or not then.policy.is_closed:
                break
            since = at
        return SenderPolicy(self.domain, True, since=since)


class KnownHosts:
    """
    Satisfies `ports.Hosts`.

    `dns` None: only what is remembered is known. `strangers` is asked about other people's domains, None: they are not
    asked about. `own` are the domains whose policies are remembered, None: all that are asked about. `may_ask` false:
    the configuration forbids look-ups.
    """

    def __init__(
        self,
        dns: Resolver | None,
        blocklists: Sequence[str] = (),
        *,
        spf: bool = True,
        strangers: Resolver | None = None,
        archive: DnsArchive | None = None,
        clock: Callable[[], datetime] | None = None,
        own: frozenset[str] | None = None,
        remembers: bool = True,
        may_ask: bool = True,
    ) -> None:
        self._dns = dns
        self._blocklists = tuple(blocklists) if dns is not None else ()
        self._spf = spf
        self._strangers = strangers
        self._archive = archive
        self._clock = clock
        self._own = own
        self._remembers = remembers
        self._may_ask = may_ask

    def find(self, question: HostQuestion) -> HostsView:
        listed = {ip: lists for ip in sorted(question.ips)[:MAX_ASKED] if (lists := tuple(self._lists(ip)))}
        results: dict[tuple[str, str], str] = {}
        policies: dict[str, SenderPolicy] = {}
        if self._spf:
            known = {domain.domain: domain for domain in self._domains(question)}
            ours = frozenset(registered_domain(domain) or domain for domain in known)
            for ip, domain in sorted(question.senders)[:MAX_SENDERS]:
                found, address = known.get(host_key(domain)), address_of(ip)
                if found is None or address is None:
                    continue
                if result := _result(found, address, question.names.get(ip, ""), ours):
                    results[ip, domain] = result
            asked = {host_key(domain): domain for domain in question.domains}
            policies = {
                asked[name]: policy
                for name, domain in known.items()
                if name in asked and (policy := domain.policy()) is not None
            }
        return HostsView(listed, results, dict(self._sites(question)), policies, self._may_ask)

    # --- blocklists ------------------------------------------------------------------------------

    def _lists(self, ip: str) -> Iterator[str]:
        address = address_of(ip)
        for blocklist in self._blocklists:
            if self._dns is None or address is None:
                return
            found = self._dns.addresses(f"{reversed_name(address)}.{blocklist}", 4)
            if isinstance(found, tuple) and any(map(is_listing, found)):
                yield blocklist

    # --- our domains -----------------------------------------------------------------------------

    def _domains(self, question: HostQuestion) -> Iterator[_Domain]:
        wanted = {host_key(domain) for domain in question.domains}
        wanted |= {host_key(domain) for _, domain in question.senders}
        own = self._own if self._own is not None else wanted
        domains = sorted(wanted, key=lambda domain: (domain not in own, domain))[:MAX_DOMAINS]
        remembered = read_states(self._archive, domains) if self._archive is not None and domains else ()
        live = Limited(self._dns if self._dns is not None else RecordedDns(None), OWN_SECONDS, OWN_QUESTIONS)
        latest = RememberedDns(remembered)
        now = FirstOf(live, latest)
        noted: dict[Question, tuple[str, ...]] = {}
        current: dict[str, Published] = {}
        for domain in domains:
            noting = Noting(live)
            current[domain] = published(FirstOf(noting, latest), domain)
            if domain in own:
                noted.update(noting.noted)
        states = self._remember(remembered, noted)
        for domain in domains:
            past = tuple(_past(states, domain))
            networks = _networks(then for _, _, then in past)
            yield _Domain(domain, now, current[domain], past, networks)

    def _remember(
        self, remembered: tuple[DnsState, ...], noted: Mapping[Question, tuple[str, ...]]
    ) -> tuple[DnsState, ...]:
        if self._archive is None or self._clock is None or not noted:
            return remembered
        if self._remembers:
            self._archive.remember(noted, self._clock())
        return merged(remembered, noted, self._clock())

    # --- other people's domains ------------------------------------------------------------------

    def _sites(self, question: HostQuestion) -> Iterator[tuple[tuple[str, str], str]]:
        if self._strangers is None or not question.sites:
            return
        within = Limited(self._strangers, SITE_SECONDS, SITE_BATCH)
        for ip, domain in question.sites[:MAX_SITES]:
            dns = Limited(within, SITE_SECONDS, SITE_QUESTIONS)
            if (address := address_of(ip)) is None:
                continue
            found = _site(dns, address, host_key(domain), question.names.get(ip, ""))
            if found is not None:
                yield (ip, domain), found


def _past(states: tuple[DnsState, ...], domain: str) -> Iterator[tuple[datetime, Resolver, Published]]:
    of_domain = reached(states, domain)
    for at in moments(of_domain):
        then = RememberedDns(of_domain, at)
        yield at, then, published(then, domain)


def _networks(past: Iterable[Published]) -> Mapping[tuple[int, int], frozenset[int]] | None:
    found: dict[tuple[int, int], set[int]] = {}
    for then in past:
        if then.networks is None:
            return None
        for network in then.networks:
            first = int(network.network_address) >> (network.max_prefixlen - network.prefixlen)
            found.setdefault((network.version, network.prefixlen), set()).add(first)
    return {key: frozenset(numbers) for key, numbers in found.items()}


def _result(domain: _Domain, ip: IPAddress, name: str, ours: frozenset[str]) -> str:
    checked = check_host(domain.now, ip, domain.domain, name=name, ours=ours)
    if _is_own_pass(checked):
        return PASS
    past = domain.past if domain.may_have_passed(ip) else ()
    before = [check_host(then, ip, domain.domain, name=name, ours=ours) for _, then, _ in past]
    if any(map(_is_own_pass, before)):
        return PASS
    # What lets everybody send says nothing of anybody.
    if any(found.result is Result.PASS and not found.is_everybody for found in (checked, *before)):
        return PROVIDER
    if registered_domain(name) in domain.providers and _may_be(domain.now, ip, name):
        return PROVIDER
    is_refused = checked.result in (Result.FAIL, Result.SOFTFAIL) and not checked.is_guess
    return FAIL if is_refused else ""


def _is_own_pass(checked: Checked) -> bool:
    return checked.result is Result.PASS and checked.is_own


def _may_be(dns: Resolver, ip: IPAddress, name: str) -> bool:
    """Whether the host that some server looked up under that name is it: DNS agrees, or cannot tell."""
    try:
        return is_confirmed(dns, ip, name)
    except SpfError:
        return True


def _site(dns: Resolver, ip: IPAddress, domain: str, name: str) -> str | None:
    """`mx` or `spf` where the host belongs to the domain's site by that, nothing where not, None: nobody tells."""
    hosts = dns.exchangers(domain)
    exchangers: Texts = (domain,) if hosts is ABSENT else hosts
    is_unknown = exchangers is UNKNOWN
    for host in exchangers[:MAX_HOSTS] if isinstance(exchangers, tuple) else ():
        if name and is_same_site(name, host) and _may_be(dns, ip, name):
            return "mx"
        found = dns.addresses(host, ip.version)
        is_unknown |= found is UNKNOWN
        if isinstance(found, tuple) and any(map(_is_near(ip), found)):
            return "mx"
    checked = check_host(dns, ip, domain, name=name)
    if checked.result is Result.PASS and not checked.is_everybody:
        return "spf"
    return None if is_unknown or checked.result is Result.TEMPERROR else ""


def _is_near(ip: IPAddress) -> Callable[[str], bool]:
    around = ip_network((ip, NEIGHBOURS[ip.version]), strict=False)
    return lambda address: network_of(address, NEIGHBOURS[ip.version]) == around


def address_of(text: str) -> IPAddress | None:
    """The address; that of IPv4 where it is one in the clothes of IPv6 (`::ffff:192.0.2.1`)."""
    try:
        ip = ip_address(text)
    except ValueError:
        return None
    return ip.ipv4_mapped or ip if isinstance(ip, IPv6Address) else ip


def is_listing(answer: str) -> bool:
    ip = ip_address(answer)
    return ip in LISTED and not any(ip in network for network in ERRORS)


def reversed_name(ip: IPAddress) -> str:
    """The name under which lists keep an address (RFC 5782 sections 2.1 and 2.4)."""
    return ip.reverse_pointer.removesuffix(".in-addr.arpa").removesuffix(".ip6.arpa")
