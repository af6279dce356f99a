"""Secret keys that prove mail ours: references in the file, read only when mail is judged."""

from __future__ import annotations

from pathlib import Path

import pytest

from cleaner.config import load
from cleaner.errors import SecretUnavailableError
from cleaner.values import BatvKey
from tests.config.test_loader import ORGANISATION, faults


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "cleaner.toml"


BATV = """
[[organisation.batv]]
key = "file:batv.key"
"""


def test_a_key_is_read_when_mail_is_judged_and_not_before(file: Path) -> None:
    file.write_text(f'{ORGANISATION}always_tags = true{BATV}number = 3\nvalid = "9d"\n')
    settings = load(file)
    assert settings.organisation("harbor").batv_keys == ()
    with pytest.raises(SecretUnavailableError, match=r"there is no file .*batv\.key"):
        settings.judging("harbor")
    (file.parent / "batv.key").write_text("a secret word\n")
    assert settings.judging("harbor").batv_keys == (BatvKey(3, b"a secret word", 9),)


def test_it_is_never_shown(file: Path) -> None:
    file.write_text(ORGANISATION + BATV)
    (file.parent / "batv.key").write_text("a secret word")
    assert "secret word" not in repr(load(file).judging("harbor"))


def test_each_organisation_has_its_own(file: Path) -> None:
    file.write_text(f'{ORGANISATION}{BATV}[[organisation]]\nname = "quay"\ndomains = ["quay.example"]\n')
    (file.parent / "batv.key").write_text("a secret word")
    settings = load(file)
    assert settings.judging("harbor").batv_keys == (BatvKey(0, b"a secret word", 7),)
    assert settings.judging("quay").batv_keys == ()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (BATV.replace("file:batv.key", "hunter2"), "batv[0].key: a secret does not stand in this file"),
        ("[[organisation.batv]]\nnumber = 1\n", "batv[0].key: is missing"),
        (BATV + "number = 10\n", "batv[0].number: must be a whole number from 0 to 9"),
        (BATV + 'valid = "12h"\n', 'batv[0].valid: "12h" is not possible; write whole days'),
        (BATV + "valid = 0\n", "batv[0].valid: 0 is not possible"),
        ("always_tags = true\n", "always_tags: needs the key of the tags"),
    ],
)
def test_what_is_wrong_is_told(file: Path, text: str, fault: str) -> None:
    found = faults(file, ORGANISATION + text)
    assert len(found) == 1
    assert fault in found[0]
    assert "hunter2" not in found[0]
