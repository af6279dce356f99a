"""
What labels are worth: how much of a new world's backscatter goes after how many of them.

    python -m benchmarks.learning_curve docs/learning-curve.svg

The world is generated (`tests/service/strange_world.py`) with a kind of backscatter that the bundled model misses.
Counted are the notices that were not labelled, and beside them the hold-out that no model is trained on.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from cleaner.classifier.base import locked
from cleaner.service.svg import Curve, Diagram, drawn
from tests.service.strange_world import base, first, notices, outcome, taught

LABELS: Final = (0, 5, 10, 15, 20, 25, 30, 40)
MOST: Final = LABELS[-1]


def main() -> int:
    rows, world = base(), list(notices())
    elsewhere = list(locked(rows))
    here: list[tuple[float, float]] = []
    there: list[tuple[float, float]] = []
    for count in LABELS:
        labels, rest = first(count, world)
        learned = taught(rows, labels)
        new, old = outcome(learned, rest), outcome(learned, elsewhere)
        here.append((count / MOST, new.removed / new.spurious))
        there.append((count / MOST, old.removed / old.spurious))
        print(
            f"{count:3} labels  removed {new.removed} of {new.spurious}, lost {new.lost} of {new.genuine}; "
            f"elsewhere {old.removed} of {old.spurious}, lost {old.lost} of {old.genuine}"
        )
    diagram = Diagram(
        "What labels are worth",
        "labels",
        "backscatter removed",
        (
            Curve("the rest of the new world", tuple(here), marked=True),
            Curve("the hold-out, all states of knowledge", tuple(there), dotted=True),
        ),
        most=float(MOST),
    )
    Path(sys.argv[1]).write_text(drawn(diagram), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
