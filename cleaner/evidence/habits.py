"""
What judged notices teach about the way that our mail leaves.

A notice that is proven to be about our mail shows which machine handed that mail over, and whether it was
signed. Counted, this says how strange another way would be: where sixty proven mails came from two machines,
a third one is news. Only proofs teach what is ours, so that no forger can; what they lack (a service that
never signs and leaves no copy) stays unlearned, so strangeness alone never suffices.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Final

from cleaner.evidence import mentions, ours, signatures, trail, ways
from cleaner.values import (
    ABSENT,
    Completeness,
    Evidence,
    Force,
    Habits,
    Known,
    Lesson,
    Machine,
    Notice,
    Organisation,
    OutsideSender,
    Share,
    Side,
    StrangerSeen,
    address_key,
    domain_of,
)

BY_RECORD: Final = "sent_record"
SITES: Final = 3
"""
Sites that must have shown the ways of our mail before they count.

Who received mail of ours can send reports about it with an invented trace; alone he must not teach us anything.
"""
SPEAKS_FOR: Final = ("sent_subject", "conversation", "written_before")
"""Findings of the first look that keep a mail from being counted as a stranger's."""
BETWEEN: Final = (ways.Standing.FORWARDER, ways.Standing.GATEWAY)
UNLISTED: Final = (ways.Standing.STRANGER, ways.Standing.OBSERVED)
"""What neither configuration nor policy names: a machine that sends proven mail all the same contradicts both."""
OURS: Final = (ways.Standing.LISTED, ways.Standing.ALLOWED)
CAMPAIGN: Final = timedelta(hours=6)
"""How far around a notice a campaign is looked for (`rules.campaign`)."""
SENDS_LIKE_US: Final = 3
"""
Proven mails of the mailbox itself, before what was learned from colleagues speaks against its mail.

Some write from a machine of their own and never by the organisation's; what speaks for a mail needs none.
"""


def lesson(notice: Notice, known: Known, found: Sequence[Evidence]) -> Lesson:
    """What this notice shows, with what the rules found in it."""
    organisation = known.organisation
    proofs = {one.rule for one in found if one.force is Force.PROOF}
    if any(one.force is Force.SUSPICION for one in found):
        proofs.clear()
    peer = ways.sender_of(notice, known)
    standing = ways.standing(notice, peer, known) if peer is not None else None
    is_proven = bool(proofs)
    seen = Lesson(
        day=notice.received.date() if notice.received is not None else None,
        at=notice.received,
        original=next(iter(mentions.main_ids(notice)), ""),
        site=trail.site(notice),
        author=next((domain_of(author) for author in notice.returned.from_addresses), ""),
        signed=bears_signature(notice, organisation),
        selector=signatures.named_selector(notice, organisation),
        in_record=BY_RECORD in proofs,
        by_mark=bool(proofs - {BY_RECORD}),
        submitted=_submitted(notice, organisation) if is_proven else None,
    )
    if peer is None or (not peer.at_us and standing in BETWEEN):
        return seen  # a forwarder or a filter handed our mail over, but it is not ours
    seen = replace(
        seen,
        machine=str(peer.ip),
        network=str(ours.surroundings(peer.ip)),
        version=peer.ip.version,
        is_listed=standing in OURS,
        at_us=peer.at_us,
    )
    if seen.is_proven and standing in UNLISTED:
        return replace(seen, outside=_outside(notice, peer, known))
    if standing is not ways.Standing.STRANGER:
        return seen
    speaks_for = any(one.side is Side.GENUINE and one.rule in SPEAKS_FOR for one in found)
    holds = any(one.force is not Force.WEIGHED for one in found)
    if not trail.is_nameless(peer, organisation) or peer.is_told or speaks_for or holds:
        return seen
    return replace(seen, stranger=trail.operator_of(peer))


def _submitted(notice: Notice, organisation: Organisation) -> bool | None:
    """Whether our own server noted that the mail came from a client of ours, or from somebody who signed in."""
    for hop in notice.returned.hops:
        if ours.is_own_host(hop.by, organisation):
            return hop.local or hop.authenticated or hop.ip is None or ours.is_inside(hop.ip, organisation)
    return None


def _outside(notice: Notice, peer: trail.Peer, known: Known) -> OutsideSender | None:
    """
    The host, if it surely sent our proven mail by itself: to somebody that the mail was written to.

    Elsewhere it may be a forwarder that nothing shows, and ends no claim.
    """
    if not ways.is_addressed_to_us(notice, known) or peer.is_told or peer.at_us:
        return None  # what our own server took in was sent out by no other
    if not known.organisation.senders_complete and ways.allowed(notice, peer.ip, known) != "fail":
        return None  # nobody answered, or nothing published refuses it
    mails = (known.sent.by_message_id.get(id) for id in mentions.main_ids(notice))
    written_to = {address for mail in mails if mail is not None for address in mail.recipients}
    written_to |= set(map(address_key, notice.returned.to_addresses))
    taken_for = (peer.hop.recipient,) if "@" in peer.hop.recipient else tuple(mentions.failed(notice))
    if mentions.meet(map(address_key, taken_for), written_to) is None:
        return None
    day = notice.received.date() if notice.received is not None else None
    return OutsideSender(ways.policy_domain(notice, known.organisation), str(peer.ip), peer.hop.peer, day)


def bears_signature(notice: Notice, organisation: Organisation) -> bool | None:
    """
    Whether the returned mail bears a DKIM-Signature of one of our domains; None where that cannot be seen.

    A server that signs at delivery returns the unsigned original in its own reports (Exim), so a report of our
    own server says nothing here.
    """
    returned = notice.returned
    if returned.completeness not in (Completeness.WHOLE, Completeness.HEADERS):
        return None
    if not returned.from_addresses or trail.is_own_report(notice, organisation):
        return None
    if returned.headers.get("dkim-signature") is ABSENT:
        return False
    return True if signatures.ours_among(returned.headers, organisation) else None


def asked(lessons: Iterable[Lesson]) -> frozenset[str]:
    """All that these lessons name, to be asked of what is remembered."""
    return frozenset(
        text
        for one in lessons
        for text in (one.machine, one.network, one.author, one.original, one.site, one.selector, one.stranger)
        if text
    )


def strangers_since(lessons: Iterable[Lesson]) -> datetime | None:
    """From when on strangers are to be remembered to tell whether these came in a campaign; None where none may have."""
    earliest = min((one.at for one in lessons if one.stranger and one.at is not None), default=None)
    return earliest - CAMPAIGN if earliest is not None else None


def learn(lessons: Iterable[Lesson]) -> Habits:
    """What all the lessons together say; a mail that came back several times counts once."""
    every = tuple(lessons)
    proven = [one for one in every if one.is_proven and one.original]
    own = [one for one in proven if not one.of_colleague]
    # Machines of the organisation are this mailbox's, too. That strangers are news is said to who sends like the others.
    shown = proven if len(_once(own)) >= SENDS_LIKE_US else own
    machines = _machines(every)
    by_version = {version: share for version in (4, 6) if (share := _ways(shown, machines, version)).total}
    marked = _once(one for one in own if one.by_mark)
    return Habits(
        machines=machines,
        networks=frozenset(
            one.network for one in every if one.is_proven and one.network and not one.is_listed
        ),
        ways=by_version,
        signed=_signed(_once(one for one in shown if one.in_record and one.signed is not None)),
        recorded=Share(sum(one.in_record for one in marked), len(marked)),
        submitted=_submissions(_once(one for one in proven if one.submitted is not None)),
        selectors=frozenset(one.selector for one in proven if one.in_record and one.selector),
        outside_senders=tuple(dict.fromkeys(one.outside for one in proven if one.outside is not None)),
        strangers=tuple(
            # One that is judged again stands in the memory, too.
            sorted(
                {
                    StrangerSeen(one.at, one.stranger, one.machine, one.network)
                    for one in every
                    if one.stranger and one.at is not None
                },
                key=lambda seen: seen.at,
            )
        ),
    )


def _submissions(told: Sequence[Lesson]) -> Share:
    return Share(sum(bool(one.submitted) for one in told), len(told))


def _once(lessons: Iterable[Lesson]) -> tuple[Lesson, ...]:
    return tuple({one.original: one for one in lessons}.values())


def _machines(lessons: Iterable[Lesson]) -> dict[str, Machine]:
    seen: dict[str, set[date]] = {}
    proven: dict[str, set[date]] = {}
    for one in lessons:
        if one.machine and one.day is not None and not one.is_listed:
            seen.setdefault(one.machine, set()).add(one.day)
            if one.is_proven:
                proven.setdefault(one.machine, set()).add(one.day)
    return {name: Machine(frozenset(days), frozenset(proven.get(name, ()))) for name, days in seen.items()}


def _ways(proven: Iterable[Lesson], machines: Mapping[str, Machine], version: int) -> Share:
    """Proven mails that came a way seen before: the others estimate the ways yet unseen (Good, 1953)."""
    shown = _once(one for one in proven if one.machine and not one.at_us and one.version == version)
    if len({one.site for one in shown} - {""}) < SITES:
        return Share()
    known = sum(
        one.is_listed or len(machines.get(one.machine, Machine()).proven) >= ways.TWICE for one in shown
    )
    return Share(known, len(shown))


def _signed(lessons: Iterable[Lesson]) -> dict[str, Share]:
    counts: dict[str, list[bool]] = {}
    for one in lessons:
        if one.author:
            counts.setdefault(one.author, []).append(bool(one.signed))
    return {author: Share(sum(found), len(found)) for author, found in counts.items()}
