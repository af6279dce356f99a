"""Training: what is learned, what it promises, and that it can be repeated."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from cleaner.classifier.features import Features
from cleaner.classifier.learning import (
    MARGIN,
    STRICT,
    Example,
    Table,
    condition_of,
    fit,
    learn,
    taught_of,
    threshold_of,
    words_of,
)
from cleaner.classifier.model import WORDING, Model, logistic
from cleaner.errors import UsageError

TOLD = "ground:closed"
GROUPS = ("one", "two", "three")


def quiet(stage: str, done: int, total: int | None) -> None:
    """A watch that shows nothing."""


def examples(count: int = 400, *, seed: int = 1) -> Iterator[Example]:
    """Backscatter is told of strongly, genuine notices now and then a little; both have words of their own."""
    dice = random.Random(seed)
    for number in range(count):
        spurious = number % 2 == 0
        told = dice.uniform(0.6, 1.0) if spurious else dice.uniform(0.0, 0.3)
        facts = {"kind:ndr": 1.0, **({TOLD: told} if told > 0.1 else {})}
        words = tuple(sorted({dice.randrange(100) + (100 if spurious else 0) for _ in range(20)}))
        yield Example(Features(facts, words), spurious, GROUPS[number % 3], f"cluster {number}")


EXAMPLES = tuple(examples())


def test_it_tells_apart_what_it_was_not_trained_on() -> None:
    learned = learn(EXAMPLES, "m", wanted=0.02, watch=quiet)
    assert len(learned.held_out) == len(EXAMPLES)
    wrong = [1 for example, probability in learned.held_out if (probability > 0.5) != example.spurious]
    assert len(wrong) < 0.05 * len(EXAMPLES)
    assert learned.model.facts[TOLD] > 1.0
    assert learned.guarantee.holds
    removed = [e for e, p in learned.held_out if p >= learned.model.remove]
    assert removed
    assert all(example.spurious for example in removed)


def test_the_same_examples_give_the_same_model() -> None:
    assert learn(EXAMPLES, "m", watch=quiet) == learn(EXAMPLES, "m", watch=quiet)


def test_with_too_few_genuine_clusters_it_only_advises() -> None:
    learned = learn(EXAMPLES, "m", wanted=0.01, watch=quiet)
    assert learned.model.only_advises
    assert learned.guarantee.clusters == 200
    assert learned.guarantee.missing == 99


def test_what_was_set_aside_counts_for_the_promise_and_holds_the_threshold_up() -> None:
    aside = [replace(e, cluster=f"aside {e.cluster}") for e in EXAMPLES if not e.spurious]
    without, beside = (learn(EXAMPLES, "m", aside=some, wanted=0.02, watch=quiet) for some in ((), aside))
    assert beside.guarantee.clusters == without.guarantee.clusters + len(aside)
    assert beside.model.facts == without.model.facts
    loud = [replace(aside[0], features=Features({TOLD: 1.0}))]
    assert learn(EXAMPLES, "m", aside=loud, wanted=0.02, watch=quiet).model.remove > without.model.remove


def in_circumstances() -> list[Example]:
    """Each notice as it is, and in two circumstances; in one of them a finding tells the contrary of the truth."""
    found: list[Example] = []
    for example in EXAMPLES:
        mad = {TOLD: 0.0 if example.spurious else 1.0}
        found += (
            example,
            replace(example, condition=condition_of("moves", "away")),
            replace(example, features=replace(example.features, facts=mad), condition="strangers: crm"),
        )
    return found


def test_what_is_judged_was_trained_in_neither_its_world_nor_its_family() -> None:
    """Where all is turned round, only who has seen it there can be right."""
    examples = in_circumstances()
    held = learn(examples, "m", watch=quiet).held_out
    mad = [(e, p) for e, p in held if e.condition.startswith("strangers")]
    assert len(mad) == len(EXAMPLES)
    assert sum((p > 0.5) is e.spurious for e, p in mad) < len(mad) / 20
    one_family = [replace(e, condition="strangers: crm") for e, _ in mad]
    alone = learn(one_family, "m", watch=quiet).held_out
    assert sum((p > 0.5) is e.spurious for e, p in alone) > len(alone) * 0.9


def test_own_labels_are_judged_by_a_model_without_their_like_and_with_all_circumstances() -> None:
    own = [replace(e, own=True, group="own") for e in EXAMPLES[:60]]
    assert {e.fold[1] for e in own} == {""}
    held = learn([*in_circumstances(), *own], "m", watch=quiet).held_out
    assert sum(e.own for e, _ in held) == len(own)


def test_examples_that_share_their_features_are_trained_on_as_one() -> None:
    """Twice the same at half the weight is the same."""
    halves = [replace(e, weight=e.weight / 2) for e in EXAMPLES for _ in range(2)]
    table = Table.of(halves)
    assert len(table.truths) == len(EXAMPLES)
    whole, merged = fit(EXAMPLES, "m"), table.fit().model("m")
    assert merged.facts == pytest.approx(whole.facts, abs=1e-6)


def test_a_promise_counts_clusters_not_messages() -> None:
    copies = [replace(example, cluster=f"{index % 10}") for index, example in enumerate(EXAMPLES)]
    assert learn(copies, "m", wanted=0.02, watch=quiet).guarantee.clusters <= 30


def scored(*probabilities: float, told: float = 1.0) -> Sequence[tuple[Example, float]]:
    return [
        (Example(Features({TOLD: told} if told else {}), False, "g", str(number)), probability)
        for number, probability in enumerate(probabilities)
    ]


def test_the_threshold_stays_above_the_nearest_genuine_notice() -> None:
    threshold, _ = threshold_of(scored(*[0.1] * 400, 0.96), 0.01, 0.95)
    assert logistic(3.178 + MARGIN) <= threshold < 0.99
    lower, _ = threshold_of(scored(*[0.1] * 400), 0.01, 0.95)
    assert lower == pytest.approx(0.95)


def test_a_genuine_notice_at_the_very_top_leaves_only_advice() -> None:
    threshold, _ = threshold_of(scored(*[0.1] * 400, 0.99999), 0.01, 0.95)
    assert threshold > 1.0


def owned(count: int, *, spurious: bool = False, fact: str = "kind:ndr") -> Sequence[tuple[Example, float]]:
    return [
        (Example(Features({fact: 1.0}), spurious, "own", f"{spurious} {number}", own=True), 0.1)
        for number in range(count)
    ]


def test_own_labels_are_a_ground_by_themselves_once_there_are_enough_groups_of_genuine_ones() -> None:
    threshold, guarantee = taught_of(owned(3_000), STRICT, 0.95)
    assert guarantee.holds
    assert threshold == pytest.approx(0.95)
    threshold, guarantee = taught_of(owned(2_900), STRICT, 0.95)
    assert threshold > 1.0
    assert guarantee.missing == 95
    assert taught_of(owned(300), 0.01, 0.95)[0] == pytest.approx(0.95)
    assert taught_of(owned(290), 0.01, 0.95)[0] > 1.0


def test_labels_of_others_and_of_backscatter_do_not_carry_that_and_one_group_counts_once() -> None:
    others = [(replace(example, own=False), probability) for example, probability in owned(4_000)]
    assert taught_of(others, STRICT, 0.95)[1].clusters == 0
    assert taught_of(owned(4_000, spurious=True), STRICT, 0.95)[1].clusters == 0
    alike = [(replace(example, cluster="one"), probability) for example, probability in owned(4_000)]
    assert taught_of(alike, STRICT, 0.95)[1].clusters == 1


def test_an_own_genuine_notice_near_the_top_raises_what_own_labels_remove_from() -> None:
    near = [*owned(3_000), (Example(Features({}), False, "own", "near", own=True), 0.96)]
    assert taught_of(near, STRICT, 0.95)[0] > 0.97
    protected = [
        *owned(3_000),
        (Example(Features({"written_before:genuine": 1.0}), False, "own", "p", own=True), 0.99),
    ]
    assert taught_of(protected, STRICT, 0.95)[0] == pytest.approx(0.95)


def test_what_can_never_be_removed_does_not_raise_the_threshold() -> None:
    threshold, guarantee = threshold_of(scored(*[0.99] * 400, told=0.0), 0.01, 0.95)
    assert threshold == pytest.approx(0.95)
    assert guarantee.clusters == 400


def test_asking_agrees_with_the_library_that_trained() -> None:
    from scipy.sparse import hstack
    from sklearn.feature_extraction import DictVectorizer
    from sklearn.linear_model import LogisticRegression

    names = DictVectorizer()
    table = hstack(
        [names.fit_transform([dict(e.features.facts) for e in EXAMPLES]), words_of(EXAMPLES)]
    ).tocsr()
    library = LogisticRegression(max_iter=2000).fit(table, [e.spurious for e in EXAMPLES])
    model = fit(EXAMPLES, "m")
    for example, expected in zip(EXAMPLES, library.decision_function(table), strict=True):
        unbounded = (
            sum(model.words[word] for word in example.features.words) / len(example.features.words) ** 0.5
        )
        bounded = max(-WORDING, min(WORDING, unbounded))
        assert model.score(example.features) - bounded + unbounded == pytest.approx(expected, abs=1e-6)


def test_wording_alone_moves_only_so_far() -> None:
    shouting = Model("m", 0.0, {}, (1000.0,) * (1 << 13))
    assert shouting.score(Features({}, tuple(range(300)))) == WORDING


@pytest.mark.parametrize("some", [[], EXAMPLES[::2], [e for e in EXAMPLES if e.group == "one"]])
def test_too_little_to_learn_from_is_said(some: Sequence[Example]) -> None:
    with pytest.raises(UsageError, match="too little to learn from"):
        learn(some, "m", watch=quiet)


def test_groups_that_tell_nothing_of_each_other_are_too_little() -> None:
    """Each of two groups holds one truth: a model without the other has seen one only."""
    apart = [replace(example, group="bad" if example.spurious else "good") for example in EXAMPLES]
    with pytest.raises(UsageError, match="too little to learn from"):
        learn(apart, "m", watch=quiet)


def test_own_labels_are_split_by_cluster() -> None:
    own = [replace(example, own=True, group="harbor") for example in EXAMPLES]
    folds = {example.fold for example in own}
    assert 1 < len(folds) <= 5
    assert len({replace(own[0], features=Features({})).fold, own[0].fold}) == 1
    assert learn(own, "m", wanted=0.02, watch=quiet).guarantee.clusters == 200
