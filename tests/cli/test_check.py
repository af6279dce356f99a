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
        ("file:master.key", "file:other.key", 2, "put it there"),
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
