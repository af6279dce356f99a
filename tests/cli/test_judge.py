"""`classify` and `explain`: files are judged, messages explained, nothing is written."""

from __future__ import annotations

import io
import json
import mailbox
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.lookups.nameserver import serving

Run = Callable[..., Any]
ANN = "ann@harbor.example"


@pytest.fixture
def spam(demo: Path) -> Path:
    """A report about mail that somebody else sent in Ann's name."""
    inbox = demo.parent / "mail" / ANN / "cur"
    return next(path for path in sorted(inbox.iterdir()) if b"Cheap watches" in path.read_bytes())


def test_a_file_is_judged_and_named_as_it_was_given(run: Run, demo: Path, spam: Path) -> None:
    ran = run("-c", demo, "classify", spam, "--format", "jsonl")
    assert ran.code == 0, ran.err
    [line] = map(json.loads, ran.out.splitlines())
    assert line["id"] == str(spam)
    assert line["kind"] == "ndr"
    assert line["mailbox"] is None
    assert line["outcome"] == "none"


def test_it_works_without_any_configuration_and_is_then_unsure(run: Run, spam: Path) -> None:
    ran = run("classify", spam, "--format", "jsonl")
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["verdict"] == "unsure"


def test_the_table_fits_and_counts(run: Run, demo: Path) -> None:
    ran = run("-c", demo, "classify", demo.parent / "mail" / ANN)
    assert all(len(line) <= 80 for line in ran.out.splitlines())
    assert "notices:" in ran.out


def test_the_messages_of_an_mbox_are_numbered(run: Run, demo: Path, spam: Path, tmp_path: Path) -> None:
    box = mailbox.mbox(tmp_path / "box")
    for _ in range(2):
        box.add(spam.read_bytes())
    box.close()
    ran = run("-c", demo, "classify", "box", "--format", "jsonl")
    assert [json.loads(line)["id"] for line in ran.out.splitlines()] == ["box#1", "box#2"]


def test_name_servers_are_asked_only_with_lookups(run: Run, demo: Path, spam: Path) -> None:
    with serving({"harbor.example": ("v=spf1 -all",)}) as server:
        port = server.port
        text = demo.read_text("utf-8").replace("dns = false", f'nameservers = ["127.0.0.1:{port}"]')
        demo.write_text(text, "utf-8")
        for_whom = ((), ("--mailbox", ANN))
        for mailbox_given in for_whom:
            assert run("-c", demo, "classify", spam, *mailbox_given).code == 0
        assert server.asked == []
        for mailbox_given in for_whom:
            server.asked.clear()
            assert run("-c", demo, "classify", spam, *mailbox_given, "--lookups").code == 0
            assert "harbor.example" in server.asked


def test_nothing_is_written(run: Run, demo: Path, spam: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in demo.parent.rglob("*")}
    run("-c", demo, "classify", spam, "--mailbox", ANN)
    run("-c", demo, "explain", spam)
    assert {path: path.stat().st_mtime_ns for path in demo.parent.rglob("*")} == before


def test_a_path_that_is_not_there_is_wrong_usage(run: Run, demo: Path) -> None:
    ran = run("-c", demo, "classify", "no-such-file")
    assert ran.code == 2
    assert "no-such-file" in ran.err
    assert run("-c", demo, "explain", "no-such-file").code == 2


def test_a_file_is_explained(run: Run, demo: Path, spam: Path) -> None:
    ran = run("-c", demo, "explain", spam)
    assert ran.code == 0, ran.err
    for word in ("ndr", "Returned original", "Verdict: ", "Subject"):
        assert word in ran.out
    assert all(len(line) <= 80 for line in ran.out.splitlines())


def test_an_explanation_in_json_says_the_same(run: Run, demo: Path, spam: Path) -> None:
    said = run("-c", demo, "explain", spam).out
    found = json.loads(run("-c", demo, "explain", "--format", "jsonl", spam).out)
    assert f"Verdict: {found['verdict']}" in said
    assert f"{found['score']:+.1f}" in said
    assert len(found["forces"]) == len(found["evidence"]) > 0
    assert all(sentence.endswith(".") for sentence in found["would_change"])
    assert found["journal"] is None


def test_a_journal_entry_is_explained(run: Run, agreed: Path) -> None:
    run("-c", agreed, "scan")
    ran = run("-c", agreed, "explain", 1)
    assert ran.code == 0, ran.err
    for told in (
        "judged backscatter: ",
        "moved from INBOX to Backscatter in run ",
        "(entry 1)",
        "undo --entry 1",
    ):
        assert told in ran.out
    assert run("-c", agreed, "explain", 4711).code == 2


def test_a_message_where_it_lies_is_explained_by_the_id_that_scan_prints(run: Run, agreed: Path) -> None:
    lines = run("-c", agreed, "scan", "--dry-run", "--format", "jsonl").out.splitlines()
    line = json.loads(lines[0])
    ran = run(
        "-c", agreed, "explain", "--mailbox", line["mailbox"], "--folder", line["folder"], "--id", line["id"]
    )
    assert ran.code == 0, ran.err
    assert f"Verdict: {line['verdict']}" in ran.out


@pytest.mark.parametrize("options", [[], ["--mailbox", ANN], ["file.eml", "--id", "1"]])
def test_it_must_be_said_which_message(run: Run, demo: Path, options: list[str]) -> None:
    assert run("-c", demo, "explain", *options).code == 2


def test_standard_input_is_judged_and_explained(
    run: Run, spam: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for command in (("classify", "-", "--format", "jsonl"), ("explain", "-", "--format", "jsonl")):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(spam.read_bytes())))
        ran = run(*command)
        assert ran.code == 0, ran.err
        assert (json.loads(ran.out)["id"], json.loads(ran.out)["kind"]) == ("-", "ndr")


def test_one_message_is_explained_not_a_folder_or_several(run: Run, demo: Path, spam: Path) -> None:
    box = demo.parent / "box"
    separator = b"From a@b Mon Jan  5 10:15:00 2026\n"
    box.write_bytes(2 * (separator + spam.read_bytes() + b"\n"))
    for path in (spam.parent, box):
        ran = run("-c", demo, "explain", path)
        assert (ran.code, f"bounce-cleaner classify {path}" in ran.err) == (2, True)
    box.write_bytes(separator + spam.read_bytes() + b"\n")
    assert run("-c", demo, "explain", box).code == 0


def test_what_was_put_back_is_explained_as_staying(run: Run, agreed: Path) -> None:
    run("-c", agreed, "scan")
    run("-c", agreed, "undo", "--entry", 1)
    ran = run("-c", agreed, "explain", 1)
    assert "It was put back before, so it stays." in ran.out
    assert "put back to INBOX with 'undo' (entry 1)" in ran.out
    assert "To take it back" not in ran.out
    assert "The next scan moves it" not in ran.out


def test_without_a_configuration_no_name_is_held_against_anybody(run: Run, spam: Path) -> None:
    ran = run("explain", spam)
    assert "foreign_author" not in ran.out
    assert "bounce-cleaner init" in ran.out


def test_a_missing_path_is_told_before_any_message_is_judged(run: Run, spam: Path) -> None:
    ran = run("classify", spam, "missing.eml", "--format", "jsonl")
    assert (ran.code, ran.out) == (2, "")


def test_of_very_many_messages_the_table_shows_the_first(
    run: Run, demo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cleaner.cli.scan.MAX_ROWS", 2)
    ran = run("-c", demo, "classify", demo.parent / "mail" / ANN)
    assert "more; --format jsonl gives all." in ran.out
