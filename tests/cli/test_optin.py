"""`optin`: consent given, listed, paused, withdrawn; mailboxes kept in the store."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

Run = Callable[..., Any]
ANN = "ann@harbor.example"


def test_a_new_mailbox_is_only_reported_on_at_first(run: Run, demo: Path) -> None:
    ran = run("-c", demo, "optin", "add", ANN, "--preview", "2d")
    assert ran.code == 0
    assert "only reported on" in ran.out
    scanned = run("-c", demo, "scan")
    assert "Nothing was moved" in scanned.out
    assert "This mailbox is new" in scanned.out


def test_the_list_tells_each_state(run: Run, demo: Path) -> None:
    run("-c", demo, "optin", "add", ANN, "--basis", "works agreement", "--by", "admin")
    ran = run("-c", demo, "optin", "list")
    assert "opted-in" in ran.out
    assert "not asked" in ran.out
    assert "2 mailboxes" in ran.out
    assert all(len(line) <= 80 for line in ran.out.splitlines())


def test_agreeing_twice_says_since_when(run: Run, demo: Path) -> None:
    assert "already" not in run("-c", demo, "optin", "add", ANN).out
    ran = run("-c", demo, "optin", "add", ANN)
    assert ran.code == 0
    assert f"opted in already, on {datetime.now().astimezone():%Y-%m}" in ran.out
    assert "--preview TIME" in ran.out


def test_consent_is_recorded_and_a_mailbox_that_cannot_be_opened_is_told(run: Run, demo: Path) -> None:
    assert "cannot be opened" not in run("-c", demo, "optin", "add", "ben@harbor.example").err
    (demo.parent / "mail" / ANN).rename(demo.parent / "away")
    ran = run("-c", demo, "optin", "add", ANN)
    assert ran.code == 0
    assert "has opted in" in ran.out
    assert "there is no Maildir at" in ran.err
    assert run("-c", demo, "optin", "list", "--format", "jsonl").out.count('"opted-in"') == 2


def test_a_slip_in_the_address_is_told_with_the_way_back(run: Run, demo: Path) -> None:
    ran = run("-c", demo, "optin", "add", "an@harbor.example")
    assert ran.code == 0
    assert f"Did you mean {ANN}?" in ran.err
    assert (back := f"-c {demo} optin remove an@harbor.example --forget") in ran.err
    assert run(*back.split()).code == 0
    assert "an@harbor.example" not in run("-c", demo, "optin", "list", "--format", "jsonl").out


def test_a_new_mailbox_that_is_there_or_like_no_other_is_no_slip(run: Run, demo: Path) -> None:
    shutil.copytree(demo.parent / "mail" / ANN, demo.parent / "mail" / "an@harbor.example")
    assert "cannot be opened" not in run("-c", demo, "optin", "add", "an@harbor.example").err
    ran = run("-c", demo, "optin", "add", "ida@harbor.example")
    assert "there is no Maildir at" in ran.err
    assert "Did you mean" not in ran.err


def test_listed_for_programs_there_is_json_alone(run: Run, demo: Path) -> None:
    rows = [
        json.loads(line) for line in run("-c", demo, "optin", "list", "--format", "jsonl").out.splitlines()
    ]
    assert {row["mailbox"]: row["state"] for row in rows} == dict.fromkeys(
        (ANN, "ben@harbor.example"), "not asked"
    )


def test_pausing_and_withdrawing_stop_the_work(run: Run, demo: Path) -> None:
    run("-c", demo, "optin", "add", ANN)
    assert run("-c", demo, "optin", "pause", ANN).code == 0
    assert run("-c", demo, "scan", "--mailbox", ANN).code == 2
    run("-c", demo, "optin", "add", ANN)
    assert "erased" in run("-c", demo, "optin", "remove", ANN).out
    assert run("-c", demo, "scan", "--mailbox", ANN).code == 2
    assert run("-c", demo, "optin", "remove", ANN).code == 2


def test_a_mailbox_that_is_not_in_the_file_is_kept_in_the_store(run: Run, demo: Path) -> None:
    assert run("-c", demo, "optin", "add", "eve@harbor.example").code == 0
    assert "(stored)" in run("-c", demo, "optin", "list").out
    ran = run("-c", demo, "optin", "add", "eve@far.example")
    assert ran.code == 2
    assert "far.example is no organisation's domain" in ran.err
    assert "1 fault" not in ran.err
    assert "stored mailbox" not in ran.err
    ran = run("-c", demo, "optin", "add", "ian@harbor.example", "--password", "hunter2")
    assert ran.code == 2
    assert "hunter2" not in ran.err
    ran = run("-c", demo, "optin", "add", "ian@harbor.example", "--server", "no-such")
    assert ran.code == 2


def test_many_are_imported_or_none(run: Run, demo: Path, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("address,aliases\nx@harbor.example,y@harbor.example\nz@far.example,\n")
    ran = run("-c", demo, "optin", "import", "new.csv")
    assert ran.code == 2
    assert "line 3" in ran.err
    assert "x@harbor.example" not in run("-c", demo, "optin", "list").out
    (tmp_path / "new.csv").write_text("address,aliases\nx@harbor.example,y@harbor.example\n")
    assert "1 mailbox opted in" in run("-c", demo, "optin", "import", "new.csv").out
    assert "2099" not in run("-c", demo, "optin", "list").out
    far = f"{(date(2099, 6, 1) - datetime.now(UTC).date()).days}d"
    assert run("-c", demo, "optin", "import", "new.csv", "--preview", far).code == 0
    assert "2099" in run("-c", demo, "optin", "list").out


def test_of_many_those_that_cannot_be_opened_are_named(run: Run, demo: Path, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text(f"address\n{ANN}\nbem@harbor.example\nida@harbor.example\n")
    ran = run("-c", demo, "optin", "import", "new.csv")
    assert ran.code == 0
    assert "3 mailboxes opted in" in ran.out
    warned = [line for line in ran.err.splitlines() if "cannot be opened" in line]
    assert [line.split()[3] for line in warned] == ["bem@harbor.example", "ida@harbor.example"]
    assert "Did you mean ben@harbor.example?" in warned[0]
    assert "there is no Maildir at" in warned[1]
    shown = run("-c", demo, "optin", "show", ANN, "--format", "jsonl").out
    assert [json.loads(line).get("access") for line in shown.splitlines()] == [None, "opt-in"]


def test_its_record_shows_each_step_and_each_opening(run: Run, demo: Path) -> None:
    run("-c", demo, "optin", "add", ANN, "--by", "admin", "--basis", "works agreement", "--preview", "0")
    run("-c", demo, "scan")
    run("-c", demo, "optin", "pause", ANN, "--note", "on leave")
    shown = run("-c", demo, "optin", "show", ANN).out
    for word in ("works", "paused", "on leave", "scan"):
        assert word in shown
    assert all(len(line) <= 80 for line in shown.splitlines())
    lines = [
        json.loads(line)
        for line in run("-c", demo, "optin", "show", ANN, "--format", "jsonl").out.splitlines()
    ]
    assert [line.get("consent") or line["access"] for line in lines] == [
        *("opted-in", "opt-in", "scan", "paused")
    ]


def test_a_stored_mailbox_is_forgotten_but_not_its_history(run: Run, demo: Path) -> None:
    run("-c", demo, "optin", "add", "eve@harbor.example")
    assert "forgotten" in run("-c", demo, "optin", "remove", "eve@harbor.example", "--forget").out
    assert "eve@harbor.example" not in run("-c", demo, "optin", "list").out
    run("-c", demo, "optin", "add", "eve@harbor.example")
    lines = run("-c", demo, "optin", "show", "eve@harbor.example", "--format", "jsonl").out.splitlines()
    steps = [json.loads(line).get("consent") for line in lines]
    assert [step for step in steps if step] == ["opted-in", "opted-out", "opted-in"]


def test_a_mailbox_of_the_file_is_forgotten_there(run: Run, demo: Path) -> None:
    run("-c", demo, "optin", "add", ANN)
    ran = run("-c", demo, "optin", "remove", ANN, "--forget")
    assert ran.code == 2
    assert "take its [[mailbox]] out there" in ran.err
    assert "opted-in" in run("-c", demo, "optin", "show", ANN).out


def test_an_owner_is_asked_and_answers(run: Run, demo: Path) -> None:
    """docs/consent.md as a new administrator follows it."""
    asked = run("-c", demo, "optin", "invite", ANN)
    assert asked.code == 0
    (code,) = re.findall(r"\b(?:[a-z2-7]{4}-){3}[a-z2-7]{4}\b", asked.out)
    assert run("-c", demo, "scan", "--mailbox", ANN).code != 0
    assert "invited" in run("-c", demo, "optin", "list").out
    agreed = run("-c", demo, "optin", "confirm", code.upper())
    assert agreed.code == 0
    assert f"{ANN} has opted in" in agreed.out
    assert run("-c", demo, "optin", "confirm", code).code == 2
    assert run("-c", demo, "scan", "--mailbox", ANN).code == 0
    shown = run("-c", demo, "optin", "show", ANN, "--format", "jsonl").out
    assert [json.loads(line).get("consent") for line in shown.splitlines()][:2] == ["invited", "opted-in"]


def test_a_letter_that_is_put_into_the_mailbox_is_not_printed(run: Run, demo: Path, tmp_path: Path) -> None:
    listed = tmp_path / "people.csv"
    listed.write_text(f"address\n{ANN}\nben@harbor.example\n")
    run("-c", demo, "optin", "add", "ben@harbor.example")
    asked = run("-c", demo, "optin", "invite", "--put", "--list", listed)
    assert asked.code == 3
    assert "1 owner asked" in asked.out
    assert "ben@harbor.example has opted in already" in asked.err
    assert not re.search(r"(?:[a-z2-7]{4}-){3}", asked.out)


def test_whom_to_ask_is_said_in_one_way(run: Run, demo: Path) -> None:
    assert run("-c", demo, "optin", "invite").code == 2
    assert run("-c", demo, "optin", "invite", ANN, "--list", "x.csv").code == 2
    assert run("-c", demo, "optin", "invite", ANN, "--valid", "0").code == 2


def test_a_directory_speaks_for_nobody_who_withdrew(run: Run, demo: Path, tmp_path: Path) -> None:
    script = tmp_path / "mailboxes"
    script.write_text(f"#!/bin/sh\nprintf 'address\\n{ANN}\\nben@harbor.example\\n'\n")
    script.chmod(0o755)
    run("-c", demo, "optin", "add", ANN)
    run("-c", demo, "optin", "remove", ANN)
    ran = run("-c", demo, "optin", "import", f"command:{script}")
    assert ran.code == 0
    assert "1 mailbox opted in" in ran.out
    assert f"{ANN} paused or withdrew and is left alone" in ran.err


def test_where_nobody_could_be_asked_no_code_comes_back(run: Run, demo: Path) -> None:
    assert "optin confirm CODE" in run("-c", demo, "optin", "invite", ANN).out
    nobody = run("-c", demo, "optin", "invite", "ann@elsewhere.example")
    assert nobody.code == 1
    assert "0 owners asked." in nobody.out
    assert "confirm" not in nobody.out
