"""`scan` on real Maildirs: what is printed, what is moved, and the exit codes of the contract."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleaner.cli import scan as scanning
from cleaner.cli import stopping

Run = Callable[..., Any]
Files = Callable[[], dict[str, bytes]]
ANN = "ann@harbor.example"
KEYS = {
    *("mailbox", "folder", "id", "fingerprint", "message_id", "received", "kind", "family", "recipients"),
    *(
        "returned",
        "verdict",
        "probability",
        "model",
        "evidence",
        "plan",
        "outcome",
        "new_id",
        "entry",
        "error",
    ),
}


def quarantined(demo: Path, address: str = ANN) -> list[Path]:
    folder = demo.parent / "mail" / address / ".Backscatter"
    return [*folder.glob("cur/*"), *folder.glob("new/*")]


def test_it_moves_shows_why_and_names_the_command_that_takes_it_back(run: Run, agreed: Path) -> None:
    ran = run("-c", agreed, "scan")
    assert ran.code == 0, ran.err
    assert quarantined(agreed)
    assert "backscatter" in ran.out
    assert "moved" in ran.out
    assert f"-c {agreed} undo --run " in ran.out
    table = [line for line in ran.out.splitlines() if "undo --run" not in line]
    assert all(len(line) <= 80 for line in table)


def test_jsonl_leaves_standard_output_to_json(run: Run, agreed: Path) -> None:
    ran = run("-c", agreed, "scan", "--format", "jsonl")
    lines = [json.loads(line) for line in ran.out.splitlines()]
    assert all(line.keys() == KEYS for line in lines)
    assert all(line["kind"] != "not-a-bounce" for line in lines)
    assert {line["outcome"] for line in lines} >= {"done", "none"}
    assert "undo --run" in ran.err


def test_with_all_every_message_has_its_line(run: Run, agreed: Path, files: Files) -> None:
    inbox = [path for path in files() if "/cur/" in path and "/.Sent/" not in path]
    ran = run("-c", agreed, "scan", "--dry-run", "--all", "--format", "jsonl")
    assert len(ran.out.splitlines()) == len(inbox)


def test_a_dry_run_changes_nothing(run: Run, agreed: Path, files: Files) -> None:
    before = files()
    ran = run("-c", agreed, "scan", "--dry-run")
    assert ran.code == 0
    assert "would be moved" in ran.out
    assert files() == before
    assert "undo --run" not in ran.out


def test_without_consent_nothing_is_opened_and_the_way_is_told(run: Run, demo: Path, files: Files) -> None:
    before = files()
    assert run("-c", demo, "scan").code == 2
    ran = run("-c", demo, "scan", "--mailbox", ANN)
    assert ran.code == 2
    assert f"bounce-cleaner optin add {ANN}" in ran.err
    assert files() == before


def test_a_preview_needs_no_consent_and_changes_nothing(run: Run, demo: Path, files: Files) -> None:
    before = files()
    ran = run("-c", demo, "scan", "--preview", "--mailbox", ANN)
    assert ran.code == 0, ran.err
    assert "6 messages would be moved once its owner has agreed" in ran.out
    assert "only reported on until" not in ran.out
    assert files() == before


def test_while_a_mailbox_is_new_a_dry_run_tells_what_and_when(run: Run, demo: Path) -> None:
    run("-c", demo, "optin", "add", ANN, "--preview", "7d")
    ran = run("-c", demo, "scan", "--dry-run", "--mailbox", ANN)
    assert "6 messages would be moved once cleaning begins, on 20" in ran.out
    lines = run("-c", demo, "scan", "--dry-run", "--mailbox", ANN, "--format", "jsonl").out.splitlines()
    assert [json.loads(line)["outcome"] for line in lines].count("planned") == 6


def test_a_second_scan_finds_no_new_notices(run: Run, agreed: Path) -> None:
    assert "new notices: " in run("-c", agreed, "scan").out
    ran = run("-c", agreed, "scan")
    assert "no new notices" in ran.out
    assert "Nothing was moved" in ran.out


def test_quiet_prints_problems_alone(run: Run, agreed: Path) -> None:
    ran = run("-c", agreed, "scan", "--quiet")
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert quarantined(agreed)
    shutil.rmtree(agreed.parent / "mail" / "ben@harbor.example")
    ran = run("-c", agreed, "scan", "--quiet")
    assert (ran.code, ran.out) == (3, "")
    assert "ben@harbor.example" in ran.err


def test_a_long_table_is_cut_and_says_so(run: Run, agreed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanning, "MAX_ROWS", 3)
    ran = run("-c", agreed, "scan", "--dry-run", "--mailbox", ANN)
    found = int(ran.out.partition(" notices: ")[0].rpartition(" ")[2])
    assert f"… and {found - 3} more; --format jsonl" in ran.out


def test_only_what_came_since_a_time_is_looked_at(run: Run, agreed: Path) -> None:
    """The demo's notices are hours to days old."""
    assert run("-c", agreed, "scan", "--since", "1m", "--format", "jsonl").out == ""
    ran = run("-c", agreed, "scan", "--since", "2999-01-01")
    assert ran.code == 2
    assert "a time to come" in ran.err


def test_where_it_is_no_terminal_rows_are_whole_and_end_without_spaces(
    run: Run, agreed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS")
    lines = run("-c", agreed, "scan", "--dry-run").out.splitlines()
    assert not [line for line in lines if line != line.rstrip()]
    assert max(map(len, lines)) > 80


def test_one_bad_mailbox_does_not_stop_the_others(run: Run, agreed: Path) -> None:
    shutil.rmtree(agreed.parent / "mail" / "ben@harbor.example")
    ran = run("-c", agreed, "scan")
    assert ran.code == 3
    assert "ben@harbor.example" in ran.err
    assert quarantined(agreed)


def test_a_mistyped_mailbox_is_wrong_usage(run: Run, agreed: Path) -> None:
    ran = run("-c", agreed, "scan", "--mailbox", "anne@harbor.example")
    assert ran.code == 2
    assert f"did you mean {ANN}?" in ran.err


def test_the_safety_limit_stops_and_confirm_goes_on(run: Run, agreed: Path) -> None:
    with agreed.open("a") as file:
        file.write("\n[safety]\nmax_messages = 1\n")
    stopped = run("-c", agreed, "scan", "--mailbox", ANN)
    assert stopped.code == 3
    assert len(quarantined(agreed)) == 1
    name = stopped.err.rpartition("scan --confirm ")[2].split()[0]
    again = run("-c", agreed, "scan", "--mailbox", ANN)
    assert again.code == 0
    assert (
        f"5 messages held back by the safety limit, until somebody answers: bounce-cleaner scan --confirm {name}"
        in (again.out)
    )
    assert len(quarantined(agreed)) == 1
    assert run("-c", agreed, "scan", "--confirm", name).code == 0
    assert len(quarantined(agreed)) == 6
    assert run("-c", agreed, "undo", "--run", name).code == 0
    assert not quarantined(agreed)
    assert run("-c", agreed, "scan", "--confirm", "no-such-run").code == 2
    assert run("-c", agreed, "scan", "--confirm", name, "--dry-run").code == 2


def test_what_the_safety_limit_holds_back_is_planned_to_programs_and_silent_to_timers(
    run: Run, agreed: Path
) -> None:
    with agreed.open("a") as file:
        file.write("\n[safety]\nmax_messages = 1\n")
    stopped = run("-c", agreed, "scan", "--mailbox", ANN, "--format", "jsonl")
    lines = [json.loads(line) for line in stopped.out.splitlines()]
    assert all(line.keys() == KEYS for line in lines)
    assert sorted(line["outcome"] for line in lines if line["plan"] == "move") == ["done", *["planned"] * 5]
    again = run("-c", agreed, "scan", "--mailbox", ANN, "--quiet")
    assert (again.code, again.out, again.err) == (0, "", "")


def test_ctrl_c_ends_it_with_130_and_the_next_run_goes_on(
    run: Run, agreed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def at_once(interruption: stopping.Interruption) -> bool:
        interruption.asked = True
        return True

    monkeypatch.setattr(stopping.Interruption, "__call__", at_once)
    assert run("-c", agreed, "scan").code == 130
    assert not quarantined(agreed)
    monkeypatch.undo()
    assert run("-c", agreed, "scan").code == 0
    assert quarantined(agreed)


def test_a_message_whose_file_name_is_no_utf8_is_cleaned_and_put_back(run: Run, agreed: Path) -> None:
    """Written by a host whose name is in Latin-1; the bytes of the name come back, too."""
    plain = {
        json.loads(line)["id"]
        for line in run("-c", agreed, "scan", "--dry-run", "--format", "jsonl").out.splitlines()
    }
    inbox = agreed.parent / "mail" / ANN
    for path in [*inbox.glob("cur/*"), *inbox.glob("new/*")]:
        unique, _, info = path.name.partition(":")
        path.rename(path.with_name(unique + "\udcfc" + (":" + info if info else "")))
    before = sorted(os.fsencode(path) for sub in ("cur", "new") for path in (inbox / sub).iterdir())
    ran = run("-c", agreed, "scan", "--format", "jsonl")
    assert ran.code == 0
    lines = [json.loads(line) for line in ran.out.splitlines()]
    assert {line["id"].removesuffix("/fc") for line in lines} == plain
    assert all(
        line["new_id"].endswith("/fc")
        for line in lines
        if line["outcome"] == "done" and line["mailbox"] == ANN
    )
    assert any(path.name.rpartition(":")[0].endswith("\udcfc") for path in quarantined(agreed))
    for number in {line["entry"] for line in lines if line["entry"]}:
        assert run("-c", agreed, "undo", "--entry", number).code == 0
    assert not quarantined(agreed)
    assert sorted(os.fsencode(path) for sub in ("cur", "new") for path in (inbox / sub).iterdir()) == before
