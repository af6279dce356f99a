"""
From labelled mail to rows to train on: what is known beside each notice is withheld in turn.

Nobody's mail system is complete: here no copies of sent mail are kept, there the keys were never entered or a relay
was forgotten. A model that has met all of that is careful where little is known.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from cleaner import classifier, evidence
from cleaner.classifier.base import Row, cluster_of
from cleaner.classifier.features import Features, buckets, facts, words
from cleaner.evidence.ours import registered_domain
from cleaner.service.datasets import Labelled, Mailbag, mailbags
from cleaner.service.evaluate import Case, beside, gathered, read_all
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
from cleaner.values import Evidence, Force, Headers, Notice, Opinion, Verdict, subject_key

STATES: Final[Mapping[str, tuple[Withhold, bool]]] = {
    "full": (everything, True),
    "no-sent": (everything, False),
    "no-keys": (without_keys, True),
    "one-relay": (one_relay, True),
    "wrong-relays": (wrong_relays, True),
    "nothing": (nothing, False),
}
"""State of knowledge → what is known of the organisation, and whether of sent mail."""

UNRECORDED: Final[Mapping[str, Withhold]] = {
    "unrecorded": everything,
    "unrecorded-no-keys": without_keys,
}
"""
States in which a record is kept, but of the very mail that a notice is about it holds no copy.

So a phone, a web form or an application sends. Each genuine notice stands for one such mail.
"""

PARTS: Final = 5
"""Of the genuine notices, a part at a time is judged so: the record stays nearly as complete as it was."""

WIDESPREAD: Final = 8
"""Clusters, of two groups at least, that a word must stand in to be shown: names of people do not."""


NO_VERDICT: Final = Verdict(Opinion.UNSURE)


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
    group: str
    cluster: str
    words: tuple[int, ...]
    label: Labelled
    family: str
    site: str = ""
    """The domain of its sender."""
    verdict: Verdict = NO_VERDICT
    """By proofs and rules, under full knowledge."""
    facts: dict[str, dict[str, float]] = field(default_factory=dict)

    def row(self) -> Row:
        return Row(self.spurious, self.group, self.cluster, self.words, self.facts)

    @property
    def asked(self) -> Features | None:
        """What a model would be asked under full knowledge; None where a proof settles the matter."""
        known = self.facts.get("full")
        return None if known is None else Features(known, self.words)


def drafts(
    paths: Sequence[Path], scratch: Callable[[], Store], watch: Watch, lexicon: Lexicon
) -> tuple[Draft, ...]:
    """All labelled notices below `paths` whose truth is known. Raises UsageError."""
    bags = [bag for path in paths for bag in mailbags(path) if any(m.truth for m in bag.messages)]
    found: list[Draft] = []
    for number, bag in enumerate(bags):
        watch("reading", number, len(bags))
        found += drafts_of(bag, scratch, lexicon)
    watch("reading", len(bags), len(bags))
    return tuple(found)


def drafts_of(bag: Mailbag, scratch: Callable[[], Store], lexicon: Lexicon) -> Iterator[Draft]:
    group = bag.name.partition("/")[0]
    read = read_all(bag)
    drafted: dict[Path, Draft] = {}
    for state, (withhold, with_sent) in STATES.items():
        known_so = replace(bag, organisation=withhold(bag.organisation))
        for case, found in gathered((beside(known_so, read, scratch, with_sent=with_sent),)):
            if not is_lesson(case):
                continue
            path = case.label.path
            if path not in drafted:
                drafted[path] = draft_of(case, group)
                lexicon.note(group, drafted[path].cluster, words(case.notice))
            if state == "full":
                drafted[path].verdict = classifier.judge(case.notice, found)
            note(drafted[path], state, case.notice, found)
    for state, withhold in UNRECORDED.items():
        for case, found in unrecorded(bag, read, scratch, withhold):
            note(drafted[case.label.path], state, case.notice, found)
        like_it = "full" if withhold is everything else "no-keys"
        for draft in drafted.values():
            if draft.spurious and like_it in draft.facts:
                draft.facts[state] = draft.facts[like_it]
    yield from drafted.values()


def is_lesson(case: Case) -> bool:
    return case.notice.kind.is_judged and case.label.truth in (Opinion.GENUINE, Opinion.BACKSCATTER)


def note(draft: Draft, state: str, notice: Notice, found: Sequence[Evidence]) -> None:
    """What was found in a state of knowledge, unless a proof settles the matter there."""
    if all(one.force is Force.WEIGHED for one in found):
        draft.facts[state] = facts(notice, found)


def unrecorded(
    bag: Mailbag, read: Sequence[tuple[Labelled, Notice]], scratch: Callable[[], Store], withhold: Withhold
) -> Iterator[tuple[Case, tuple[Evidence, ...]]]:
    """Each genuine notice, with what is found in it, as if the mail that it is about had left no copy."""
    named = {path: Headers.parse(path.read_bytes()).text("message-id").strip() for path in bag.sent}
    genuine = [
        (label, evidence.question([notice]).message_ids)
        for label, notice in read
        if notice.kind.is_judged and label.truth is Opinion.GENUINE
    ]
    for part in range(PARTS):
        inside = {label.path: ids for label, ids in genuine[part::PARTS]}
        gone = frozenset().union(*inside.values())
        known_so = replace(
            bag,
            organisation=withhold(bag.organisation),
            sent=tuple(path for path in bag.sent if named[path] not in gone),
        )
        known = gathered((beside(known_so, read, scratch),))
        yield from ((case, found) for case, found in known if case.label.path in inside)


def draft_of(case: Case, group: str) -> Draft:
    spurious = case.label.truth is Opinion.BACKSCATTER
    return Draft(
        spurious,
        group,
        like(case.notice),
        buckets(case.notice),
        case.label,
        family=case.notice.family,
        site=sender_of(case.notice),
    )


def sender_of(notice: Notice) -> str:
    """The registered domain that it says it is from."""
    found = _DOMAIN.search(notice.headers.text("from"))
    return registered_domain(found[1].lower()) or found[1].lower() if found is not None else ""


_DOMAIN: Final = re.compile(r"@([\w.-]{1,253})")


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
