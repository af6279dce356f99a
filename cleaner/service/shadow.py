"""
What a candidate would do that the model in use does not: so that it is promoted with open eyes.

It judges along in every scan, and nothing is done by it. Each notice of which it says something else is named.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cleaner.errors import UsageError
from cleaner.service.context import Context
from cleaner.service.models import in_use, organisation_named
from cleaner.store.records import Difference
from cleaner.store.watching import KEPT
from cleaner.values import Opinion

SHOWN: Final = 20
"""Differences that are told where nobody asks for all."""


@dataclass(frozen=True, slots=True)
class Beside:
    """A candidate beside the model in use."""

    organisation: str
    candidate: str
    active: str | None
    """None: the rules alone."""
    since: datetime | None
    """Since when it judges along; None: it does not now."""
    judged: int
    differs: int
    ways: Mapping[tuple[Opinion, Opinion], int]
    """What was said, and what the candidate said → how often."""
    differences: tuple[Difference, ...] = ()

    def sentence(self) -> str:
        """In plain words, for `status`."""
        if not self.judged:
            return f"candidate {self.candidate} judges along; it has judged nothing yet"
        parts = [
            f"{count:,} that {'is' if count == 1 else 'are'} called {before.value} it would call {after.value}"
            for (before, after), count in sorted(
                self.ways.items(), key=lambda item: (-item[1], item[0][0].value, item[0][1].value)
            )
        ]
        differs = f"{self.differs:,}" if self.differs else "none"
        told = f"of {self.judged:,} notices it says otherwise of {differs}"
        return f"candidate {self.candidate} judges along: {told}{': ' if parts else ''}{', '.join(parts)}"

    def as_json(self) -> dict[str, object]:
        return {
            "organisation": self.organisation,
            "candidate": self.candidate,
            "model": self.active,
            "since": self.since.isoformat() if self.since else None,
            "judged": self.judged,
            "differs": self.differs,
            "ways": [
                {"verdict": before.value, "candidate_verdict": after.value, "count": count}
                for (before, after), count in self.ways.items()
            ],
        }


def compare(
    context: Context,
    candidate: str | None = None,
    organisation: str | None = None,
    *,
    most: int | None = None,
) -> Beside:
    """The candidate that judges along, or a named one that did. Raises UsageError where there is none."""
    named = organisation_named(context, organisation)
    shadow = context.store.watching.shadow(named)
    if candidate is None and shadow is None:
        raise UsageError(
            f"no candidate judges along for {named}; 'bounce-cleaner models shadow NAME' lets one"
        )
    name = candidate or (shadow.model if shadow is not None else "")
    found = beside(context, named, name, most=most)
    if not found.judged and found.since is None:
        raise UsageError(
            f"model {name} has judged nothing along for {named}; 'bounce-cleaner models shadow {name}' lets it"
        )
    return found


def beside(context: Context, organisation: str, candidate: str, *, most: int | None = None) -> Beside:
    watching = context.store.watching
    shadow = watching.shadow(organisation)
    is_on = shadow is not None and shadow.model == candidate
    days = watching.days(organisation, candidate, (context.clock() - KEPT).date())
    counts: dict[str, int] = {}
    for day in days.values():
        for what, count in day.items():
            counts[what] = counts.get(what, 0) + count
    return Beside(
        organisation,
        candidate,
        in_use(context, organisation),
        shadow.since if is_on and shadow is not None else None,
        judged=counts.get("along", 0),
        differs=counts.get("differs", 0),
        ways={way: count for what, count in counts.items() if (way := way_of(what)) is not None},
        differences=watching.differences(organisation, candidate, most),
    )


def candidates(context: Context) -> tuple[Beside, ...]:
    """Those that judge along now, without their differences."""
    named = (organisation.name for organisation in context.settings.organisations)
    shadows = (context.store.watching.shadow(name) for name in named)
    return tuple(beside(context, s.organisation, s.model, most=0) for s in shadows if s is not None)


def way_of(what: str) -> tuple[Opinion, Opinion] | None:
    before, mark, after = what.partition(">")
    return (Opinion(before), Opinion(after)) if mark else None
