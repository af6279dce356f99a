"""`evaluate` counts labelled mail and gives each share its interval."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleaner import evidence
from tests.lab.harbor_world import write

Run = Callable[..., Any]


@pytest.fixture
def labelled(demo: Path, tmp_path: Path) -> Path:
    """Ann's inbox as a folder of single messages with a manifest."""
    folder = tmp_path / "labelled"
    folder.mkdir()
    lines = []
    inbox = sorted((demo.parent / "mail" / "ann@harbor.example" / "cur").iterdir())
    for number, message in enumerate(inbox):
        raw = message.read_bytes()
        (folder / f"{number}.eml").write_bytes(raw)
        kind = "ndr" if b"Undelivered Mail" in raw else "not-a-bounce" if b"report" not in raw else "delay"
        if kind != "delay":
            lines.append(json.dumps({"path": f"{number}.eml", "kind": kind}))
    (folder / "manifest.jsonl").write_text("\n".join(lines) + "\n")
    return folder


def test_shares_and_intervals_are_printed(run: Run, labelled: Path) -> None:
    ran = run("evaluate", labelled, "--by", "kind")
    assert ran.code == 0, ran.err
    assert "labelled messages" in ran.out
    assert "notices recognised" in ran.out
    assert "% to " in ran.out
    assert all(len(line) <= 80 for line in ran.out.splitlines())


def test_json_holds_every_figure(run: Run, labelled: Path) -> None:
    found = json.loads(run("evaluate", labelled, "--format", "jsonl").out)
    recognised = found["total"]["recognised"]
    assert recognised["share"] == recognised["hits"] / recognised["total"] == 1.0
    assert found["by"].keys() >= {"set", "kind"}


def test_families_and_languages_are_told_apart(run: Run, labelled: Path) -> None:
    manifest = labelled / "manifest.jsonl"
    first, *others = map(json.loads, manifest.read_text().splitlines())
    notices = [line for line in others if line["kind"] == "ndr"]
    notices[0]["lang"] = "de"
    manifest.write_text("\n".join(json.dumps(line) for line in (first, *others)) + "\n")
    ran = run("evaluate", labelled, "--by", "family", "--by", "language")
    assert ran.code == 0, ran.err
    found = json.loads(run("evaluate", labelled, "--format", "jsonl").out)["by"]
    assert found["language"]["de"]["messages"] == 1
    assert found["language"]["not told"]["messages"] > 1
    assert found["language"].keys() == {"de", "not told"}
    assert set(found["family"]) <= set(ran.out.split())
    manifest.write_text(manifest.read_text() + '{"path": "0.eml", "kind": "ndr", "lang": 7}\n')
    assert "lang must be a text" in run("evaluate", labelled).err


def test_a_folder_without_labels_is_wrong_usage(run: Run, tmp_path: Path) -> None:
    ran = run("evaluate", tmp_path)
    assert ran.code == 2
    assert "manifest.jsonl" in ran.err


def test_each_rule_and_each_piece_of_knowledge_is_left_out_in_turn(run: Run, labelled: Path) -> None:
    lines = [
        json.loads(line)
        for line in run("evaluate", labelled, "--ablate", "--format", "jsonl").out.splitlines()
    ]
    assert lines[0]["without"] is None
    assert {line["without"] for line in lines if line["is_rule"]} == set(evidence.names())
    assert {line["without"] for line in lines if not line["is_rule"]} > {"DKIM keys", "copies of sent mail"}
    assert all(line["removed"]["total"] == lines[0]["removed"]["total"] for line in lines)
    table = run("evaluate", labelled, "--ablate").out
    assert "called genuine" in table
    assert "sent_record" in table


@pytest.mark.parametrize("option", [("--without", "burst"), ("--no-sent",), ("--by", "kind")])
def test_what_would_be_ignored_is_refused(run: Run, labelled: Path, option: tuple[str, ...]) -> None:
    ran = run("evaluate", labelled, "--ablate", *option)
    assert (ran.code, ran.out) == (2, "")
    assert option[0] in ran.err


def test_a_model_is_asked_in_the_ablation_if_it_is_named(run: Run, labelled: Path) -> None:
    def figures(*options: str) -> list[dict[str, Any]]:
        ran = run("evaluate", labelled, "--ablate", "--format", "jsonl", *options)
        assert ran.code == 0, ran.err
        return [json.loads(line) for line in ran.out.splitlines()]

    assert figures() == figures("--model", "none")
    assert len(figures("--model", "2026.11-2")) == len(figures())
    assert run("evaluate", labelled, "--ablate", "--model", "nosuch").code == 2


def test_a_rule_that_does_not_exist_cannot_be_left_out(run: Run, labelled: Path) -> None:
    ran = run("evaluate", labelled, "--without", "brst")
    assert (ran.code, "did you mean burst?" in ran.err) == (2, True)
    assert run("evaluate", labelled, "--without", "burst").code == 0


def test_labels_without_a_message_are_counted_and_named(run: Run, labelled: Path) -> None:
    before = json.loads(run("evaluate", labelled, "--format", "jsonl").out)
    assert before["missing"] == []
    (labelled / "0.eml").unlink()
    ran = run("evaluate", labelled, "--format", "jsonl")
    after = json.loads(ran.out)
    assert after["total"]["messages"] == before["total"]["messages"] - 1
    assert after["missing"] == [str(labelled / "0.eml")]
    assert "1 label has no message and was not counted: " in ran.err


def test_where_no_message_is_there_nothing_is_measured(run: Run, labelled: Path) -> None:
    for path in labelled.glob("*.eml"):
        path.unlink()
    for options in ((), ("--ablate",)):
        ran = run("evaluate", labelled, *options)
        assert (ran.code, ran.out) == (2, "")
        assert "no labelled message is there" in ran.err


def test_a_faulty_label_is_no_fault_of_this_program(run: Run, labelled: Path) -> None:
    (labelled / "manifest.jsonl").write_text('{"path": 7}\n')
    ran = run("evaluate", labelled)
    assert ran.code == 2
    assert "manifest.jsonl" in ran.err
    assert "line 1" in ran.err


def test_circumstances_are_measured_and_told_apart(run: Run, tmp_path: Path) -> None:
    world = write(tmp_path)
    ran = run("evaluate", "--circumstances", "--only", "crm", "--model", "none", world)
    assert ran.code == 0, ran.err
    assert "crm/true" in ran.out
    assert "the policy is false and nothing contradicts it" in ran.out
    assert "of 4 circumstances in which nothing may be lost lose something" in ran.err
    lines = run(
        "evaluate", "--circumstances", "--only", "as-it-is", "--format", "jsonl", world
    ).out.splitlines()
    (found,) = map(json.loads, lines)
    assert found["circumstance"] == "as-it-is"
    assert found["lost"]["total"] == 16
    assert found["removed"]["total"] == 12


def test_circumstances_do_not_mix_with_other_measurements(run: Run, tmp_path: Path) -> None:
    world = write(tmp_path)
    for wrong in (("--circumstances", "--ablate"), ("--circumstances", "--no-sent"), ("--only", "crm")):
        assert run("evaluate", *wrong, world).code == 2
    ran = run("evaluate", "--circumstances", "--only", "crn", world)
    assert ran.code == 2
    assert "no circumstance 'crn'" in ran.err
