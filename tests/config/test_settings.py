"""Looking things up in the settings, and the mailboxes that are kept in the store."""

from __future__ import annotations

from pathlib import Path

import pytest

from cleaner.config import Settings, load
from cleaner.errors import ConfigurationError, UsageError
from cleaner.values import ActionName


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    file = tmp_path / "cleaner.toml"
    file.write_text("""
        [[organisation]]
        name = "harbor"
        domains = ["harbor.example"]
        [[organisation]]
        name = "quay"
        domains = ["quay.example"]
        [[server]]
        name = "mail"
        connector = "maildir"
        path = "/{address}"
        [[mailbox]]
        address = "ann@harbor.example"
        server = "mail"
        [[mailbox]]
        address = "old@elsewhere.example"
        organisation = "quay"
        server = "mail"
    """)
    return load(file)


def test_a_mailbox_is_found_however_its_address_is_written(settings: Settings) -> None:
    assert settings.mailbox("ANN@Harbor.example").address == "ann@harbor.example"
    assert "Ann@harbor.example" in settings
    assert "bob@harbor.example" not in settings


def test_a_mistyped_mailbox_is_answered_with_the_near_one(settings: Settings) -> None:
    with pytest.raises(UsageError, match=r"did you mean ann@harbor\.example\?"):
        settings.mailbox("anne@harbor.example")
    for address in ("x@far.example", "ida@harbor.example", "bob@harbor.example"):
        with pytest.raises(UsageError, match=rf"{address}; add it to .* bounce-cleaner optin add {address}"):
            settings.mailbox(address)


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("anyone@quay.example", "quay"),
        ("ann@HARBOR.example", "harbor"),
        ("old@elsewhere.example", "quay"),
        ("new@elsewhere.example", None),
        ("a@mail.quay.example", None),
    ],
)
def test_an_address_belongs_to_its_mailbox_organisation_else_its_domain(
    settings: Settings, address: str, name: str | None
) -> None:
    found = settings.organisation_of(address)
    assert (found.name if found else None) == name


def test_stored_mailboxes_are_checked_like_those_of_the_file(settings: Settings) -> None:
    merged = settings.with_stored(
        [
            {"address": "bob@quay.example", "server": "mail", "policy": {"action": "report"}},
            {"address": "eve@quay.example", "server": "mail", "sent_from": ("bob@quay.example",)},
        ]
    )
    bob = merged.mailbox("bob@quay.example")
    assert bob.stored
    assert bob.organisation == "quay"
    assert bob.policy.action is ActionName.REPORT
    assert not merged.mailbox("ann@harbor.example").stored
    with pytest.raises(ConfigurationError) as caught:
        settings.with_stored([{"address": "bob@quay.example", "server": "gone", "policy": {"grace": "x"}}])
    assert [fault.partition(": ")[0] for fault in caught.value.faults] == [
        'stored mailbox "bob@quay.example".policy.grace',
        'stored mailbox "bob@quay.example".server',
    ]


def test_the_file_counts_where_the_store_has_the_same_mailbox(settings: Settings) -> None:
    merged = settings.with_stored([{"address": "Ann@harbor.example", "server": "another"}])
    assert merged.mailboxes == settings.mailboxes
