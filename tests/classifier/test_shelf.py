"""Which models there are, and which is the newest."""

from __future__ import annotations

from pathlib import Path

import pytest

from cleaner.classifier import files
from cleaner.classifier.model import Model
from cleaner.classifier.shelf import Shelf
from cleaner.errors import UsageError


def put(place: Path, *names: str) -> None:
    for name in names:
        files.save(place / name, Model(name, 0.0, {}), {}, {})


def test_the_newest_is_found_by_its_numbers(tmp_path: Path) -> None:
    put(tmp_path, "2026.11-9", "2026.11-10", "2025.12-30")
    (tmp_path / "README.md").write_text("not a model")
    (tmp_path / ".2026.11-11.draft").mkdir()
    assert Shelf(released=tmp_path).newest_released() == "2026.11-10"
    assert Shelf(released=tmp_path / "none").newest_released() is None


def test_own_models_stand_beside_the_released(tmp_path: Path) -> None:
    put(tmp_path / "released", "2026.11-1")
    put(tmp_path / "own", "harbor-1")
    shelf = Shelf(tmp_path / "own", tmp_path / "released")
    assert set(shelf.folders()) == {"2026.11-1", "harbor-1"}
    assert shelf.load("harbor-1").name == "harbor-1"
    with pytest.raises(UsageError, match=r"no model harbor-2.*harbor-1"):
        shelf.load("harbor-2")
