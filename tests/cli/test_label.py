"""`label`: what is said, and what is wrong with a command, in words."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
ANN = "ann@harbor.example"
BEN = "ben@harbor.example"


@pytest.fixture
def spam(demo: Path) -> Path:
    """A report about mail that somebody else sent in Ann's name."""
    inbox = demo.parent / "mail" / ANN / "cur"
    return next(path for path in sorted(inbox.iterdir()) if b"Cheap watches" in path.read_bytes())


def listed(run: Run, file: Path, *options: str) -> list[dict[str, Any]]:
    ran = run("-c", file, "label", "list", "--format", "jsonl", *options)
    assert ran.code == 0, ran.err
    return [json.loads(line) for line in ran.out.splitlines()]


def test_a_file_is_labelled_and_listed(run: Run, demo: Path, spam: Path) -> None:
    ran = run("-c", demo, "label", "add", spam, "--as", "backscatter", "--by", "eve", "--why", "a flood")
    assert ran.code == 0
    assert ran.err.startswith("A new store was made: ")
    assert "1 label added" in ran.out
    [label] = listed(run, demo)
    assert (label["label"], label["truth"], label["by"], label["why"]) == (
        1,
        "backscatter",
        "eve",
        "a flood",
    )
    assert (label["state"], label["origin"], label["mailbox"]) == ("confirmed", "administrator", ANN)
    assert label["returned_subject"] == "Cheap watches, today only"
    table = run("-c", demo, "label", "list").out
    assert "Cheap watches," in table
    assert all(len(line) <= 80 for line in table.splitlines())


def test_said_twice_it_is_kept_once_and_said_so(run: Run, demo: Path, spam: Path) -> None:
    run("-c", demo, "label", "add", spam, "--as", "backscatter")
    ran = run("-c", demo, "label", "add", spam, "--as", "backscatter")
    assert (ran.code, len(listed(run, demo))) == (0, 1)
    assert "1 said before, kept once" in ran.out


def test_a_contradiction_is_told_shown_and_solved(run: Run, demo: Path, spam: Path) -> None:
    run("-c", demo, "label", "add", spam, "--as", "backscatter")
    assert "No label contradicts" in run("-c", demo, "label", "list", "--contradictions").out
    ran = run("-c", demo, "label", "add", spam, "--as", "genuine")
    assert ran.code == 0
    assert "label 1 says otherwise of the same message" in ran.err
    shown = run("-c", demo, "label", "list", "--contradictions")
    assert "Same message: not learned from" in shown.out
    lines = run("-c", demo, "label", "list", "--contradictions", "--format", "jsonl").out.splitlines()
    assert [label["label"] for label in json.loads(lines[0])["labels"]] == [1, 2]
    assert run("-c", demo, "label", "withdraw", 2, "--why", "a slip").code == 0
    assert "No label contradicts" in run("-c", demo, "label", "list", "--contradictions").out
    assert [label["label"] for label in listed(run, demo)] == [1]
    [gone] = listed(run, demo, "--state", "withdrawn")
    assert (gone["label"], gone["settled_why"]) == (2, "a slip")


def test_a_change_of_the_journal_and_a_message_are_labelled(run: Run, agreed: Path) -> None:
    run("-c", agreed, "scan")
    assert run("-c", agreed, "label", "add", "--entry", 1, "--as", "genuine").code == 0
    line = json.loads(run("-c", agreed, "history", "--format", "jsonl").out.splitlines()[-1])
    place = ("--mailbox", line["mailbox"], "--folder", line["target"], "--id", line["new_id"])
    assert run("-c", agreed, "label", "add", *place, "--as", "backscatter").code == 0
    first, second = listed(run, agreed)
    assert (first["entry"], second["entry"]) == (1, None)
    assert second["fingerprint"] == line["fingerprint"]


def test_a_mailbox_that_has_not_opted_in_is_not_opened(run: Run, demo: Path, spam: Path) -> None:
    id = spam.name.partition(":")[0]
    ran = run("-c", demo, "label", "add", "--mailbox", ANN, "--id", id, "--as", "genuine")
    assert ran.code == 2
    assert "has not opted in" in ran.err
    assert listed(run, demo) == []


def test_what_cannot_be_read_is_told_and_the_rest_is_kept(run: Run, demo: Path, spam: Path) -> None:
    Path("empty.eml").touch()
    ran = run("-c", demo, "label", "add", spam, "empty.eml", "--as", "backscatter")
    assert ran.code == 3
    assert "empty.eml: it holds no message" in ran.err
    assert run("-c", demo, "label", "add", "empty.eml", "--as", "backscatter").code == 1
    assert len(listed(run, demo)) == 1


def test_samples_are_listed_and_erased(run: Run, demo: Path, spam: Path) -> None:
    run("-c", demo, "label", "add", spam, "--as", "backscatter")
    ran = run("-c", demo, "label", "samples", "--mailbox", ANN)
    assert f"{spam.stat().st_size:,}" in ran.out
    assert "--erase" in ran.out
    [note] = map(json.loads, run("-c", demo, "label", "samples", "--format", "jsonl").out.splitlines())
    assert (note["label"], note["mailbox"]) == (1, ANN)
    assert "0 samples of ben" in run("-c", demo, "label", "samples", "--mailbox", BEN, "--erase").out
    assert "1 sample of ann" in run("-c", demo, "label", "samples", "--mailbox", ANN, "--erase").out
    assert run("-c", demo, "label", "samples").out == "0 samples.\n"
    assert listed(run, demo)[0]["sample"] is False


def test_labels_are_exported_and_come_in_again(run: Run, demo: Path, spam: Path) -> None:
    run("-c", demo, "label", "add", spam, "--as", "backscatter")
    ran = run("-c", demo, "label", "export", "labels.tar.gz")
    assert (ran.code, ran.out) == (0, "1 label and 1 sample written to labels.tar.gz.\n")
    assert run("-c", demo, "label", "export", "labels.tar.gz").code == 2
    run("-c", demo, "label", "withdraw", 1)
    ran = run("-c", demo, "label", "import", "labels.tar.gz")
    assert (ran.code, ran.err) == (0, "")
    assert "1 withdrawn label counts again" in ran.out
    [label] = listed(run, demo)
    assert (label["origin"], label["sample"]) == ("import", True)
    assert "1 said before" in run("-c", demo, "label", "import", "labels.tar.gz").out


def test_folders_come_in(run: Run, demo: Path, spam: Path) -> None:
    Path("mail/backscatter").mkdir(parents=True)
    Path("mail/backscatter/a.eml").write_bytes(spam.read_bytes())
    Path("mail/backscatter/b.eml").touch()
    ran = run("-c", demo, "label", "import", "mail")
    assert ran.code == 3
    assert "b.eml: it holds no message" in ran.err
    assert [label["why"] for label in listed(run, demo)] == ["imported from mail"]


def test_subjects_cannot_steer_the_terminal(run: Run, demo: Path, spam: Path) -> None:
    raw = spam.read_bytes().replace(b"Cheap watches, today only", b"=?utf-8?q?=1b]2;x=07=e2=80=ae?=")
    Path("evil.eml").write_bytes(raw)
    assert run("-c", demo, "label", "add", "evil.eml", "--as", "backscatter", "--why", "\x1b[2J").code == 0
    out = run("-c", demo, "label", "list").out
    assert "\x1b" not in out
    assert "\u202e" not in out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["add", "--as", "genuine"], "say which message"),
        (["add", "x.eml"], "--as"),
        (["add", "x.eml", "--as", "spam"], "--as"),
        (["add", "x.eml", "--as", "genuine"], "x.eml: there is no such file"),
        (["add", "x.eml", "--entry", "1", "--as", "genuine"], "say which message"),
        (["add", "--id", "1", "--as", "genuine"], "--id needs --mailbox"),
        (["add", "--entry", "1", "--mailbox", ANN, "--as", "genuine"], "leave --mailbox"),
        (["add", "--entry", "4711", "--as", "genuine"], "no entry 4711"),
        (["add", ".", "--mailbox", "zoe@harbor.example", "--as", "genuine"], "no mailbox zoe"),
        (["add", ".", "--organisation", "quay", "--as", "genuine"], "write one of harbor"),
        (["list", "--contradictions", "--as", "genuine"], "only --organisation goes with it"),
        (["list", "--since", "soon"], "is no time"),
        (["list", "--state", "gone"], "--state"),
        (["withdraw"], "LABEL"),
        (["withdraw", "one"], "LABEL"),
        (["withdraw", "4711"], "there is no label 4711"),
        (["import", "none"], "none: there is no such file"),
        (["import", "."], "nothing tells what its mail is"),
        (["export", "x.tar.gz"], "no label to export"),
        (["samples", "--erase"], "--mailbox ADDRESS"),
        ([], "Commands"),
    ],
)
def test_what_cannot_be_meant_is_wrong_usage(run: Run, demo: Path, arguments: list[str], told: str) -> None:
    ran = run("-c", demo, "label", *arguments)
    assert ran.code == 2
    assert told in ran.err + ran.out
