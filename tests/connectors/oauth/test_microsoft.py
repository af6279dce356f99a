"""An application's token from Microsoft: by secret or certificate, kept, renewed, and what it is refused with."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from cleaner.config import MailboxSettings, Secret, Server
from cleaner.config.oauth import SignIn
from cleaner.connectors.oauth import access_token
from cleaner.connectors.oauth.tokens import OFTEN, forget_all
from cleaner.errors import AskPersonError, ServerUnavailableError, SignInRefusedError
from cleaner.values import Policy
from tests.servers.signin import SECRET, TENANT, SignInServer

MAILBOX = MailboxSettings("ann@harbor.example", "cloud", "harbor", Policy())
BEN = MailboxSettings("ben@harbor.example", "cloud", "harbor", Policy())


def server_of(provider: SignInServer, tmp_path: Path, **changes: Any) -> Server:
    (tmp_path / "secret").write_text(changes.pop("secret", SECRET))
    settings: dict[str, Any] = {
        "client_id": "cleaner",
        "client_secret": Secret("file:secret", tmp_path),
        "authority": provider.tenant_url,
        "scope": "https://graph.microsoft.com/.default",
        "ca_file": provider.ca_file,
    }
    return Server(
        "cloud", "graph", oauth=SignIn("microsoft", "client_credentials", **{**settings, **changes})
    )


@pytest.fixture
def client(provider: SignInServer) -> None:
    provider.add_client()


@pytest.mark.usefixtures("client")
def test_one_token_serves_every_mailbox_until_it_ends(provider: SignInServer, tmp_path: Path) -> None:
    server = server_of(provider, tmp_path)
    first = access_token(server, MAILBOX)
    assert access_token(server, MAILBOX) == access_token(server, BEN) == first
    assert provider.counted("client_credentials") == 1
    assert provider.access[first].scope == "https://graph.microsoft.com/.default"


@pytest.mark.usefixtures("client")
def test_a_refused_token_is_replaced_once_for_all(provider: SignInServer, tmp_path: Path) -> None:
    server = server_of(provider, tmp_path)
    first = access_token(server, MAILBOX)
    access_token(server, BEN)
    second = access_token(server, MAILBOX, renew=True)
    assert second != first
    assert access_token(server, BEN, renew=True) == second
    assert access_token(server, BEN, renew=True) != second


@pytest.mark.usefixtures("client")
def test_hundreds_of_mailboxes_without_rights_are_not_hundreds_of_tokens(
    provider: SignInServer, tmp_path: Path
) -> None:
    server = server_of(provider, tmp_path)
    for number in range(100):
        mailbox = replace(MAILBOX, address=f"user{number}@harbor.example")
        access_token(server, mailbox)
        access_token(server, mailbox, renew=True)
    assert provider.counted("client_credentials") == 1 + OFTEN


@pytest.mark.usefixtures("client")
def test_a_token_near_its_end_is_renewed(provider: SignInServer, tmp_path: Path) -> None:
    provider.life = 0
    server = server_of(provider, tmp_path)
    assert access_token(server, MAILBOX) != access_token(server, MAILBOX)


@pytest.mark.usefixtures("client")
def test_a_wrong_secret_is_asked_for_once_and_never_shown(provider: SignInServer, tmp_path: Path) -> None:
    server = server_of(provider, tmp_path, secret="hunter2-hunter2")
    for mailbox in (MAILBOX, BEN):
        with pytest.raises(SignInRefusedError, match="the client secret is wrong") as caught:
            access_token(server, mailbox)
    assert "hunter2" not in str(caught.value)
    assert "file:secret" in str(caught.value)
    assert "Trace ID" not in str(caught.value)
    assert str(caught.value).startswith("cloud: "), "it is about every mailbox there"
    assert provider.counted("client_credentials") == 1


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"client_id": "nobody"}, "there is no such application in this tenant"),
        ({"authority": "nowhere"}, "is no tenant of Microsoft's that answers"),
    ],
)
@pytest.mark.usefixtures("client")
def test_what_is_wrong_is_named(
    provider: SignInServer, tmp_path: Path, changes: dict[str, str], told: str
) -> None:
    if "authority" in changes:
        changes = {"authority": provider.tenant_url.replace(TENANT, changes["authority"])}
    with pytest.raises(SignInRefusedError, match=told):
        access_token(server_of(provider, tmp_path, **changes), MAILBOX)


@pytest.mark.usefixtures("client")
def test_a_provider_in_trouble_is_asked_again_later(provider: SignInServer, tmp_path: Path) -> None:
    server = server_of(provider, tmp_path)
    provider.fail(503)
    with pytest.raises(ServerUnavailableError, match="it is in trouble: 503"):
        access_token(server, MAILBOX)
    provider.fail(400, error="temporarily_unavailable", error_description="AADSTS90033: try later")
    with pytest.raises(ServerUnavailableError, match="AADSTS90033"):
        access_token(server, MAILBOX)
    assert access_token(server, MAILBOX)


def test_a_certificate_that_is_not_trusted_is_told(provider: SignInServer, tmp_path: Path) -> None:
    with pytest.raises(AskPersonError, match="a certificate that is not trusted here"):
        access_token(server_of(provider, tmp_path, ca_file=None), MAILBOX)


def test_nobody_there_is_for_later(provider: SignInServer, tmp_path: Path) -> None:
    server = server_of(provider, tmp_path, authority="https://127.0.0.1:9/harbor.example")
    with pytest.raises(ServerUnavailableError, match="nothing answers there"):
        access_token(server, MAILBOX)


def test_by_certificate(provider: SignInServer, tmp_path: Path) -> None:
    own, other = pem(tmp_path / "own.pem"), pem(tmp_path / "other.pem")
    provider.add_client(secret="", certificate=own)
    signed = server_of(provider, tmp_path, client_secret=None, certificate=Secret("file:own.pem", tmp_path))
    assert access_token(signed, MAILBOX)
    forget_all()
    provider.add_client(secret="", certificate=other)
    with pytest.raises(SignInRefusedError, match="the certificate is not the application's"):
        access_token(signed, MAILBOX)


@pytest.mark.parametrize(
    "content", ["", "-----BEGIN CERTIFICATE-----\n", "PRIVATE KEY-----\n-----BEGIN CERTIFICATE-----"]
)
def test_a_certificate_that_is_none(provider: SignInServer, tmp_path: Path, content: str) -> None:
    (tmp_path / "own.pem").write_text(content)
    server = server_of(provider, tmp_path, client_secret=None, certificate=Secret("file:own.pem", tmp_path))
    with pytest.raises(AskPersonError, match=r"own\.pem"):
        access_token(server, MAILBOX)


def pem(path: Path) -> bytes:
    """Writes a key with its certificate; returns the certificate."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cleaner")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + certificate
    )
    return certificate
