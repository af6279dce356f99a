"""
Leave one family out: how much of each mail system's notices is read by a reader that has never heard of it.

    python benchmarks/reading_families.py CORPUS [--all] [--json FILE]

CORPUS is a folder with `manifest.jsonl`: `path`, `kind`, `family`. For each family in turn the reader loses what it
knows of that family alone: the formats of that one system, and every phrase of `cleaner/notices/words.py` that occurs in
its messages and in nobody else's. What is left is the standards and the general reader. The last column has the
reports (failure, delay, success) by the general reader alone, without RFC 3464 too: read as if they were plain text.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from cleaner import notices
from cleaner.notices import reading, shortlist, words
from cleaner.notices.cover import Cover
from cleaner.notices.text import Phrases, fold
from cleaner.values import Headers, Kind, Message

LISTS: Final = tuple(
    name for name, value in vars(words).items() if name.isupper() and isinstance(value, tuple)
)
OF_ONE_SYSTEM: Final = {"amazon-events": ("amazonses",)}
"""Formats that read one system's own form → the families that they read."""
REPORTS: Final = ("ndr", "delay", "success")
SMALL: Final = 3
"""Families of fewer messages stand together in one row."""


@dataclass
class Row:
    family: str
    messages: int = 0
    known: int = 0
    held_out: int = 0
    reports: int = 0
    general: int = 0
    """Of the reports."""
    by_kind: Counter[str] = field(default_factory=Counter)
    held_out_by_kind: Counter[str] = field(default_factory=Counter)


def is_notice(raw: bytes) -> bool:
    return notices.read(Message("", "", raw)).kind is not Kind.NOT_A_BOUNCE


@contextmanager
def without(phrases: frozenset[str], formats: frozenset[str]) -> Iterator[None]:
    """Reading as it is for somebody who does not know these."""
    lists = {name: getattr(words, name) for name in LISTS}
    listed, likely = reading.FORMATS, shortlist._PHRASES
    try:
        for name, value in lists.items():
            setattr(words, name, tuple(phrase for phrase in value if phrase not in phrases))
        shortlist._PHRASES = Phrases(phrase for phrase in shortlist.TITLES if phrase not in phrases)  # type: ignore[misc]
        reading.FORMATS = tuple(one for one in listed if one.name not in formats)  # type: ignore[misc]
        yield
    finally:
        for name, value in lists.items():
            setattr(words, name, value)
        shortlist._PHRASES, reading.FORMATS = likely, listed  # type: ignore[misc]


def spoken(raw: bytes) -> frozenset[str]:
    """The phrases that a message uses, in its subject and its words."""
    headers = Headers.parse(raw)
    said = f"{Cover(headers).title} {fold(notices.read(Message('', '', raw)).text)}"
    return frozenset(phrase for name in LISTS for phrase in getattr(words, name) if phrase in said)


def rows(corpus: Path) -> Iterator[Row]:
    families: dict[str, list[tuple[str, bytes]]] = defaultdict(list)
    for line in (corpus / "manifest.jsonl").read_text().splitlines():
        told: dict[str, Any] = json.loads(line)
        if told["kind"] != "not-a-bounce":
            families[told["family"]].append((told["kind"], (corpus / told["path"]).read_bytes()))
    used: dict[str, set[str]] = defaultdict(set)
    for family, messages in families.items():
        for _, raw in messages:
            for phrase in spoken(raw):
                used[phrase].add(family)
    for family, messages in sorted(families.items()):
        own = frozenset(phrase for phrase, by in used.items() if by == {family})
        formats = frozenset(name for name, read in OF_ONE_SYSTEM.items() if family in read)
        row = Row(family, len(messages), sum(is_notice(raw) for _, raw in messages))
        row.by_kind.update(kind for kind, _ in messages)
        with without(own, formats):
            row.held_out_by_kind.update(kind for kind, raw in messages if is_notice(raw))
        row.held_out = row.held_out_by_kind.total()
        reports = [raw for kind, raw in messages if kind in REPORTS]
        with without(own, frozenset(one.name for one in reading.FORMATS if one.name != "general")):
            row.reports, row.general = len(reports), sum(is_notice(raw) for raw in reports)
        yield row


def total(name: str, parts: list[Row]) -> Row:
    return Row(
        name,
        sum(row.messages for row in parts),
        sum(row.known for row in parts),
        sum(row.held_out for row in parts),
        sum(row.reports for row in parts),
        sum(row.general for row in parts),
    )


def table(found: list[Row], everything: bool) -> str:
    shown = [row for row in found if everything or row.messages >= SMALL]
    small = [row for row in found if row not in shown]
    shown.sort(key=lambda row: (-row.messages, row.family))
    if small:
        shown.append(total(f"{len(small)} families of fewer than {SMALL}", small))
    shown.append(total("**all**", found))
    lines = [
        "| family | messages | recognised | held out | general reader alone |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in shown:
        shares = " | ".join(f"{part / row.messages:.1%}" for part in (row.known, row.held_out))
        general = f"{row.general / row.reports:.1%}" if row.reports else "–"
        lines.append(f"| {row.family} | {row.messages} | {shares} | {general} |")
    return "\n".join(lines)


def kinds(found: list[Row]) -> str:
    messages = sum((row.by_kind for row in found), Counter[str]())
    held_out = sum((row.held_out_by_kind for row in found), Counter[str]())
    lines = ["| kind | messages | held out |", "| --- | --- | --- |"]
    lines += [
        f"| {kind} | {count} | {held_out[kind] / count:.1%} |" for kind, count in messages.most_common()
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--all", action="store_true", help="a row for every family, however small")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    found = list(rows(options.corpus))
    print(table(found, options.all), kinds(found), sep="\n\n")
    if options.json:
        options.json.write_text(json.dumps([vars(row) for row in found], indent=1) + "\n")


if __name__ == "__main__":
    main()
