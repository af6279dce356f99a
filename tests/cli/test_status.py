"""`status`: what runs, what waits, what fails and what to do about it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from cleaner.app import App
from cleaner.store.schedule import Ended
from tests.cli.conftest import Ran

ANN = "ann@harbor.example"
Run = Callable[..., Ran]


def test_it_names_versions_model_and_runs(run: Run, agreed: Path) -> None:
    run("-c", agreed, "scan")
    shown = run("-c", agreed, "status")
    assert shown.code == 0
    assert "revision 0" in shown.out
    assert "harbor: judged by " in shown.out
    assert "scan" in shown.out
    assert "serve looks after" not in shown.out
    told = json.loads(run("-c", agreed, "status", "--format", "jsonl").out)
    assert told["revision"] in shown.out
    assert list(told["models"]) == ["harbor"]
    assert told["stopped"] == []


def test_a_mailbox_that_fails_is_shown_with_the_remedy_and_the_next_try(run: Run, agreed: Path) -> None:
    with App.open(agreed) as app:
        schedule, now = app.context.store.schedule, app.context.clock()
        schedule.join()
        schedule.plan({ANN: "mailboxes"}, now)
        (turn,) = schedule.turns((), ("mailboxes",), now, lambda due: due["mailboxes"])
        failed = replace(turn, state="failed", failures=3, error="the password is wrong; correct it")
        schedule.turns((Ended(failed, now),), (), now, lambda _: ())
    shown = run("-c", agreed, "status")
    assert "the password is wrong; correct it (failed 3 times; next try 2" in shown.out
    assert "serve looks after 1 mailbox; the next is due now." in shown.out
    (mailbox, _) = json.loads(run("-c", agreed, "status", "--format", "jsonl").out)["mailboxes"]
    assert (mailbox["failures"], mailbox["error"]) == (3, "the password is wrong; correct it")


def test_what_the_safety_limit_stopped_waits_for_a_decision(run: Run, agreed: Path) -> None:
    text = agreed.read_text()
    agreed.write_text(f"{text}\n[safety]\nmax_messages = 1\n")
    run("-c", agreed, "scan")
    run("-c", agreed, "scan", "--since", "90d")
    shown = run("-c", agreed, "status")
    (line,) = [line for line in shown.out.splitlines() if "safety limit" in line]
    assert f"scan --dry-run --mailbox {ANN} shows what it would move" in line
    stopped = json.loads(run("-c", agreed, "status", "--format", "jsonl").out)["stopped"]
    assert [(one["mailbox"], one["held"]) for one in stopped] == [(ANN, 5)]
    assert f"scan --confirm {stopped[0]['run']} moves it" in line
    assert "5 messages held back" in line
    run("-c", agreed, "scan", "--confirm", stopped[0]["run"])
    assert "safety limit" not in run("-c", agreed, "status").out
