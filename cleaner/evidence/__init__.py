"""
Evidence: what speaks for and against the returned mail being ours.

Each file in `rules/` is one rule, found by being there; its name is the file's. A rule is a pure function
of a notice and what is known beside it; their order must not matter, because what they find adds up.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from inspect import getdoc
from types import ModuleType
from typing import Final, cast

from cleaner.evidence import rules
from cleaner.evidence.alarm import alarms, is_flood
from cleaner.evidence.habits import asked, learn, lesson, strangers_since
from cleaner.evidence.likeness import likeness
from cleaner.evidence.manner import manner
from cleaner.evidence.mentions import question
from cleaner.evidence.observed import places
from cleaner.evidence.ours import is_inside
from cleaner.evidence.signatures import wanted_keys
from cleaner.evidence.tags import untagged
from cleaner.evidence.ways import wanted_hosts
from cleaner.values import Evidence, Known, Notice, Side

__all__ = [
    "NEEDED",
    "RuleInfo",
    "alarms",
    "asked",
    "catalogue",
    "gather",
    "gather_first",
    "gather_learned",
    "is_flood",
    "is_inside",
    "learn",
    "lesson",
    "likeness",
    "manner",
    "names",
    "places",
    "question",
    "strangers_since",
    "untagged",
    "wanted_hosts",
    "wanted_keys",
]

Check = Callable[[Notice, Known], tuple[Evidence, ...]]

NO_RULES: frozenset[str] = frozenset()

NEEDED: Final = frozenset(
    (
        "authentication-results",
        "dkim-signature",
        "in-reply-to",
        "list-unsubscribe",
        "received",
        "references",
        "resent-from",
        "sender",
        "to",
    )
)
"""Header fields, of the notice and of the returned mail, that rules which learn look at."""


@dataclass(frozen=True, slots=True)
class RuleInfo:
    """A rule as the catalogue shows it."""

    name: str
    side: Side
    summary: str
    """Its docstring's first sentence: what it is about."""
    source: str
    """Where the knowledge comes from: a standard, a sighting, a measurement."""
    text: str
    """The whole docstring."""


def gather(notice: Notice, known: Known, *, without: frozenset[str] = NO_RULES) -> tuple[Evidence, ...]:
    """Everything that all rules find, in the order of their names; rules in `without` are left out."""
    return _found(notice, known, sorted(names()), without)


def gather_first(notice: Notice, known: Known, *, without: frozenset[str] = NO_RULES) -> tuple[Evidence, ...]:
    """What the rules find that learn nothing from other notices: proofs among it."""
    return _found(notice, known, [name for name in sorted(names()) if name not in learning()], without)


def gather_learned(
    notice: Notice, known: Known, *, without: frozenset[str] = NO_RULES
) -> tuple[Evidence, ...]:
    """What the rules find that need `Known.habits`; they look at no header field but those in `NEEDED`."""
    return _found(notice, known, sorted(learning()), without)


def _found(
    notice: Notice, known: Known, wanted: Sequence[str], without: frozenset[str]
) -> tuple[Evidence, ...]:
    every = checks()
    return tuple(
        evidence for name in wanted if name not in without for evidence in every[name](notice, known)
    )


@cache
def checks() -> dict[str, Check]:
    """The rules by name, sorted."""
    return {name: cast("Check", _module(name).check) for name in sorted(names())}


@cache
def learning() -> frozenset[str]:
    """The rules that say `LEARNS`: what they find depends on what proven notices taught."""
    return frozenset(name for name in names() if getattr(_module(name), "LEARNS", False))


def _module(name: str) -> ModuleType:
    return import_module(f"{rules.__name__}.{name}")


@cache
def names() -> tuple[str, ...]:
    return tuple(module.name for module in pkgutil.iter_modules(rules.__path__))


def catalogue() -> tuple[RuleInfo, ...]:
    """All rules with what their docstrings say."""
    return tuple(_info(name) for name in sorted(names()))


def _info(name: str) -> RuleInfo:
    module = _module(name)
    text = getdoc(module) or ""
    source = text.partition("Source:")[2]
    summary = " ".join(text.partition("\n\n")[0].split())
    return RuleInfo(name, module.SIDE, summary, " ".join(source.split()), text)
