"""
An administrator labelled a notice of the group of like ones that this one belongs to.

Notices of one kind about mails with the same subject are alike, whoever reports. One label settles the group until
it is withdrawn; a label for either side is stronger than any sum, and weaker than a proof. A subject that the owner
writes, too ("Hello"), says nothing about whose mail it was, so a label for backscatter does not reach such a notice.

Source: the organisation's labels (`bounce-cleaner label`).
"""

from __future__ import annotations

from cleaner.evidence import mentions
from cleaner.evidence.likeness import likeness
from cleaner.values import Evidence, Ground, Known, Notice, Opinion, Side, subject_key

SIDE = Side.NEUTRAL


def check(notice: Notice, known: Known) -> tuple[Evidence, ...]:
    truth = known.taught.get(likeness(notice))
    subject = mentions.shown(notice.returned.subject or notice.quoted_subject or notice.subject)
    if truth is Opinion.BACKSCATTER:
        if known.sent.by_subject.get(subject_key(notice.returned.subject or notice.quoted_subject or "")):
            return ()
        reason = "An administrator looked at a notice like this one and called it backscatter."
        return (Evidence("taught", side=Side.BACKSCATTER, seen=subject, reason=reason, ground=Ground.TAUGHT),)
    if truth is Opinion.GENUINE:
        reason = "An administrator looked at a notice like this one and called it genuine."
        return (Evidence("taught", side=Side.GENUINE, seen=subject, reason=reason),)
    return ()
