"""
From labelled worlds to rows to train on: each world is put into everyday circumstances in turn.

Nobody's mail system is like another: here half the mail leaves no copy, there a service that nobody told us of sends,
or the policy is open. A model that has met all of that is careful where little is known.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from cleaner import classifier
from cleaner.classifier.base import Row, cluster_of
from cleaner.classifier.features import Features, buckets, facts, words
from cleaner.classifier.learning import FULL, condition_of
from cleaner.classifier.weights import speaks_for
from cleaner.evidence.ours import registered_domain
from cleaner.lab.circumstances import Circumstance
from cleaner.lab.measure import Rewritten, chosen, worlds_of
from cleaner.lab.scene import Scene
from cleaner.service.datasets import Labelled
from cleaner.service.evaluate import Case, beside, gathered
from cleaner.steps.task import Watch
from cleaner.store import Store
from cleaner.values import Evidence, Force, Notice, Opinion, Verdict, subject_key

TAUGHT_IN: Final = (
    "as-it-is",
    "half-copies",
    "no-copies",
    "open",
    "open-half-copies",
    "dns-silent-half-copies",
    "microsoft-365-half-copies/contradicted",
    "google-half-copies/true",
    "smarthost-pool/open",
    "cloud-server/true",
    "cloud-server/unknown",
    "provider-listed-unsigned/true",
    "at-hand/open",
    "at-hand/contradicted",
    "crm/true",
    "crm/open",
    "second-account/true",
    "second-account-listed/open",
    "subdomain/true",
    "new-domain/open",
    "forwarded/true",
    "list-expansion/open",
    "filtered-sites-half-copies",
    "filtered-correspondents-wrong-relays",
    "keys-rotated/true",
    "keys-dns-silent",
    "relays-mistyped/true",
    "nothing-configured/open",
    "helo-alone/true",
    "behind-nat/true",
    "newsletter-service/true",
    "genuine-in-flood/true",
    "forged-to-others-half-copies/true",
    "forged-without-to-half-copies/open",
    "shared-provider",
)
"""
Circumstances that the bundled model is trained in: of each family some, and of each what a policy may say.

Those whose policy is false and contradicted by nothing are left out: nobody can learn there what is true.
"""

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
    """A row in the making: its findings come circumstance by circumstance."""

    spurious: bool
    group: str
    cluster: str
    words: tuple[int, ...]
    label: Labelled
    family: str
    site: str = ""
    """The domain of its sender."""
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    """Condition → by proofs and rules; of the evidence only what a model's answer may rest on."""
    facts: dict[str, Mapping[str, float]] = field(default_factory=dict)
    """Condition → findings, where no proof settles the matter."""

    def row(self) -> Row:
        return Row(self.spurious, self.group, self.cluster, self.words, self.facts)

    def asked(self, condition: str = FULL) -> Features | None:
        """What a model would be asked; None where a proof settles the matter."""
        known = self.facts.get(condition)
        return None if known is None else Features(known, self.words)


def drafts(
    paths: Sequence[Path],
    scratch: Callable[[], Store],
    watch: Watch,
    lexicon: Lexicon,
    taught_in: Sequence[str] = TAUGHT_IN,
) -> tuple[Draft, ...]:
    """All labelled notices of the worlds below `paths` whose truth is known. Raises UsageError."""
    worlds = worlds_of(paths)
    wanted = [one for one in chosen(taught_in) if one.name in taught_in]
    drafted: dict[Path, Draft] = {}
    for number, world in enumerate(worlds):
        rewritten = Rewritten(world)
        for at, circumstance in enumerate(wanted):
            watch("reading", number * len(wanted) + at, len(worlds) * len(wanted))
            note_all(drafted, circumstance, rewritten(circumstance), scratch, lexicon)
    watch("reading", len(worlds) * len(wanted), len(worlds) * len(wanted))
    return tuple(drafted.values())


def note_all(
    drafted: dict[Path, Draft],
    circumstance: Circumstance,
    scene: Scene,
    scratch: Callable[[], Store],
    lexicon: Lexicon,
) -> None:
    """What is found in each notice of a world in one circumstance."""
    condition = condition_of(circumstance.family, circumstance.name)
    mailboxes = [
        beside(box.bag, [(one.label, one.notice) for one in box.letters], scratch, copies=box.sent)
        for box in scene.boxes
    ]
    for case, found in gathered(mailboxes):
        if not is_lesson(case):
            continue
        path = case.label.path
        if path not in drafted:
            drafted[path] = draft_of(case, scene.name)
            lexicon.note(scene.name, drafted[path].cluster, words(case.notice))
        note(drafted[path], condition, case.notice, found)


def is_lesson(case: Case) -> bool:
    return case.notice.kind.is_judged and case.label.truth in (Opinion.GENUINE, Opinion.BACKSCATTER)


def note(draft: Draft, condition: str, notice: Notice, found: Sequence[Evidence]) -> None:
    """What was found in a circumstance; for the model only where no proof settles the matter there."""
    draft.verdicts[condition] = slim(classifier.judge(notice, found))
    if all(one.force is Force.WEIGHED for one in found):
        seen = facts(notice, found)
        # Most circumstances change nothing about most notices: equal findings are kept once.
        draft.facts[condition] = next((kept for kept in draft.facts.values() if kept == seen), seen)


def slim(verdict: Verdict) -> Verdict:
    kept = tuple(one for one in verdict.evidence if one.ground is not None or speaks_for(one))
    return replace(verdict, evidence=kept)


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
