"""
What judged notices teach about the way that our mail leaves.

A notice that is proven to be about our mail shows which machine handed that mail over, and whether it was
signed. Counted, this says how strange another way would be: where sixty proven mails came from two machines,
a third one is news. Only proofs teach what is ours, so that no forger can; what they lack (a service that
never signs and leaves no copy) stays unlearned, so strangeness alone never suffices.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
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
    Share,
    domain_of,
)

BY_RECORD: Final = "sent_record"
SITES: Final = 3
"""
Sites that must have shown the ways of our mail before they count.

Who received mail of ours can send reports about it with an invented trace; alone he must not teach us anything.
"""
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
    peer = trail.sender_of(notice, organisation)
    if peer is not None and not peer.at_us and _may_be_between(notice, peer, organisation):
        peer = None
    return Lesson(
        day=notice.received.date() if notice.received is not None else None,
        original=next(iter(mentions.main_ids(notice)), ""),
        site=trail.site(notice),
        machine=str(peer.ip) if peer is not None else "",
        network=str(ours.surroundings(peer.ip)) if peer is not None else "",
        version=peer.ip.version if peer is not None else 4,
        is_listed=peer is not None and ways.is_listed(peer, organisation),
        at_us=peer is not None and peer.at_us,
        author=next((domain_of(author) for author in notice.returned.from_addresses), ""),
        signed=bears_signature(notice, organisation),
        in_record=BY_RECORD in proofs,
        by_mark=bool(proofs - {BY_RECORD}),
    )


def _may_be_between(notice: Notice, peer: trail.Peer, organisation: Organisation) -> bool:
    """A forwarder or a filtering service: it handed our mail over, but it is not ours."""
    if ways.is_listed(peer, organisation):
        return False
    return mentions.is_forwarded_before(notice, peer.hop) or trail.may_be_filter(peer, organisation)


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
        for text in (one.machine, one.network, one.author, one.original, one.site)
        if text
    )


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
    )


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
