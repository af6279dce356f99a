"""The commented sample configuration shows every option there is, at its true default."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from cleaner.config import LookupSettings, Secret, Settings, load
from cleaner.errors import ConfigurationError
from cleaner.values import LabelPolicy, Organisation, Policy, Safety

SAMPLE = Path(__file__).resolve().parents[2] / "config" / "cleaner.toml"


@pytest.fixture(scope="module")
def uncommented() -> str:
    text = re.sub(r"^# (?=\[|[a-z_]+ = )", "", SAMPLE.read_text("utf-8"), flags=re.MULTILINE)
    return text.replace("k=rsa; p=…", f"k=ed25519; p={'A' * 43}=")


@pytest.fixture
def settings(uncommented: str, tmp_path: Path) -> Settings:
    (tmp_path / "cleaner.toml").write_text(uncommented, "utf-8")
    return load(tmp_path / "cleaner.toml")


def test_it_loads_as_it_is() -> None:
    assert load(SAMPLE).policy == Policy()


def test_every_commented_value_is_the_default_of_the_code(settings: Settings, tmp_path: Path) -> None:
    # Without these two: the folder with that role, and none.
    assert settings.policy == replace(Policy(), trash="Trash", training_folder="Backscatter/Missed")
    assert settings.labels == LabelPolicy()
    assert settings.safety == Safety()
    assert settings.lookups == LookupSettings()
    assert settings.store.url == f"sqlite:///{tmp_path}/state.db"
    assert settings.store.key == Secret("file:master.key", tmp_path)
    [organisation] = settings.organisations
    bare = Organisation(
        organisation.name,
        organisation.domains,
        dkim_keys=organisation.dkim_keys,
        dmarc_reports="dmarc@harbor.example",  # without it: none
    )
    assert organisation == bare
    assert (settings.servers[1].tls, settings.servers[1].auth) == ("implicit", "password")
    [mailbox] = settings.mailboxes
    assert mailbox.user == mailbox.address
    assert mailbox.aliases == mailbox.identities == mailbox.sent_from == ()


@pytest.mark.parametrize(
    "heading",
    [
        "[store]",
        "[[organisation]]",
        "[[organisation.dkim]]",
        "[[organisation.batv]]",
        "[[organisation.hmac]]",
        "[[server]]",
        "[lookups]",
        "[policy]",
        "[safety]",
        "[labels]",
        "[service]",
        "[[mailbox]]",
    ],
)
def test_every_key_of_the_code_is_shown(uncommented: str, tmp_path: Path, heading: str) -> None:
    section = uncommented.rpartition(f"\n{heading}\n")[2].partition("\n[")[0]
    shown = set(tomllib.loads(section))
    probe = tmp_path / "cleaner.toml"
    probe.write_text(uncommented.replace(f"\n{heading}\n", f"\n{heading}\nzzzzzz = 1\n"), "utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load(probe)
    known = caught.value.faults[-1].partition("here may stand ")[2].split(", ")
    assert shown == {*known} - {"dkim", "batv", "hmac", "policy"}
