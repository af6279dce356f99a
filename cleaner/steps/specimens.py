"""From a judged message to the specimen that learning needs of it."""

from __future__ import annotations

from typing import Any, Final

from cleaner.classifier.features import features
from cleaner.evidence.likeness import likeness
from cleaner.steps.lines import iso
from cleaner.values import Force, Message, Notice, Specimen, Verdict

TOLD: Final = 3
"""Recipients that are told to whoever reviews it."""


def specimen_of(message: Message, notice: Notice, verdict: Verdict) -> Specimen:
    """Everything is taken as it is known now: training asks neither mail nor network again."""
    return Specimen(
        fingerprint=notice.fingerprint,
        kind=notice.kind,
        cluster=likeness(notice),
        features=features(notice, verdict.evidence).as_json(),
        opinion=verdict.opinion,
        score=verdict.score,
        probability=verdict.probability,
        model=verdict.model,
        proven=any(one.force is not Force.WEIGHED for one in verdict.evidence),
        about=about(notice, verdict),
        raw=message.raw,
        rebuilt=message.rebuilt,
    )


def about(notice: Notice, verdict: Verdict) -> dict[str, Any]:
    """What a person needs to tell which message it is, and why the program thought so."""
    return {
        "subject": notice.subject,
        "returned_subject": notice.returned.subject or notice.quoted_subject,
        "recipients": [recipient.address for recipient in notice.recipients[:TOLD]],
        "reporter": notice.reporter,
        "family": notice.family,
        "received": iso(notice.received),
        "because": verdict.because,
    }
