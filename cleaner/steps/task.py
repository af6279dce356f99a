"""What the steps hand to each other: the task, what was seen, what was decided."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from cleaner.classifier import Model
from cleaner.errors import SafetyStopError
from cleaner.ports import (
    ChangeableMailbox,
    Journal,
    Mailbox,
    Memory,
    Observations,
    Proposals,
    SentRecord,
    Sources,
)
from cleaner.values import (
    Entry,
    Evidence,
    Heading,
    Known,
    Lesson,
    Notice,
    ObservedSender,
    Organisation,
    Outcome,
    OutsideSender,
    Owner,
    Plan,
    Policy,
    Safety,
    Verdict,
)

HEADINGS = 2000
"""Headings looked at together."""


class Watch(Protocol):
    """Told how far a long piece of work is; `total` is None where it is not known."""

    def __call__(self, stage: str, done: int, total: int | None) -> None: ...


@dataclass(frozen=True, slots=True)
class Task:
    """
    One mailbox to be cleaned, and all that is needed for it.

    Without `changes` nothing is changed: not the mailbox, not the journal, not the memory.
    """

    run: str
    mailbox: Mailbox
    changes: ChangeableMailbox | None
    owner: Owner
    organisation: Organisation
    policy: Policy
    safety: Safety | None
    sent: SentRecord
    journal: Journal
    memory: Memory
    now: datetime
    model: Model | None = None
    """Asked where the rules are silent; None: rules alone."""
    shadow: Model | None = None
    """A candidate that judges along: what it says is kept, and nothing is done by it."""
    sources: Sources = field(default_factory=Sources)
    proposals: Proposals | None = None
    """Where the owner's own moves are noted; None: they are not."""
    observations: Observations | None = None
    """Where hosts are noted that mail of ours came from; None: they are not."""
    knowledge: str = ""
    preview_until: datetime | None = None
    since: datetime | None = None
    """Asked for: everything since then is looked at again, and old mail may be moved."""
    moved_before: int = 0
    """Messages that were moved from here by themselves of late; the safety limit counts them, too."""
    awaits_answer: bool = False
    """Somebody was asked about what the safety limit held back, and nothing of that is moved before he answers."""
    is_answer: bool = False
    """He did: all that was held back is looked for, wherever it is now, and moved."""
    may_continue: Callable[[], bool] = lambda: True
    """Asked before each step: false when consent was withdrawn or the user interrupts."""

    @property
    def looks_again(self) -> bool:
        """Whether what was judged before is judged again: when asked to, and when only looking."""
        return self.since is not None or self.changes is None


@dataclass(frozen=True, slots=True)
class Sighting:
    """A message of a watched folder that may be a notice."""

    heading: Heading
    fingerprint: str
    history: tuple[Entry, ...] = ()
    put_back: bool = False
    taken_back: Entry | None = None
    """The move of ours that the mailbox's owner himself reversed."""
    settled: bool = False
    """It was judged before, for good."""
    held: bool = False
    """It was to be moved, and the safety limit held it back."""
    stayed: bool = False
    """It is where it was when it was judged."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A message read, with what was found in it by itself; it is judged when all are read."""

    sighting: Sighting
    notice: Notice
    known: Known
    found: tuple[Evidence, ...]
    lesson: Lesson


@dataclass(frozen=True, slots=True)
class Decision:
    """What was found out about one message, what is to be done with it, and what became of that."""

    heading: Heading
    fingerprint: str
    notice: Notice
    verdict: Verdict
    plan: Plan
    outcome: Outcome = Outcome.NONE
    entry: int | None = None
    new_id: str | None = None
    error: str | None = None
    history: tuple[Entry, ...] = ()
    lesson: Lesson = field(default_factory=Lesson)
    shadow: Verdict | None = None
    """What it would be with the candidate that judges along."""

    @property
    def is_acted_on(self) -> bool:
        return self.plan.action.changes_mailbox


@dataclass(frozen=True, slots=True)
class Look:
    """What looking through the watched folders showed."""

    sightings: tuple[Sighting, ...] = ()
    others: tuple[Heading, ...] = ()
    """Messages that are no notices by their header; kept only when asked for."""
    unreadable: tuple[Heading, ...] = ()
    """Messages whose header cannot be read: left alone, and said."""
    looked_at: int = 0
    total: int = 0
    cursors: dict[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    """Watched folders that do not exist."""
    taken_back: tuple[Sighting, ...] = ()
    """Messages that their owner moved out of where we had moved them to."""
    gone: tuple[str, ...] = ()
    """Fingerprints of what was held back and is in no watched folder any more."""
    observed: tuple[ObservedSender, ...] = ()
    """Hosts that mail of ours came from."""
    outside: tuple[OutsideSender, ...] = ()
    """Those that surely sent it, and that our domains' policies do not name."""


@dataclass(frozen=True, slots=True)
class Cleaned:
    """The result for one mailbox."""

    look: Look
    decisions: tuple[Decision, ...]
    stopped: SafetyStopError | None = None
    interrupted: bool = False
