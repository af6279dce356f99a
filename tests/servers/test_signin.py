"""The tests' own provider is as strict as the specifications let one be: what passes at it is worth something."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests.servers.certificates import Authority
from tests.servers.signin import DEVICE_GRANT, SECRET, Refusal, SignInServer, running

# RFC 7636 appendix B.
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
CLIENT = {"client_id": "cleaner", "client_secret": SECRET}
BACK = "http://127.0.0.1:8765/"


@pytest.fixture
def provider(authority: Authority) -> Iterator[SignInServer]:
    with running(authority) as server:
        server.add_client()
        yield server


def asked(provider: SignInServer) -> dict[str, str]:
    """The form with which the code of somebody who agreed is to be exchanged."""
    query = {
        "response_type": "code",
        "client_id": "cleaner",
        "redirect_uri": BACK,
        "scope": "mail",
        "state": "s",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    back = urlsplit(provider.agree(f"{provider.url}/authorize?{urlencode(query)}", "ann"))
    code = parse_qs(back.query)["code"][0]
    return {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": BACK,
        "code_verifier": VERIFIER,
        **CLIENT,
    }


def refused(provider: SignInServer, form: dict[str, str]) -> str:
    with pytest.raises(Refusal) as caught:
        provider.token(form, "")
    return caught.value.body["error"]


def test_a_code_is_good_once_and_for_its_verifier_alone(provider: SignInServer) -> None:
    for wrong in (
        {"code_verifier": VERIFIER[:-1] + "l"},
        {"redirect_uri": BACK + "x"},
        {"code_verifier": ""},
    ):
        assert refused(provider, asked(provider) | wrong) == "invalid_grant"
    form = asked(provider)
    assert provider.token(form, "")["refresh_token"]
    assert refused(provider, form) == "invalid_grant"


def test_a_refresh_token_used_twice_ends_the_grant(provider: SignInServer) -> None:
    first = provider.token(asked(provider), "")["refresh_token"]
    second = provider.token({"grant_type": "refresh_token", "refresh_token": first, **CLIENT}, "")
    assert second["refresh_token"] != first
    assert (
        refused(provider, {"grant_type": "refresh_token", "refresh_token": first, **CLIENT})
        == "invalid_grant"
    )
    again = {"grant_type": "refresh_token", "refresh_token": second["refresh_token"], **CLIENT}
    assert refused(provider, again) == "invalid_grant"


def test_a_device_waits_for_its_person(provider: SignInServer) -> None:
    flow = provider.device({"client_id": "cleaner", "client_secret": SECRET, "scope": "mail"}, "")
    form = {"grant_type": DEVICE_GRANT, "device_code": flow["device_code"], **CLIENT}
    assert refused(provider, form) == "authorization_pending"
    provider.allow(flow["user_code"], "ann")
    assert provider.access[provider.token(form, "")["access_token"]].user == "ann"
    assert refused(provider, form) == "expired_token"


def test_a_token_that_ended_or_was_revoked_is_no_token(provider: SignInServer) -> None:
    form = asked(provider)
    for end in (provider.expire, lambda: provider.revoke("ann")):
        token = provider.token(form, "")["access_token"]
        assert provider.tokeninfo(token)["email"] == "ann"
        end()
        with pytest.raises(Refusal):
            provider.tokeninfo(token)
        form = asked(provider)


def test_an_unknown_client_gets_nothing(provider: SignInServer) -> None:
    form = {"grant_type": "client_credentials", **CLIENT}
    assert provider.token(form, "")["access_token"]
    assert refused(provider, form | {"client_secret": "wrong"}) == "invalid_client"
    assert refused(provider, form | {"client_id": "nobody"}) == "unauthorized_client"
    assert refused(provider, form | {"grant_type": "password"}) == "unsupported_grant_type"
