"""Models on disk: what was written comes back, and nothing else is taken."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from cleaner.classifier import files
from cleaner.classifier.features import WIDTH, Features
from cleaner.classifier.model import Model
from cleaner.errors import UsageError

WORDS = tuple(0.25 if bucket == 7 else 0.0 for bucket in range(WIDTH))
MODEL = Model(
    "2026.11-1", -0.5, {"unsigned:backscatter": 2.0}, WORDS, slope=1.5, offset=0.1, remove=0.97, keep=0.05
)
SEEN = Features({"unsigned:backscatter": 1.0}, (7,))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / MODEL.name
    files.save(folder, MODEL, {files.CARD: b"# Card\n"}, {"bounce-cleaner": "1"})
    return folder


def test_what_was_written_comes_back(folder: Path) -> None:
    loaded = files.load(folder)
    assert (loaded.name, loaded.facts, loaded.remove) == (MODEL.name, MODEL.facts, MODEL.remove)
    assert loaded.probability(SEEN) == pytest.approx(MODEL.probability(SEEN))
    assert set(files.read(folder)) == {files.MODEL, files.WORDS, files.CARD}


@pytest.mark.parametrize("name", [files.MODEL, files.WORDS])
def test_a_changed_file_is_refused(folder: Path, name: str) -> None:
    data = (folder / name).read_bytes()
    (folder / name).write_bytes(data[:-2] + b"5\n")
    with pytest.raises(UsageError, match=rf"{name} was changed after.*before stays"):
        files.load(folder)


def test_a_changed_card_does_not_stop_the_work_but_training(folder: Path) -> None:
    (folder / files.CARD).write_bytes(b"other")
    assert files.load(folder).name == MODEL.name
    with pytest.raises(UsageError, match=r"card\.md was changed"):
        files.read(folder)


@pytest.mark.parametrize("name", [files.MODEL, files.WORDS, files.HASHES])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(UsageError, match=name):
        files.load(folder)


def rehashed(folder: Path) -> None:
    hashes = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.name != files.HASHES
    }
    (folder / files.HASHES).write_text(json.dumps({"files": hashes}))


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"format": 2}, "format 2"),
        ({"slope": "NaN"}, "not finite"),
        ({"facts": {"x": 1e999}}, "not finite"),
        ({"facts": None}, "not what this release writes"),
        ({"remove": [1]}, "not what this release writes"),
    ],
)
def test_a_foreign_model_with_hashes_of_its_own_is_refused(
    folder: Path, change: dict[str, object], word: str
) -> None:
    fields = json.loads((folder / files.MODEL).read_text())
    (folder / files.MODEL).write_text(json.dumps(fields | change))
    rehashed(folder)
    with pytest.raises(UsageError, match=word):
        files.load(folder)


def test_words_of_another_width_are_refused(folder: Path) -> None:
    (folder / files.WORDS).write_bytes(b"\0" * 400)
    rehashed(folder)
    with pytest.raises(UsageError, match="100 words"):
        files.load(folder)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"files": 3}', '{"files": {"../x": "0"}}', "[" * 5000])
def test_hashes_that_are_none_are_refused(folder: Path, text: str) -> None:
    (folder / files.HASHES).write_text(text)
    with pytest.raises(UsageError, match="refused"):
        files.read(folder)


def test_rows_come_back_in_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    rows: list[dict[str, object]] = [{"a": 1}, {"b": [1, 2]}]
    data = files.lines(rows)
    assert files.lines(rows) == data
    assert list(files.rows(data)) == rows
    monkeypatch.setattr(files, "LARGEST", 10)
    with pytest.raises(ValueError, match="unpacks to more"):
        list(files.rows(data))
