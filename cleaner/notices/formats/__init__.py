"""
The formats in which notices come, most authoritative first; the first that recognises a message wins.

A format is a module with a docstring that names the system or specification, a FAMILY, and a
function `read` from a sheet to a finding, or None for what it does not recognise. docs/add-a-format.md
shows how to add one.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Final

from cleaner.notices.formats import (
    amazon_events,
    arf,
    autoreply,
    av_notice,
    challenge,
    general,
    list_notice,
    mdn,
    phish,
    rfc3464,
)
from cleaner.notices.sheet import Finding, Sheet


@dataclass(frozen=True, slots=True)
class Format:
    """One entry of the catalogue."""

    name: str
    family: str
    doc: str
    read: Callable[[Sheet], Finding | None]

    @classmethod
    def of(cls, module: ModuleType) -> Format:
        name = module.__name__.rpartition(".")[2].replace("_", "-")
        return cls(name, module.FAMILY, inspect.cleandoc(module.__doc__ or ""), module.read)


FORMATS: Final = tuple(
    Format.of(module)
    for module in (
        amazon_events,
        arf,
        mdn,
        phish,
        rfc3464,
        list_notice,
        av_notice,
        challenge,
        general,
        autoreply,
    )
)
