"""`label review`: as a list, by options, and group by group on a terminal."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
ANN = "ann@harbor.example"
PROJECT = str(Path(__file__).resolve().parents[2])


@pytest.fixture
def proposed(run: Run, agreed: Path) -> Path:
    """Ann took two of the flood and a singles' mail back out of the quarantine."""
    run("-c", agreed, "scan")
    mail = agreed.parent / "mail" / ANN
    for path in list((mail / ".Backscatter" / "cur").iterdir()):
        if b"Cheap watches" in path.read_bytes() or b"Meet singles" in path.read_bytes():
            path.rename(mail / "cur" / path.name)
    run("-c", agreed, "scan")
    return agreed


def waiting(run: Run, file: Path) -> list[dict[str, Any]]:
    ran = run("-c", file, "label", "review", "--format", "jsonl")
    assert ran.code == 0, ran.err
    return [json.loads(line) for line in ran.out.splitlines()]


def states(run: Run, file: Path) -> list[str]:
    options = [part for state in ("confirmed", "proposed", "withdrawn") for part in ("--state", state)]
    ran = run("-c", file, "label", "list", "--format", "jsonl", *options)
    return sorted(json.loads(line)["state"] for line in ran.out.splitlines())


def test_where_nothing_waits_it_says_so(run: Run, demo: Path) -> None:
    ran = run("-c", demo, "label", "review")
    assert (ran.code, ran.out) == (0, "No proposal waits.\n")


def test_groups_are_listed_where_nobody_can_be_asked(run: Run, proposed: Path) -> None:
    groups = waiting(run, proposed)
    assert sorted(len(group["proposals"]) for group in groups) == [1, 3]
    assert {group["truth"] for group in groups} == {"genuine"}
    assert all(group["surprise"] > 0.5 for group in groups), "the program had moved them"
    ran = run("-c", proposed, "label", "review")
    assert "4 proposals in 2 groups" in ran.out
    assert "--confirm" in ran.out
    assert all(len(line) <= 80 for line in ran.out.splitlines() if "To decide" not in line)


def test_they_are_decided_by_options(run: Run, proposed: Path) -> None:
    large, small = waiting(run, proposed)
    ran = run("-c", proposed, "label", "review", "--group", large["group"], "--confirm", "--by", "eve")
    assert (ran.code, ran.out) == (0, "3 proposals confirmed.\n")
    ran = run("-c", proposed, "label", "review", small["proposals"][0]["label"], "--refuse")
    assert (ran.code, ran.out) == (0, "1 proposal refused.\n")
    assert states(run, proposed) == ["confirmed"] * 3 + ["withdrawn"]
    assert waiting(run, proposed) == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--confirm"], "say which proposals"),
        (["1", "--confirm", "--refuse"], "either --confirm or --refuse"),
        (["1"], "what is to be done"),
        (["--group", "1"], "what is to be done"),
        (["4711", "--confirm"], "no label 4711"),
        (["--group", "4711", "--refuse"], "no label 4711"),
        (["x", "--confirm"], "LABEL"),
        (["--unsure", "--confirm"], "nobody said anything of"),
    ],
)
def test_what_cannot_be_meant_is_wrong_usage(run: Run, demo: Path, arguments: list[str], told: str) -> None:
    ran = run("-c", demo, "label", "review", *arguments)
    assert ran.code == 2
    assert told in ran.err


def converse(file: Path, *answers: str, options: Sequence[str] = ()) -> str:
    """Runs the review on a terminal and types the answers, each when it is asked for."""
    outer, inner = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "cleaner", "-c", str(file), "label", "review", *options],
        stdin=inner,
        stdout=inner,
        stderr=inner,
        env={**os.environ, "PYTHONPATH": PROJECT, "COLUMNS": "80", "TERM": "dumb"},
        start_new_session=True,
    )
    os.close(inner)
    seen, left, until = b"", list(answers), time.monotonic() + 60
    while time.monotonic() < until:
        if select.select([outer], [], [], 1)[0]:
            try:
                seen += os.read(outer, 65_536)
            except OSError:
                break
        if left and seen.count(b"q quit? ") + seen.count(b"Type one of") > len(answers) - len(left):
            os.write(outer, left.pop(0).encode())
    assert process.wait(timeout=60) == 0, seen.decode()
    os.close(outer)
    return seen.decode()


def test_on_a_terminal_each_group_is_asked_about(run: Run, proposed: Path) -> None:
    told = converse(proposed, "c\n", "r\n")
    assert "1 of 2: 3 notices" in told
    assert "The program says: backscatter" in told
    assert "3 confirmed, 1 refused" in told
    assert states(run, proposed) == ["confirmed"] * 3 + ["withdrawn"]


def test_quitting_loses_nothing_that_was_answered(run: Run, proposed: Path) -> None:
    assert "1 confirmed, 1 refused" in converse(proposed, "e\n", "c\n", "R\n", "q\n")
    assert states(run, proposed) == ["confirmed", "proposed", "proposed", "withdrawn"]


def test_skipped_it_waits_for_the_next_time(run: Run, proposed: Path) -> None:
    assert "0 confirmed, 0 refused" in converse(proposed, "s\n", "s\n")
    assert states(run, proposed) == ["proposed"] * 4


def test_the_end_of_the_input_means_quit(run: Run, proposed: Path) -> None:
    assert "0 confirmed, 0 refused" in converse(proposed, "\x04")


# --- notices that nobody could decide -------------------------------------------------------------


def test_undecided_notices_are_listed_with_how_to_label_them(run: Run, agreed: Path) -> None:
    assert run("-c", agreed, "label", "review", "--unsure").out == "No notice is undecided.\n"
    run("-c", agreed, "scan")
    [one, *_] = map(
        json.loads, run("-c", agreed, "label", "review", "--unsure", "--format", "jsonl").out.splitlines()
    )
    assert (one["mailbox"], one["like"]) == (ANN, 1)
    ran = run("-c", agreed, "label", "review", "--unsure")
    assert f"--id {one['id']} --as genuine" in ran.out


def test_on_a_terminal_each_is_shown_and_asked_about(run: Run, agreed: Path) -> None:
    run("-c", agreed, "scan")
    told = converse(agreed, "b\n", "q\n", options=["--unsure"])
    assert "Verdict: unsure" in told
    assert "1 label added" in told
    assert states(run, agreed) == ["confirmed"]
    purposes = run("-c", agreed, "optin", "show", ANN).out
    assert "explain" in purposes
    assert "label" in purposes
