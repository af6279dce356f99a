"""What the store keeps beside mail: consents, accesses, runs, and mailboxes that the file does not have."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cleaner.values import Advice, Kind


class ConsentState(enum.Enum):
    """Where a mailbox stands (DESIGN.md, decision 9)."""

    INVITED = "invited"
    OPTED_IN = "opted-in"
    PAUSED = "paused"
    OPTED_OUT = "opted-out"


@dataclass(frozen=True, slots=True)
class Consent:
    """One step of a mailbox's consent history; the latest counts."""

    mailbox: str
    at: datetime
    state: ConsentState
    by: str
    basis: str
    """The legal basis, `owner` where the owner himself agreed; empty for a withdrawal."""
    note: str = ""
    preview_until: datetime | None = None

    def as_json(self) -> dict[str, object]:
        return {
            "at": self.at.isoformat(),
            "mailbox": self.mailbox,
            "consent": self.state.value,
            "by": self.by,
            "basis": self.basis,
            "note": self.note,
        }


@dataclass(frozen=True, slots=True)
class Access:
    """One opening of a mailbox."""

    mailbox: str
    at: datetime
    by: str
    purpose: str
    run: str | None = None
    times: int = 1
    """More than once: as often that day, the last time at `until`."""
    until: datetime | None = None

    def as_json(self) -> dict[str, object]:
        return {
            "at": self.at.isoformat(),
            "mailbox": self.mailbox,
            "access": self.purpose,
            "by": self.by,
            "run": self.run,
            "times": self.times,
        }


@dataclass(frozen=True, slots=True)
class StoredMailbox:
    """A mailbox that the configuration file does not have; `password` is a reference, never the secret."""

    address: str
    server: str
    organisation: str | None = None
    user: str | None = None
    password: str | None = None
    aliases: tuple[str, ...] = ()
    sent_from: tuple[str, ...] = ()
    policy: Mapping[str, Any] = field(default_factory=dict)

    def fields(self) -> dict[str, object]:
        """The keys and values of a `[[mailbox]]` table, for the configuration to check."""
        every = {
            "address": self.address,
            "server": self.server,
            "organisation": self.organisation,
            "user": self.user,
            "password": self.password,
            "aliases": list(self.aliases),
            "sent_from": list(self.sent_from),
            "policy": dict(self.policy),
        }
        return {key: value for key, value in every.items() if value}


@dataclass(frozen=True, slots=True)
class Run:
    """One scan or undo."""

    id: str
    kind: str
    started: datetime
    finished: datetime | None = None
    state: str = "running"
    """running, done, partly, stopped (by the safety limit), interrupted (also: killed), failed."""
    looked_at: int = 0
    moved: int = 0
    since: datetime | None = None

    def as_json(self) -> dict[str, object]:
        return {
            "id": self.id,
            "kind": self.kind,
            "started": self.started.isoformat(),
            "finished": self.finished.isoformat() if self.finished else None,
            "state": self.state,
            "looked_at": self.looked_at,
            "moved": self.moved,
        }


@dataclass(frozen=True, slots=True)
class Turn:
    """A mailbox in the schedule of `serve`: when its turn is next, and what came of the last one."""

    address: str
    server: str
    due: datetime
    claimed_by: str | None = None
    """The process that is at work on it."""
    failures: int = 0
    """In a row."""
    state: str | None = None
    """Of the last turn: done, failed, stopped (by the safety limit), interrupted."""
    error: str | None = None
    run: str | None = None
    finished: datetime | None = None
    pulse: str | None = None
    """What the mailbox looked like from outside when all of it was looked through."""
    looked_at: datetime | None = None
    upkeep_due: datetime | None = None
    digest_due: datetime | None = None
    digested_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Shadow:
    """A candidate that judges along without acting."""

    organisation: str
    model: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Difference:
    """A notice of which a candidate said something else than what was in use."""

    mailbox: str
    fingerprint: str
    folder: str
    id: str
    """Where it lay, and its id there, when it was judged."""
    kind: Kind
    received: datetime | None
    at: datetime
    active: Advice
    candidate: Advice

    def as_json(self) -> dict[str, object]:
        return {
            "mailbox": self.mailbox,
            "folder": self.folder,
            "id": self.id,
            "fingerprint": self.fingerprint,
            "kind": self.kind.value,
            "received": self.received.isoformat() if self.received else None,
            "judged": self.at.isoformat(),
            "model": self.active.model,
            "verdict": self.active.opinion.value,
            "probability": self.active.probability,
            "candidate": self.candidate.model,
            "candidate_verdict": self.candidate.opinion.value,
            "candidate_probability": self.candidate.probability,
        }


@dataclass(frozen=True, slots=True)
class Training:
    """What came of one training."""

    organisation: str
    at: datetime
    by: str
    model: str | None
    """None where none came of it."""
    labels: int
    promoted: bool
    why: str
    """Why it stayed a candidate, or why there is none; empty where it was promoted."""
    last_label: int = 0
    """The latest label that there was."""


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """From then on this model judged for that organisation; None: the rules alone."""

    organisation: str
    at: datetime
    by: str
    model: str | None
    why: str
