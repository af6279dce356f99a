"""Where grants are kept: the store, handed in once for the process."""

from __future__ import annotations

from cleaner.errors import StopError
from cleaner.ports import Grants

_kept: Grants | None = None


def keep_in(grants: Grants | None) -> None:
    global _kept
    _kept = grants


def kept() -> Grants:
    if _kept is None:
        raise StopError("no store is open in which what a person granted could be kept")
    return _kept
