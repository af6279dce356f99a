"""
What a model was trained on, in shares: kept beside it, so that what arrives can be compared with it.

No notice is in it: only how often each finding was made under each state of knowledge, and which findings came
together at all.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

OWN: Final = "own"
"""The state under which an organisation's own labels are counted: what was known there is what is known now."""


@dataclass(frozen=True, slots=True)
class Share:
    """How often each finding was made among so many notices."""

    notices: int
    findings: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Reference:
    """The findings of the notices that a model was trained on."""

    states: Mapping[str, Share] = field(default_factory=dict)
    """State of knowledge → shares: an installation without keys is compared with training without keys."""
    patterns: frozenset[str] = frozenset()
    """Every set of findings that came together, hashed."""
    strange: float = 0.0
    """Of a group that was left out, the share whose set of findings no other group had: the worst of them."""
    between: float = 0.0
    """Of notices that were held out, the share to which the model gave neither a low nor a high probability."""

    def is_strange(self, findings: Iterable[str]) -> bool:
        return pattern(findings) not in self.patterns

    def as_json(self) -> dict[str, Any]:
        return {
            "states": {
                state: {"notices": share.notices, "findings": rounded(share.findings)}
                for state, share in sorted(self.states.items())
            },
            "patterns": sorted(self.patterns),
            "strange": round(self.strange, 4),
            "between": round(self.between, 4),
        }

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Reference:
        """Raises KeyError, TypeError, ValueError or AttributeError for what `as_json` did not write."""
        found = cls(
            {
                str(state): Share(
                    int(share["notices"]), {str(n): float(v) for n, v in share["findings"].items()}
                )
                for state, share in fields["states"].items()
            },
            frozenset(map(str, fields["patterns"])),
            float(fields["strange"]),
            float(fields["between"]),
        )
        numbers = [value for share in found.states.values() for value in share.findings.values()]
        if not all(map(math.isfinite, (found.strange, found.between, *numbers))):
            raise ValueError("a share is not finite")
        return found


@dataclass(frozen=True, slots=True)
class Seen:
    """What of a training example counts here."""

    group: str
    state: str
    findings: frozenset[str]
    probability: float | None = None
    """Of a model that had not seen it."""


def reference(seen: Iterable[Seen], full: str, low: float, high: float) -> Reference:
    """`full` is the state in which everything is known; probabilities below `low` and from `high` on are clear."""
    # There are many examples and few sets of findings.
    kinds: Counter[tuple[str, str, frozenset[str]]] = Counter()
    held = between = 0
    for one in seen:
        kinds[one.group, one.state, one.findings] += 1
        if one.probability is not None and one.state in (full, OWN):
            held += 1
            between += low <= one.probability < high
    return Reference(
        {state: share(kinds, state) for state in sorted({state for _, state, _ in kinds})},
        frozenset(pattern(findings) for _, _, findings in kinds),
        strange=strange(kinds, full),
        between=between / held if held else 0.0,
    )


Kinds = Mapping[tuple[str, str, frozenset[str]], int]
"""Group, state and set of findings → how many examples."""


def share(kinds: Kinds, state: str) -> Share:
    counts: Counter[str] = Counter()
    total = 0
    for (_, of, findings), count in kinds.items():
        if of == state:
            total += count
            counts.update(dict.fromkeys(findings, count))
    return Share(total, {name: count / total for name, count in counts.items()})


def strange(kinds: Kinds, full: str) -> float:
    by_group: dict[str, set[frozenset[str]]] = {}
    for group, _, findings in kinds:
        by_group.setdefault(group, set()).add(findings)
    worst = 0.0
    for group in by_group:
        others = set().union(*(patterns for other, patterns in by_group.items() if other != group))
        inside = {f: n for (of, state, f), n in kinds.items() if of == group and state == full}
        if inside and others:
            new = sum(count for findings, count in inside.items() if findings not in others)
            worst = max(worst, new / sum(inside.values()))
    return worst


def pattern(findings: Iterable[str]) -> str:
    """A short name for a set of findings, the same whatever their order."""
    text = "\n".join(sorted(set(findings)))
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()


def rounded(findings: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in sorted(findings.items())}
