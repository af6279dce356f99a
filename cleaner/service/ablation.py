"""
What each rule, and each piece of knowledge, is worth: the use case behind `evaluate --ablate`.

Each is left out in turn and all labelled mail judged again. What it costs shows in the spurious notices that are
no longer removed, and in the genuine ones that then are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from cleaner import evidence
from cleaner.classifier import Model
from cleaner.service.evaluate import (
    Case,
    Figures,
    Share,
    cases,
    figures,
    judge_house,
    labelled,
    require_messages,
)
from cleaner.service.withholding import (
    Withhold,
    everything,
    one_domain,
    one_relay,
    relays_by_name,
    without_keys,
    wrong_addresses,
    wrong_networks,
)
from cleaner.store import Store

KNOWLEDGE: Final[Mapping[str, tuple[Withhold, bool, bool]]] = {
    "copies of sent mail": (everything, False, True),
    "what proven notices teach": (everything, True, False),
    "DKIM keys": (without_keys, True, True),
    "copies of sent mail and DKIM keys": (without_keys, False, True),
    "copies of sent mail and what proven notices teach": (everything, False, False),
    "relays' addresses, known by name only": (relays_by_name, True, True),
    "relays' addresses but the main one": (one_relay, True, True),
    "relays' addresses, wrong ones instead": (wrong_addresses, True, True),
    "client networks, wrong ones instead": (wrong_networks, True, True),
    "domains but one": (one_domain, True, True),
}
"""What is left out → what is known of the organisation then, whether of sent mail, and whether is learned."""


@dataclass(frozen=True, slots=True)
class Ablation:
    """What came out with something left out."""

    without: str
    """A rule, or a piece of knowledge; empty where nothing was left out."""
    is_rule: bool
    figures: Figures

    @property
    def removed(self) -> Share:
        return self.figures.removed

    def to_json(self) -> dict[str, Any]:
        return {
            "without": self.without or None,
            "is_rule": self.is_rule,
            "removed": self.figures.removed.to_json(),
            "lost": self.figures.lost.to_json(),
            "ordinary_removed": self.figures.ordinary_removed.to_json(),
            "kept_as_genuine": self.figures.kept_as_genuine.to_json(),
        }


def ablate(
    paths: Sequence[Path], scratch: Callable[[], Store], model: Model | None = None
) -> Iterator[Ablation]:
    """All rules first, then each rule left out, then each piece of knowledge. Raises UsageError."""
    bags = list(labelled(paths))
    require_messages(
        [label for bag in bags for label in bag.messages], [m for bag in bags for m in bag.missing]
    )
    full = [cases(bag, scratch) for bag in bags]
    bare = [cases(bag, scratch, with_sent=False) for bag in bags]
    yield Ablation("", False, counted(full, model))
    for rule in sorted(evidence.names()):
        yield Ablation(rule, True, counted(full, model, without=frozenset((rule,))))
    for name, (withhold, with_sent, learns) in KNOWLEDGE.items():
        known = [tuple(knowing(case, withhold) for case in read) for read in (full if with_sent else bare)]
        yield Ablation(name, False, counted(known, model, learns=learns))


def counted(
    mailboxes: Sequence[Sequence[Case]],
    model: Model | None,
    *,
    without: frozenset[str] = frozenset(),
    learns: bool = True,
) -> Figures:
    houses = groupby(mailboxes, key=lambda read: read[0].bag.partition("/")[0] if read else "")
    return figures(
        [j for _, house in houses for j in judge_house(tuple(house), without, model, learns=learns)]
    )


def knowing(case: Case, withhold: Withhold) -> Case:
    return replace(case, known=replace(case.known, organisation=withhold(case.known.organisation)))
