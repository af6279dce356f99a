"""
From labelled mail to rows to train on: what is known beside each notice is withheld in turn.

Nobody's mail system is complete: here no copies of sent mail are kept, there the keys were never entered or a relay
was forgotten. A model that has met all of that is careful where little is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from cleaner import evidence
from cleaner.classifier.base import Row, cluster_of
from cleaner.classifier.features import buckets, facts, words
from cleaner.service.datasets import Mailbag, mailbags
from cleaner.service.evaluate import Case, cases, informed
from cleaner.service.withholding import (
    Withhold,
    everything,
    nothing,
    one_relay,
    without_keys,
    wrong_relays,
)
from cleaner.steps.task import Watch
from cleaner.store import Store
from cleaner.values import Force, Notice, Opinion, subject_key

STATES: Final[Mapping[str, tuple[Withhold, bool]]] = {
    "full": (everything, True),
    "no-sent": (everything, False),
    "no-keys": (without_keys, True),
    "one-relay": (one_relay, True),
    "wrong-relays": (wrong_relays, True),
    "nothing": (nothing, False),
}
"""State of knowledge → what is known of the organisation, and whether of sent mail."""

WIDESPREAD: Final = 8
"""Clusters, of two groups at least, that a word must stand in to be shown: names of people do not."""


@dataclass(slots=True)
class Lexicon:
    """Which words stand where: only to tell people what a bucket of hashed words holds."""

    places: dict[str, set[tuple[str, str]]] = field(default_factory=dict)

    def note(self, group: str, cluster: str, words: Iterable[str]) -> None:
        for word in words:
            self.places.setdefault(word, set()).add((group, cluster))

    def widespread(self) -> Iterator[str]:
        for word, places in self.places.items():
            if len(places) >= WIDESPREAD and len({group for group, _ in places}) > 1:
                yield word


@dataclass(slots=True)
class Draft:
    """A row in the making: its findings come state by state."""

    spurious: bool
    cluster: str
    words: tuple[int, ...]
    facts: dict[str, dict[str, float]] = field(default_factory=dict)


def rows(
    paths: Sequence[Path], scratch: Callable[[], Store], watch: Watch, lexicon: Lexicon
) -> tuple[Row, ...]:
    """Rows of all labelled mail below `paths` whose truth is known. Raises UsageError."""
    bags = [bag for path in paths for bag in mailbags(path) if any(m.truth for m in bag.messages)]
    found: list[Row] = []
    for number, bag in enumerate(bags):
        watch("reading", number, len(bags))
        found += rows_of(bag, scratch, lexicon)
    watch("reading", len(bags), len(bags))
    return tuple(found)


def rows_of(bag: Mailbag, scratch: Callable[[], Store], lexicon: Lexicon) -> Iterator[Row]:
    group = bag.name.partition("/")[0]
    drafts: dict[Path, Draft] = {}
    for state, (withhold, with_sent) in STATES.items():
        known_so = replace(bag, organisation=withhold(bag.organisation))
        for case in informed(cases(known_so, scratch, with_sent=with_sent)):
            if not case.notice.kind.is_judged or case.label.truth not in (
                Opinion.GENUINE,
                Opinion.BACKSCATTER,
            ):
                continue
            found = evidence.gather(case.notice, case.known)
            if all(one.force is Force.WEIGHED for one in found):
                path = case.label.path
                if path not in drafts:
                    drafts[path] = draft_of(case)
                    lexicon.note(group, drafts[path].cluster, words(case.notice))
                drafts[path].facts[state] = facts(case.notice, found)
    for draft in drafts.values():
        yield Row(draft.spurious, group, draft.cluster, draft.words, draft.facts)


def draft_of(case: Case) -> Draft:
    spurious = case.label.truth is Opinion.BACKSCATTER
    return Draft(spurious, like(case.notice), buckets(case.notice))


def like(notice: Notice) -> str:
    """
    What like notices share: the one mail that they speak of.

    Where they do not name it: the kind, who reports, and the subject of that mail.
    """
    named = notice.returned.message_id or next(iter(notice.answers), None)
    if named is not None:
        return cluster_of(named)
    about = notice.returned.subject or notice.quoted_subject or ""
    return cluster_of(notice.kind.value, notice.reporter.lower(), subject_key(about))
