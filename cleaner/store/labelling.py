"""What the store keeps of labels: who said what of which message, and what became of it."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cleaner.values import Kind, Opinion


class Origin(enum.Enum):
    """Where a label comes from."""

    ADMINISTRATOR = "administrator"
    IMPORT = "import"
    OWNER = "owner"
    """Proposed by a mailbox owner's move, whoever confirmed it."""


class LabelState(enum.Enum):
    """The life of a label: PROPOSED → CONFIRMED → WITHDRAWN; a refused proposal is WITHDRAWN, too."""

    CONFIRMED = "confirmed"
    PROPOSED = "proposed"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Statement:
    """Somebody says what is true of a message."""

    organisation: str
    truth: Opinion
    by: str
    at: datetime
    why: str = ""
    mailbox: str | None = None
    origin: Origin = Origin.ADMINISTRATOR
    entry: int | None = None
    """The journal entry that it was said of."""


@dataclass(frozen=True, slots=True)
class Label:
    """One statement as it is kept, with what the program said itself on that day."""

    id: int
    organisation: str
    mailbox: str | None
    fingerprint: str
    truth: Opinion
    state: LabelState
    origin: Origin
    kind: Kind
    cluster: str
    """Equal for like notices."""
    by: str
    at: datetime
    why: str
    entry: int | None
    opinion: Opinion
    score: float
    probability: float | None
    model: str | None
    proven: bool
    settled_by: str | None = None
    settled_at: datetime | None = None
    settled_why: str | None = None
    has_sample: bool = False

    def as_json(self) -> dict[str, object]:
        return {
            "label": self.id,
            "organisation": self.organisation,
            "mailbox": self.mailbox,
            "fingerprint": self.fingerprint,
            "truth": self.truth.value,
            "state": self.state.value,
            "origin": self.origin.value,
            "kind": self.kind.value,
            "cluster": self.cluster,
            "by": self.by,
            "at": self.at.isoformat(),
            "why": self.why,
            "entry": self.entry,
            "verdict": self.opinion.value,
            "probability": self.probability,
            "model": self.model,
            "proven": self.proven,
            "settled_by": self.settled_by,
            "settled_at": self.settled_at.isoformat() if self.settled_at else None,
            "settled_why": self.settled_why,
            "sample": self.has_sample,
        }


class Became(enum.Enum):
    """What became of a statement when it was kept."""

    ADDED = "added"
    KNOWN = "known"
    """The same was said of this message before, so nothing is kept twice."""
    CONFIRMED = "confirmed"
    """An owner had proposed it."""
    RENEWED = "renewed"
    """It had been withdrawn before, and counts again."""
    NOT_KEPT = "not kept"
    """Its mailbox's owner opted out, so nothing of his mail may be kept; or he has too many proposals open."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A statement after it was kept."""

    became: Became
    label: int | None = None
    against: tuple[int, ...] = ()
    """Labels that say something else of the same message."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The raw mail of a label."""

    label: int
    raw: bytes
    rebuilt: bool = False


@dataclass(frozen=True, slots=True)
class SampleNote:
    """That a sample is kept, and since when."""

    label: int
    mailbox: str | None
    kept_at: datetime
    size: int

    def as_json(self) -> dict[str, object]:
        return {
            "label": self.label,
            "mailbox": self.mailbox,
            "kept_at": self.kept_at.isoformat(),
            "size": self.size,
        }


class Grade(enum.Enum):
    """
    How much two labels with different truths contradict each other.

    Labels that contradict each other about one message, or about like notices with the same findings, are not
    learned from: the model could not tell them apart. Like notices of which different things were found
    may well be of both kinds (a subject such as "Invoice" is everybody's); they are shown, and learned from.
    """

    SAME_MESSAGE = "same message"
    SAME_FINDINGS = "like notices, same findings"
    LIKE = "like notices"

    @property
    def bars_training(self) -> bool:
        return self is not Grade.LIKE


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Labels of one organisation of which not all can be right."""

    grade: Grade
    labels: tuple[Label, ...]
    """By number."""


@dataclass(frozen=True, slots=True)
class Unlearned:
    """Labels that no model has learned from, or unlearned, yet."""

    count: int
    oldest: datetime | None
    """When the first of them was confirmed or withdrawn."""


@dataclass(frozen=True, slots=True)
class TrainingRow:
    """One confirmed label as training sees it."""

    id: int
    features: Mapping[str, Any]
    """What `cleaner.classifier.features.Features.from_json` reads."""
    truth: Opinion
    kind: Kind
    origin: Origin
    mailbox: str
    """A keyed hash, equal for labels of one mailbox; empty where it belongs to none."""
    cluster: str
    """Equal for like notices: what a guarantee counts."""
    at: datetime
    proven: bool
    """It carries a proof, or a contradicted one: no model will be asked about its like."""
