"""Secret keys that prove mail ours: references in the file, read only when mail is judged."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from cleaner.config import LookupSettings, load
from cleaner.errors import SecretUnavailableError
from cleaner.values import BatvKey, HmacKey
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


HMAC = """
[[organisation.hmac]]
id = "2026a"
key = "env:PROOF_KEY"
"""


def test_keys_of_the_own_header_are_read_the_same_way(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(ORGANISATION + HMAC + HMAC.replace("2026a", "2025"))
    settings = load(file)
    with pytest.raises(SecretUnavailableError, match="PROOF_KEY"):
        settings.judging("harbor")
    monkeypatch.setenv("PROOF_KEY", "a secret word")
    assert settings.judging("harbor").hmac_keys == (
        HmacKey("2026a", b"a secret word"),
        HmacKey("2025", b"a secret word"),
    )
    assert "secret word" not in repr(settings.judging("harbor"))


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
        (HMAC + HMAC, "hmac: two keys have the same id"),
        (HMAC.replace("2026a", "a; b"), 'hmac[0].id: "a; b" is not possible'),
        (HMAC.replace("env:PROOF_KEY", "hunter2"), "hmac[0].key: a secret does not stand in this file"),
        ("always_tags = true\n", "always_tags: needs the key of the tags"),
    ],
)
def test_what_is_wrong_is_told(file: Path, text: str, fault: str) -> None:
    found = faults(file, ORGANISATION + text)
    assert len(found) == 1
    assert fault in found[0]
    assert "hunter2" not in found[0]


# --- what may be asked of the outside ---------------------------------------------------------------


def test_lookups_are_set(file: Path) -> None:
    text = """
        [lookups]
        dns = false
        timeout = "2s"
        spf = false
        sites = false
        nameservers = ["192.0.2.53", "192.0.2.53:5353", "2001:db8::53", "[2001:db8::53]:5353"]
    """
    file.write_text(ORGANISATION + text)
    assert load(file).lookups == LookupSettings(
        dns=False,
        timeout=timedelta(seconds=2),
        spf=False,
        sites=False,
        nameservers=(
            ("192.0.2.53", 53),
            ("192.0.2.53", 5353),
            ("2001:db8::53", 53),
            ("2001:db8::53", 5353),
        ),
    )


@pytest.mark.parametrize(
    "value", ["ns1.harbor.example", "192.0.2.53:0", "192.0.2.53:x", "192.0.2.53:99999", "[2001:db8::53", ""]
)
def test_a_name_server_is_an_address(file: Path, value: str) -> None:
    (fault,) = faults(file, f'{ORGANISATION}[lookups]\nnameservers = ["{value}"]\n')
    assert "lookups.nameservers[0]" in fault


def test_a_time_limit_cannot_be_switched_off(file: Path) -> None:
    (fault,) = faults(file, f"{ORGANISATION}[lookups]\ntimeout = 0\n")
    assert "must not be 0" in fault


@pytest.mark.parametrize(
    ("connector", "own", "key", "home"),
    [
        ("maildir", 'path = "mail"', 'host = "imap.harbor.example"', "host: does not belong here"),
        ("maildir", 'path = "mail"', 'access = "delegate"', "of connector ews"),
        ("imap", 'host = "imap.harbor.example"', 'path = "mail"', "of connector maildir"),
        ("imap", 'host = "imap.harbor.example"', "port = 1993", ""),
    ],
)
def test_a_key_of_another_connector_is_told_as_that(
    file: Path, connector: str, own: str, key: str, home: str
) -> None:
    text = f'{ORGANISATION}[[server]]\nname = "mail"\nconnector = "{connector}"\n{own}\n{key}\n'
    if home:
        (fault,) = faults(file, text)
        assert home in fault
    else:
        file.write_text(text)
        assert load(file).servers[0].port == 1993
