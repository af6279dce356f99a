"""Evidence and verdict."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Side(enum.Enum):
    """Which side a finding speaks for."""

    GENUINE = "genuine"
    BACKSCATTER = "backscatter"
    NEUTRAL = "neutral"


class Force(enum.Enum):
    """
    What a finding can do.

    PROOF settles the matter alone. SUSPICION is a proof of ours that contradicts the rest (replayed):
    the verdict becomes `unsure` and nothing is removed. HOLD is something that may be a proof and cannot be
    checked: nothing is removed either, but a proof beside it still settles the matter. WEIGHED counts by its weight.
    """

    PROOF = "proof"
    SUSPICION = "suspicion"
    HOLD = "hold"
    WEIGHED = "weighed"


class Ground(enum.Enum):
    """
    Why a notice may be removed although its mail lacks every proof: without one of these nothing ever is.

    What lacks every proof may simply have left by a service that nobody told us of. So sums and
    probabilities decide within a ground, never in the place of one.
    """

    CLOSED = "closed"
    """Our senders are a closed set, the host that sent the mail is not in it, and nothing shows a forwarding."""
    MEASURED = "measured"
    """Mail of ours that lacks what this one lacks was never seen in thousands of proven mails."""
    CAMPAIGN = "campaign"
    """One of many notices in a short time about mails that came from many unrelated networks."""
    FALSE = "false"
    """A trace or signature in our name, or the notice itself, is demonstrably forged."""
    TAUGHT = "taught"
    """An administrator labelled notices like this one, or the labels carry a model of the organisation's own."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """
    One finding of one rule.

    `seen` quotes the mail (bounded, one line); `reason` is a sentence for the mailbox owner. `weight`,
    in nats of log-odds towards `side`, is set by the judge from the configured or learned table.
    """

    rule: str
    side: Side
    seen: str
    reason: str
    force: Force = Force.WEIGHED
    weight: float = 0.0
    strength: float = 1.0
    """How much of its rule's weight this finding carries, 0 to 1: the rule's to say, not the judge's."""
    ground: Ground | None = None
    """The ground for removal that it establishes."""


class Opinion(enum.Enum):
    """What a verdict says."""

    GENUINE = "genuine"
    BACKSCATTER = "backscatter"
    UNSURE = "unsure"
    NOT_A_BOUNCE = "not-a-bounce"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement of one notice with all its evidence, strongest first."""

    opinion: Opinion
    evidence: tuple[Evidence, ...] = ()
    score: float = 0.0
    """Summed weights: above zero speaks for backscatter."""
    because: str = ""
    """One sentence: what decided, for the mailbox owner."""
    probability: float | None = None
    """Calibrated, of backscatter; None where no model was asked."""
    model: str | None = None
    ground: Ground | None = None
    """What a removal rests on; None where nothing is removed."""
