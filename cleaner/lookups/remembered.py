"""
What our domains published at some time, out of the archive.

An old policy tells which hosts were ours then: mail that comes back late, and hosts that are kept on after a move, were
let send by it. It also tells since when strangers have been strangers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from cleaner.lookups.dns import Texts
from cleaner.lookups.names import host_key, registered_domain
from cleaner.lookups.resolvers import Question
from cleaner.lookups.spf import parse, policies_of, targets_of
from cleaner.ports import DnsArchive, DnsState
from cleaner.values import ABSENT, UNKNOWN

LEVELS: Final = 12
"""Of policies that include others: SPF ends at ten, `mx` leads to one more."""
MAX_NAMES: Final = 2_000
MAX_MOMENTS: Final = 50
"""Of one domain that are looked at; each is one more evaluation."""


class RememberedDns:
    """Satisfies `lookups.Resolver`: as it stood at a time, or last. Who was never asked about is unknown."""

    def __init__(self, states: Iterable[DnsState], at: datetime | None = None) -> None:
        """`states` in order of `first_seen`."""
        self._records: dict[Question, tuple[str, ...]] = {
            (state.name, state.kind): state.records
            for state in states
            if at is None or state.first_seen <= at
        }

    def texts(self, name: str) -> Texts:
        return self._answer(name, "TXT")

    def addresses(self, name: str, version: int = 4) -> Texts:
        return self._answer(name, "A" if version == 4 else "AAAA")

    def exchangers(self, domain: str) -> Texts:
        return self._answer(domain, "MX")

    def names(self, ip: str) -> Texts:  # noqa: ARG002
        """Whose host it was is not remembered."""
        return UNKNOWN

    def _answer(self, name: str, kind: str) -> Texts:
        found = self._records.get((host_key(name), kind))
        return UNKNOWN if found is None else found or ABSENT


def read_states(archive: DnsArchive, domains: Iterable[str]) -> tuple[DnsState, ...]:
    """All that is remembered of what those domains' policies lead to, or once led to."""
    domains = tuple(domains)
    found: dict[str, list[DnsState]] = {}
    names = {name for domain in domains for name in roots(domain)}
    for _ in range(LEVELS):
        if not names or len(found) > MAX_NAMES:
            break
        states = archive.states(names)
        found.update((name, []) for name in names)
        for state in states:
            found[state.name].append(state)
        names = {led for state in states for led in _leads_to(state, domains)} - found.keys()
    return tuple(sorted((s for states in found.values() for s in states), key=lambda state: state.first_seen))


def roots(domain: str) -> tuple[str, ...]:
    """The names under which a domain publishes its policies."""
    organisational = registered_domain(domain) or domain
    return tuple(dict.fromkeys((domain, f"_dmarc.{domain}", f"_dmarc.{organisational}")))


def reached(states: tuple[DnsState, ...], domain: str) -> tuple[DnsState, ...]:
    """Those of the states that have to do with one domain."""
    by_name: dict[str, list[DnsState]] = {}
    for state in states:
        by_name.setdefault(state.name, []).append(state)
    seen: set[str] = set()
    names = set(roots(domain))
    while names:
        seen |= names
        states_now = [state for name in names for state in by_name.get(name, ())]
        names = {led for state in states_now for led in _leads_to(state, (domain,))} - seen
    return tuple(state for state in states if state.name in seen)


def _leads_to(state: DnsState, senders: tuple[str, ...]) -> Iterator[str]:
    if state.kind == "MX":
        yield from state.records
    elif state.kind == "TXT":
        for policy in filter(None, map(parse, policies_of(state.records))):
            for sender in senders:
                yield from (target for _, target in targets_of(policy, state.name, sender) if target)


def merged(
    states: tuple[DnsState, ...], answers: Mapping[Question, tuple[str, ...]], at: datetime
) -> tuple[DnsState, ...]:
    """What the archive will hold once these answers are in it."""
    latest = {(state.name, state.kind): state for state in states}
    news: list[DnsState] = []
    replaced: dict[Question, DnsState] = {}
    for key, records in answers.items():
        before = latest.get(key)
        if before is not None and before.records == records:
            replaced[key] = replace(before, last_seen=max(before.last_seen, at))
        elif before is None or before.last_seen <= at:
            news.append(DnsState(*key, records, at, at))
    kept = (
        replaced[s.name, s.kind] if latest[s.name, s.kind] is s and (s.name, s.kind) in replaced else s
        for s in states
    )
    return (*kept, *news)


def moments(states: tuple[DnsState, ...]) -> tuple[datetime, ...]:
    """When something of it changed, the earliest first; if too often, rather of policies than of addresses."""
    times = {state.first_seen for state in states}
    policies = {state.first_seen for state in states if state.kind == "TXT"}
    kept = sorted(policies, reverse=True)[:MAX_MOMENTS]
    kept += sorted(times - policies, reverse=True)[: MAX_MOMENTS - len(kept)]
    return tuple(sorted(kept))
