"""Working through a folder in pieces: large enough to be quick, small enough to go on after an interruption."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cleaner.ports import Mailbox
from cleaner.steps.task import HEADINGS


@dataclass(frozen=True, slots=True)
class Piece:
    """Some messages of a folder that may be new."""

    ids: tuple[str, ...]
    done: int
    """How many came before these."""
    expected: int
    """How many there are altogether, these among them."""
    cursor: str | None
    """What to remember when these are done; None: only after a later piece."""
    total: int
    """All messages of the folder."""


def pieces(mailbox: Mailbox, folder: str, cursor: str | None, first: Sequence[str] = ()) -> Iterator[Piece]:
    """
    What may be new since the cursor, and before it the messages of `first`; at least one piece.

    Raises FolderMissingError.
    """
    done = 0
    ahead = tuple(first)
    while True:
        listing = mailbox.list(folder, cursor)
        ids = tuple(dict.fromkeys((*ahead, *listing.ids)))
        expected = done + len(ids) + listing.left
        for start in range(0, max(len(ids), 1), HEADINGS):
            piece = ids[start : start + HEADINGS]
            is_last = start + HEADINGS >= len(ids)
            yield Piece(piece, done, expected, listing.cursor if is_last else None, listing.total)
            done += len(piece)
        if not listing.left:
            return
        cursor, ahead = listing.cursor, ()
