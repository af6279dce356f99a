"""Whom to tell of alarms: what may stand in the file, and what is refused without quoting a secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from cleaner.config import AlarmSettings, Secret, load
from cleaner.errors import ConfigurationError

ORGANISATION = '[[organisation]]\nname = "harbor"\ndomains = ["harbor.example"]\n'


def read(folder: Path, text: str) -> AlarmSettings:
    file = folder / "cleaner.toml"
    file.write_text(f"{ORGANISATION}[alarms]\n{text}")
    return load(file).alarms


def test_nobody_is_told_unless_somebody_is_named(tmp_path: Path) -> None:
    assert read(tmp_path, "") == AlarmSettings()


def test_an_address_or_where_it_stands(tmp_path: Path) -> None:
    assert (
        read(tmp_path, "webhook = 'https://chat.harbor.example/x'").webhook == "https://chat.harbor.example/x"
    )
    assert read(tmp_path, "webhook = 'env:HOOK'").webhook == Secret("env:HOOK", tmp_path)


def test_mail(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "mail = ['admin@harbor.example']\nsender = 'cleaner@harbor.example'\n"
        "smtp_user = 'c'\nsmtp_password = 'file:smtp'\nrepeat = '6h'",
    )
    assert found.mail == ("admin@harbor.example",)
    assert found.smtp_tls == "starttls"
    assert found.repeat.total_seconds() == 6 * 3600


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("webhook = 'http://chat.harbor.example/S3CRET'", "must be an https address"),
        ("webhook = 'https://u:S3CRET@chat.harbor.example/'", "must not hold a user or password"),
        ("webhook = 'S3CRET'", "must be an https address"),
        ("mail = ['admin@harbor.example']", "sender: is missing"),
        ("smtp_user = 'c'", "smtp_password: is missing"),
        ("smtp_user = 'c'\nsmtp_password = 'env:S'\nsmtp_tls = 'none'", "in the clear"),
        ("webhok = 'https://chat.harbor.example/'", "did you mean webhook"),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, fault: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read(tmp_path, text)
    assert fault in str(refused.value)
    assert "S3CRET" not in str(refused.value)
