"""
The portable archive of labels: a .tar.gz with `manifest.jsonl` first, then the messages that it names.

The manifest's first line tells the format; each further line is one label: what was said, what the program found
on that day, and the `path` of its message, or null where the sample is no longer kept. Like notices have the same
`group`. So labels can be carried to another installation with the evidence of their day, also when their mail is
long gone.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from cleaner.classifier.features import Features
from cleaner.store.labelling import Label, Origin
from cleaner.values import Kind, Opinion, Specimen

MANIFEST: Final = "manifest.jsonl"
FORMAT: Final = "bounce-cleaner labels"
VERSION: Final = 1
LONGEST: Final = 256 * 1024
"""Bytes of one line of the manifest."""
MOST: Final = 100_000
"""Labels in one archive."""

MAX_FACTS: Final = 500
MAX_WORDS: Final = 2_000
MAX_TEXT: Final = 2_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the manifest, checked."""

    path: str | None
    specimen: Specimen
    """Without the raw mail."""
    group: str
    truth: Opinion
    by: str
    at: datetime
    why: str
    origin: Origin
    mailbox: str | None


def heading(program: str) -> dict[str, object]:
    return {"format": FORMAT, "version": VERSION, "program": program}


def line_of(label: Label, features: Mapping[str, Any], path: str | None) -> dict[str, object]:
    return {
        "path": path,
        "fingerprint": label.fingerprint,
        "kind": label.kind.value,
        "group": label.cluster,
        "truth": label.truth.value,
        "by": label.by,
        "at": label.at.isoformat(),
        "why": label.why,
        "origin": label.origin.value,
        "mailbox": label.mailbox,
        "verdict": label.opinion.value,
        "score": label.score,
        "probability": label.probability,
        "model": label.model,
        "proven": label.proven,
        "features": dict(features),
    }


def is_heading(line: bytes) -> bool:
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(fields, dict) and (fields.get("format"), fields.get("version")) == (FORMAT, VERSION)


def entry_of(line: bytes) -> Entry:
    """Raises ValueError, in words, for a line that is not as `line_of` writes it."""
    try:
        fields = json.loads(line)
        return _entry(fields)
    except (KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise ValueError(f"is not as it must be ({error})") from error


def _entry(fields: Mapping[str, Any]) -> Entry:
    at = datetime.fromisoformat(_text(fields["at"]))
    if at.tzinfo is None:
        raise ValueError("its time has no zone")
    specimen = Specimen(
        fingerprint=_text(fields["fingerprint"], 64),
        kind=Kind(fields["kind"]),
        cluster="",
        features=_features(fields["features"]),
        opinion=Opinion(fields["verdict"]),
        score=_number(fields["score"]),
        probability=None if fields["probability"] is None else _number(fields["probability"]),
        model=None if fields["model"] is None else _text(fields["model"], 200),
        proven=fields["proven"] is True,
    )
    return Entry(
        path=None if fields["path"] is None else _text(fields["path"]),
        specimen=specimen,
        group=_text(fields["group"], 64),
        truth=_truth(fields["truth"]),
        by=_text(fields["by"]),
        at=at,
        why=_text(fields["why"]),
        origin=Origin(fields["origin"]),
        mailbox=None if fields["mailbox"] is None else _text(fields["mailbox"]),
    )


def _truth(value: object) -> Opinion:
    truth = Opinion(value)
    if truth is Opinion.UNSURE:
        raise ValueError("nobody can label a message as unsure")
    return truth


def _text(value: object, longest: int = MAX_TEXT) -> str:
    if not isinstance(value, str) or len(value) > longest:
        raise ValueError("a text is missing or too long")
    return value


def _number(value: object) -> float:
    number = float(value) if isinstance(value, int | float) else math.nan
    if not math.isfinite(number):
        raise ValueError("a number is missing or not finite")
    return number


def _features(value: Mapping[str, Any]) -> dict[str, Any]:
    features = Features.from_json(value)
    names = features.facts
    if len(names) > MAX_FACTS or len(features.words) > MAX_WORDS or any(len(name) > 100 for name in names):
        raise ValueError("it has more features than a notice can have")
    if not all(map(math.isfinite, names.values())):
        raise ValueError("a finding has no finite strength")
    return features.as_json()
