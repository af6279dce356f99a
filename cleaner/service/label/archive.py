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
from cleaner.service.labelled import Item
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
    return _entry(Item.parse(line.decode("utf-8", "replace")))


def _entry(item: Item) -> Entry:
    specimen = Specimen(
        fingerprint=_bounded(item, "fingerprint", 64),
        kind=item.member("kind", Kind),
        cluster="",
        features=_features(item),
        opinion=item.member("verdict", Opinion),
        score=item.number("score"),
        probability=None if item.is_null("probability") else item.number("probability"),
        model=_bounded_or_none(item, "model", 200),
        proven=item.flag("proven"),
    )
    return Entry(
        path=_bounded_or_none(item, "path"),
        specimen=specimen,
        group=_bounded(item, "group", 64),
        truth=_truth(item),
        by=_bounded(item, "by"),
        at=_time(item),
        why=_bounded(item, "why"),
        origin=item.member("origin", Origin),
        mailbox=_bounded_or_none(item, "mailbox"),
    )


def _truth(item: Item) -> Opinion:
    truth = item.member("truth", Opinion)
    if truth is Opinion.UNSURE:
        raise ValueError("nobody can label a message as unsure")
    return truth


def _time(item: Item) -> datetime:
    try:
        at = datetime.fromisoformat(_bounded(item, "at", 40))
    except ValueError:
        raise ValueError("at must be a time such as 2026-11-02T10:15:00+00:00") from None
    if at.tzinfo is None:
        raise ValueError("its time has no zone")
    return at


def _bounded(item: Item, key: str, longest: int = MAX_TEXT) -> str:
    text = item.text(key)
    if len(text) > longest:
        raise ValueError(f"{key} is longer than {longest:,} characters")
    return text


def _bounded_or_none(item: Item, key: str, longest: int = MAX_TEXT) -> str | None:
    return None if item.is_null(key) else _bounded(item, key, longest)


def _features(item: Item) -> dict[str, Any]:
    try:
        features = Features.from_json(item.inner("features").content)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        raise ValueError("features must hold facts (names with numbers) and words (whole numbers)") from None
    names = features.facts
    if len(names) > MAX_FACTS or len(features.words) > MAX_WORDS or any(len(name) > 100 for name in names):
        raise ValueError("it has more features than a notice can have")
    if not all(map(math.isfinite, names.values())):
        raise ValueError("a finding has no finite strength")
    return features.as_json()
