"""What is done for the installation as a whole is done at its time, one after the other, and ends when asked."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta

from cleaner.errors import ServerUnavailableError
from cleaner.service.context import Context
from cleaner.service.serve.upkeep import Job, Upkeep
from tests.service.hands import Hands

PATIENCE = 30.0
HOUR = timedelta(hours=1)


class Done:
    """Notes what was done."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._one = threading.Semaphore(0)

    def job(self, name: str, error: Exception | None = None) -> Job:
        def do(_context: Context, _stopping: Callable[[], bool]) -> None:
            self.names.append(name)
            self._one.release()
            if error is not None:
                raise error

        return Job(name, HOUR, do)

    def after_turns(self, upkeep: Upkeep, context: Context, times: int = 1) -> None:
        """Until as many more were done; a job that has just been done may still be about to say so."""
        until = time.monotonic() + PATIENCE
        for _ in range(times):
            upkeep.turn(context)
            while not self._one.acquire(timeout=0.01):
                assert time.monotonic() < until
                upkeep.turn(context)


def test_each_is_done_at_the_start_and_then_every_so_often(hands: Hands) -> None:
    done = Done()
    upkeep = Upkeep([done.job("a"), done.job("b")])
    done.after_turns(upkeep, hands.app.context, 2)
    hands.now += HOUR - timedelta(seconds=1)
    upkeep.turn(hands.app.context)
    hands.now += timedelta(seconds=1)
    done.after_turns(upkeep, hands.app.context, 2)
    assert upkeep.close(PATIENCE)
    assert done.names == ["a", "b", "a", "b"]


def test_a_clock_that_was_set_back_keeps_none_waiting(hands: Hands) -> None:
    done = Done()
    upkeep = Upkeep([done.job("a")])
    done.after_turns(upkeep, hands.app.context)
    hands.now -= timedelta(days=3)
    done.after_turns(upkeep, hands.app.context)
    assert upkeep.close(PATIENCE)


def test_one_that_fails_keeps_neither_the_others_nor_itself(hands: Hands) -> None:
    done = Done()
    jobs = [
        done.job("a", ZeroDivisionError()),
        done.job("b", ServerUnavailableError("x", "y")),
        done.job("c"),
    ]
    upkeep = Upkeep(jobs)
    done.after_turns(upkeep, hands.app.context, 3)
    hands.now += HOUR
    done.after_turns(upkeep, hands.app.context, 3)
    assert upkeep.close(PATIENCE)


def test_one_that_takes_long_is_not_begun_twice_and_stops_when_it_is_asked_to(hands: Hands) -> None:
    began, times = threading.Event(), []

    def do(_context: Context, stopping: Callable[[], bool]) -> None:
        times.append(1)
        began.set()
        while not stopping():
            threading.Event().wait(0.01)

    upkeep = Upkeep([Job("long", HOUR, do)])
    upkeep.turn(hands.app.context)
    assert began.wait(PATIENCE)
    hands.now += HOUR
    upkeep.turn(hands.app.context)
    assert upkeep.close(PATIENCE)
    assert times == [1]


def test_one_that_does_not_stop_is_left_to_itself(hands: Hands) -> None:
    began, go_on = threading.Event(), threading.Event()

    def do(_context: Context, _stopping: Callable[[], bool]) -> None:
        began.set()
        assert go_on.wait(PATIENCE)

    upkeep = Upkeep([Job("deaf", HOUR, do)])
    upkeep.turn(hands.app.context)
    assert began.wait(PATIENCE)
    assert not upkeep.close(0)
    go_on.set()
