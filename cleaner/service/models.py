"""Which models there are, and which judges for whom: the use cases behind `models`."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cleaner.classifier import Model, files
from cleaner.classifier.shelf import Shelf
from cleaner.errors import UsageError
from cleaner.service.context import Context
from cleaner.store.records import ModelChoice, Training

log = logging.getLogger(__name__)

RULES_ALONE = "none"
"""The name under which no model can be chosen."""


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One model as `models list` shows it."""

    name: str
    own: bool
    """Trained here, not released with the program."""
    used_by: tuple[str, ...] = ()
    """Organisations that it judges for."""
    remove: float | None = None
    """The probability from which it may remove; None where it only advises."""
    refused: str = ""
    along_for: tuple[str, ...] = ()
    """Organisations for which it judges along as a candidate."""
    training: Training | None = None
    """What came of its training, if it was trained here."""

    @property
    def why_candidate(self) -> str:
        return self.training.why if self.training is not None else ""

    def as_json(self) -> dict[str, object]:
        return {
            "name": self.name,
            "own": self.own,
            "used_by": list(self.used_by),
            "remove": self.remove,
            "refused": self.refused or None,
            "judges_along_for": list(self.along_for),
            "trained": self.training.at.isoformat() if self.training is not None else None,
            "labels": self.training.labels if self.training is not None else None,
            "why_candidate": self.why_candidate or None,
        }


@dataclass(frozen=True, slots=True)
class ModelPage:
    """All that is known of one model."""

    row: ModelRow
    card: str
    findings: tuple[tuple[str, float], ...]
    """Findings with their weights, the strongest first."""
    words: tuple[tuple[str, float], ...]
    """The most telling words with their weights."""


def shelf(context: Context) -> Shelf:
    return replace(context.shelf, own=context.settings.models.path)


def model_for(context: Context, organisation: str) -> Model | None:
    """
    The model that judges for an organisation; None: proofs and rules alone.

    One that is refused never stops the work: the one before it is taken, and that is logged.
    """
    if not context.settings.models.use:
        return None
    for name in preferred(context, organisation):
        if name is None:
            return None
        try:
            return shelf(context).load(name)
        except UsageError as error:
            log.warning("%s", error)
    return None


def candidate_for(context: Context, organisation: str, active: Model | None) -> Model | None:
    """
    The candidate that judges along for an organisation; None where there is none.

    One that is refused, or that is in use already, does not.
    """
    shadow = context.store.watching.shadow(organisation) if context.settings.models.use else None
    if shadow is None or (active is not None and shadow.model == active.name):
        return None
    try:
        return shelf(context).load(shadow.model)
    except UsageError as error:
        log.warning("%s", error)
        return None


def preferred(context: Context, organisation: str) -> Iterator[str | None]:
    """The names to try: what was chosen, latest first, then what came with the program."""
    choices = [choice.model for choice in context.store.models.history(organisation)]
    yield from dict.fromkeys(reversed(choices))
    released = shelf(context).newest_released()
    if released is not None and released not in choices:
        yield released


def in_use(context: Context, organisation: str) -> str | None:
    model = model_for(context, organisation)
    return model.name if model is not None else None


def rows(context: Context) -> tuple[ModelRow, ...]:
    used = users(context)
    return tuple(row_of(name, folder, used, context) for name, folder in shelf(context).folders().items())


def users(context: Context) -> dict[str, list[str]]:
    """Model → the organisations that it judges for."""
    used: dict[str, list[str]] = {}
    for organisation in context.settings.organisations:
        name = in_use(context, organisation.name)
        if name is not None:
            used.setdefault(name, []).append(organisation.name)
    return used


def row_of(name: str, folder: Path, used: dict[str, list[str]], context: Context) -> ModelRow:
    row = ModelRow(
        name,
        folder.parent == context.settings.models.path,
        tuple(used.get(name, ())),
        along_for=tuple(along_for(context, name)),
        training=training_of(context, name),
    )
    try:
        model = files.load(folder)
    except UsageError as error:
        return replace(row, refused=str(error))
    return replace(row, remove=None if model.only_advises else model.remove)


def along_for(context: Context, name: str) -> Iterator[str]:
    for organisation in context.settings.organisations:
        shadow = context.store.watching.shadow(organisation.name)
        if shadow is not None and shadow.model == name:
            yield organisation.name


def training_of(context: Context, name: str) -> Training | None:
    every = (t for o in context.settings.organisations for t in context.store.models.trainings(o.name))
    return next((training for training in every if training.model == name), None)


def page(context: Context, name: str) -> ModelPage:
    """Raises UsageError for a model that is not there or is refused."""
    folder = shelf(context).folder(name)
    model = files.load(folder)
    kept = files.read(folder)
    words: dict[str, Any] = json.loads(kept.get(files.TELLING_WORDS, b"{}"))
    return ModelPage(
        row_of(name, folder, users(context), context),
        kept.get(files.CARD, b"").decode(errors="replace"),
        strongest(model.facts),
        strongest({str(word): float(weight) for word, weight in words.items()}),
    )


def strongest(weights: Any) -> tuple[tuple[str, float], ...]:
    return tuple(sorted(weights.items(), key=lambda item: (-abs(item[1]), item[0])))


def promote(context: Context, name: str, organisation: str | None = None, why: str = "") -> ModelChoice:
    """From now on this model judges; `none`: the rules alone. Raises UsageError."""
    if name != RULES_ALONE:
        shelf(context).load(name)
    chosen = None if name == RULES_ALONE else name
    return choose(context, organisation_named(context, organisation), chosen, why or "promoted by hand")


def rollback(context: Context, organisation: str | None = None) -> ModelChoice:
    """Back to what judged before the latest choice. Raises UsageError where there is nothing before it."""
    named = organisation_named(context, organisation)
    history = context.store.models.history(named)
    if not history:
        raise UsageError(f"{named} has never had another model, so there is nothing to go back to")
    earlier = [choice.model for choice in history if choice.model != history[-1].model]
    before = earlier[-1] if earlier else shelf(context).newest_released()
    return choose(context, named, before, f"back from {history[-1].model or 'the rules alone'}")


def choose(context: Context, organisation: str, model: str | None, why: str) -> ModelChoice:
    choice = ModelChoice(organisation, context.clock(), context.actor, model, why)
    context.store.models.choose(choice)
    shadow = context.store.watching.shadow(organisation)
    if shadow is not None and shadow.model == model:
        context.store.watching.judge_along(organisation, None, choice.at)
    return choice


def judge_along(context: Context, name: str, organisation: str | None = None) -> str:
    """
    From now on this candidate judges along without acting; `none`: none does. Returns for which organisation.

    Raises UsageError, also for the one in use.
    """
    named = organisation_named(context, organisation)
    if name != RULES_ALONE:
        shelf(context).load(name)
        if name == in_use(context, named):
            raise UsageError(f"model {name} is in use for {named} already, so it has nothing to judge along")
    context.store.watching.judge_along(named, None if name == RULES_ALONE else name, context.clock())
    return named


def organisation_named(context: Context, name: str | None) -> str:
    """The organisation that is meant; unnamed where there is only one. Raises UsageError."""
    names = [organisation.name for organisation in context.settings.organisations]
    if name is None and len(names) == 1:
        return names[0]
    if name not in names:
        raise UsageError(f"say for which organisation, --organisation NAME (configured: {', '.join(names)})")
    return name
