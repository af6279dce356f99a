"""`check` and `status`: every mistake of a newcomer is answered with what to do."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
ANN = "ann@harbor.example"


def test_where_all_is_in_place_nothing_fails(run: Run, demo: Path) -> None:
    ran = run("-c", demo, "check")
    assert ran.code == 0, ran.out
    assert "FAIL" not in ran.out
    assert f"bounce-cleaner optin add {ANN}" in ran.out


@pytest.mark.parametrize(
    ("old", "new", "code", "remedy"),
    [
        ("file:master.key", "file:other.key", 1, "put it there"),
        ("[policy]", f'[policy]\nquarantine = "{"x" * 255}"', 1, "name another one: without dots"),
        ("[policy]", '[policy]\nfolders = ["Inbx"]', 1, "correct policy.folders"),
        ("[policy]", '[policy]\nactoin = "move"', 2, "did you mean action?"),
        ("[policy]", '[policy]\nquarantine = "Sent"', 1, "name another folder in policy.quarantine"),
        ('path = "mail/', 'path = "male/', 1, "male"),
    ],
)
def test_what_is_wrong_is_told_with_its_remedy(
    run: Run, demo: Path, old: str, new: str, code: int, remedy: str
) -> None:
    demo.write_text(demo.read_text().replace(old, new))
    ran = run("-c", demo, "check")
    assert ran.code == code, ran.out + ran.err
    assert remedy in ran.out + ran.err


def test_without_a_configuration_init_is_told(run: Run) -> None:
    ran = run("check")
    assert ran.code == 2
    assert "bounce-cleaner init" in ran.err


def test_a_key_that_others_can_read_fails(run: Run, demo: Path) -> None:
    (demo.parent / "master.key").chmod(0o644)
    ran = run("-c", demo, "check")
    assert ran.code == 1
    assert "chmod 600" in ran.out


def test_after_a_fault_of_the_key_the_rest_is_still_told_once(run: Run, demo: Path) -> None:
    run("-c", demo, "check")
    before = (demo.parent / "state.db").read_bytes()
    (demo.parent / "master.key").unlink()
    ran = run("-c", demo, "check")
    assert ran.code == 1
    assert f"{ANN}: {ANN}" not in ran.out
    lines = ran.out.splitlines()
    assert len(lines) == len(set(lines))
    assert [line for line in lines if "master.key" in line and line.startswith("FAIL")] != []
    assert any("organisation" in line for line in lines)
    assert "Traceback" not in ran.err
    assert (demo.parent / "state.db").read_bytes() == before
    assert not (demo.parent / "master.key").exists()


def test_a_store_in_a_missing_folder_is_told_and_the_rest_goes_on(run: Run, demo: Path) -> None:
    demo.write_text(
        '[store]\nurl = "sqlite:///no/such place/state.db"\n'
        + demo.read_text().partition("[store]")[2].partition("\n\n")[2]
    )
    ran = run("-c", demo, "check")
    assert ran.code == 1, ran.out + ran.err
    assert "mkdir -p '" in ran.out
    assert "ok   master key" in ran.out
    assert "organisation" in ran.out


def test_another_key_is_refused_and_nothing_is_lost(run: Run, agreed: Path) -> None:
    assert run("-c", agreed, "scan").code == 0
    key = agreed.parent / "master.key"
    old = key.read_text()
    key.write_text("A" * 43 + "=\n")
    ran = run("-c", agreed, "scan")
    assert ran.code == 2
    assert "put the old key back" in ran.err
    key.write_text(old)
    ran = run("-c", agreed, "scan")
    assert ran.code == 0
    assert "no new notices" in ran.out


def test_a_store_that_was_lost_is_not_made_anew_in_silence(run: Run, agreed: Path) -> None:
    assert "new store" not in run("-c", agreed, "scan").err
    for file in agreed.parent.glob("state.db*"):
        if file.is_file():
            file.unlink()
    ran = run("-c", agreed, "scan")
    assert ran.code == 2
    assert f"A new store was made: {agreed.parent / 'state.db'}" in ran.err
    ran = run("-c", agreed, "check")
    assert "this store knows of no move" in ran.out


def test_a_sent_folder_that_cannot_be_read_fails(run: Run, demo: Path) -> None:
    new = demo.parent / "mail" / ANN / ".Sent" / "new"
    shutil.rmtree(new)
    new.symlink_to("new")
    ran = run("-c", demo, "check")
    assert ran.code == 1, ran.out
    assert "'Sent' cannot be read" in ran.out
    new.unlink()
    new.mkdir()
    assert run("-c", demo, "check").code == 0


def test_status_counts(run: Run, agreed: Path) -> None:
    run("-c", agreed, "scan")
    ran = run("-c", agreed, "status")
    assert ran.code == 0
    assert all(len(line) <= 80 for line in ran.out.splitlines() if "store" not in line)
    found = json.loads(run("-c", agreed, "status", "--format", "jsonl").out)
    by_address = {mailbox["address"]: mailbox for mailbox in found["mailboxes"]}
    assert by_address[ANN]["moved"] > 0
    assert found["runs"][0]["state"] == "done"


def test_status_of_a_mailbox_that_is_gone_still_answers(run: Run, agreed: Path) -> None:
    shutil.rmtree(agreed.parent / "mail")
    assert run("-c", agreed, "status").code == 0
