"""What a model was trained on is kept in shares, and comes back as it was written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cleaner.classifier import files
from cleaner.classifier.model import Model
from cleaner.classifier.reference import OWN, Reference, Seen, pattern, reference
from cleaner.errors import UsageError

FULL = "full"
A, B, AB = frozenset("a"), frozenset("b"), frozenset("ab")


def made(*seen: Seen) -> Reference:
    return reference(seen, FULL, 0.1, 0.9)


def test_shares_are_counted_by_what_was_known() -> None:
    found = made(Seen("w1", FULL, A), Seen("w1", FULL, AB), Seen("w1", "no-keys", B), Seen("own", OWN, A))
    assert found.states[FULL].notices == 2
    assert found.states[FULL].findings == {"a": 1.0, "b": 0.5}
    assert found.states["no-keys"].findings == {"b": 1.0}
    assert found.states[OWN].findings == {"a": 1.0}


def test_what_never_came_together_is_strange() -> None:
    found = made(Seen("w1", FULL, A), Seen("w1", "no-keys", AB))
    assert not found.is_strange(["a"])
    assert not found.is_strange(["b", "a"])
    assert found.is_strange(["b"])
    assert found.is_strange([])


def test_how_strange_a_group_is_to_the_others_is_the_worst_of_them() -> None:
    """A group's own other states do not make its findings known, those of the other groups do."""
    found = made(
        Seen("w1", FULL, A), Seen("w1", FULL, A), Seen("w2", FULL, A), Seen("w2", FULL, B), Seen("w2", "x", B)
    )
    assert found.strange == 0.5
    assert made(Seen("w1", FULL, A)).strange == 0.0


def test_what_was_left_undecided_is_counted_of_what_was_held_out() -> None:
    told = (0.05, 0.1, 0.5, 0.9, 0.99, None)
    assert made(*(Seen("w1", FULL, A, probability) for probability in told)).between == 2 / 5
    assert made(Seen("w1", "no-keys", A, 0.5)).between == 0.0


def test_it_comes_back_with_its_model(tmp_path: Path) -> None:
    kept = made(Seen("w1", FULL, A, 0.5), Seen("w2", FULL, B, 0.05))
    files.save(tmp_path / "m", Model("m", 0.0, {}, reference=kept), {files.CARD: b"#\n"}, {})
    assert files.load(tmp_path / "m").reference == kept
    files.save(tmp_path / "n", Model("n", 0.0, {}), {files.CARD: b"#\n"}, {})
    assert files.load(tmp_path / "n").reference is None


@pytest.mark.parametrize(
    "written",
    ["[]", "{}", '{"states": {"full": 1}, "patterns": [], "strange": 0, "between": 0}', "not JSON"],
)
def test_one_that_is_none_is_refused_in_our_words(tmp_path: Path, written: str) -> None:
    kept = {files.CARD: b"#\n", files.REFERENCE: written.encode()}
    files.save(tmp_path / "m", Model("m", 0.0, {}), kept, {})
    with pytest.raises(UsageError, match=r"reference\.json is not what this release writes"):
        files.load(tmp_path / "m")


def test_a_share_that_is_no_number_is_refused() -> None:
    fields = made(Seen("w1", FULL, A)).as_json()
    with pytest.raises(ValueError, match="not finite"):
        Reference.from_json(json.loads(json.dumps({**fields, "strange": float("nan")})))


def test_the_order_of_findings_does_not_matter() -> None:
    assert pattern(["a", "b"]) == pattern(["b", "a", "a"])
    assert pattern(["a", "b"]) != pattern(["a"])
