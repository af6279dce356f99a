"""What is done about it."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from cleaner.values.judgement import Ground, Opinion
from cleaner.values.known import Lesson
from cleaner.values.learning import Advice
from cleaner.values.notice import Kind


class ActionName(enum.Enum):
    """What the policy may decide to do."""

    NONE = "none"
    WAIT = "wait"
    REPORT = "report"
    MOVE = "move"
    DELETE = "delete"
    REVIEW = "review"
    EXPIRE = "expire"
    """From the quarantine to Trash when its time there is over; no policy decides this about a notice."""

    @property
    def changes_mailbox(self) -> bool:
        return self in (ActionName.MOVE, ActionName.DELETE, ActionName.REVIEW)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done with one message, and why; deciding not to act is a plan too."""

    action: ActionName
    reason: str
    target: str | None = None
    """The folder it goes to, where the action moves it."""


class Outcome(enum.Enum):
    """What really happened."""

    NONE = "none"
    PLANNED = "planned"
    HELD = "held"
    """Planned, and held back by the safety limit until somebody answers; the contract calls it planned."""
    DONE = "done"
    GONE = "gone"
    FAILED = "failed"


class Rhythm(enum.Enum):
    """How often a mailbox's owner is told what was done."""

    OFF = "off"
    DAILY = "daily"
    WEEKLY = "weekly"


LANGUAGES: Final = ("en", "de", "fr", "es", "ja")
"""That owners are written to in."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What to do about verdicts; `[policy]` of the configuration, overridden per mailbox."""

    action: ActionName = ActionName.MOVE
    quarantine: str = "Backscatter"
    review: str = "Backscatter/Review"
    training_folder: str | None = None
    """Where its owner may put spurious notices that were missed, to be learned from."""
    folders: tuple[str, ...] = ("INBOX",)
    sent: tuple[str, ...] = ()
    trash: str | None = None
    """Where `delete` moves to; None: the folder with the trash role, else `Trash`."""
    review_unsure: bool = False
    preview: timedelta = timedelta(days=7)
    grace: timedelta = timedelta(minutes=15)
    since: timedelta = timedelta(days=30)
    retention: timedelta = timedelta(days=30)
    interval: timedelta = timedelta(minutes=5)
    """How often `serve` looks for new mail."""
    digest: Rhythm = Rhythm.OFF
    language: str = "en"
    leave: tuple[str, ...] = ("*-bounces@*", "*-bounces+*@*")


@dataclass(frozen=True, slots=True)
class Safety:
    """How many messages of one mailbox may be moved within a day before somebody is asked."""

    max_messages: int = 1000
    max_share: float = 0.5
    """Of the messages in the watched folders, with those that were moved out of them that day."""
    share_from: int = 50
    """So many may go whatever share they are: of a small inbox a share says nothing."""

    def most(self, messages: int) -> int:
        """How many of so many messages may be moved."""
        return min(self.max_messages, max(self.share_from, int(self.max_share * messages)))

    def reached(self, messages: int) -> str:
        """The key that sets this, with its value."""
        if self.most(messages) == self.max_messages:
            return f"safety.max_messages = {self.max_messages}"
        return f"safety.max_share = {self.max_share:g}"


class EntryState(enum.Enum):
    """
    The life of a journal entry.

    INTENDED → DONE → UNDOING → UNDONE. GONE: the message was not there any more, when it was to be moved or
    when it was to be taken back. FAILED: the change was refused and the message is where it was. RETURNED: its
    owner brought it back, whatever the journal knew of the move until then. PURGED: its retention ran out.
    INTENDED and UNDOING are open: an interrupted run, completed by the next.
    """

    INTENDED = "intended"
    DONE = "done"
    GONE = "gone"
    FAILED = "failed"
    UNDOING = "undoing"
    UNDONE = "undone"
    RETURNED = "returned"
    PURGED = "purged"

    @property
    def is_open(self) -> bool:
        return self in (EntryState.INTENDED, EntryState.UNDOING)


@dataclass(frozen=True, slots=True)
class Entry:
    """One intended or completed change, as the journal keeps it."""

    id: int
    run: str
    mailbox: str
    fingerprint: str
    occurrence: int
    action: ActionName
    folder: str
    message: str
    """The id in `folder`, before."""
    target: str
    new_id: str | None = None
    flags: tuple[str, ...] = ()
    received: datetime | None = None
    message_id: str | None = None
    state: EntryState = EntryState.INTENDED
    intended_at: datetime | None = None
    settled_at: datetime | None = None
    error: str | None = None
    ground: Ground | None = None
    """What the removal rests on, so that all that rested on one can be taken back."""

    @property
    def was_moved(self) -> bool:
        """Whether the message came to its target, wherever it is now."""
        if self.state is EntryState.GONE:
            return self.new_id is not None
        return self.state not in (EntryState.INTENDED, EntryState.FAILED)


@dataclass(frozen=True, slots=True)
class SeenNotice:
    """
    A notice that was judged, as it is remembered: by fingerprint, so that it is judged once.

    `knowledge` stamps what was known of the organisation when it was judged; an `unsure` one is
    looked at again when that changes. `report` is the line of the JSON contract of one that was acted
    on, so that it can be told later why; it is erased when the owner opts out.
    """

    fingerprint: str
    folder: str
    id: str
    kind: Kind
    opinion: Opinion
    action: ActionName
    outcome: Outcome
    judged_at: datetime
    received: datetime | None = None
    knowledge: str = ""
    lesson: Lesson = field(default_factory=Lesson)
    subject: str = ""
    reporter: str = ""
    report: Mapping[str, object] | None = None
    under: str = ""
    """The model in force when it was judged; empty: the rules alone."""
    probability: float | None = None
    """None where the model was not asked."""
    findings: tuple[str, ...] = ()
    """What was found of one that the model was asked about, as `rule:side`."""
    is_strange: bool | None = None
    """Whether no notice that the model was trained on had these findings together; None: it cannot be told."""
    shadow: Advice | None = None
    """What a candidate said that only judges along."""

    @property
    def is_settled(self) -> bool:
        """Whether nothing more is to be done about it: it stays for good, or it was moved."""
        if self.action is ActionName.NONE:
            return True
        return self.action.changes_mailbox and self.outcome in (Outcome.DONE, Outcome.GONE)
