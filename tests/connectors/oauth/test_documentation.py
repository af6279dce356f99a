"""The page on tokens quotes what the program says, and its examples load."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import cleaner.connectors
from cleaner.config import load

PROJECT = Path(__file__).resolve().parents[3]
PAGE = (PROJECT / "docs" / "oauth.md").read_text("utf-8")
SOURCES = "".join(
    # As it is said: sentences are written over several lines.
    re.sub(r'"\s*\n\s*f?"', "", path.read_text("utf-8"))
    for path in Path(cleaner.connectors.__file__).parent.glob("*/*.py")
)
SAID = re.findall(r"^\| ([^|`]+?) \| ", PAGE.split("## What is said")[1], re.MULTILINE)[1:]
EXAMPLES = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("said", [said for said in SAID if not said.startswith("---")])
def test_what_it_explains_is_what_the_program_says(said: str) -> None:
    assert said in SOURCES


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_its_examples_load(tmp_path: Path, example: str) -> None:
    name = re.findall(r'^name = "(.*)"', example, re.MULTILINE)[0]
    (tmp_path / "cleaner.toml").write_text(
        '[[organisation]]\nname = "harbor"\ndomains = ["harbor.example"]\n'
        f'{example}[[mailbox]]\naddress = "ann@harbor.example"\nserver = "{name}"\n'
    )
    assert load(tmp_path / "cleaner.toml").servers[0].oauth


def test_there_are_some() -> None:
    assert len(SAID) > 8
    assert len(EXAMPLES) == 5
