"""Labels that wait are learned from without anybody's doing, in a process that stands in nobody's way."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from cleaner.app import App
from cleaner.classifier.features import Features
from cleaner.errors import UsageError
from cleaner.service import models
from cleaner.service.context import Context
from cleaner.service.retraining import Retraining, command, due, train_if_due
from cleaner.service.serve import Service
from cleaner.store.labelling import LabelState, Origin, Statement
from cleaner.store.records import Training
from cleaner.values import Kind, Opinion, Specimen
from tests.service.hands import ANN, NOW, Hands, installed, quiet

HARBOR = "harbor"
PATIENCE = 100.0


def label(context: Context, count: int, mark: str = "x") -> None:
    said = [
        (
            Specimen(
                fingerprint=f"{mark} {number}",
                kind=Kind.NDR,
                cluster=f"{mark} {number}",
                features=Features({"kind:ndr": 1.0, "handed_over:backscatter": 1.0}).as_json(),
                opinion=Opinion.UNSURE,
            ),
            Statement(
                HARBOR, Opinion.BACKSCATTER, "admin", context.clock(), "seen", origin=Origin.ADMINISTRATOR
            ),
        )
        for number in range(count)
    ]
    context.store.labels.add(said, keep_samples=False)


def set_models(hands: Hands, **changes: object) -> None:
    settings = hands.app.context.settings
    hands.put(replace(settings, models=replace(settings.models, **changes)))  # type: ignore[arg-type]


def learned(hands: Hands) -> None:
    """As if a model had just been trained from all that there is."""
    store = hands.app.context.store
    store.models.note(
        Training(HARBOR, hands.now, "root", "m", 1, promoted=True, why="", last_label=store.labels.latest())
    )


def is_due(hands: Hands) -> bool:
    return bool(tuple(due(hands.app.context)))


def test_without_labels_nothing_is_due(hands: Hands) -> None:
    hands.now += timedelta(days=400)
    assert not is_due(hands)


def test_a_few_labels_wait_a_week_and_many_do_not(hands: Hands) -> None:
    label(hands.app.context, 49)
    assert not is_due(hands)
    hands.now += timedelta(days=6, hours=23)
    assert not is_due(hands)
    hands.now += timedelta(hours=1)
    assert is_due(hands)
    hands.now = NOW
    label(hands.app.context, 1, "one more")
    (found,) = due(hands.app.context)
    assert (found.organisation, found.labels) == (HARBOR, 50)
    assert "50 labels" in found.why


def test_what_was_learned_waits_no_more_and_a_withdrawal_does(hands: Hands) -> None:
    label(hands.app.context, 60)
    learned(hands)
    hands.now += timedelta(days=30)
    assert not is_due(hands)
    hands.app.context.store.labels.settle([3], LabelState.WITHDRAWN, by="admin", at=hands.now)
    assert not is_due(hands)
    hands.now += timedelta(days=7)
    assert is_due(hands)


def test_it_can_be_switched_off(hands: Hands) -> None:
    label(hands.app.context, 60)
    hands.now += timedelta(days=30)
    set_models(hands, retrain=timedelta(0), retrain_after=0)
    assert not is_due(hands)
    set_models(hands, retrain_after=50)
    assert is_due(hands)
    set_models(hands, use=False)
    assert not is_due(hands)


def test_only_one_process_trains_and_who_comes_later_finds_it_done(hands: Hands) -> None:
    context = hands.app.context
    label(context, 60)
    with context.store.training(HARBOR):
        assert train_if_due(context, HARBOR, quiet) is None
    assert train_if_due(context, HARBOR, quiet) is not None
    assert train_if_due(context, HARBOR, quiet) is None


def test_what_cannot_be_learned_is_not_tried_again_and_again(hands: Hands, tmp_path: Path) -> None:
    context = hands.app.context
    label(context, 60)
    context = hands.app.context = replace(context, shelf=replace(context.shelf, released=tmp_path / "none"))
    with pytest.raises(UsageError, match="no base"):
        train_if_due(context, HARBOR, quiet)
    assert not is_due(hands)
    (noted,) = context.store.models.trainings(HARBOR)
    assert noted.model is None
    assert "no base" in noted.why


def test_the_same_labels_give_the_same_model(hands: Hands) -> None:
    context = hands.app.context
    label(context, 60)
    first = train_if_due(context, HARBOR, quiet)
    label(context, 1, "one more")
    context.store.labels.settle([61], LabelState.WITHDRAWN, by="admin", at=NOW + timedelta(minutes=1))
    hands.now += timedelta(days=8)
    second = train_if_due(context, HARBOR, quiet)
    assert first is not None
    assert second is not None
    for name in ("model.json", "words.f32", "reference.json"):
        assert (first.folder / name).read_bytes() == (second.folder / name).read_bytes()


# --- in a process of its own -------------------------------------------------------------------------


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Hands]:
    """The demo as it is on disk, for the process reads it from there; by the true clock."""
    path = installed(tmp_path / "demo")
    path.write_text(f"{path.read_text()}\n[models]\nretrain_after = 30\n")
    with App.open(path) as app:
        yield Hands(app, tmp_path / "demo")


def test_a_running_service_judges_by_the_model_that_came_of_it(
    serving: Hands, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    context = serving.app.context
    before = models.in_use(context, HARBOR)
    serving.opt_in(ANN)
    service = Service(context, tick=3600)
    try:
        label(context, 40)
        retraining = Retraining()
        retraining.look(context)
        assert retraining.wait(PATIENCE)
        new = models.in_use(context, HARBOR)
        assert new is not None
        assert new != before
        assert f"harbor is judged by the new model {new} from now on" in caplog.text
        assert "training begins for harbor: 40 labels" in caplog.text
        assert "training for harbor: training" in caplog.text
        (result,) = serving.scan()
        assert {line["model"] for line in result.lines if line["probability"] is not None} == {new}
        assert not tuple(due(context))
    finally:
        service.stop()


def test_what_does_not_become_better_stays_a_candidate_and_says_why(
    serving: Hands, caplog: pytest.LogCaptureFixture
) -> None:
    def refused(context: Context, organisation: str) -> Sequence[str]:
        result = '{"model": "m9", "promoted": false, "objections": ["it would lose one more"]}'
        return sys.executable, "-c", f"print({result!r})"

    label(serving.app.context, 40)
    retraining = Retraining(refused)
    retraining.look(serving.app.context)
    assert retraining.wait(PATIENCE)
    assert "the new model m9 stays a candidate and judges along: it would lose one more" in caplog.text


def test_a_process_that_fails_is_told_and_not_begun_again_at_once(
    serving: Hands, caplog: pytest.LogCaptureFixture
) -> None:
    begun: list[str] = []

    def failing(context: Context, organisation: str) -> Sequence[str]:
        begun.append(organisation)
        return sys.executable, "-c", "raise SystemExit('no room')"

    caplog.set_level(logging.INFO)
    label(serving.app.context, 40)
    retraining = Retraining(failing)
    for _ in range(3):
        retraining.look(serving.app.context)
        assert retraining.wait(PATIENCE)
    assert begun == [HARBOR]
    assert "no room" in caplog.text
    assert "training for harbor failed; what is in use stays" in caplog.text


def test_the_end_of_the_service_does_not_wait_for_a_training(serving: Hands) -> None:
    begun = threading.Event()

    def endless(context: Context, organisation: str) -> Sequence[str]:
        begun.set()
        return sys.executable, "-c", "import time\nwhile True: time.sleep(1)"

    label(serving.app.context, 40)
    retraining = Retraining(endless)
    retraining.look(serving.app.context)
    assert begun.wait(PATIENCE)
    retraining.stop()
    assert not retraining.is_at_work
    retraining.look(serving.app.context)
    assert not retraining.is_at_work


def test_the_process_is_our_own_program(serving: Hands) -> None:
    context = serving.app.context
    words = command(context, HARBOR)
    assert words[:3] == (sys.executable, "-m", "cleaner")
    assert "--if-due" in words
    assert str(context.settings.path) in words


def test_the_service_looks_by_itself_and_ends_it_with_itself(serving: Hands) -> None:
    begun = threading.Event()

    def endless(context: Context, organisation: str) -> Sequence[str]:
        begun.set()
        return sys.executable, "-c", "import time\nwhile True: time.sleep(1)"

    label(serving.app.context, 40)
    retraining = Retraining(endless)
    service = Service(serving.app.context, tick=3600, retraining=retraining)
    service.start()
    try:
        assert begun.wait(PATIENCE)
    finally:
        assert service.stop()
    assert not retraining.is_at_work
