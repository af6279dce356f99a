"""Any provider's tokens for applications."""

from __future__ import annotations

from pathlib import Path

import pytest

from cleaner.connectors.oauth import access_token
from cleaner.errors import ServerUnavailableError, SignInRefusedError
from tests.connectors.oauth.signing import ANN, BEN, server_of
from tests.servers.signin import SignInServer


@pytest.mark.parametrize("secret", ["client-secret-8w3bq", "a:b c%ü&="])
@pytest.mark.parametrize("takes", ["basic", "form"])
def test_by_its_secret(provider: SignInServer, tmp_path: Path, secret: str, takes: str) -> None:
    provider.add_client(secret=secret)
    provider.takes = takes
    server = server_of(provider, tmp_path, "other", "client_credentials", secret=secret)
    token = access_token(server, ANN)
    assert access_token(server, BEN) == token
    assert provider.counted("client_credentials") == (1 if takes == "basic" else 2)
    assert (provider.access[token].user, provider.access[token].scope) == ("", "mail")


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (
            {"error": "invalid_scope", "error_description": "no such scope\x1b[2J"},
            r"correct scope.*no such scope \[2J",
        ),
        ({"error": "unauthorized_client"}, "may not sign in this way"),
        ({"error": "strange", "error_description": "you sent client-secret-8w3bq!"}, r"you sent \*\*\*!"),
        ({}, "no reason is given"),
        ({"error": ["x"], "error_description": {"a": 1}}, "no token is given"),
    ],
)
def test_a_refusal_is_said_with_the_remedy(
    provider: SignInServer, tmp_path: Path, answer: dict[str, object], told: str
) -> None:
    provider.add_client()
    provider.fail(400, **answer)
    server = server_of(provider, tmp_path, "other", "client_credentials")
    with pytest.raises(SignInRefusedError, match=told) as caught:
        access_token(server, ANN)
    assert "client-secret" not in str(caught.value)


@pytest.mark.parametrize(
    "answer",
    [
        {"access_token": "with\r\nlines"},
        {"access_token": ""},
        {"access_token": "x" * 100_000},
        {"access_token": "good", "refresh_token": "a b"},
    ],
    ids=["lines", "empty", "long", "refresh"],
)
def test_a_token_that_cannot_be_one_is_not_used(
    provider: SignInServer, tmp_path: Path, answer: dict[str, object]
) -> None:
    provider.add_client()
    provider.fail(200, **answer)
    server = server_of(provider, tmp_path, "other", "client_credentials")
    with pytest.raises(ServerUnavailableError, match="no usable token"):
        access_token(server, ANN)


def test_an_answer_that_does_not_end_is_left(provider: SignInServer, tmp_path: Path) -> None:
    provider.add_client()
    provider.fail(200, access_token="x" * 2_000_000)
    server = server_of(provider, tmp_path, "other", "client_credentials")
    with pytest.raises(ServerUnavailableError, match="does not end"):
        access_token(server, ANN)


def test_what_is_no_answer_is_told(provider: SignInServer, tmp_path: Path) -> None:
    server = server_of(provider, tmp_path, "other", "client_credentials", token_url=f"{provider.url}/page")
    with pytest.raises(ServerUnavailableError, match="is its address right"):
        access_token(server, ANN)


def test_a_redirect_is_not_followed(provider: SignInServer, tmp_path: Path) -> None:
    server = server_of(provider, tmp_path, "other", "client_credentials", token_url=f"{provider.url}/moved")
    with pytest.raises(ServerUnavailableError, match="302"):
        access_token(server, ANN)
    assert provider.counted("client_credentials") == 0


@pytest.mark.parametrize("life", ["nan", "inf", "-5", "x", None, 10**400, [], "3600"])
def test_however_a_life_is_written_there_is_a_token(
    provider: SignInServer, tmp_path: Path, life: object
) -> None:
    provider.add_client()
    provider.fail(200, access_token="good", expires_in=life)
    assert access_token(server_of(provider, tmp_path, "other", "client_credentials"), ANN) == "good"
