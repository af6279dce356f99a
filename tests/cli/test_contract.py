"""`--format jsonl` prints exactly what DESIGN.md promises: these keys, these types, null where it says."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from cleaner.values import ActionName, Completeness, Kind, Opinion, Outcome, Side

Run = Callable[..., Any]
ANN = "ann@harbor.example"
SAMPLES = Path(__file__).resolve().parents[1] / "samples"

TEXT, MAYBE = (str,), (str, type(None))
KEYS: dict[str, tuple[type, ...]] = {
    "mailbox": MAYBE,
    "folder": MAYBE,
    "id": TEXT,
    "fingerprint": TEXT,
    "message_id": MAYBE,
    "received": MAYBE,
    "kind": TEXT,
    "family": TEXT,
    "recipients": (list,),
    "returned": (dict,),
    "verdict": TEXT,
    "probability": (float, type(None)),
    "model": MAYBE,
    "evidence": (list,),
    "plan": TEXT,
    "outcome": TEXT,
    "new_id": MAYBE,
    "entry": (int, type(None)),
    "error": MAYBE,
}
RECIPIENT = {"address": TEXT, "original": MAYBE, "status": MAYBE, "action": MAYBE, "reporter": MAYBE}
RETURNED = {"completeness": TEXT, "message_id": MAYBE, "subject": MAYBE, "date": MAYBE}
EVIDENCE: dict[str, tuple[type, ...]] = {
    "rule": TEXT,
    "side": TEXT,
    "weight": (float,),
    "seen": TEXT,
    "reason": TEXT,
}
WORDS = {
    "kind": {kind.value for kind in Kind},
    "verdict": {opinion.value for opinion in Opinion},
    "plan": {action.value for action in ActionName},
    "outcome": {outcome.value for outcome in Outcome},
}


def conforms(line: dict[str, Any], *, more: bool = False) -> None:
    """Keys in this order and no others (`more`: others may follow), their types, and the rules for null."""
    assert tuple(line)[: len(KEYS)] == tuple(KEYS)
    assert more or len(line) == len(KEYS)
    of_types(line, KEYS)
    for recipient in line["recipients"]:
        of_types(recipient, RECIPIENT, exactly=True)
    of_types(line["returned"], RETURNED, exactly=True)
    for evidence in line["evidence"]:
        of_types(evidence, EVIDENCE, exactly=True)
        assert evidence["side"] in {side.value for side in Side}
        assert evidence["weight"] >= 0
        assert "\n" not in evidence["seen"]
    for key, words in WORDS.items():
        assert line[key] in words
    assert line["returned"]["completeness"] in {one.value for one in Completeness}
    for time in (line["received"], line["returned"]["date"]):
        assert time is None or datetime.fromisoformat(time).tzinfo is not None
    assert (line["probability"] is None) == (line["model"] is None)
    assert line["probability"] is None or 0 <= line["probability"] <= 1
    if line["outcome"] == "done":
        assert None not in (line["new_id"], line["entry"])
    else:
        assert line["new_id"] is None
    if line["error"] is not None:
        assert line["kind"] == line["verdict"] == "not-a-bounce"
        assert line["evidence"] == []
    if line["kind"] in ("not-a-bounce", "arf"):
        assert (line["verdict"], line["plan"], line["outcome"]) == ("not-a-bounce", "none", "none")
    else:
        assert line["verdict"] != "not-a-bounce"


def of_types(value: dict[str, Any], types: dict[str, tuple[type, ...]], *, exactly: bool = False) -> None:
    assert not exactly or tuple(value) == tuple(types)
    for key, allowed in types.items():
        assert type(value[key]) in allowed, (key, value[key])


def lines_of(ran: Any) -> list[dict[str, Any]]:
    """Standard output holds JSON alone, in ASCII."""
    assert ran.code == 0, ran.err
    assert ran.out.isascii()
    return [json.loads(line) for line in ran.out.splitlines()]


def test_scan(run: Run, agreed: Path) -> None:
    broken = agreed.parent / "mail" / ANN / "cur" / "1795000000.M9P9.demo:2,"
    broken.symlink_to(agreed.parent / "nowhere")
    planned = lines_of(run("-c", agreed, "scan", "--dry-run", "--all", "--format", "jsonl"))
    done = lines_of(run("-c", agreed, "scan", "--format", "jsonl"))
    for line in (*planned, *done):
        conforms(line)
        assert line["mailbox"] in (ANN, "ben@harbor.example")
        assert line["folder"] == "INBOX"
    assert {line["outcome"] for line in planned} == {"none", "planned"}
    assert {line["outcome"] for line in done} == {"none", "done"}
    assert {line["kind"] for line in planned} > {line["kind"] for line in done} - {"not-a-bounce"}
    [unreadable] = [line for line in planned if line["error"]]
    assert unreadable["id"] == "1795000000.M9P9.demo"
    assert [line["id"] for line in done if line["error"]] == [unreadable["id"]]
    assert not [line for line in done if line["kind"] == "not-a-bounce" and not line["error"]]


@pytest.mark.parametrize("configured", [False, True])
def test_classify(run: Run, demo: Path, tmp_path: Path, configured: bool) -> None:
    """Every sample, an mbox, a Maildir, and files that are no mail or cannot be read."""
    folder = tmp_path / "odd"
    folder.mkdir()
    (folder / "lost.eml").symlink_to(tmp_path / "nowhere")
    (folder / "empty.eml").touch()
    (folder / "noise").write_bytes(bytes(range(256)) * 50)
    raw = (SAMPLES / "postfix.eml").read_bytes()
    box = tmp_path / "box"
    box.write_bytes(2 * (b"From a@b Mon Jan  5 10:15:00 2026\n" + raw + b"\n\n"))
    maildir = demo.parent / "mail" / ANN
    options = ("-c", demo) if configured else ()
    paths = (SAMPLES, folder, box, maildir)
    every = lines_of(run(*options, "classify", *paths, "--all", "--format", "jsonl"))
    for line in every:
        conforms(line)
        assert (line["mailbox"], line["folder"], line["entry"], line["outcome"]) == (None, None, None, "none")
        assert (line["model"] is None) or configured
    ids = [line["id"] for line in every]
    assert {str(folder / name) for name in ("lost.eml", "empty.eml", "noise")} <= set(ids)
    assert [f"{box}#1", f"{box}#2"] == [id for id in ids if id.startswith(str(box))]
    assert {str(path) for path in (maildir / "cur").iterdir()} <= set(ids)
    assert {line["kind"] for line in every} == {kind.value for kind in Kind}
    [lost] = [line for line in every if line["error"]]
    assert lost["id"] == str(folder / "lost.eml")
    some = lines_of(run(*options, "classify", *paths, "--format", "jsonl"))
    assert some == [line for line in every if line["kind"] != "not-a-bounce" or line["error"]]


def test_classify_for_a_mailbox_names_it(run: Run, demo: Path) -> None:
    for line in lines_of(
        run("-c", demo, "classify", "--mailbox", ANN, SAMPLES / "qmail.eml", "--format", "jsonl")
    ):
        conforms(line)
        assert line["mailbox"] == ANN


def test_explain_begins_with_the_same_object(run: Run, agreed: Path) -> None:
    for sample in sorted(SAMPLES.glob("*.eml")):
        [told] = lines_of(run("-c", agreed, "explain", sample, "--format", "jsonl"))
        conforms(told, more=True)
        [line] = lines_of(run("-c", agreed, "classify", "--all", sample, "--format", "jsonl"))
        assert {key: told[key] for key in KEYS} == line
    moved = [
        line for line in lines_of(run("-c", agreed, "scan", "--format", "jsonl")) if line["outcome"] == "done"
    ]
    [told] = lines_of(run("-c", agreed, "explain", moved[0]["entry"], "--format", "jsonl"))
    conforms(told, more=True)
    same = KEYS.keys() - {
        "evidence",
        "probability",
    }  # others teach: together they are judged a little differently
    assert {key: told[key] for key in same} == {key: moved[0][key] for key in same}
