"""Labelled mail is read with care: what is faulty or missing is told, with its place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cleaner.errors import UsageError
from cleaner.service.datasets import Mailbag, mailbags
from cleaner.values import Kind, Opinion

ANN = "ann@harbor.example"
WORLD: dict[str, Any] = {"own_domains": ["harbor.example"], "users": [{"address": ANN}]}
LABEL: dict[str, Any] = {"user": ANN, "file": "1.M1P1.mx", "kind": "ndr", "truth": "genuine"}


def world(root: Path, labels: list[dict[str, Any]], **facts: Any) -> Path:
    (root / ANN / "cur").mkdir(parents=True)
    (root / ANN / "cur" / "1.M1P1.mx:2,S").write_bytes(b"Subject: x\n\ny\n")
    (root / "world.json").write_text(json.dumps(WORLD | facts))
    (root / "labels.jsonl").write_text("".join(f"{json.dumps(label)}\n\n" for label in labels))
    return root


def folder(root: Path, *lines: str) -> Path:
    root.mkdir(exist_ok=True)
    (root / "a.eml").write_bytes(b"Subject: x\n\ny\n")
    (root / "manifest.jsonl").write_text("\n".join(lines))
    return root


def only(path: Path) -> Mailbag:
    [bag] = mailbags(path)
    return bag


def test_a_world(tmp_path: Path) -> None:
    bag = only(
        world(tmp_path / "w", [{**LABEL, "tags": ["joe-job"]}], own_relays=["192.0.2.1", "MX.harbor.example"])
    )
    [label] = bag.messages
    assert (label.kind, label.truth, label.tags) == (Kind.NDR, Opinion.GENUINE, frozenset({"joe-job"}))
    assert label.path.name == "1.M1P1.mx:2,S"
    assert bag.organisation.relay_names == {"mx.harbor.example"}
    assert bag.missing == ()


def test_the_language_is_told_by_the_label_or_a_tag(tmp_path: Path) -> None:
    def told(number: int, **label: Any) -> str:
        [message] = only(world(tmp_path / f"w{number}", [{**LABEL, **label}])).messages
        return message.language

    assert told(1) == ""
    assert told(2, tags=["joe-job", "localised-de"]) == "de"
    assert told(3, lang="es", tags=["localised-de"]) == "es"


def test_labels_without_a_message_or_a_mailbox_are_named(tmp_path: Path) -> None:
    labels = [LABEL, {**LABEL, "file": "2.gone"}, {**LABEL, "user": "eve@harbor.example"}]
    bag = only(world(tmp_path / "w", labels))
    assert len(bag.messages) == 1
    assert bag.missing == (f"w/eve@harbor.example/{LABEL['file']}", f"w/{ANN}/2.gone")


def test_a_manifest(tmp_path: Path) -> None:
    lines = ('{"path": "a.eml", "kind": "ham"}', "", '{"path": "b.eml", "kind": "delay", "recipients": null}')
    bag = only(folder(tmp_path / "m", *lines))
    assert [(label.kind, label.truth) for label in bag.messages] == [
        (Kind.NOT_A_BOUNCE, Opinion.NOT_A_BOUNCE)
    ]
    assert bag.missing == (str(tmp_path / "m" / "b.eml"),)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('{"path": "a.eml"', "line 2: no JSON (Expecting"),
        ("[" * 100_000, "line 2: no JSON"),
        ("[]", 'line 2: no JSON object; one begins with {"'),
        ('{"path": "a.eml"}', "line 2: kind is missing"),
        ('{"path": "a.eml", "kind": "bounce"}', 'line 2: kind is "bounce", and must be one of ndr, delay'),
        ('{"path": "a.eml", "kind": 7}', "line 2: kind must be a text, not 7"),
        ('{"path": ["a"], "kind": "ndr"}', 'line 2: path must be a text, not ["a"]'),
        (
            '{"path": "a.eml", "kind": "ndr", "recipients": "bob"}',
            'recipients must be a list of texts, not "bob"',
        ),
        ('{"path": "a.eml", "kind": "ndr", "origin_verdict": "yes"}', "line 2: origin_verdict is"),
    ],
)
def test_a_faulty_line_is_told_with_its_place(tmp_path: Path, line: str, told: str) -> None:
    path = folder(tmp_path / "m", '{"path": "a.eml", "kind": "ndr"}', line)
    with pytest.raises(UsageError) as caught:
        list(mailbags(path))
    assert str(caught.value).startswith(str(path / "manifest.jsonl"))
    assert told in str(caught.value)


def test_all_faulty_lines_are_told_together_and_of_very_many_how_many(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"(?s)line 1: .*line 2: ") as caught:
        list(mailbags(folder(tmp_path / "m", *["x"] * 1000)))
    assert "and 990 more lines" in str(caught.value)


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"own_domains": None}, "own_domains must be a list of texts"),
        ({"users": ["ann"]}, "users must be a list of objects"),
        ({"users": [{}]}, "address is missing"),
        ({"client_networks": ["x"]}, "'x' does not appear to be an IPv4 or IPv6 network"),
        ({"dkim": [{"domain": "harbor.example"}]}, "selector is missing"),
    ],
)
def test_a_faulty_world_is_told(tmp_path: Path, facts: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=r"world\.json: ") as caught:
        list(mailbags(world(tmp_path / "w", [LABEL], **facts)))
    assert told in str(caught.value)


def test_a_world_without_labels_is_told(tmp_path: Path) -> None:
    path = world(tmp_path / "w", [LABEL])
    (path / "labels.jsonl").unlink()
    with pytest.raises(UsageError, match=r"labels\.jsonl is missing"):
        list(mailbags(path))


def test_where_there_is_nothing_it_is_said_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no such folder"):
        list(mailbags(tmp_path / "nowhere"))
    with pytest.raises(UsageError, match=r"manifest\.jsonl"):
        list(mailbags(tmp_path))
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(UsageError, match="name the folder"):
        list(mailbags(file))


def test_a_link_back_to_a_folder_above_is_not_followed(tmp_path: Path) -> None:
    folder(tmp_path / "m", '{"path": "a.eml", "kind": "ham"}')
    (tmp_path / "again").symlink_to(tmp_path)
    assert [bag.name for bag in mailbags(tmp_path)] == ["m"]
