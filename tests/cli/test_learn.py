"""`train` and `models`: as an administrator uses them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

Run = Callable[..., Any]
RELEASED = "2026.11-2"


def test_the_released_model_is_listed_and_in_use(run: Run, demo: Path) -> None:
    ran = run("-c", demo, "models", "list", "--format", "jsonl")
    assert ran.code == 0, ran.err
    row = next(row for row in map(json.loads, ran.out.splitlines()) if row["name"] == RELEASED)
    assert row["used_by"] == ["harbor"]
    assert 0.95 <= row["remove"] < 1.0
    assert all(len(line) <= 80 for line in run("-c", demo, "models", "list").out.splitlines())


def test_its_card_and_words_are_shown(run: Run, demo: Path) -> None:
    shown = run("-c", demo, "models", "show", RELEASED).out
    for part in ("## What it promises", "handed_over", "most telling words"):
        assert part in shown


def test_promoting_and_going_back(run: Run, demo: Path) -> None:
    assert "rules alone from now on" in run("-c", demo, "models", "promote", "none").out
    assert f"model {RELEASED} again" in run("-c", demo, "models", "rollback").out
    ran = run("-c", demo, "models", "promote", "no-such")
    assert ran.code == 2
    assert RELEASED in ran.err


def test_training_keeps_a_model_and_says_what_it_promises(run: Run, demo: Path) -> None:
    ran = run("-c", demo, "train", "--candidate")
    assert ran.code == 0, ran.err
    assert "trained from 0 labels of harbor" in ran.out
    assert "at most 0." in ran.out
    assert "models promote harbor-" in ran.out
    assert len(list((demo.parent / "models").iterdir())) == 1


def test_a_changed_model_is_told_and_the_work_goes_on(run: Run, agreed: Path) -> None:
    run("-c", agreed, "train")
    (own,) = (agreed.parent / "models").iterdir()
    assert own.name in run("-c", agreed, "models", "list").out
    (own / "model.json").write_text("{}")
    assert "refused" in run("-c", agreed, "models", "list").out
    lines = run("-c", agreed, "scan", "--dry-run", "--format", "jsonl").out.splitlines()
    assert {json.loads(line)["model"] for line in lines} <= {None, RELEASED}


def test_verdicts_name_the_model_and_its_probability(run: Run, agreed: Path) -> None:
    lines = [json.loads(line) for line in run("-c", agreed, "scan", "--format", "jsonl").out.splitlines()]
    asked = [line for line in lines if line["model"]]
    assert asked
    assert all(line["model"] == RELEASED and 0 <= line["probability"] <= 1 for line in asked)
    assert all(line["probability"] is None for line in lines if not line["model"])


def test_a_corpus_needs_a_place_for_the_model(run: Run, demo: Path, tmp_path: Path) -> None:
    ran = run("train", "--corpus", tmp_path)
    assert ran.code == 2
    assert "--out" in ran.err
    there = tmp_path / "2026.12-1"
    shutil.copytree(demo.parent, there)
    ran = run("train", "--corpus", tmp_path, "--out", there)
    assert ran.code == 2
    assert "never overwritten" in ran.err


def test_a_candidate_judges_along_and_what_it_would_do_is_shown(run: Run, agreed: Path) -> None:
    assert run("-c", agreed, "models", "compare").code == 2
    run("-c", agreed, "models", "promote", "none")
    ran = run("-c", agreed, "models", "shadow", RELEASED)
    assert ran.code == 0, ran.err
    assert f"Model {RELEASED} judges along for harbor from the next scan on" in ran.out
    assert "it has judged nothing yet" in run("-c", agreed, "status").out
    run("-c", agreed, "scan")
    shown = run("-c", agreed, "models", "compare").out
    assert f"harbor is judged by the rules alone; candidate {RELEASED} judges along: of " in shown
    head, *rest = map(
        json.loads, run("-c", agreed, "models", "compare", "--format", "jsonl").out.splitlines()
    )
    assert head["candidate"] == RELEASED
    assert head["judged"] > 0
    assert head["differs"] == len(rest) == sum(way["count"] for way in head["ways"])
    (told,) = json.loads(run("-c", agreed, "status", "--format", "jsonl").out)["candidates"]
    assert (told["candidate"], told["judged"]) == (RELEASED, head["judged"])
    assert f"candidate {RELEASED} judges along: of " in run("-c", agreed, "status").out
    assert "No candidate judges along" in run("-c", agreed, "models", "shadow", "none").out
    assert json.loads(run("-c", agreed, "status", "--format", "jsonl").out)["candidates"] == []


def test_a_trained_candidate_judges_along_at_once(run: Run, demo: Path) -> None:
    run("-c", demo, "train", "--candidate")
    (own,) = (demo.parent / "models").iterdir()
    (told,) = json.loads(run("-c", demo, "status", "--format", "jsonl").out)["candidates"]
    assert told["candidate"] == own.name
    run("-c", demo, "models", "promote", own.name)
    assert json.loads(run("-c", demo, "status", "--format", "jsonl").out)["candidates"] == []


def test_where_no_labels_wait_nothing_is_trained(run: Run, demo: Path) -> None:
    ran = run("-c", demo, "train", "--if-due")
    assert ran.code == 0, ran.err
    assert "No labels of harbor wait" in ran.out
    assert json.loads(run("-c", demo, "train", "--if-due", "--format", "jsonl").out)["model"] is None
    assert not (demo.parent / "models").exists()


def test_a_model_s_page_says_what_came_of_its_training(run: Run, demo: Path) -> None:
    run("-c", demo, "train", "--candidate")
    (own,) = (demo.parent / "models").iterdir()
    shown = run("-c", demo, "models", "show", own.name).out
    assert "Trained from 0 labels of harbor; it stayed a candidate: it was to be a candidate" in shown
    assert f"candidate {own.name} judges along" in shown
    row = next(
        row
        for row in map(json.loads, run("-c", demo, "models", "list", "--format", "jsonl").out.splitlines())
        if row["name"] == own.name
    )
    assert row["judges_along_for"] == ["harbor"]
    assert row["why_candidate"] == "it was to be a candidate"
    assert "judges along" in run("-c", demo, "models", "list").out
