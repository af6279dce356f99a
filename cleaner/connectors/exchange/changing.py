"""Changing a mailbox of Exchange, as far as no protocol makes a difference."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from cleaner.connectors.exchange.session import ExchangeSession
from cleaner.errors import ChangeRefusedError, CleanerError, FolderMissingError
from cleaner.ports import Moved


def levels_of(address: str, folder: str) -> Iterator[str]:
    """The folder and those above it, the topmost first. Raises ChangeRefusedError for what can be no name."""
    levels = folder.split("/")
    if not all(level.strip() and level.isprintable() for level in levels):
        raise ChangeRefusedError(
            f"{address}: the folder {folder!r} cannot be made",
            "each level needs a name of printable characters; choose another one",
        )
    return ("/".join(levels[:depth]) for depth in range(1, len(levels) + 1))


def told_together(moved: Sequence[Moved]) -> Iterator[Moved]:
    """What one request came to: of each but the last, that more is certain already."""
    for number, one in enumerate(moved, 1):
        yield replace(one, more=number < len(moved))


def target_gone(session: ExchangeSession, target: str) -> CleanerError | None:
    """
    Why nothing more can be moved there; looked at anew, for some servers say of a deleted folder only that
    something is wrong. Never raises: what was moved before is still to be told.
    """
    session.forget_folders()
    try:
        is_there = target in session.folders().ids
    except CleanerError as error:
        return error
    return None if is_there else FolderMissingError(session.address, target)
