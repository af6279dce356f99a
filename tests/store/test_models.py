"""The choice of models: kept for good, the latest counts, each organisation its own."""

from __future__ import annotations

from datetime import timedelta

from cleaner.store import Store
from cleaner.store.records import ModelChoice
from tests.store.samples import NOW


def choice(model: str | None, organisation: str = "harbor", hours: int = 0) -> ModelChoice:
    return ModelChoice(organisation, NOW + timedelta(hours=hours), "admin", model, "tried it")


def test_nobody_chose_yet(store: Store) -> None:
    assert store.models.current("harbor") is None
    assert store.models.history("harbor") == ()


def test_the_latest_choice_counts_and_all_are_kept(store: Store) -> None:
    for step in (choice("a"), choice(None, hours=1), choice("b", hours=2), choice("z", "other")):
        store.models.choose(step)
    assert store.models.current("harbor") == choice("b", hours=2)
    assert [step.model for step in store.models.history("harbor")] == ["a", None, "b"]
    assert store.models.current("other") == choice("z", "other")
