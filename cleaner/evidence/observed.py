"""
Machines that our own mail was seen coming from: who sends for us, learned from mail as it arrives.

Colleagues' mail, copies that a CRM sends, what a form on the web site writes, mail to oneself: where our own server
found such a mail authentic (DMARC, a signature of ours, or SPF for an envelope of ours), the machine that handed it in
is no stranger. Others see more, and send DMARC aggregate reports on it.

So seen, a machine protects, and never condemns. It is not proven ours either: whoever has one signed mail of ours can
hand it in again, and anybody can send a report that authenticates as his own. Both make at most their own machines
no strangers, and then mail stays.

Whether it contradicts that our senders are a closed set is another question, for that ends what is removed on it. A
pass by SPF never does: the policy names the machine, so it is inside. A pass by DMARC alone does not tell on which of
the two it rests. Only a signature of ours does: nobody else can make one, so a machine that the policy refuses and
that sends mail signed by us is the proof to the contrary. A forwarder, a mailing list or a filter hands on signed mail
of ours, too, and writes down where it had it from; so the machine counts only where no line under it names another
one, and the mail is written to one of us. What others report contradicts nothing.

Source: RFC 8601 (Authentication-Results), RFC 7489 section 7.2 (aggregate reports).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from cleaner.evidence import authres, ours, trail
from cleaner.values import (
    Headers,
    Hop,
    HostQuestion,
    HostsView,
    IPAddress,
    ObservedSender,
    Organisation,
    OutsideSender,
    Place,
    SeenBy,
    domain_of,
)

FIELDS: Final = frozenset(("authentication-results", "cc", "from", "received", "to"))
"""What is looked at of a mail."""


@dataclass(frozen=True, slots=True)
class ReceivedMail:
    """A mail as it arrived, by its header fields."""

    headers: Headers
    hops: tuple[Hop, ...]
    authors: tuple[str, ...]
    """The addresses of its From."""
    recipients: tuple[str, ...]
    """Those of its To and Cc."""
    day: date


@dataclass(frozen=True, slots=True)
class Observation:
    """What one mail of ours showed."""

    sender: ObservedSender
    is_proof: bool
    """It is surely ours, and surely began there."""


def observe(mail: ReceivedMail, organisation: Organisation) -> Observation | None:
    """The machine that handed in this mail of ours; None where it is not ours, not authentic, or came from within."""
    if organisation.shared or len(mail.authors) != 1:
        return None
    domain = domain_of(mail.authors[0])
    if not ours.is_own_domain(domain, organisation):
        return None
    position = entry(mail.hops, organisation)
    if position is None or mail.hops[position].authenticated:
        return None
    found = authres.authenticated(mail.headers, mail.hops, organisation)
    is_signed = _is_any_own(authres.passed(found, "dkim"), organisation)
    by_envelope = _is_any_own(authres.passed(found, "spf"), organisation)
    if not (is_signed or by_envelope or domain in authres.passed(found, "dmarc")):
        return None
    hop = mail.hops[position]
    name = "" if trail.is_unnamed(hop) else hop.peer
    sender = ObservedSender(domain, str(hop.ip), name, mail.day, mail.day)
    is_proof = (
        is_signed
        and not by_envelope
        and domain in organisation.domains
        and _is_any_own(map(domain_of, mail.recipients), organisation)
        and _begins_at(mail.hops, position)
    )
    return Observation(sender, is_proof)


def entry(hops: Sequence[Hop], organisation: Organisation) -> int | None:
    """Which of the lines is the one by which our own server took the mail in from outside."""
    for position, hop in enumerate(hops):
        if not authres.is_written_by_us(hop, organisation):
            return None
        if hop.ip is not None and not ours.is_inside(hop.ip, organisation):
            return position
    return None


def _is_any_own(domains: Iterable[str], organisation: Organisation) -> bool:
    return any(ours.is_own_domain(domain, organisation) for domain in domains)


def _begins_at(hops: Sequence[Hop], position: int) -> bool:
    """Whether no line under this one names another machine outside, other than that of somebody who signed in."""
    first = hops[position]
    name = first.peer or first.helo
    return all(
        hop.ip is None
        or hop.ip == first.ip
        or hop.authenticated
        or ours.is_internal(hop.ip)
        or (not trail.is_unnamed(hop) and ours.is_same_side(hop.peer, name))
        for hop in hops[position + 1 :]
    )


def is_authentic(mail: ReceivedMail, organisation: Organisation) -> bool:
    """Whether our own server found that a mail comes from the domain that its From names."""
    if len(mail.authors) != 1:
        return False
    found = authres.authenticated(mail.headers, mail.hops, organisation)
    return domain_of(mail.authors[0]) in authres.passed(found, "dmarc")


def as_reported(domain: str, ip: IPAddress, day: date, organisation: Organisation) -> ObservedSender | None:
    """A machine whose mail of ours passed elsewhere; None where it is not about us, or one of ours anyway."""
    if (
        organisation.shared
        or not ours.is_own_domain(domain, organisation)
        or ours.is_inside(ip, organisation)
    ):
        return None
    return ObservedSender(domain, str(ip), "", day, day, by=SeenBy.DMARC)


def contradicting(seen: Iterable[Observation], hosts: HostsView) -> Iterator[OutsideSender]:
    """
    Of the machines that surely sent mail of ours those that the domain's policy surely does not name.

    Where nobody answers, or many share what the policy names, nothing is contradicted.
    """
    for one in seen:
        sender, policy = one.sender, hosts.policies.get(one.sender.domain)
        word = hosts.spf.get((sender.ip, sender.domain))
        publishes_none = word is None and policy is not None and not policy.is_closed
        if one.is_proof and (word == "fail" or publishes_none):
            yield OutsideSender(sender.domain, sender.ip, sender.name, sender.first_day)


def wanted(seen: Iterable[Observation]) -> HostQuestion:
    """What `contradicting` has to know."""
    pairs = frozenset((one.sender.ip, one.sender.domain) for one in seen if one.is_proof)
    return HostQuestion(senders=pairs, domains=frozenset(domain for _, domain in pairs))


def together(senders: Iterable[ObservedSender]) -> tuple[ObservedSender, ...]:
    """Each machine once, with its first and last day."""
    found: dict[tuple[str, str, SeenBy], ObservedSender] = {}
    for one in senders:
        key = (one.domain, one.ip, one.by)
        before = found.setdefault(key, one)
        found[key] = replace(
            before,
            name=one.name or before.name,
            first_day=min(before.first_day, one.first_day),
            last_day=max(before.last_day, one.last_day),
            days=max(before.days, one.days),
        )
    return tuple(found.values())


def places(senders: Iterable[ObservedSender]) -> frozenset[Place]:
    """Where no stranger is: their addresses; and the addresses around for hosts of the same registered domain."""
    found: set[Place] = set()
    for one in senders:
        found.add((one.ip, ""))
        ip = trail.address(one.ip)
        if ip is not None and (domain := ours.registered_domain(one.name)):
            found.add((str(ours.surroundings(ip)), domain))
    return frozenset(found)


def is_at(peer: trail.Peer, places: frozenset[Place]) -> bool:
    """Whether the machine is one of these, or beside one and of the same registered domain."""
    if not places:
        return False
    if (str(peer.ip), "") in places:
        return True
    if trail.is_unnamed(peer.hop):
        return False
    domain = ours.registered_domain(peer.hop.peer or peer.hop.helo)
    return bool(domain) and (str(ours.surroundings(peer.ip)), domain) in places
