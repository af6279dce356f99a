"""
Whether an organisation's senders are a closed set: what `check` and `status` say of it, and the alarm when it ends.

A host outside the set tells a stranger only while the set is closed, so most of what can be removed hangs on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from cleaner.evidence.closure import Closure, closure
from cleaner.ports import Sources
from cleaner.service.context import Context
from cleaner.values import Alert, HostQuestion, Known, OutsideSender, Owner

OUTSIDE_SENDER: Final = "outside-sender"
CLOSES: Final = (
    "publish SPF that ends in -all or ~all with DMARC p=quarantine or p=reject; or, if relays and client_networks list "
    "everything that sends, set senders_complete = true"
)


def closures(context: Context, name: str, *, asks: bool) -> tuple[Closure, ...]:
    """What is known of the senders of each of the organisation's domains; `asks`: of name servers, too."""
    organisation = context.settings.judging(name)
    sources: Sources = context.sources(name, asks=asks)
    question = HostQuestion(
        domains=organisation.domains,
        senders=frozenset((one.ip, one.domain) for one in sources.outside_senders),
    )
    known = Known(organisation, Owner(""), outside_senders=sources.outside_senders)
    if sources.hosts is not None:
        known = Known(
            organisation,
            Owner(""),
            hosts=sources.hosts.find(question),
            outside_senders=sources.outside_senders,
        )
    return tuple(closure(domain, known) for domain in sorted(organisation.domains))


def describe_closure(found: Closure) -> str:
    """One sentence for an administrator."""
    if found.is_closed:
        by = "its published policy" if found.by_policy else "senders_complete = true"
        return f"the senders of {found.domain} are a closed set, by {by}: what a stranger sent in its name is removed"
    return (
        f"anybody may send for {found.domain}, so a stranger tells nothing: what no proof, campaign or label decides "
        f"stays unsure. {found.because.rstrip('.')}"
    )


def takes_back(organisation: str) -> str:
    """The command that takes back what rested on the closed set."""
    return f"bounce-cleaner undo --ground closed --organisation {organisation}"


def remedy_for(organisation: str, found: Closure) -> str:
    """What closes the set, or what to do about the host that opened it."""
    if found.outside_senders:
        return (
            f"if {found.outside_senders[0]} sends for you, add it to relays or to the SPF record of {found.domain}; "
            f"what was removed meanwhile is listed by 'bounce-cleaner history --ground closed' and taken back by "
            f"'{takes_back(organisation)}'"
        )
    return CLOSES


def ended(
    context: Context, name: str, outside: Iterable[OutsideSender], before: Iterable[OutsideSender]
) -> Iterator[Alert]:
    """One for each host that was first seen now and ends what is claimed of the senders."""
    known = {(one.domain, one.ip) for one in before}
    fresh = {(one.domain, one.ip): one for one in outside if (one.domain, one.ip) not in known}
    if not fresh:
        return
    claimed = {c.domain for c in closures(context, name, asks=False) if c.by_word or c.by_policy}
    for one in fresh.values():
        if one.domain in claimed:
            text = (
                f"mail that is proven yours was sent by {one}, which is not among the known senders of {one.domain}; "
                "so nothing is removed any more because a stranger sent it. Add the host to relays or to SPF, and take "
                f"back what was removed for that: {takes_back(name)}"
            )
            yield Alert(OUTSIDE_SENDER, one.domain, text, one.ip)
