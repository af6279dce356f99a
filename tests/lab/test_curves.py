"""What proven notices and labels allow, measured on a small world."""

from __future__ import annotations

from datetime import date

from cleaner.app import scratch_store
from cleaner.lab.curves import known_in, points, ranked, with_proven
from cleaner.lab.measure import chosen
from cleaner.lab.scene import Scene
from cleaner.values import Lesson

DAY = date(2026, 11, 2)
PROVEN = Lesson(DAY, original="<1@a.example>", in_record=True)
OTHER = Lesson(DAY, original="<2@a.example>")


def test_so_many_proven_mails_and_each_another() -> None:
    made = with_proven((PROVEN, OTHER), 30)
    assert sum(one.is_proven for one in made) == 30
    assert len({one.original for one in made if one.is_proven}) == 30
    assert OTHER in made


def test_where_nothing_is_proven_nothing_is_made_up() -> None:
    assert with_proven((OTHER,), 30) == (OTHER,)


def test_groups_are_asked_about_once_each(world: Scene) -> None:
    [circumstance] = chosen(["open-nothing"])
    house = known_in(circumstance(world), scratch_store)
    asked = ranked(house, None)
    assert len({one.label.path for one in asked}) == len(asked)


def test_labels_remove_more_and_lose_nothing(world: Scene) -> None:
    found = list(points([world], scratch_store, ["open-nothing"], proven=(30,), labels=(0, 30)))
    assert [(one.proven, one.labels) for one in found] == [(30, 0), (None, 0), (None, 30)]
    assert all(one.lost.hits == 0 and one.mistakes == () for one in found)
    assert found[2].removed.total <= found[1].removed.total
