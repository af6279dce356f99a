"""The page on adding a format is right: what it shows is done here, step by step."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import fields
from pathlib import Path
from types import ModuleType
from typing import Final

import pytest

from cleaner import notices
from cleaner.notices import reading, shortlist
from cleaner.notices.formats import FORMATS, Format
from cleaner.values import Kind, Message, Recipient

PAGE: Final = (Path(__file__).resolve().parents[2] / "docs" / "add-a-format.md").read_text("utf-8")


def shown(language: str) -> str:
    [block] = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(block)


@pytest.fixture
def acme(tmp_path: Path) -> ModuleType:
    file = tmp_path / "acme.py"
    file.write_text(shown("python"))
    spec = importlib.util.spec_from_file_location("acme", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_example_is_read(acme: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    message = Message("INBOX", "1", shown("eml").encode())
    assert notices.read(message).kind is Kind.NOT_A_BOUNCE
    monkeypatch.setattr(shortlist, "_MARKS", shortlist._MARKS | {"x-acme-gateway"})
    monkeypatch.setattr(reading, "FORMATS", (Format.of(acme), *FORMATS))
    notice = notices.read(message)
    assert (notice.kind, notice.family) == (Kind.NDR, "acme")
    told = [(one.address, one.diagnostic) for one in notice.recipients]
    assert told == [
        ("bob@far.example", "E5: mailbox is closed"),
        ("carol@far.example", "E7: mailbox is full"),
    ]


def test_the_near_miss_is_none(acme: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shortlist, "_MARKS", shortlist._MARKS | {"x-acme-gateway"})
    monkeypatch.setattr(reading, "FORMATS", (Format.of(acme), *FORMATS))
    assert notices.read(Message("INBOX", "1", shown("near").encode())).kind is Kind.NOT_A_BOUNCE


def test_every_helper_that_it_names_is_there() -> None:
    tables = re.findall(r"^\| `from ([\w.]+) import (\w+|…)` \| (.*) \|$", PAGE, re.MULTILINE)
    assert len(tables) == 5
    for module, name, told in tables:
        room = importlib.import_module(module)
        if name == "…":
            assert [one for one in re.findall(r"`(\w+)`", told) if not hasattr(room, one)] == []
        else:
            thing = getattr(room, name)
            used = re.findall(rf"`{name}\.(\w+)\(", told)
            assert used
            assert [one for one in used if not hasattr(thing, one)] == []


def test_its_tables_name_every_field() -> None:
    assert {field.name for field in fields(Recipient)} <= set(re.findall(r"`(\w+)`", PAGE))


def test_the_row_has_the_form_of_the_table(acme: ModuleType) -> None:
    row = eval("{" + shown("text") + "}", {"BOB": (("bob@far.example", None),)})  # noqa: S307
    assert row["acme"][0] in [kind.value for kind in Kind]
    assert len(row["acme"]) == 4
