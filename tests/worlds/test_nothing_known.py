"""Real notices where nothing is known of the addressee: no form and no wording removes one, however sure a model is."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from cleaner.app import released_model, scratch_store
from cleaner.classifier.features import WIDTH
from cleaner.classifier.model import Model
from cleaner.service.datasets import mailbags
from cleaner.service.evaluate import Case, cases, judge
from cleaner.values import Known, Opinion

OVERBEARING = Model("overbearing", 50.0, {}, (1000.0,) * WIDTH, remove=0.95)
"""A model that takes everything for backscatter, by its words above all."""


@cache
def real(corpus: Path) -> tuple[Case, ...]:
    (bag,) = mailbags(corpus / "bounces")
    return cases(bag, scratch_store)


@pytest.mark.corpus
@pytest.mark.parametrize("model", [None, released_model(None), OVERBEARING])
def test_no_real_notice_is_removed_and_what_is_not_known_is_unsure(corpus: Path, model: Model | None) -> None:
    every = real(corpus)
    nothing: Known = every[0].known
    assert not nothing.organisation.relay_networks
    assert not nothing.sent.mails
    found = [one for one in judge(every, model=model) if one.case.label.truth is not Opinion.NOT_A_BOUNCE]
    assert not [one.case.label.path.name for one in found if one.opinion is Opinion.BACKSCATTER]
    verified = [one for one in found if one.truth is not None and one.case.notice.kind.is_judged]
    assert len(verified) > 60
    assert {one.opinion for one in verified} == {Opinion.UNSURE}


@pytest.mark.corpus
def test_words_that_were_learned_decide_nothing_by_themselves(corpus: Path) -> None:
    """The bundled model's words alone, without a limit to what they may add: still nothing goes."""
    learned = released_model(None)
    assert learned is not None
    wordy = Model("wordy", 10.0, {}, tuple(1000.0 * weight for weight in learned.words), remove=0.95)
    found = list(judge(real(corpus), model=wordy))
    asked = [one for one in found if one.verdict.probability is not None]
    assert sum(one.verdict.probability >= 0.95 for one in asked if one.verdict.probability) > 0.9 * len(asked)
    assert not [one for one in found if one.opinion is Opinion.BACKSCATTER]
