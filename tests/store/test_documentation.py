"""The page on the store quotes what the program says, and names every table's matter."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import cleaner.store

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "store.md").read_text("utf-8")
SOURCES = "".join(path.read_text("utf-8") for path in Path(cleaner.store.__file__).parent.glob("*.py"))
MESSAGES = re.findall(r"^\| ([^|`]+?) \| ", PAGE.split("## When it is refused")[1], re.MULTILINE)[1:]


@pytest.mark.parametrize("message", [message for message in MESSAGES if not message.startswith("---")])
def test_the_messages_that_it_explains_are_those_of_the_program(message: str) -> None:
    assert message in SOURCES


def test_there_are_some() -> None:
    assert len(MESSAGES) > 5
