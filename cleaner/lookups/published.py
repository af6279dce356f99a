"""
What a domain of ours publishes about who may send for it (SPF, RFC 7208; DMARC, RFC 7489), and whether that is closed.

Closed: SPF ends with `-all` or `~all`, lists no more than a site and its services have, and a DMARC policy asks to
quarantine or reject what is not aligned. Then a host outside of it is a stranger. Everything else leaves it open, an
error too: what receivers cannot evaluate they do not follow.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, collapse_addresses
from typing import Final

from cleaner.lookups.dns import Resolver, Texts
from cleaner.lookups.names import registered_domain
from cleaner.lookups.resolvers import dmarc_of
from cleaner.lookups.spf import (
    MAX_HOSTS,
    MAX_LOOKUPS,
    MAX_VOIDS,
    WIDEST,
    Term,
    network_of,
    parse,
    policies_of,
    targets_of,
)
from cleaner.values import ABSENT, UNKNOWN, IPNetwork, SenderPolicy

STRICT: Final = ("quarantine", "reject")
MAX_NETWORKS: Final = 5_000
"""Of all policies together; more cannot be measured in short time, and is not narrow."""


@dataclass(frozen=True, slots=True)
class Published:
    """What a domain publishes, as far as somebody answers."""

    policy: SenderPolicy | None
    """None: that cannot be told now."""
    providers: frozenset[str] = frozenset()
    """Registered domains, not the domain's own, whose policies it includes or is sent on to."""
    networks: tuple[IPNetwork, ...] | None = ()
    """All that it lets send; None where that cannot be enumerated."""


def published(dns: Resolver, domain: str) -> Published:
    """What `domain` publishes now."""
    senders = _Senders(dns, domain)
    ending = senders.walk(domain)
    faults = list(senders.faults)
    if not faults:
        faults += _ending_faults(domain, ending)
        faults += senders.width_faults()
    dmarc = _dmarc_fault(dns, domain)
    own = registered_domain(domain) or domain
    providers = frozenset(registered_domain(target) or target for target in senders.included) - {own}
    networks = tuple(senders.networks) if senders.is_enumerable else None
    if faults or dmarc:
        # One reason is enough, even where something else is unknown.
        because = " ".join([*faults[:1], *filter(None, (dmarc,))])
        return Published(SenderPolicy(domain, False, because), providers, networks)
    if senders.is_unknown or dmarc is None:
        return Published(None, providers, networks)
    return Published(SenderPolicy(domain, True), providers, networks)


# --- SPF -----------------------------------------------------------------------------------------


@dataclass
class _Senders:
    """The walk through a policy and all that it includes, whoever sends."""

    dns: Resolver
    domain: str
    lookups: int = 0
    voids: int = 0
    is_unknown: bool = False
    is_enumerable: bool = True
    faults: list[str] = field(default_factory=list)
    networks: list[IPNetwork] = field(default_factory=list)
    included: list[str] = field(default_factory=list)

    def walk(self, name: str, *, is_included: bool = False) -> str | None:
        """Sign of the closing `all`, empty if there is none; None where nobody tells."""
        found = self.dns.texts(name)
        if found is UNKNOWN:
            self.is_unknown = True
            return None
        texts = policies_of(found)
        policy = parse(texts[0]) if len(texts) == 1 else None
        if policy is None:
            self.faults.append(self.no_policy(name, len(texts)))
            return ""
        targets = iter(tuple(targets_of(policy, name, self.domain)))
        for term in policy.terms:
            if term.name == "all":
                if is_included and term.sign == "+":
                    self.faults.append(
                        f"The SPF policy of {name}, which {self.domain} includes, lets everybody send; leave it out."
                    )
                return term.sign
            if term.asks:
                self.follow(*next(targets))
            elif self.counts(term, is_included=is_included) and term.network is not None:
                self.networks.append(term.network)
        if policy.redirect:
            return self.follow(*next(targets))
        return ""

    def no_policy(self, name: str, policies: int) -> str:
        whose = self.domain if name == self.domain else f"{name}, which that of {self.domain} includes,"
        if policies > 1:
            return f"{name} publishes {policies} SPF policies, so that none counts; make one of them."
        if policies:
            return f"The SPF policy of {whose} has an error in it, so that it is void; correct it."
        if name == self.domain:
            return f"{name} publishes no SPF policy; publish one that lists what sends for it and ends with -all."
        return f"The SPF policy of {self.domain} includes {name}, which has none, so that it is void; leave it out."

    def counts(self, term: Term, *, is_included: bool) -> bool:
        return term.sign == "+" or (term.sign == "?" and not is_included)

    def follow(self, term: Term, target: str) -> str | None:
        self.lookups += 1
        if self.lookups > MAX_LOOKUPS:
            if self.lookups == MAX_LOOKUPS + 1:
                self.faults.append(
                    f"The SPF policy of {self.domain} needs more than {MAX_LOOKUPS} look-ups, so that it is void; "
                    "include less."
                )
            return ""
        if not target or term.name in ("ptr", "exists"):
            if term.sign in "+?":
                self.is_enumerable = False
                self.faults.append(
                    f"The SPF policy of {self.domain} lets hosts send by a rule ({shown(term)}) from which nobody can "
                    "tell which they are; list them by address or include."
                )
            return ""
        if term.name in ("include", "redirect"):
            self.included.append(target)
            ending = self.walk(target, is_included=term.name == "include")
            return ending if term.name == "redirect" else ""
        self.resolve(term, target)
        return ""

    def resolve(self, term: Term, target: str) -> None:
        hosts: Texts = (target,)
        if term.name == "mx":
            hosts = self.dns.exchangers(target)
            if hosts is ABSENT:
                self.spend_void()
        if hosts is UNKNOWN:
            self.is_unknown = True
        if not isinstance(hosts, tuple):
            return
        if len(hosts) > MAX_HOSTS:
            self.faults.append(
                f"The SPF policy of {self.domain} lists the {len(hosts)} mail exchangers of {target}, more than "
                f"{MAX_HOSTS}, so that it is void; list them by address."
            )
        for host in hosts[:MAX_HOSTS]:
            for version in (4, 6):
                found = self.dns.addresses(host, version)
                if found is UNKNOWN:
                    self.is_unknown = True
                if found is ABSENT and version == 4 and term.name == "a":
                    self.spend_void()
                if isinstance(found, tuple) and term.sign in "+?":
                    networks = (network_of(one, term.lengths[version == 6]) for one in found)
                    self.networks.extend(network for network in networks if network is not None)

    def spend_void(self) -> None:
        self.voids += 1
        if self.voids == MAX_VOIDS + 1:
            self.faults.append(
                f"The SPF policy of {self.domain} names more than {MAX_VOIDS} hosts that do not exist, so that it is "
                "void; leave them out."
            )

    def width_faults(self) -> Iterable[str]:
        if len(self.networks) > MAX_NETWORKS or any(is_wider(self.networks, version) for version in (4, 6)):
            yield (
                f"The SPF policy of {self.domain} lets more addresses send than a /{WIDEST[4]} (IPv6: /{WIDEST[6]}) "
                "has, far more than one organisation and its services need; list only what sends for you."
            )


def is_wider(networks: Iterable[IPNetwork], version: int) -> bool:
    """Whether the networks of that version have more addresses together than one of the widest that is narrow."""
    if version == 4:
        found: Iterable[IPNetwork] = collapse_addresses(n for n in networks if isinstance(n, IPv4Network))
    else:
        found = collapse_addresses(n for n in networks if isinstance(n, IPv6Network))
    bits = 32 if version == 4 else 128
    return sum(int(network.num_addresses) for network in found) > 1 << (bits - WIDEST[version])


def _ending_faults(domain: str, ending: str | None) -> Iterable[str]:
    match ending:
        case "":
            yield f"The SPF policy of {domain} says nothing of other hosts; end it with -all."
        case "+" | "?":
            what = "lets everybody send" if ending == "+" else "says nothing of other hosts"
            yield f"The SPF policy of {domain} {what} ({ending}all); end it with -all."


def shown(term: Term) -> str:
    return f"{term.name}:{term.target[:80]}" if term.target else term.name


# --- DMARC ---------------------------------------------------------------------------------------


def _dmarc_fault(dns: Resolver, domain: str) -> str | None:
    """What makes the DMARC policy open, as a sentence; empty if it is strict, None if nobody tells."""
    organisational = registered_domain(domain) or domain
    for name in dict.fromkeys((domain, organisational)):
        found = dns.texts(f"_dmarc.{name}")
        if found is UNKNOWN:
            return None
        records = dmarc_of(found)
        if len(records) > 1:
            return f"{name} publishes {len(records)} DMARC policies, so that none counts; make one of them."
        if records:
            return _judged(name, records[0], is_below=name != domain)
    return f"{domain} publishes no DMARC policy; publish one with p=quarantine or p=reject at _dmarc.{organisational}."


def _judged(name: str, record: str, *, is_below: bool) -> str:
    pairs = (tag.partition("=") for tag in record.split(";"))
    tags = {key.strip().lower(): value.strip().lower() for key, _, value in reversed(list(pairs))}
    key = "sp" if is_below and "sp" in tags else "p"
    if (asked := tags.get(key, "")) not in STRICT:
        return f"The DMARC policy of {name} asks for nothing ({key}={asked[:20]}); write {key}=quarantine or reject."
    pct = tags.get("pct", "100")
    if not (pct.isascii() and pct.isdecimal() and int(pct[:4]) >= 100):
        return f"The DMARC policy of {name} is for a part of the mail only (pct={pct[:20]}); take pct out."
    if tags.get("t", "n") == "y":
        return f"The DMARC policy of {name} is only being tested (t=y); take t out."
    return ""
