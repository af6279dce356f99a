"""Of several processes one does a piece of upkeep, and none does it again before its time."""

from __future__ import annotations

from datetime import timedelta

from cleaner.store import Store
from tests.store.samples import KEY, NOW

HOUR = timedelta(hours=1)


def test_whoever_comes_first_does_it_until_it_is_due_again(shared_url: str) -> None:
    with Store.open(shared_url, KEY) as one, Store.open(shared_url, KEY) as other:
        assert one.upkeep.claim("retraining", NOW, HOUR)
        assert not other.upkeep.claim("retraining", NOW, HOUR)
        assert other.upkeep.claim("something else", NOW, HOUR)
        assert not one.upkeep.claim("retraining", NOW + HOUR - timedelta(seconds=1), HOUR)
        assert other.upkeep.claim("retraining", NOW + HOUR, HOUR)
        assert not one.upkeep.claim("retraining", NOW + HOUR, HOUR)


def test_a_clock_that_was_set_back_keeps_it_not_waiting(shared_url: str) -> None:
    with Store.open(shared_url, KEY) as store:
        assert store.upkeep.claim("retraining", NOW, HOUR)
        assert store.upkeep.claim("retraining", NOW - timedelta(days=2), HOUR)
