"""What several threads ask at the same moment is asked together, and each gets its own answer."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from cleaner.service.fleet.batching import Batching

PATIENCE = 60


def test_who_comes_meanwhile_is_asked_for_together() -> None:
    begun, go_on = threading.Event(), threading.Event()
    batches: list[list[int]] = []

    def doubled(numbers: Sequence[int]) -> list[int]:
        batches.append(sorted(numbers))
        begun.set()
        assert go_on.wait(PATIENCE)
        return [2 * number for number in numbers]

    batching = Batching(doubled)
    with ThreadPoolExecutor(4) as threads:
        first = threads.submit(batching, 1)
        assert begun.wait(PATIENCE)
        others = [threads.submit(batching, number) for number in (2, 3, 4)]
        while len(batching._waiting) < len(others):
            pass
        go_on.set()
        assert first.result() == 2
        assert [other.result() for other in others] == [4, 6, 8]
    assert batches == [[1], [2, 3, 4]]


def test_what_fails_fails_for_those_whom_it_was_asked_for_and_for_nobody_after_them() -> None:
    def halves(numbers: Sequence[int]) -> list[float]:
        return [1 / number for number in numbers]

    batching = Batching(halves)
    with pytest.raises(ZeroDivisionError):
        batching(0)
    assert batching(2) == 0.5
