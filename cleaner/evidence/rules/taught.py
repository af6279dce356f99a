"""
An administrator labelled a notice of the group of like ones that this one belongs to.

Notices of one kind about mails with the same subject are alike, whoever reports. One label settles the group until
it is withdrawn; a label for either side is stronger than any sum, and weaker than a proof. A label for backscatter
does not reach all of them: not a notice that names no mail, for one out-of-office says nothing about the next; not one
with a subject that the owner writes, too ("Hello"); and only mail that a machine handed over which nothing shows to be
anybody's mail server, and which is not seen day after day: a server that nobody told us of has a name, or comes back.

Source: the organisation's labels (`bounce-cleaner label`).
"""

from __future__ import annotations

from cleaner.evidence import mentions, ours, trail, ways
from cleaner.evidence.likeness import likeness
from cleaner.evidence.rules.campaign import FEW
from cleaner.values import Evidence, Ground, Known, Machine, Notice, Opinion, Side, subject_key

SIDE = Side.NEUTRAL
LEARNS = True


def check(notice: Notice, known: Known) -> tuple[Evidence, ...]:
    truth = known.taught.get(likeness(notice))
    subject = mentions.shown(notice.returned.subject or notice.quoted_subject or notice.subject)
    if truth is Opinion.BACKSCATTER:
        if not reaches(notice, known):
            return ()
        reason = "An administrator looked at a notice like this one and called it backscatter."
        return (Evidence("taught", side=Side.BACKSCATTER, seen=subject, reason=reason, ground=Ground.TAUGHT),)
    if truth is Opinion.GENUINE:
        reason = "An administrator looked at a notice like this one and called it genuine."
        return (Evidence("taught", side=Side.GENUINE, seen=subject, reason=reason),)
    return ()


def reaches(notice: Notice, known: Known) -> bool:
    """Whether a label for backscatter on one of its like says anything about this one."""
    subject = notice.returned.subject or notice.quoted_subject
    if not subject or known.sent.by_subject.get(subject_key(subject)):
        return False
    peer = ways.stranger(notice, known)
    if peer is None or peer.at_us or not trail.is_nameless(peer, known.organisation):
        return False
    network = str(ours.surroundings(peer.ip))
    comes_back = len(known.habits.machines.get(str(peer.ip), Machine()).seen) > 1
    return not comes_back and sum(one.network == network for one in known.habits.strangers) <= FEW
