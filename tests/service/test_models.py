"""Which model judges: chosen, gone back from, refused without stopping the work."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cleaner.classifier import files
from cleaner.classifier.model import Model
from cleaner.classifier.shelf import Shelf
from cleaner.config import ModelSettings
from cleaner.errors import UsageError
from cleaner.service import models
from tests.service.hands import Hands

HARBOR = "harbor"


@pytest.fixture
def shelved(hands: Hands, tmp_path: Path) -> Hands:
    """Two released models, one trained here."""
    released, own = tmp_path / "released", tmp_path / "own"
    for place, name in ((released, "2026.11-1"), (released, "2026.11-2"), (own, "harbor-1")):
        files.save(place / name, Model(name, 0.0, {}, remove=0.97), {files.CARD: b"# Card\n"}, {})
    context = hands.app.context
    settings = replace(context.settings, models=ModelSettings(path=own))
    hands.app.context = replace(context, settings=settings, shelf=Shelf(released=released))
    return hands


def in_use(hands: Hands) -> str | None:
    return models.in_use(hands.app.context, HARBOR)


def test_the_newest_released_one_judges_where_nobody_chose(shelved: Hands) -> None:
    assert in_use(shelved) == "2026.11-2"


def test_what_was_chosen_judges_until_it_is_gone_back_from(shelved: Hands) -> None:
    context = shelved.app.context
    models.promote(context, "harbor-1")
    assert in_use(shelved) == "harbor-1"
    assert models.rollback(context).model == "2026.11-2"
    assert in_use(shelved) == "2026.11-2"


def test_going_back_twice_leads_to_the_one_before_the_latest(shelved: Hands) -> None:
    context = shelved.app.context
    for name in ("2026.11-1", "harbor-1"):
        models.promote(context, name)
    assert models.rollback(context).model == "2026.11-1"
    assert in_use(shelved) == "2026.11-1"


def test_rules_alone_can_be_chosen(shelved: Hands) -> None:
    models.promote(shelved.app.context, models.RULES_ALONE)
    assert in_use(shelved) is None


def test_no_model_is_asked_where_the_configuration_says_so(shelved: Hands) -> None:
    context = shelved.app.context
    settings = replace(context.settings, models=replace(context.settings.models, use=False))
    shelved.app.context = replace(context, settings=settings)
    assert in_use(shelved) is None


def test_a_refused_model_gives_way_to_the_one_before(
    shelved: Hands, caplog: pytest.LogCaptureFixture
) -> None:
    context = shelved.app.context
    models.promote(context, "harbor-1")
    (context.settings.models.path / "harbor-1" / files.MODEL).write_text("{}")
    assert in_use(shelved) == "2026.11-2"
    assert "changed after the model was made" in caplog.text
    row = next(row for row in models.rows(context) if row.name == "harbor-1")
    assert (row.own, row.used_by) == (True, ())
    assert "refused" in row.refused


def test_an_unknown_model_is_not_promoted(shelved: Hands) -> None:
    with pytest.raises(UsageError, match=r"no model no-such.*2026\.11-1"):
        models.promote(shelved.app.context, "no-such")
    with pytest.raises(UsageError, match="nothing to go back to"):
        models.rollback(shelved.app.context)


def test_the_organisation_must_be_one_of_ours(shelved: Hands) -> None:
    with pytest.raises(UsageError, match="--organisation NAME"):
        models.promote(shelved.app.context, "harbor-1", "elsewhere")


def test_another_model_changes_what_is_known(shelved: Hands) -> None:
    """So that what was unsure is judged again."""
    context = shelved.app.context
    mailbox = context.settings.mailboxes[0]
    assert context.knowledge(mailbox, "a") != context.knowledge(mailbox, "b")


def test_the_page_shows_card_findings_and_words(shelved: Hands) -> None:
    page = models.page(shelved.app.context, "2026.11-1")
    assert page.card == "# Card\n"
    assert page.row.remove == 0.97
