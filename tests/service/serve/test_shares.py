"""Free workers are shared between servers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cleaner.service.serve.shares import allot
from cleaner.store.records import Turn

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def due(server: str, count: int, since: int = 0) -> tuple[Turn, ...]:
    times = (NOW - timedelta(seconds=since) + timedelta(seconds=n) for n in range(count))
    return tuple(Turn(f"{server}{n}@harbor.example", server, at) for n, at in enumerate(times))


def names(turns: tuple[Turn, ...]) -> list[str]:
    return [turn.address.partition("@")[0] for turn in turns]


def test_one_server_has_all_workers_up_to_its_limit() -> None:
    assert names(allot({"a": due("a", 9)}, {}, {"a": 3}, 8)) == ["a0", "a1", "a2"]
    assert names(allot({"a": due("a", 9)}, {"a": 2}, {"a": 3}, 8)) == ["a0"]
    assert allot({"a": due("a", 9)}, {"a": 3}, {"a": 3}, 8) == ()


def test_a_long_backlog_leaves_the_others_their_share() -> None:
    """The server with a thousand mailboxes has been due for longer, and still does not come first."""
    waiting = {"big": due("big", 1000, since=9999), "small": due("small", 2)}
    chosen = names(allot(waiting, {}, {"big": 50, "small": 50}, 4))
    assert chosen == ["big0", "small0", "big1", "small1"]


def test_a_freed_worker_goes_to_the_server_that_has_the_fewest() -> None:
    waiting = {"slow": due("slow", 10, since=99), "quick": due("quick", 10)}
    assert names(allot(waiting, {"slow": 7}, {"slow": 50, "quick": 50}, 1)) == ["quick0"]


def test_what_one_server_does_not_need_another_gets() -> None:
    waiting = {"a": due("a", 1), "b": due("b", 10)}
    assert sorted(names(allot(waiting, {}, {"a": 4, "b": 9}, 5))) == ["a0", "b0", "b1", "b2", "b3"]
