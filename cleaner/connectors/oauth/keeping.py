"""Where grants are kept: the store, handed in once for the process, and anew with each configuration."""

from __future__ import annotations

from itertools import count
from typing import Final

from cleaner.errors import StopError
from cleaner.ports import Grants

_NUMBERS: Final = count(1)

_kept: Grants | None = None
_number = 0


def keep_in(grants: Grants | None) -> None:
    """Whatever is known of tokens and refusals so far does not count any more."""
    global _kept, _number
    _kept, _number = grants, next(_NUMBERS)


def kept() -> Grants:
    if _kept is None:
        raise StopError("no store is open in which what a person granted could be kept")
    return _kept


def number() -> int:
    """Of the configuration that counts now."""
    return _number
