"""The page on configuration names every key, and its example loads."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from cleaner.config import LookupSettings, MailboxSettings, ServiceSettings, load
from cleaner.values import LabelPolicy, Policy, Safety

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "configuration.md").read_text("utf-8")


def test_its_example_loads(tmp_path: Path) -> None:
    [example] = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "cleaner.toml").write_text(example)
    assert load(tmp_path / "cleaner.toml").mailboxes


@pytest.mark.parametrize(
    "key",
    sorted(
        {
            field.name
            for noun in (Policy, Safety, LabelPolicy, MailboxSettings, LookupSettings, ServiceSettings)
            for field in fields(noun)
        }
        - {"review_unsure", "policy", "stored"}
    ),
)
def test_it_names_every_key(key: str) -> None:
    assert f"| `{key}` |" in PAGE
