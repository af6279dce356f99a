"""`history` and `undo`: what was done, and taking it back."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cleaner.cli.history import changes_table
from cleaner.service.history import Change
from cleaner.values import ActionName, Entry, EntryState

Run = Callable[..., Any]
Files = Callable[[], dict[str, bytes]]
ANN = "ann@harbor.example"


@pytest.fixture
def cleaned(run: Run, agreed: Path) -> tuple[Path, str]:
    """The configuration, and the run that cleaned its mailboxes."""
    found = re.search(r"undo --run (\S+)", run("-c", agreed, "scan").out)
    assert found is not None
    return agreed, found[1]


def test_before_anything_was_moved_it_says_so(run: Run, demo: Path) -> None:
    ran = run("-c", demo, "history")
    assert ran.code == 0
    assert "No message was moved" in ran.out


def test_it_lists_changes_and_runs(run: Run, cleaned: tuple[Path, str]) -> None:
    file, name = cleaned
    ran = run("-c", file, "history")
    assert name in ran.out
    assert "INBOX → Backscatter" in ran.out
    assert all(len(line) <= 80 for line in ran.out.splitlines() if "undo --entry" not in line)
    lines = [json.loads(line) for line in run("-c", file, "history", "--format", "jsonl").out.splitlines()]
    assert {line["run"] for line in lines} == {name}
    assert {line["state"] for line in lines} == {"done"}


def test_the_name_of_a_run_is_never_cut(
    run: Run, cleaned: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    file, name = cleaned
    assert name in run("-c", file, "history").out
    assert name in run("-c", file, "status").out


def test_what_is_not_there_is_wrong_usage(run: Run, cleaned: tuple[Path, str]) -> None:
    file, name = cleaned
    assert run("-c", file, "history", "--run", "no-such-run").code == 2
    ran = run("-c", file, "history", "--mailbox", "anne@harbor.example")
    assert (ran.code, f"did you mean {ANN}?" in ran.err) == (2, True)
    assert run("-c", file, "history", "--mailbox", ANN, "--run", name).code == 0


def test_a_change_keeps_the_time_at_which_it_was_made() -> None:
    moved, undone = datetime(2026, 11, 2, 12, tzinfo=UTC), datetime(2026, 12, 24, 12, tzinfo=UTC)
    entry = Entry(
        *(1, "run", ANN, "print", 0, ActionName.MOVE, "INBOX", "1", "Backscatter"),
        state=EntryState.UNDONE,
        intended_at=moved,
        settled_at=undone,
    )
    [_, when, *_] = changes_table([Change(entry)]).columns
    assert [*when.cells] == [f"{moved.astimezone():%Y-%m-%d\n%H:%M}"]


def test_since_a_time_counts_for_runs_too(run: Run, cleaned: tuple[Path, str]) -> None:
    file, name = cleaned
    assert name in run("-c", file, "history", "--since", "1h").out
    assert name not in run("-c", file, "history", "--since", "0").out


def test_a_run_is_taken_back_whole_and_stays_so(run: Run, agreed: Path, files: Files) -> None:
    before = files()
    found = re.search(r"undo --run (\S+)", run("-c", agreed, "scan").out)
    assert found is not None
    assert files() != before
    ran = run("-c", agreed, "undo", "--run", found[1])
    assert ran.code == 0, ran.err
    assert "put back, with flags" in ran.out
    after = files()
    assert sorted(after.values()) == sorted(before.values())
    assert not [path for path in after if ".Backscatter" in path]
    run("-c", agreed, "scan")
    assert not [path for path in files() if ".Backscatter" in path]


def test_several_changes_are_taken_back_together(run: Run, cleaned: tuple[Path, str]) -> None:
    file, _ = cleaned
    assert "2 messages put back" in run("-c", file, "undo", "--entry", 1, "--entry", 3).out
    ran = run("-c", file, "undo", "--entry", 1, "--entry", 2)
    assert "1 message put back" in ran.out
    assert "entry 1: nothing to take back: put back already" in ran.err


def test_one_change_or_those_since_a_time_are_taken_back(run: Run, cleaned: tuple[Path, str]) -> None:
    file, _ = cleaned
    assert "1 message put back" in run("-c", file, "undo", "--entry", 1).out
    assert run("-c", file, "undo", "--entry", 1).code == 2
    assert run("-c", file, "undo", "--mailbox", ANN, "--since", "1h").code == 0
    states = [
        json.loads(line)["state"]
        for line in run("-c", file, "history", "--mailbox", ANN, "--format", "jsonl").out.splitlines()
    ]
    assert set(states) == {"undone"}


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--entry", "1", "--run", "x"],
        ["--mailbox", ANN],
        ["--since", "1h"],
        ["--run", "x", "--since", "1h"],
        ["--entry", "4711"],
        ["--run", "no-such-run"],
        ["--mailbox", ANN, "--since", "soon"],
    ],
)
def test_what_cannot_be_meant_is_wrong_usage(run: Run, cleaned: tuple[Path, str], options: list[str]) -> None:
    ran = run("-c", cleaned[0], "undo", *options)
    assert ran.code == 2
    assert ran.err.startswith("bounce-cleaner: ")
