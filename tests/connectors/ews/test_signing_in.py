"""The ways of signing in, against the other side of each: NTLM's own handshake, a token of an authority, TLS."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import spnego

from cleaner.config import MailboxSettings, Secret, Server
from cleaner.connectors import open_reading
from cleaner.errors import AskPersonError, SignInRefusedError
from cleaner.values import Policy
from tests.connectors.ews.answering import Given, answering
from tests.connectors.ews.test_wire import FOLDERS
from tests.servers.certificates import Authority

MAILBOX = MailboxSettings("ann@harbor.example", "exchange", "harbor", Policy())
TOKEN = b'{"access_token": "planted-token-4711", "token_type": "Bearer", "expires_in": 3600}'
JSON = (("Content-Type", "application/json"),)


def server_at(endpoint: str, base: Path, **more: Any) -> Server:
    (base / "password").write_text("geheim-77")
    given: dict[str, Any] = {"auth": "ntlm", "user": "HARBOR\\svc", "password": Secret("file:password", base)}
    host = re.sub(r"https?://|[:/].*", "", endpoint)
    return Server("exchange", "ews", host=host, endpoint=endpoint, access="impersonation", **given | more)


# --- TLS


def test_a_certificate_of_ones_own_authority(authority: Authority, tmp_path: Path) -> None:
    with answering(FOLDERS, authority.good()) as server:
        here = server_at(server.endpoint, tmp_path, auth="basic", ca_file=authority.ca_file)
        assert len(open_reading(here, MAILBOX).folders()) == 2


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("good", "an authority that this machine does not know|an authority of its own"),
        ("for_another_host", "is for another"),
        ("expired", "has expired"),
        ("self_signed", "self-signed"),
    ],
)
def test_a_bad_certificate_is_never_signed_in_to(
    authority: Authority, tmp_path: Path, kind: str, words: str
) -> None:
    trusted = None if kind == "good" else authority.ca_file
    with answering(FOLDERS, getattr(authority, kind)()) as server:
        here = server_at(server.endpoint, tmp_path, auth="basic", ca_file=trusted)
        with pytest.raises(AskPersonError, match=words):
            open_reading(here, MAILBOX).folders()
        assert server.asked == []


# --- NTLM


@contextmanager
def ntlm(answers: list[Given], base: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server that signs in by NTLM, connection by connection as [MS-NTHT] wants it; its endpoint."""
    (base / "users").write_text("HARBOR:svc:geheim-77\n")
    monkeypatch.setenv("NTLM_USER_FILE", str(base / "users"))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        context: Any = None

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", "0")))
            told = self.headers.get("Authorization", "")
            if self.context is not None and self.context.complete:
                self._give(answers.pop(0))
                return
            if not told.startswith(("NTLM ", "Negotiate ")):
                self._challenge("NTLM")
                return
            if self.context is None:
                self.context = spnego.server(protocol="ntlm", options=spnego.NegotiateOptions.use_ntlm)
            try:
                token = self.context.step(base64.b64decode(told.split(" ", 1)[1]))
            except spnego.exceptions.SpnegoError:
                self.context = None
                self._challenge("NTLM")
                return
            if self.context.complete:
                self._give(answers.pop(0))
            else:
                self._challenge(f"NTLM {base64.b64encode(token or b'').decode()}")

        def _challenge(self, way: str) -> None:
            self.send_response(401)
            self.send_header("WWW-Authenticate", way)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _give(self, given: Given) -> None:
            self.send_response(given.status)
            self.send_header("Content-Type", "text/xml")
            self.send_header("Content-Length", str(len(given.body)))
            self.end_headers()
            self.wfile.write(given.body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/EWS/Exchange.asmx"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("auth", ["ntlm", "password"])
def test_ntlm_signs_in(auth: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ntlm(list(FOLDERS), tmp_path, monkeypatch) as endpoint:
        here = server_at(endpoint, tmp_path, tls="none", auth=auth)
        assert len(open_reading(here, MAILBOX).folders()) == 2


def test_ntlm_with_a_wrong_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ntlm(list(FOLDERS), tmp_path, monkeypatch) as endpoint:
        here = server_at(endpoint, tmp_path, tls="none")
        (tmp_path / "password").write_text("falsch")
        with pytest.raises(SignInRefusedError, match="file:password"):
            open_reading(here, MAILBOX).folders()


# --- OAuth 2.0


def with_tokens(endpoint: str, authority: Authority, base: Path, token_url: str) -> Server:
    (base / "secret").write_text("planted-secret-99")
    return server_at(
        endpoint,
        base,
        auth="oauth2",
        user=None,
        password=None,
        ca_file=authority.ca_file,
        client_id="7f1d6c1e",
        client_secret=Secret("file:secret", base),
        token_url=token_url,
    )


def test_an_application_signs_in_with_a_token(authority: Authority, tmp_path: Path) -> None:
    with (
        answering([Given(TOKEN, headers=JSON)], authority.good()) as tokens,
        answering(FOLDERS, authority.good()) as server,
    ):
        here = with_tokens(server.endpoint, authority, tmp_path, tokens.endpoint)
        assert len(open_reading(here, MAILBOX).folders()) == 2
        assert {asked["Authorization"] for asked in server.headers} == {"Bearer planted-token-4711"}
        assert b"scope=https%3A%2F%2F127.0.0.1" in tokens.asked[0]
        assert len(tokens.asked) == 1


def test_an_application_without_a_right_is_told_apart(authority: Authority, tmp_path: Path) -> None:
    refusal = json.dumps({"error": "invalid_client", "error_description": "no planted-secret-99"}).encode()
    with (
        answering([Given(refusal, 401, JSON)], authority.good()) as tokens,
        answering(FOLDERS, authority.good()) as server,
    ):
        here = with_tokens(server.endpoint, authority, tmp_path, tokens.endpoint)
        with pytest.raises(SignInRefusedError, match="invalid_client") as raised:
            open_reading(here, MAILBOX).folders()
        assert "planted-secret-99" not in str(raised.value)
        assert server.asked == []


# --- autodiscover


def test_a_domain_that_is_not_to_be_found_is_asked_about_once(tmp_path: Path) -> None:
    """`.invalid` has no names (RFC 6761 section 6.4); no request leaves this machine but to its resolver."""
    (tmp_path / "password").write_text("geheim-77")
    here = Server("exchange", "ews", access="delegate", auth="basic")
    settings = replace(
        MAILBOX, address="ann@harbor.invalid", user="ann", password=Secret("file:password", tmp_path)
    )
    errors = []
    for address in ("ann@harbor.invalid", "bob@harbor.invalid"):
        with pytest.raises(AskPersonError, match="autodiscover finds no Exchange server") as raised:
            open_reading(here, replace(settings, address=address))
        errors.append(raised.value)
    assert errors[0] is errors[1]
