"""
Whether those who send for us are a closed set, so that a host outside it tells something.

The set is closed by a strict policy that the domain publishes, or by the administrator's word. Both are claims, and a
single proof to the contrary ends them: a mail that is proven ours, sent by a host that the set lacks.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from cleaner.evidence import ours
from cleaner.values import Known, OutsideSender, SenderPolicy

OPEN: Final = (
    "Its published policy does not say who may send for it, and nobody said that all senders are listed."
)
UNKNOWN: Final = "Nobody answers what it publishes about who may send for it."


@dataclass(frozen=True, slots=True)
class Closure:
    """Whether a domain's senders are closed, by what, and what opens them."""

    domain: str
    by_word: bool = False
    by_policy: bool = False
    because: str = ""
    """Why it is open, in a sentence; empty where it is closed."""
    outside_senders: tuple[OutsideSender, ...] = ()
    """Hosts that sent proven mail and that the set lacks."""

    @property
    def is_closed(self) -> bool:
        return (self.by_word or self.by_policy) and not self.outside_senders


def closure(domain: str, known: Known) -> Closure:
    """What is known of the senders of one of our domains."""
    organisation = known.organisation
    policy = known.hosts.policies.get(domain)
    by_word = organisation.senders_complete and not organisation.shared
    by_policy = policy is not None and policy.is_closed and not organisation.shared
    against = outside(known) if by_word or by_policy else ()
    if not by_word:
        against = tuple(one for one in against if one.domain == domain)
    because = _because(policy, against) if against or not (by_word or by_policy) else ""
    return Closure(domain, by_word, by_policy, because, against)


def outside(known: Known) -> tuple[OutsideSender, ...]:
    """Hosts that sent proven mail and that neither the configuration nor a policy names to this day."""
    every = dict.fromkeys((*known.outside_senders, *known.habits.outside_senders))
    return tuple(one for one in every if not is_resolved(one, known))


def is_resolved(one: OutsideSender, known: Known) -> bool:
    """Whether the host was listed since, or the domain's policy names it now."""
    ip = ip_address(one.ip)
    if ours.is_relay(ip, known.organisation) or ours.is_client(ip, known.organisation):
        return True
    return known.hosts.spf.get((one.ip, one.domain)) in ("pass", "provider")


def _because(policy: SenderPolicy | None, against: tuple[OutsideSender, ...]) -> str:
    if against:
        return f"{against[0]} sent mail that is proven yours, and is not among your senders."
    if policy is None:
        return UNKNOWN
    return policy.open_because or OPEN
