"""Training from labels: what is learned, what is kept of it, and that a careless label does not wreck it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from cleaner.classifier import Model, files
from cleaner.classifier.features import Features
from cleaner.classifier.shelf import Shelf
from cleaner.config import ModelSettings
from cleaner.errors import UsageError
from cleaner.service import models, training
from cleaner.store.labelling import LabelState, Origin, Statement, TrainingRow
from cleaner.values import Kind, Opinion, Specimen
from tests.service.hands import ANN, NOW, Hands, quiet
from tests.service.shelves import TOLD, release

HARBOR = "harbor"


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return release(tmp_path_factory.mktemp("released")).parent


@pytest.fixture
def ready(hands: Hands, released: Path, tmp_path: Path) -> Hands:
    context = hands.app.context
    settings = replace(context.settings, models=ModelSettings(path=tmp_path / "own"))
    hands.app.context = replace(context, settings=settings, shelf=Shelf(released=released))
    return hands


def labelled(hands: Hands, facts: dict[str, float], truth: Opinion, count: int, mark: str) -> None:
    said = [
        (
            Specimen(
                fingerprint=f"{mark} {number}",
                kind=Kind.AUTOREPLY,
                cluster=f"{mark} {number}",
                features=Features({"kind:autoreply": 1.0, **facts}).as_json(),
                opinion=Opinion.UNSURE,
            ),
            Statement(HARBOR, truth, by="admin", at=NOW, why="seen", origin=Origin.ADMINISTRATOR),
        )
        for number in range(count)
    ]
    hands.app.context.store.labels.add(said, keep_samples=False)


def removed(hands: Hands, facts: dict[str, float]) -> bool:
    model = models.model_for(hands.app.context, HARBOR)
    assert model is not None
    return model.probability(Features({"kind:autoreply": 1.0, **facts})) >= model.remove


def test_without_labels_the_base_is_learned_again(ready: Hands) -> None:
    trained = training.train(ready.app.context, None, quiet)
    assert (trained.name, trained.own_labels) == ("harbor-2026.11.20-1", 0)
    assert trained.promoted
    assert models.in_use(ready.app.context, HARBOR) == trained.name
    assert set(files.read(trained.folder)) >= {files.MODEL, files.BASE, files.CARD, files.WORDS}
    assert training.train(ready.app.context, None, quiet).name == "harbor-2026.11.20-2"


def test_a_handful_of_labels_teaches_a_kind_that_the_base_lacks(ready: Hands) -> None:
    strange = {TOLD: 0.1, "new_finding:backscatter": 1.0}
    assert not removed(ready, strange)
    labelled(ready, strange, Opinion.BACKSCATTER, 30, "bad")
    labelled(ready, {TOLD: 0.1}, Opinion.GENUINE, 10, "good")
    trained = training.train(ready.app.context, None, quiet)
    assert trained.own_labels == 40
    assert trained.promoted, trained.objections
    assert removed(ready, strange)
    assert not removed(ready, {TOLD: 0.1})


def test_one_wrong_label_in_twenty_does_not_harm(ready: Hands) -> None:
    """What is plainly backscatter called genuine: a model that would forget how to remove is not taken."""
    labelled(ready, {TOLD: 0.9}, Opinion.BACKSCATTER, 190, "right")
    labelled(ready, {TOLD: 0.9}, Opinion.GENUINE, 10, "wrong")
    trained = training.train(ready.app.context, None, quiet)
    assert not trained.promoted
    assert "on the hold-out it would remove" in trained.objections[0]
    assert models.in_use(ready.app.context, HARBOR) == "2026.11-1"


def test_one_owner_does_not_move_the_model_for_all(ready: Hands) -> None:
    """However many of his moves were confirmed, they weigh as ten labels; were they anybody's, they would."""

    def said(count: int, mark: str, origin: Origin) -> None:
        facts = Features({"kind:autoreply": 1.0, TOLD: 0.9}).as_json()
        statement = Statement(HARBOR, Opinion.GENUINE, ANN, NOW, "moved", mailbox=ANN, origin=origin)
        ready.app.context.store.labels.add(
            [
                (Specimen(f"{mark} {n}", Kind.AUTOREPLY, f"{mark} {n}", facts, Opinion.UNSURE), statement)
                for n in range(count)
            ],
            keep_samples=False,
        )

    def probability(folder: Path) -> float:
        return files.load(folder).probability(Features({"kind:ndr": 1.0, TOLD: 0.9}))

    before = training.train(ready.app.context, None, quiet, may_promote=False)
    said(300, "his", Origin.OWNER)
    his = training.train(ready.app.context, None, quiet, may_promote=False)
    said(300, "told", Origin.ADMINISTRATOR)
    anybodys = training.train(ready.app.context, None, quiet, may_promote=False)
    assert probability(before.folder) - probability(his.folder) < 0.1
    assert probability(anybodys.folder) < probability(his.folder)
    assert his.comparisons[0].new.removed >= 0.99 * his.comparisons[0].old.removed or his.objections


def test_withdrawn_labels_have_no_effect(ready: Hands) -> None:
    before = training.train(ready.app.context, None, quiet)
    labelled(ready, {TOLD: 0.9}, Opinion.GENUINE, 20, "wrong")
    context = ready.app.context
    context.store.labels.settle(range(1, 21), LabelState.WITHDRAWN, by="admin", at=NOW + timedelta(hours=1))
    after = training.train(context, None, quiet)
    assert after.own_labels == 0
    assert (after.folder / files.MODEL).read_bytes() == (before.folder / files.MODEL).read_bytes()


def test_a_candidate_waits(ready: Hands) -> None:
    trained = training.train(ready.app.context, None, quiet, may_promote=False)
    assert not trained.promoted
    assert models.in_use(ready.app.context, HARBOR) == "2026.11-1"
    models.promote(ready.app.context, trained.name)
    assert models.in_use(ready.app.context, HARBOR) == trained.name


def test_without_a_released_model_there_is_no_base(hands: Hands, tmp_path: Path) -> None:
    hands.app.context = replace(hands.app.context, shelf=Shelf(released=tmp_path))
    with pytest.raises(UsageError, match="no base to train from"):
        training.train(hands.app.context, None, quiet)


def test_a_base_that_is_none_of_ours_is_said_in_our_words(ready: Hands, tmp_path: Path) -> None:
    kept = {files.BASE: files.lines([{"spurious": True}]), files.CARD: b"# Model\n"}
    files.save(tmp_path / "odd" / "2026.11-1", Model("2026.11-1", 0.0, {}), kept, {})
    context = replace(ready.app.context, shelf=Shelf(released=tmp_path / "odd"))
    with pytest.raises(UsageError, match=r"base\.jsonl\.gz in its folder\) is not as this program writes it"):
        training.train(context, None, quiet)


def test_a_place_that_cannot_be_written_is_said(ready: Hands, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    context = ready.app.context
    settings = replace(context.settings, models=ModelSettings(path=tmp_path / "file"))
    with pytest.raises(UsageError, match=r"cannot be written.*models\.path"):
        training.train(replace(context, settings=settings), None, quiet)


# --- how much each may weigh ------------------------------------------------------------------------


def row(
    number: int, *, mailbox: str = "m", origin: Origin = Origin.ADMINISTRATOR, **more: bool
) -> TrainingRow:
    return TrainingRow(
        id=number,
        features=Features({TOLD: 1.0}).as_json(),
        truth=Opinion.BACKSCATTER,
        kind=Kind.NDR,
        origin=origin,
        mailbox=mailbox,
        cluster=str(number),
        at=NOW,
        proven=more.get("proven", False),
    )


def weight(rows: Iterable[TrainingRow]) -> float:
    return sum(example.weight for example in training.own_examples(rows))


def test_a_few_labels_weigh_fully_and_many_of_one_mailbox_no_more_than_agreed() -> None:
    assert weight(row(n) for n in range(10)) == 10 * training.OWN_WEIGHT
    assert weight(row(n) for n in range(1000)) == pytest.approx(training.MOST_OF_A_MAILBOX)
    assert weight(row(n, mailbox=str(n)) for n in range(1000)) == 1000 * training.OWN_WEIGHT


def test_one_owners_moves_weigh_little_however_many() -> None:
    many = [row(n, origin=Origin.OWNER) for n in range(500)]
    assert weight(many) == pytest.approx(training.MOST_OF_AN_OWNER)
    assert training.MOST_OF_AN_OWNER < 0.1 * training.MOST_OF_A_MAILBOX + 1


def test_what_carries_a_proof_teaches_nothing() -> None:
    assert weight([row(1, proven=True)]) == 0.0
