"""What the tests of the store keep in it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cleaner.store.labelling import Statement
from cleaner.values import (
    ActionName,
    Entry,
    Kind,
    Opinion,
    Outcome,
    OutgoingMail,
    Proposal,
    SeenNotice,
    Specimen,
)

KEY = b"k" * 32
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
ANN = "ann@harbor.example"
BEN = "ben@harbor.example"


def url(folder: Path) -> str:
    return f"sqlite:///{folder / 'state.db'}"


def entry(number: int = 0, **changes: Any) -> Entry:
    """An intent to move Ann's message of that number."""
    values: dict[str, Any] = {
        "id": 0,
        "run": "r1",
        "mailbox": ANN,
        "fingerprint": f"f{number}",
        "occurrence": 0,
        "action": ActionName.MOVE,
        "folder": "INBOX",
        "message": f"m{number}",
        "target": "Backscatter",
        "flags": ("S",),
        "received": NOW,
        "intended_at": NOW,
    }
    return Entry(**{**values, **changes})


def notice(**changes: Any) -> SeenNotice:
    """A notice that was judged spurious and moved."""
    values: dict[str, Any] = {
        "fingerprint": "f1",
        "folder": "INBOX",
        "id": "m1",
        "kind": Kind.NDR,
        "opinion": Opinion.BACKSCATTER,
        "action": ActionName.MOVE,
        "outcome": Outcome.DONE,
        "judged_at": NOW,
        "received": NOW,
        "knowledge": "k1",
        "report": {"verdict": "backscatter"},
    }
    return SeenNotice(**{**values, **changes})


def sent(number: int = 1, **changes: Any) -> OutgoingMail:
    """A mail to Bob."""
    values: dict[str, Any] = {
        "message_id": f"<{number}@mx.harbor.example>",
        "time": NOW,
        "recipients": ("bob@far.example",),
        "subject": "Offer",
    }
    return OutgoingMail(**{**values, **changes})


def specimen(number: int = 1, **changes: Any) -> Specimen:
    """A report that nobody could decide, as learning needs it."""
    values: dict[str, Any] = {
        "fingerprint": f"f{number}",
        "kind": Kind.NDR,
        "cluster": f"ndr cheap watches {number}",
        "features": {"facts": {"kind:ndr": 1.0, "burst:backscatter": 0.5}, "words": [1, 2, number]},
        "opinion": Opinion.UNSURE,
        "about": {"subject": f"A word to {number}"},
        "raw": f"Subject: A word to {number}\r\n\r\nText\r\n".encode(),
    }
    return Specimen(**{**values, **changes})


def statement(truth: Opinion = Opinion.BACKSCATTER, **changes: Any) -> Statement:
    """What the administrator says of a message to Ann."""
    values: dict[str, Any] = {
        "organisation": "harbor",
        "truth": truth,
        "by": "root",
        "at": NOW,
        "why": "seen it",
        "mailbox": ANN,
    }
    return Statement(**{**values, **changes})


def proposal(number: int = 1, truth: Opinion = Opinion.GENUINE, **changes: Any) -> Proposal:
    """What Ann says by moving a message."""
    values: dict[str, Any] = {
        "specimen": specimen(number),
        "truth": truth,
        "at": NOW,
        "why": "moved",
        "entry": 7,
    }
    return Proposal(**{**values, **changes})
