"""
Many threads, few questions: what several ask of the store in the same moment is asked at once.

Whoever comes while nobody asks does so at once, and for those, too, who come meanwhile; nobody waits for company.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Batching(Generic[T, R]):
    """Calls a function of many with what was given one by one."""

    def __init__(self, of_many: Callable[[Sequence[T]], Sequence[R]]) -> None:
        self._of_many = of_many
        self._guard = threading.Lock()
        self._waiting: list[tuple[T, Future[R]]] = []
        self._is_asking = False

    def __call__(self, item: T) -> R:
        """Raises what the function raises, for all whom it was called for."""
        mine: Future[R] = Future()
        with self._guard:
            self._waiting.append((item, mine))
            asks = not self._is_asking
            self._is_asking = True
        if asks:
            self._ask()
        return mine.result()

    def _ask(self) -> None:
        while True:
            with self._guard:
                batch, self._waiting = self._waiting, []
                if not batch:
                    self._is_asking = False
                    return
            try:
                results = self._of_many([item for item, _ in batch])
            except BaseException as error:
                for _, future in batch:
                    future.set_exception(error)
            else:
                for (_, future), result in zip(batch, results, strict=True):
                    future.set_result(result)
