"""
The Message-ID of the answered mail stands in the sent record.

With a recipient that fits, it is a proof: the mail was sent from here. Whoever received a mail of ours knows its
id, so one whose recipients do not fit is a suspicion of replay, and nothing is removed on it.

Source: RFC 5322 section 3.6.4 (ids are unique); DESIGN.md, decision 2.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from cleaner.evidence import mentions, ours, ways
from cleaner.values import (
    Evidence,
    Force,
    Known,
    Notice,
    SentMail,
    Side,
    address_key,
    domain_of,
)

LONGEST: Final = timedelta(days=30)
"""Queues give up after five days; people answer, and read, weeks later."""

COPIED: Final = "The mail that came back stands in your Sent folder, and it went to this recipient."
LOGGED: Final = "Your mail server's log tells of the mail that came back, and it went to this recipient."

SIDE = Side.GENUINE


def check(notice: Notice, known: Known) -> tuple[Evidence, ...]:
    for id in mentions.main_ids(notice):
        mail = known.sent.by_message_id.get(id)
        if mail is not None:
            return (judged(notice, id, mail, known),)
    return ()


def judged(notice: Notice, id: str, mail: SentMail, known: Known) -> Evidence:
    seen = mentions.shown(id)
    if not mentions.is_in_time(notice, mail, LONGEST):
        return suspicion(seen, "The mail named here is yours, but its date does not fit this report.")
    if not fits(notice, mail) and not left_by_our_relay(notice, known):
        return suspicion(seen, "The mail named here is yours, but it went to other people.")
    return Evidence(
        "sent_record",
        side=Side.GENUINE,
        seen=seen,
        reason=LOGGED if mail.logged else COPIED,
        force=Force.PROOF,
    )


def suspicion(seen: str, reason: str) -> Evidence:
    return Evidence("sent_record", side=Side.NEUTRAL, seen=seen, reason=reason, force=Force.SUSPICION)


def fits(notice: Notice, mail: SentMail) -> bool:
    """The recipient is one of the mail's, or the mail was passed on from one of them."""
    about = mentions.failed(notice)
    if not about or mentions.meet(about, mail.recipients):
        return True
    passed_on = (*map(address_key, notice.returned.to_addresses), *mentions.delivered_for(notice))
    return mentions.meet(passed_on, mail.recipients) is not None and is_passed_on(notice, mail)


def left_by_our_relay(notice: Notice, known: Known) -> bool:
    """Our own relay handed it over, which nobody who replays a mail can make it do (aliases, lists of ours)."""
    peer = ways.sender_of(notice, known)
    return peer is not None and not known.organisation.shared and ways.is_listed(peer, known.organisation)


def is_passed_on(notice: Notice, mail: SentMail) -> bool:
    """
    Some recipient of ours has a mailbox on a system in the returned trace: it went there first.

    A mail that was replayed to a stranger names our recipients too, but was never at their system.
    """
    homes = {ours.registered_domain(domain) for domain in mail.domains} - {""}
    passed = {ours.registered_domain(host) for hop in notice.returned.hops for host in (hop.by, hop.peer)}
    reporters = {ours.registered_domain(notice.reporter), ours.registered_domain(domain_of(notice.sender))}
    return bool(homes & (passed | reporters)) or not notice.returned.hops
