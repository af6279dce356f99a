"""Our sign-in gives tokens to whom Entra would, and refuses with its numbers."""

from __future__ import annotations

import base64
import json
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.servers.certificates import Authority
from tests.servers.graph import CLIENT, DOMAIN, SECRET, TENANT, GraphServer, make_certificate, throttled
from tests.servers.graph.client import DEFAULT, Answer, Client
from tests.servers.graph.signin import ASSERTION, DEVICE

ANN = "ann@harbor.example"
APP = "d1e2f3a4-0000-4000-8000-5b6c7d8e9f00"
SCOPES = "https://graph.microsoft.com/Mail.ReadWrite offline_access openid profile"


@pytest.fixture
def server(authority: Authority) -> Iterator[GraphServer]:
    with GraphServer(authority.good()) as running:
        running.add_mailbox(ANN)
        running.add_application(APP, scopes=("Mail.ReadWrite",), is_public=True)
        yield running


@pytest.fixture
def client(server: GraphServer, authority: Authority) -> Iterator[Client]:
    opened = Client(server, authority.ca_file)
    yield opened
    opened.close()


def number(answer: Answer) -> tuple[int, str, int]:
    found = answer.json
    (code,) = found["error_codes"]
    assert f"AADSTS{code}:" in found["error_description"]
    return answer.status, found["error"], code


# --- an application by its secret


def test_a_secret_gives_a_token(client: Client) -> None:
    answer = client.sign_in().json
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 3600)
    assert client.get("/messages").status == 200


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"client_secret": "wrong"}, (401, "invalid_client", 7000215)),
        ({"client_id": "00000000-1111-2222-3333-444444444444"}, (400, "unauthorized_client", 700016)),
        ({"scope": "https://graph.microsoft.com/Mail.Read"}, (400, "invalid_scope", 1002012)),
        ({"scope": "https://elsewhere.example/.default"}, (400, "invalid_resource", 500011)),
        ({"scope": ""}, (400, "invalid_request", 90014)),
        ({"grant_type": "password"}, (400, "unsupported_grant_type", 70003)),
        ({"client_secret": ""}, (401, "invalid_client", 7000218)),
    ],
)
def test_what_is_refused(client: Client, changes: dict[str, str], expected: tuple[int, str, int]) -> None:
    given = {
        "grant_type": "client_credentials",
        "client_id": CLIENT,
        "client_secret": SECRET,
        "scope": DEFAULT,
    }
    said = {name: value for name, value in (given | changes).items() if value}
    assert number(client.form("token", **said)) == expected


def test_a_secret_expires(client: Client) -> None:
    client.server.app.secrets[SECRET] = datetime.now(UTC) - timedelta(days=1)
    assert number(client.sign_in()) == (401, "invalid_client", 7000222)


def test_an_application_that_is_not_in_the_tenant(client: Client) -> None:
    client.server.app.is_known = False
    assert number(client.sign_in()) == (400, "unauthorized_client", 7000229)


def test_a_tenant_that_is_not_there_and_one_by_its_domain(client: Client) -> None:
    path = "v2.0/.well-known/openid-configuration"
    assert number(client.ask("GET", f"/elsewhere.example/{path}")) == (400, "invalid_request", 90002)
    found = client.ask("GET", f"/{DOMAIN}/{path}").json
    assert found["token_endpoint"].startswith(f"{client.server.root}/{DOMAIN}/")


def test_signing_in_is_throttled(client: Client) -> None:
    client.server.fault(throttled(5, operation="token"))
    answer = client.form("token", grant_type="client_credentials")
    assert (answer.status, answer.headers["retry-after"]) == (429, "5")


# --- by a certificate


def assertion(pem: bytes, server: GraphServer, changes: dict[str, Any], algorithm: str = "PS256") -> str:
    key = serialization.load_pem_private_key(pem, None)
    assert isinstance(key, rsa.RSAPrivateKey)
    certificate = x509.load_pem_x509_certificate(pem)
    now = int(time.time())
    claims = {
        "aud": f"{server.authority}/oauth2/v2.0/token",
        "iss": APP,
        "sub": APP,
        "nbf": now,
        "exp": now + 600,
        "jti": str(uuid.uuid4()),
    } | changes
    thumb = certificate.fingerprint(hashes.SHA256())
    header = {"alg": algorithm, "typ": "JWT", "x5t#S256": encoded(thumb)}
    signed = ".".join(encoded(json.dumps(each).encode()) for each in (header, claims))
    how: Any = padding.PSS(padding.MGF1(hashes.SHA256()), 32) if algorithm == "PS256" else padding.PKCS1v15()
    return f"{signed}.{encoded(key.sign(signed.encode(), how, hashes.SHA256()))}"


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def by_certificate(client: Client, said: str) -> Answer:
    return client.form(
        "token",
        grant_type="client_credentials",
        client_id=APP,
        scope=DEFAULT,
        client_assertion_type=ASSERTION,
        client_assertion=said,
    )


@pytest.mark.parametrize("algorithm", ["PS256", "RS256"])
def test_a_certificate_gives_a_token(client: Client, algorithm: str) -> None:
    pem, certificate = make_certificate()
    client.server.entra.apps[APP].certificates.append(certificate)
    assert by_certificate(client, assertion(pem, client.server, {}, algorithm)).status == 200


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"aud": "https://login.microsoftonline.com/common"}, 700023),
        ({"sub": CLIENT}, 700021),
        ({"exp": int(time.time()) - 3600}, 700024),
        ({"exp": int(time.time()) + 10 * 86400}, 700024),
        ({"jti": ""}, 50027),
    ],
)
def test_an_assertion_that_says_the_wrong_things(client: Client, changes: dict[str, Any], code: int) -> None:
    pem, certificate = make_certificate()
    client.server.entra.apps[APP].certificates.append(certificate)
    assert number(by_certificate(client, assertion(pem, client.server, changes)))[2] == code


def test_certificates_that_are_not_believed(client: Client) -> None:
    app = client.server.entra.apps[APP]
    pem, certificate = make_certificate()
    good = assertion(pem, client.server, {})
    assert number(by_certificate(client, good)) == (401, "invalid_client", 700027)
    app.certificates.append(certificate)
    head, claims, signature = good.split(".")
    assert number(by_certificate(client, f"{head}.{claims}.{signature[::-1]}"))[2] == 700027
    assert number(by_certificate(client, "nonsense"))[2] == 50027
    old_pem, old = make_certificate(days=-1)
    app.certificates.append(old)
    assert number(by_certificate(client, assertion(old_pem, client.server, {})))[2] == 700027


# --- a person


def device(client: Client, scope: str = SCOPES) -> dict[str, Any]:
    return dict(client.form("devicecode", client_id=APP, scope=scope).json)


def ask(client: Client, code: str) -> Answer:
    return client.form("token", grant_type=DEVICE, client_id=APP, device_code=code, client_info="1")


def test_somebody_signs_in_elsewhere(client: Client) -> None:
    flow = device(client)
    assert number(ask(client, flow["device_code"])) == (400, "authorization_pending", 70016)
    client.server.entra.approve(flow["user_code"], ANN)
    answer = ask(client, flow["device_code"]).json
    assert answer.keys() >= {"access_token", "refresh_token", "id_token", "client_info"}
    client.token = answer["access_token"]
    assert client.get("/v1.0/me/mailFolders/inbox").status == 200
    client.server.add_mailbox("bob@harbor.example")
    assert client.get("/v1.0/users/bob@harbor.example/messages").error == (403, "ErrorAccessDenied")
    assert number(ask(client, flow["device_code"]))[2] == 70019


def test_somebody_declines_or_is_too_late(client: Client) -> None:
    declined, late = device(client), device(client)
    client.server.entra.decline(declined["user_code"])
    assert number(ask(client, declined["device_code"]))[1] == "authorization_declined"
    client.server.entra.devices[late["device_code"]].expires = 0
    assert number(ask(client, late["device_code"]))[1] == "expired_token"


def test_without_consent_nobody_signs_in(client: Client) -> None:
    flow = device(client, "https://graph.microsoft.com/Mail.Read offline_access")
    client.server.entra.approve(flow["user_code"], ANN)
    answer = ask(client, flow["device_code"])
    assert number(answer) == (400, "invalid_grant", 65001)
    assert answer.json["suberror"] == "consent_required"


def test_refresh_tokens_are_good_until_they_are_revoked(client: Client) -> None:
    flow = device(client)
    client.server.entra.approve(flow["user_code"], ANN)
    refresh = ask(client, flow["device_code"]).json["refresh_token"]

    def again(token: str) -> Answer:
        return client.form(
            "token", grant_type="refresh_token", client_id=APP, refresh_token=token, scope=SCOPES
        )

    renewed = again(refresh).json
    assert renewed["refresh_token"] != refresh
    client.server.entra.revoke_grants()
    assert number(again(renewed["refresh_token"])) == (400, "invalid_grant", 50173)
    client.server.entra.revoke_grants(700082)
    assert number(again(refresh)) == (400, "invalid_grant", 700082)
    client.token = renewed["access_token"]
    assert client.get("/v1.0/me/messages").status == 200


def test_only_a_public_client_needs_no_secret(client: Client) -> None:
    client.server.entra.apps[APP].is_public = False
    flow = device(client)
    client.server.entra.approve(flow["user_code"], ANN)
    assert number(ask(client, flow["device_code"]))[2] == 7000218


def test_everything_that_is_secret_is_known(client: Client) -> None:
    client.sign_in()
    flow = device(client)
    assert {SECRET, client.token, flow["device_code"]} <= client.server.entra.secrets
    assert TENANT not in client.server.entra.secrets
