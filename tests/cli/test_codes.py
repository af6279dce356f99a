"""The exit codes that the README promises, each situation with its own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleaner.app import App

Run = Callable[..., Any]
ANN = "ann@harbor.example"
BEN = "ben@harbor.example"


def states(run: Run, file: Path) -> list[str]:
    return [one["state"] for one in json.loads(run("-c", file, "status", "--format", "jsonl").out)["runs"]]


def test_a_mailbox_that_is_being_cleaned_is_left_to_the_other(run: Run, agreed: Path) -> None:
    with App.open(agreed) as app, app.context.store.lock(ANN):
        ran = run("-c", agreed, "scan", "--mailbox", ANN)
    assert (ran.code, "another process" in ran.err) == (3, True)
    assert states(run, agreed) == ["partly"]


@pytest.mark.parametrize("step", ["pause", "remove"])
def test_a_mailbox_that_may_not_be_opened_is_wrong_usage_and_no_run(
    run: Run, agreed: Path, step: str
) -> None:
    run("-c", agreed, "optin", step, ANN)
    assert run("-c", agreed, "scan", "--mailbox", ANN, "--mailbox", BEN).code == 2
    assert run("-c", agreed, "optin", "pause", ANN).code == 2
    assert states(run, agreed) == []


def test_when_the_last_owner_pauses_a_timer_does_not_fail(run: Run, agreed: Path) -> None:
    for address in (ANN, BEN):
        run("-c", agreed, "optin", "pause", address)
    ran = run("-c", agreed, "scan")
    assert (ran.code, "all owners have paused or withdrawn" in ran.out) == (0, True)
    assert run("-c", agreed, "scan", "--format", "jsonl").out == ""


def test_nobody_was_asked_yet(run: Run, demo: Path) -> None:
    assert run("-c", demo, "scan").code == 2


@pytest.mark.parametrize("key", ["short", "another master key, as long as one should be", None])
def test_a_wrong_master_key_is_wrong_configuration(run: Run, agreed: Path, key: str | None) -> None:
    file = agreed.parent / "master.key"
    if key is None:
        file.unlink()
    else:
        file.write_text(key)
    ran = run("-c", agreed, "scan")
    assert ran.code == 2
    assert "key" in ran.err


def test_a_message_that_cannot_be_read_is_no_failure_but_is_said(run: Run, agreed: Path) -> None:
    broken = agreed.parent / "mail" / BEN / "cur" / "1795000000.M9P9.demo:2,"
    broken.symlink_to(agreed.parent / "nowhere")
    ran = run("-c", agreed, "scan", "--mailbox", BEN)
    assert ran.code == 0
    told = "1 message could not be read and stays where it is (1795000000.M9P9.demo in INBOX: "
    assert told in ran.out


def test_a_message_that_cannot_be_read_is_a_problem_to_be_told_of(run: Run, agreed: Path) -> None:
    cur = agreed.parent / "mail" / BEN / "cur"
    for number in (1, 2):
        (cur / f"1795000000.M{number}P9.demo:2,").symlink_to(agreed.parent / "nowhere")
    ran = run("-c", agreed, "scan", "--mailbox", BEN, "--quiet")
    assert "2 messages could not be read and stay where they are (the first of them, 1795" in ran.err


def test_a_message_that_cannot_be_moved_is_named_with_the_reason(run: Run, agreed: Path) -> None:
    box = agreed.parent / "mail" / BEN
    before = sorted(path.name for path in (box / "cur").iterdir())
    for name in before:
        (box / ".Backscatter" / "cur" / name).mkdir(parents=True)
    ran = run("-c", agreed, "scan", "--quiet")
    assert ran.code == 3
    assert f"{BEN}: 1 message could not be moved (" in ran.err
    assert "in INBOX: it cannot be moved to 'Backscatter': a file of that name is in the way)" in ran.err
    assert ANN not in ran.err
    assert sorted(path.name for path in (box / "cur").iterdir()) == before


def test_no_mailbox_could_be_opened(run: Run, agreed: Path) -> None:
    shutil.rmtree(agreed.parent / "mail" / ANN)
    assert run("-c", agreed, "scan").code == 3
    shutil.rmtree(agreed.parent / "mail" / BEN)
    assert run("-c", agreed, "scan").code == 1
