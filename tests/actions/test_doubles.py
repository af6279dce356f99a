"""Of what stands twice the right one goes, and never one that stands alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cleaner.actions.doubles import Alike, Place
from cleaner.values import ActionName, Entry, EntryState, Headers, Heading

FIRST = Entry(1, "run-1", "ann@harbor.example", "f", 0, ActionName.MOVE, "INBOX", "1", "Backscatter")
SECOND = replace(FIRST, id=2, occurrence=1, message="2")
X1, X2 = ("INBOX", "1"), ("INBOX", "2")
C1, C2 = ("Backscatter", "11"), ("Backscatter", "12")
BACK, BACK_TOO, FILED = ("INBOX", "21"), ("INBOX", "22"), ("Archive", "31")


def heading(place: Place, *flags: str) -> Heading:
    return Heading(*place, Headers(), 100, None, flags)


def alike(
    entries: tuple[Entry, ...], *places: Place, bare: tuple[Place, ...] = (), deleted: tuple[Place, ...] = ()
) -> Alike:
    """Open moves, and what there is: all of it with our mark, but for `bare`."""
    found = [heading(place, *(["\\Deleted"] if place in deleted else [])) for place in places]
    own = {(e.folder, e.message) for e in entries} | {(e.target, e.new_id) for e in entries}
    return Alike(
        entries,
        tuple(one for one in found if (one.folder, one.id) in own),
        tuple(one for one in found if (one.folder, one.id) not in own),
        frozenset(places) - frozenset(bare),
    )


def going(these: Alike) -> list[Place]:
    return [(one.folder, one.id) for one in these.doubles()]


@pytest.mark.parametrize(
    ("there", "goes"),
    [
        pytest.param((X1,), [], id="not copied yet"),
        pytest.param((X1, C1), [X1], id="copied"),
        pytest.param((C1,), [], id="done but for the mark"),
        pytest.param((X1, BACK), [X1], id="brought back"),
        pytest.param((X1, FILED), [X1], id="filed"),
        pytest.param((C1, FILED), [C1], id="the original filed"),
        pytest.param((BACK,), [], id="the original away and back"),
        pytest.param((X1, C1, BACK), [X1, C1], id="brought back by copying"),
        pytest.param((BACK, BACK_TOO), [BACK_TOO], id="both brought back"),
        pytest.param((BACK, FILED), [], id="in two places, by hand"),
        pytest.param((), [], id="deleted"),
    ],
)
def test_what_the_owner_did_counts(there: tuple[Place, ...], goes: list[Place]) -> None:
    assert going(alike((FIRST,), *there)) == goes


def test_a_move_that_was_being_given_up_leaves_the_original() -> None:
    assert going(alike((FIRST,), X1, C1, bare=(X1,))) == [C1]
    assert going(alike((FIRST,), X1, BACK, bare=(X1,))) == [X1]


def test_the_copy_that_was_marked_as_deleted_goes_first() -> None:
    assert going(alike((FIRST,), C1, C2, deleted=(C2,))) == [C2]


@pytest.mark.parametrize(
    ("there", "goes"),
    [
        pytest.param((X1, X2), [], id="not copied yet"),
        pytest.param((X1, X2, C1, C2), [X1, X2], id="copied"),
        pytest.param((X2, FILED), [], id="one filed before it was copied"),
        pytest.param((X1, X2, C1), [X1], id="one copy deleted"),
        pytest.param((C1, C2), [], id="done but for the mark"),
    ],
)
def test_of_two_alike_two_stay(there: tuple[Place, ...], goes: list[Place]) -> None:
    """Which of them was filed or deleted nobody can tell: as many stay as there were."""
    assert going(alike((FIRST, SECOND), *there)) == goes


def test_giving_back_is_never_given_up() -> None:
    undoing = replace(FIRST, state=EntryState.UNDOING, new_id="11")
    assert going(alike((undoing,), C1, BACK)) == [C1]
    assert going(alike((undoing,), C1, BACK, bare=(C1,))) == [C1]
    assert going(alike((undoing,), C1)) == []
