"""A service account acts for the people of its Workspace, and what is missing is named."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from cleaner.config import Secret, Server
from cleaner.config.oauth import GOOGLE_MAIL, SERVICE_ACCOUNT, SignIn
from cleaner.connectors.oauth import access_token
from cleaner.connectors.oauth.tokens import forget_all
from cleaner.errors import AskPersonError, ServerUnavailableError, SignInRefusedError
from tests.connectors.oauth.signing import ANN, BEN
from tests.servers.signin import JWT_GRANT, SignInServer

ACCOUNT = "cleaner@harbor-1.iam.gserviceaccount.com"


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture
def server(provider: SignInServer, key: rsa.RSAPrivateKey, tmp_path: Path) -> Server:
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    provider.add_service_account(public.decode(), ACCOUNT, GOOGLE_MAIL)
    return server_of(provider, key, tmp_path)


def server_of(provider: SignInServer, key: rsa.RSAPrivateKey, folder: Path, **changes: Any) -> Server:
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    content = {
        "type": "service_account",
        "private_key": private.decode(),
        "private_key_id": "17",
        "client_email": ACCOUNT,
        "client_id": "117000000000000000017",
        "token_uri": f"{provider.url}/token",
        "project_id": "harbor-1",
    }
    (folder / "google.json").write_text(json.dumps({**content, **changes}, indent=2))
    return Server(
        "cloud",
        "imap",
        oauth=SignIn(
            "google",
            SERVICE_ACCOUNT,
            scope=GOOGLE_MAIL,
            service_account=Secret("file:google.json", folder),
            ca_file=provider.ca_file,
        ),
    )


def test_each_mailbox_has_a_token_of_its_own(provider: SignInServer, server: Server) -> None:
    tokens = {mailbox.address: access_token(server, mailbox) for mailbox in (ANN, BEN, ANN)}
    assert {address: provider.access[token].user for address, token in tokens.items()} == {
        address: address for address in tokens
    }
    assert provider.counted(JWT_GRANT) == 2
    assert access_token(server, ANN, renew=True) != tokens[ANN.address]
    assert access_token(server, BEN) == tokens[BEN.address]


def test_the_user_may_be_named_otherwise(provider: SignInServer, server: Server) -> None:
    token = access_token(server, replace(ANN, user="a.smith@harbor.example"))
    assert provider.access[token].user == "a.smith@harbor.example"


def test_without_delegation_the_page_the_client_and_the_scope_are_named(
    provider: SignInServer, server: Server
) -> None:
    public, _ = provider.service_accounts[ACCOUNT]
    provider.add_service_account(public, ACCOUNT, "https://www.googleapis.com/auth/gmail.readonly")
    with pytest.raises(SignInRefusedError) as caught:
        access_token(server, ANN)
    for part in ("admin.google.com/ac/owl/domainwidedelegation", "117000000000000000017", GOOGLE_MAIL):
        assert part in str(caught.value)


def test_somebody_whom_google_does_not_know(provider: SignInServer, server: Server) -> None:
    provider.people = {BEN.address}
    with pytest.raises(SignInRefusedError, match=r"Google knows no user ann@harbor\.example"):
        access_token(server, ANN)
    assert access_token(server, BEN)


def test_a_key_that_does_not_count_any_more(provider: SignInServer, server: Server, tmp_path: Path) -> None:
    another = rsa.generate_private_key(65537, 2048)
    with pytest.raises(SignInRefusedError, match="make a new key") as caught:
        access_token(server_of(provider, another, tmp_path), ANN)
    assert "file:google.json" in str(caught.value)
    provider.service_accounts.clear()
    forget_all()
    with pytest.raises(SignInRefusedError, match="or the account is gone"):
        access_token(server, ANN)


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "{}", '{"client_email": "a", "private_key": "b", "token_uri": "https://x/"}', "[" * 9999],
)
def test_a_file_that_is_no_key(server: Server, tmp_path: Path, content: str) -> None:
    (tmp_path / "google.json").write_text(content)
    with pytest.raises(AskPersonError, match="is no key of a service account"):
        access_token(server, ANN)


def test_a_key_never_goes_over_plain_http(
    provider: SignInServer, server: Server, key: rsa.RSAPrivateKey, tmp_path: Path
) -> None:
    with pytest.raises(AskPersonError, match="is no key of a service account"):
        access_token(server_of(provider, key, tmp_path, token_uri="http://127.0.0.1/token"), ANN)


def test_a_provider_in_trouble_is_for_later(provider: SignInServer, server: Server) -> None:
    provider.fail(503)
    with pytest.raises(ServerUnavailableError):
        access_token(server, ANN)
    assert access_token(server, ANN)


def test_nothing_secret_is_logged(
    provider: SignInServer, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("google", "google.auth", "google.auth.transport.requests", "google.oauth2", "urllib3"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    token = access_token(server, ANN)
    logging.getLogger("tests").debug("what is written is seen")
    assert "what is written is seen" in caplog.text
    assert token not in caplog.text
    assert "assertion" not in caplog.text
    assert "PRIVATE KEY" not in caplog.text
