"""
Whether the model in use still fits what arrives: the last week beside the four weeks before it, and beside training.

What is compared and by which test stands in `classifier/drift.py`. A warning says what was seen and what to do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from cleaner.classifier import Model
from cleaner.classifier.drift import (
    FEWEST,
    TOLERATED,
    UNLIKE,
    Part,
    Rise,
    dispersion,
    exceeds,
    is_more_than_chance,
    pooled,
    rise,
    seen,
    too_many_back,
    total,
    unlike,
)
from cleaner.classifier.reference import OWN
from cleaner.service.context import Context
from cleaner.service.models import model_for
from cleaner.store.watching import BINS, Counts
from cleaner.values import Alert, EntryState

DRIFT: Final = "model-drift"
RECENT: Final = timedelta(days=7)
BEFORE: Final = timedelta(days=28)
OWN_ENOUGH: Final = 30
"""Own labels from which on what arrives is compared with them, too."""
TOLD: Final = 3
"""Findings that are named."""

LABEL: Final = (
    "label some of them and train: 'bounce-cleaner label review --unsure', then 'bounce-cleaner train'"
)
LOOK: Final = (
    "see whether relays, networks and keys in the configuration are still right ('bounce-cleaner check'); then "
    + LABEL
)
GO_BACK: Final = (
    "look at them: 'bounce-cleaner label review'; then train, go back to the model before "
    "('bounce-cleaner models rollback'), or judge by the rules alone ('bounce-cleaner models promote none')"
)


@dataclass(frozen=True, slots=True)
class Measure:
    """One thing that is followed."""

    name: str
    """`unsure`, `undecided`, `strange`, `taken-back`, `unlike`."""
    now: float | None
    usual: float | None
    notices: int
    warning: str = ""
    """What is wrong, in plain words; empty: nothing."""
    remedy: str = ""
    is_alarm: bool = True
    """False: it is told where somebody looks, and nobody is called."""

    def as_json(self) -> dict[str, object]:
        return {
            "measure": self.name,
            "now": None if self.now is None else round(self.now, 4),
            "usual": None if self.usual is None else round(self.usual, 4),
            "notices": self.notices,
            "warning": self.warning or None,
            "remedy": self.remedy or None,
        }


@dataclass(frozen=True, slots=True)
class Drift:
    """How the model in use fits what arrives at one organisation."""

    organisation: str
    model: str | None
    notices: int
    """Of the last week."""
    measures: tuple[Measure, ...]

    @property
    def warnings(self) -> tuple[Measure, ...]:
        return tuple(measure for measure in self.measures if measure.warning)

    @property
    def is_telling(self) -> bool:
        return self.notices >= FEWEST

    def as_json(self) -> dict[str, object]:
        return {
            "organisation": self.organisation,
            "model": self.model,
            "notices": self.notices,
            "measures": [measure.as_json() for measure in self.measures],
        }


def drifts(context: Context) -> tuple[Drift, ...]:
    """Of every organisation."""
    moves = moved(context)
    return tuple(drift_of(context, one.name, moves) for one in context.settings.organisations)


def alerts(found: Iterable[Drift]) -> Iterator[Alert]:
    for one in found:
        for measure in one.warnings:
            if measure.is_alarm:
                text = f"{measure.warning}. What to do: {measure.remedy}"
                yield Alert(DRIFT, one.organisation, text, measure.name)


def drift(context: Context, organisation: str) -> Drift:
    return drift_of(context, organisation, moved(context))


def drift_of(context: Context, organisation: str, moves: Mapping[str, Part]) -> Drift:
    model = model_for(context, organisation)
    today = context.clock().date()
    name = model.name if model is not None else ""
    days = context.store.watching.days(organisation, name, today - RECENT - BEFORE)
    week = Week(days, today)
    measures = [unsure(week), taken_back(moves.get(organisation, Part(0, 0)))]
    if model is not None:
        measures[1:1] = [undecided(week), *beside_training(week, model)]
    return Drift(
        organisation,
        model.name if model is not None else None,
        total(week.recent(only("judged"), only("judged"))),
        tuple(measures),
    )


def percent(share: float | None) -> str:
    return "none" if share is None else f"{share:.0%}"


Count = Callable[[Counts], int]


@dataclass(frozen=True, slots=True)
class Week:
    """Counts by day, parted into the last seven days and those before."""

    days: Mapping[date, Counts]
    today: date

    def recent(self, hits: Count, whole: Count) -> tuple[Part, ...]:
        return self._parts(hits, whole, lambda day: self.today - RECENT < day <= self.today)

    def before(self, hits: Count, whole: Count) -> tuple[Part, ...]:
        return self._parts(hits, whole, lambda day: day <= self.today - RECENT)

    def _parts(self, hits: Count, whole: Count, wanted: Callable[[date], bool]) -> tuple[Part, ...]:
        found = (Part(hits(counts), whole(counts)) for day, counts in self.days.items() if wanted(day))
        return seen(found)


def only(what: str) -> Count:
    return lambda counts: counts.get(what, 0)


def unsure(week: Week) -> Measure:
    found = rise(*both(week, only("unsure"), only("judged")))
    warning = (
        f"{percent(found.now)} of the {found.notices:,} notices of the last week could not be decided, "
        f"{percent(found.usual)} in the weeks before"
    )
    return measured("unsure", found, warning, LOOK)


def undecided(week: Week) -> Measure:
    """The distribution of the probabilities: how much of it lies in the middle."""
    middle = range(1, BINS - 1)
    found = rise(*both(week, lambda c: sum(c.get(f"p{number}", 0) for number in middle), only("asked")))
    warning = (
        f"of {percent(found.now)} of the {found.notices:,} notices that the model was asked about in the last week it "
        f"says neither one nor the other (a probability between 0.1 and 0.9), {percent(found.usual)} in the weeks before"
    )
    return measured("undecided", found, warning, LABEL)


def beside_training(week: Week, model: Model) -> Iterator[Measure]:
    known = model.reference
    if known is None:
        return
    recent, before = both(week, only("strange"), only("placed"))
    found = exceeds(recent, before, known.strange)
    warning = (
        f"{percent(found.now)} of the {found.notices:,} notices that the model was asked about in the last week have "
        f"findings together that none had which it was trained on; {percent(found.usual)} is to be expected elsewhere"
    )
    yield measured("strange", found, warning, LOOK)
    yield findings(week, model)


def measured(name: str, found: Rise, warning: str, remedy: str) -> Measure:
    told = (warning, remedy) if found.is_told else ("", "")
    return Measure(name, found.now, found.usual, found.notices, *told)


def both(week: Week, hits: Count, whole: Count) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
    return week.recent(hits, whole), week.before(hits, whole)


def findings(week: Week, model: Model) -> Measure:
    """
    How unlike training the findings are: the largest stability index of one of them.

    Training under the state of knowledge that is the most like this one is compared with. What arrives may be unlike
    without the model fitting it less (a flood of one kind), so it calls nobody.
    """
    recent = week.recent(only("asked"), only("asked"))
    notices = total(recent)
    if not notices or model.reference is None:
        return Measure("unlike", None, None, notices)
    names = sorted({w for counts in week.days.values() for w in counts if w.startswith("has:")})
    shares = {w.removeprefix("has:"): pooled(week.recent(only(w), only("asked"))) or 0.0 for w in names}
    states = [
        (share.notices, unlike(shares, notices, share.findings, share.notices))
        for state, share in sorted(model.reference.states.items())
        if state != OWN or share.notices >= OWN_ENOUGH
    ]
    if not states:
        return Measure("unlike", None, None, notices)
    trained, indices = min(states, key=lambda one: sum(one[1].values()))
    strong = [name for name in indices if is_strong(week, name, indices[name], notices, trained)]
    largest = max(indices.values(), default=0.0)
    if notices < FEWEST or len(recent) < 3 or not strong:
        return Measure("unlike", largest, None, notices)
    told = ", ".join(sorted(strong, key=lambda name: (-indices[name], name))[:TOLD])
    warning = (
        f"the {notices:,} notices that the model was asked about in the last week are unlike those it was trained "
        f"on, most of all in {told} (population stability index {largest:.2f}; from {UNLIKE} on that is much)"
    )
    return Measure("unlike", largest, None, notices, warning, LABEL, is_alarm=False)


def is_strong(week: Week, name: str, index: float, notices: int, trained: int) -> bool:
    if index < UNLIKE:
        return False
    times = both(week, only(f"has:{name}"), only("asked"))
    freedom = sum(max(0, len(days) - 1) for days in times)
    spread = max(1.0, dispersion(times, freedom)) if freedom else float(notices)
    return is_more_than_chance(index, notices, trained, spread)


def taken_back(moves: Part) -> Measure:
    """What owners moved back out of the quarantine, of all that was moved in the last four weeks."""
    share = pooled((moves,))
    if not too_many_back(moves.hits, moves.total):
        return Measure("taken-back", share, TOLERATED, moves.total)
    warning = (
        f"owners took back {moves.hits:,} of the {moves.total:,} messages that were moved in the last four weeks, more "
        "than the one in a hundred that a model may get wrong"
    )
    return Measure("taken-back", share, TOLERATED, moves.total, warning, GO_BACK)


MOVED: Final = (EntryState.DONE, EntryState.RETURNED, EntryState.PURGED, EntryState.GONE)


def moved(context: Context) -> Mapping[str, Part]:
    """Organisation → what was taken back of what was moved in its mailboxes; asked once for all."""
    found: dict[str, Part] = {}
    for change in context.store.report.changed(context.clock() - BEFORE):
        if not change.action.changes_mailbox or change.state not in MOVED:
            continue
        if change.mailbox in context.settings:
            name = context.settings.mailbox(change.mailbox).organisation
            before = found.get(name, Part(0, 0))
            back = change.count * (change.state is EntryState.RETURNED)
            found[name] = Part(before.hits + back, before.total + change.count)
    return found
