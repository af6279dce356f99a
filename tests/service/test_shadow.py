"""A candidate judges along: what it says is kept and told, and nothing is done by it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from cleaner.classifier import files
from cleaner.classifier.model import Model
from cleaner.classifier.reference import Reference
from cleaner.classifier.shelf import Shelf
from cleaner.config import ModelSettings
from cleaner.errors import UsageError
from cleaner.service import models
from cleaner.service.shadow import compare
from cleaner.values import Opinion
from tests.service.hands import ANN, NOW, Hands

HARBOR = "harbor"
CAREFUL = Model("2026.11-1", -20.0, {}, remove=0.97, keep=-1.0, reference=Reference())
"""Calls nothing backscatter that the rules do not, and nothing the rules call so either."""
BOLD = Model("bold", 20.0, {}, remove=0.95)


@pytest.fixture
def ready(hands: Hands, tmp_path: Path) -> Hands:
    released, own = tmp_path / "released", tmp_path / "own"
    files.save(released / CAREFUL.name, CAREFUL, {files.CARD: b"# Card\n"}, {})
    files.save(own / BOLD.name, BOLD, {files.CARD: b"# Card\n"}, {})
    context = hands.app.context
    settings = replace(context.settings, models=ModelSettings(path=own))
    hands.app.context = replace(context, settings=settings, shelf=Shelf(released=released))
    hands.opt_in(ANN)
    return hands


def test_it_changes_nothing_of_what_is_done(ready: Hands) -> None:
    before = ready.snapshot()
    models.judge_along(ready.app.context, BOLD.name)
    (result,) = ready.scan()
    asked = [line for line in result.lines if line["probability"] is not None]
    assert asked
    assert {line["model"] for line in asked} == {CAREFUL.name}
    assert {line["verdict"] for line in asked} <= {"unsure", "genuine"}
    assert ready.snapshot().keys() == before.keys()


def test_where_it_differs_is_told_with_the_notices(ready: Hands) -> None:
    context = ready.app.context
    models.judge_along(context, BOLD.name)
    ready.scan()
    found = compare(ready.app.context)
    assert (found.candidate, found.active, found.since) == (BOLD.name, CAREFUL.name, NOW)
    assert found.judged > found.differs > 0
    assert found.ways[Opinion.UNSURE, Opinion.BACKSCATTER] > 0
    assert sum(found.ways.values()) == found.differs == len(found.differences)
    one = found.differences[0]
    assert (one.mailbox, one.folder) == (ANN, "INBOX")
    assert one.candidate.model == BOLD.name
    assert one.candidate.opinion is not one.active.opinion


def test_a_look_that_changes_nothing_keeps_no_difference(ready: Hands) -> None:
    from cleaner.service.scan import ScanRequest

    models.judge_along(ready.app.context, BOLD.name)
    ready.scan(ScanRequest(dry_run=True))
    assert compare(ready.app.context).judged == 0


def test_promoted_it_judges_along_no_more(ready: Hands) -> None:
    context = ready.app.context
    models.judge_along(context, BOLD.name)
    models.promote(context, BOLD.name)
    assert context.store.watching.shadow(HARBOR) is None
    with pytest.raises(UsageError, match="in use for harbor already"):
        models.judge_along(context, BOLD.name)


def test_a_candidate_that_was_changed_does_not_stop_the_work(ready: Hands) -> None:
    context = ready.app.context
    models.judge_along(context, BOLD.name)
    (context.settings.models.path / BOLD.name / files.MODEL).write_text("{}")
    ready.now += timedelta(hours=1)
    (result,) = ready.scan()
    assert result.error is None
    assert compare(context).judged == 0


def test_with_none_there_is_nothing_to_compare(ready: Hands) -> None:
    with pytest.raises(UsageError, match="no candidate judges along for harbor"):
        compare(ready.app.context)
    models.judge_along(ready.app.context, BOLD.name)
    models.judge_along(ready.app.context, "none")
    with pytest.raises(UsageError, match="no candidate judges along"):
        compare(ready.app.context)
