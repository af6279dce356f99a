"""
Evidence: what speaks for and against the returned mail being ours.

Each file in `rules/` is one rule, found by being there; its name is the file's. A rule is a pure function
of a notice and what is known beside it; their order must not matter, because what they find adds up.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from inspect import getdoc
from typing import cast

from cleaner.evidence import rules
from cleaner.evidence.mentions import question
from cleaner.evidence.ours import is_inside
from cleaner.evidence.signatures import wanted_keys
from cleaner.evidence.tags import untagged
from cleaner.values import Evidence, Known, Notice, Side

__all__ = ["RuleInfo", "catalogue", "gather", "is_inside", "names", "question", "untagged", "wanted_keys"]

Check = Callable[[Notice, Known], tuple[Evidence, ...]]

NO_RULES: frozenset[str] = frozenset()


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
    return tuple(
        evidence
        for name, check in checks().items()
        if name not in without
        for evidence in check(notice, known)
    )


@cache
def checks() -> dict[str, Check]:
    """The rules by name, sorted."""
    return {name: cast("Check", import_module(f"{rules.__name__}.{name}").check) for name in sorted(names())}


def names() -> tuple[str, ...]:
    return tuple(module.name for module in pkgutil.iter_modules(rules.__path__))


def catalogue() -> tuple[RuleInfo, ...]:
    """All rules with what their docstrings say."""
    return tuple(_info(name) for name in sorted(names()))


def _info(name: str) -> RuleInfo:
    module = import_module(f"{rules.__name__}.{name}")
    text = getdoc(module) or ""
    source = text.partition("Source:")[2]
    summary = " ".join(text.partition("\n\n")[0].split())
    return RuleInfo(name, module.SIDE, summary, " ".join(source.split()), text)
