"""What signing in needs is an extra, told by name and loaded late."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec as real_find_spec
from typing import Any

import pytest

from cleaner.config import Server
from cleaner.config.oauth import SERVICE_ACCOUNT, SignIn
from cleaner.connectors.oauth import access_token, libraries
from cleaner.errors import AskPersonError
from tests.connectors.oauth.signing import ANN

HEAVY = ("requests", "msal", "oauthlib", "google.auth", "jwt")


@pytest.mark.parametrize(
    ("connector", "provider", "grant", "lacking", "extra"),
    [
        ("graph", "microsoft", "client_credentials", "msal", "graph"),
        ("imap", "microsoft", "device", "msal", "microsoft"),
        ("imap", "microsoft", "device", "requests", "microsoft"),
        ("imap", "google", SERVICE_ACCOUNT, "google.auth", "google"),
        ("imap", "google", SERVICE_ACCOUNT, "google", "google"),
        ("imap", "google", "code", "oauthlib", "google"),
        ("imap", "other", "device", "oauthlib", "oauth"),
    ],
)
def test_a_missing_one_is_told_with_the_command(
    monkeypatch: pytest.MonkeyPatch, connector: str, provider: str, grant: str, lacking: str, extra: str
) -> None:
    def find_spec(name: str) -> Any:
        return None if name == lacking else real_find_spec(name)

    monkeypatch.setattr(libraries, "find_spec", find_spec)
    with pytest.raises(AskPersonError) as caught:
        access_token(Server("cloud", connector, oauth=SignIn(provider, grant)), ANN)
    assert f"the package {lacking} is missing" in str(caught.value)
    assert f"pip install 'bounce-cleaner[{extra}]'" in str(caught.value)


def test_none_is_loaded_before_a_token_is_needed() -> None:
    program = (
        "import sys, cleaner.app, cleaner.cli.login, cleaner.connectors.imap\n"
        f"print(sorted(set({HEAVY!r}) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
