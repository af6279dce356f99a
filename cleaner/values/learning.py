"""What is learned from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from cleaner.values.judgement import Opinion
from cleaner.values.notice import Kind


@dataclass(frozen=True, slots=True)
class LabelPolicy:
    """How labels are dealt with; `[labels]` of the configuration."""

    keep_samples: timedelta = timedelta(days=365)
    """How long the raw mail of a label is kept; zero: not at all."""


@dataclass(frozen=True, slots=True)
class Advice:
    """A verdict in short: which model was asked, what was concluded, and how probable backscatter is."""

    model: str | None
    opinion: Opinion
    probability: float | None = None


@dataclass(frozen=True, slots=True)
class Specimen:
    """
    One judged message as learning needs it, so that neither mail nor network has to be asked again.

    Everything in it is of the day it was judged, with what was known then. Like notices have the same `cluster`.
    """

    fingerprint: str
    kind: Kind
    cluster: str
    features: Mapping[str, Any]
    """What the classifier saw, as JSON."""
    opinion: Opinion
    score: float = 0.0
    probability: float | None = None
    model: str | None = None
    proven: bool = False
    """It carries a proof, or a contradicted one: no model is asked."""
    about: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    """What tells a person which message it is; kept no longer than the raw mail."""
    raw: bytes = b""
    rebuilt: bool = False


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a mailbox owner's move says about one message; nothing is learned of it before somebody confirms it."""

    specimen: Specimen
    truth: Opinion
    at: datetime
    why: str
    entry: int | None = None
    """The change of ours that he took back."""
