"""
A real OpenID provider of our own, over HTTPS on this machine: who gives tokens, and to whom.

It does client credentials with a secret or an assertion (RFC 6749 section 4.4, RFC 7523), authorization codes with
PKCE (RFC 7636), device codes (RFC 8628), a service account's assertions as Google takes them, refresh tokens that are
replaced at each use and of which an old one, used again, ends the grant (RFC 9700 section 4.14.2), revocation
(RFC 7009), and tokeninfo for Dovecot. Under `/TENANT/…` it has the paths of Microsoft's identity platform.

Tests are its administrator and its people: they add clients, agree or refuse in the browser's place, and take back.
"""

from __future__ import annotations

import base64
import hashlib
import http.server
import json
import secrets
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qs, unquote_plus, urlencode, urlsplit

import jwt

from tests.servers.certificates import Authority

TENANT: Final = "harbor.example"
SECRET: Final = "client-secret-8w3bq"  # noqa: S105
MAIL: Final = "mail"
PAGE: Final = b"<h1>Nothing here</h1>"
DEVICE_GRANT: Final = "urn:ietf:params:oauth:grant-type:device_code"
JWT_GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class Refusal(Exception):  # noqa: N818 - the answer, not a mistake
    """An error as RFC 6749 section 5.2 writes it."""

    def __init__(self, error: str, description: str = "", status: int = 400) -> None:
        self.body = {"error": error, "error_description": description or error}
        self.status = status


@dataclass
class Client:
    id: str
    secret: str = ""
    certificate: bytes = b""
    """PEM; its key signs assertions."""


@dataclass
class Access:
    """One access token."""

    user: str
    """Empty: the application itself, which opens every mailbox."""
    client: str
    scope: str
    until: float
    grant: str = ""


@dataclass
class Grant:
    """What a person granted, with the refresh token that counts and those that were replaced."""

    user: str
    client: str
    scope: str
    current: str = ""
    used: set[str] = field(default_factory=set)
    is_revoked: bool = False


@dataclass
class Device:
    client: str
    scope: str
    user_code: str
    user: str | None = None
    is_refused: bool = False
    polls: int = 0


@dataclass
class Code:
    user: str
    client: str
    scope: str
    redirect: str
    challenge: str


class SignInServer:
    """One running provider."""

    def __init__(self, authority: Authority) -> None:
        self.ca_file = authority.ca_file
        self.lock = threading.RLock()
        self.reset()
        certificate = authority.good()
        trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trust.load_cert_chain(certificate.certificate, certificate.key)
        self._http = Listener(("127.0.0.1", 0), _handler(self), trust)
        self.port: int = self._http.server_address[1]
        self.url = f"https://127.0.0.1:{self.port}"
        self.tenant_url = f"{self.url}/{TENANT}"
        self.tokeninfo_url = f"{self.url}/tokeninfo?access_token="

    def reset(self) -> None:
        """As if it were new."""
        self.clients: dict[str, Client] = {}
        self.service_accounts: dict[str, tuple[str, frozenset[str]]] = {}
        """Public key, and the scopes delegated to it domain-wide."""
        self.people: set[str] | None = None
        """Those that there are; None: anybody."""
        self.access: dict[str, Access] = {}
        self.grants: dict[str, Grant] = {}
        self.devices: dict[str, Device] = {}
        self.codes: dict[str, Code] = {}
        self.requests: Counter[str] = Counter()
        """By kind of grant, and by path for the others."""
        self.life = 3600
        """Seconds that an access token is said to be good for …"""
        self.longer = 0
        """… and how many more it is."""
        self.scopes = ""
        """What is granted whatever was asked for; empty: what was asked for."""
        self.application_opens = ""
        """The mailbox that Dovecot is told to be an application's: it asks about tokens without saying for whom."""
        self.takes = ""
        """`basic`, `form`: how an application must prove itself; empty: either way."""
        self.faults: list[tuple[int, Mapping[str, Any]]] = []
        """Answers of the token endpoint that come before any other."""
        self.gate: Callable[[str], None] = lambda _kind: None
        """Called before the token endpoint answers: tests hold it up there."""

    # --- its administrator

    def add_client(self, id: str = "cleaner", secret: str = SECRET, certificate: bytes = b"") -> Client:
        found = self.clients[id] = Client(id, secret, certificate)
        return found

    def add_service_account(self, public_key: str, email: str, *scopes: str) -> None:
        self.service_accounts[email] = public_key, frozenset(scopes)

    def expire(self) -> None:
        """Every access token is at its end, whatever was said about its life."""
        with self.lock:
            for access in self.access.values():
                access.until = 0

    def revoke(self, user: str) -> None:
        """What that person granted is taken back, and the tokens made from it."""
        with self.lock:
            for grant in self.grants.values():
                grant.is_revoked = grant.is_revoked or grant.user == user
            self.access = {token: access for token, access in self.access.items() if access.user != user}

    def fail(self, status: int, **body: Any) -> None:
        """The next answer of the token endpoint."""
        self.faults.append((status, body))

    def counted(self, kind: str) -> int:
        with self.lock:
            return self.requests[kind]

    # --- people at their browsers

    def allow(self, user_code: str, user: str) -> None:
        self._device(user_code).user = user

    def refuse(self, user_code: str) -> None:
        self._device(user_code).is_refused = True

    def _device(self, user_code: str) -> Device:
        with self.lock:
            return next(device for device in self.devices.values() if device.user_code == user_code)

    def agree(self, url: str, user: str) -> str:
        """What the browser of somebody who agrees is sent to, for the address that he was given."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        if asked["response_type"] != "code" or asked["code_challenge_method"] != "S256":
            raise ValueError("no authorization code with PKCE was asked for")
        code = secrets.token_urlsafe(24)
        with self.lock:
            self.codes[code] = Code(
                user, asked["client_id"], asked["scope"], asked["redirect_uri"], asked["code_challenge"]
            )
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def disagree(self, url: str) -> str:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        return f"{asked['redirect_uri']}?{urlencode({'error': 'access_denied', 'state': asked['state']})}"

    # --- answering

    def token(self, form: dict[str, str], authorization: str) -> dict[str, Any]:
        kind = form.get("grant_type", "")
        self.gate(kind)
        with self.lock:
            self.requests[kind] += 1
            if self.faults:
                status, body = self.faults.pop(0)
                refusal = Refusal("", status=status)
                refusal.body = dict(body)
                raise refusal
            match kind:
                case "client_credentials":
                    client = self._client(form, authorization, must_prove=True)
                    return self._answer("", client.id, form.get("scope", ""))
                case "refresh_token":
                    return self._refreshed(form, authorization)
                case "authorization_code":
                    return self._exchanged(form, authorization)
                case _ if kind == DEVICE_GRANT:
                    return self._polled(form, authorization)
                case _ if kind == JWT_GRANT:
                    return self._delegated(form)
                case _:
                    raise Refusal("unsupported_grant_type")

    def _client(self, form: dict[str, str], authorization: str, *, must_prove: bool = False) -> Client:
        id, secret = form.get("client_id", ""), form.get("client_secret", "")
        if authorization.startswith("Basic "):
            id, _, secret = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
            id, secret = unquote_plus(id), unquote_plus(secret)
        if self.takes and authorization.startswith("Basic ") != (self.takes == "basic"):
            raise Refusal("invalid_client", status=401)
        client = self.clients.get(id)
        if client is None:
            raise Refusal(
                "unauthorized_client", f"AADSTS700016: Application with identifier '{id}' was not found"
            )
        if form.get("client_assertion"):
            self._verify(client, form["client_assertion"])
        elif (client.secret and secret != client.secret) or (must_prove and not client.secret):
            raise Refusal(
                "invalid_client",
                f"AADSTS7000215: Invalid client secret provided: {secret}.\r\nTrace ID: 1",
                401,
            )
        return client

    def _verify(self, client: Client, assertion: str) -> None:
        from cryptography.x509 import load_pem_x509_certificate

        if not client.certificate:
            raise Refusal("invalid_client", "AADSTS700027: The certificate is not registered.", 401)
        key: Any = load_pem_x509_certificate(client.certificate).public_key()
        try:
            jwt.decode(assertion, key, algorithms=["RS256", "PS256"], options={"verify_aud": False})
        except jwt.InvalidTokenError as error:
            raise Refusal(
                "invalid_client", "AADSTS700027: The certificate's signature is not valid.", 401
            ) from error

    def _delegated(self, form: dict[str, str]) -> dict[str, Any]:
        """As Google's endpoint does, with its words (https://developers.google.com/identity/protocols/oauth2)."""
        assertion = form["assertion"]
        claims = jwt.decode(assertion, options={"verify_signature": False})
        known = self.service_accounts.get(claims["iss"])
        if known is None:
            raise Refusal("invalid_grant", "Invalid grant: account not found")
        try:
            jwt.decode(assertion, known[0], algorithms=["RS256"], options={"verify_aud": False})
        except jwt.InvalidTokenError as error:
            raise Refusal("invalid_grant", "Invalid JWT Signature.") from error
        if not set(claims["scope"].split()) <= known[1]:
            raise Refusal(
                "unauthorized_client",
                "Client is unauthorized to retrieve access tokens using this method, or client not authorized for "
                "any of the scopes requested.",
                401,
            )
        if self.people is not None and claims["sub"] not in self.people:
            raise Refusal("invalid_grant", "Invalid email or User ID")
        return self._answer(claims["sub"], claims["iss"], claims["scope"])

    def _exchanged(self, form: dict[str, str], authorization: str) -> dict[str, Any]:
        client = self._client(form, authorization)
        code = self.codes.pop(form.get("code", ""), None)
        proof = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(proof).rstrip(b"=").decode()
        if (
            code is None
            or code.client != client.id
            or code.redirect != form.get("redirect_uri")
            or code.challenge != challenge
        ):
            raise Refusal("invalid_grant", "The code is not good.")
        return self._granted(code.user, client.id, code.scope)

    def _polled(self, form: dict[str, str], authorization: str) -> dict[str, Any]:
        client = self._client(form, authorization)
        device = self.devices.get(form["device_code"])
        if device is None or device.client != client.id:
            raise Refusal("expired_token", "AADSTS70020: The device code has expired.")
        device.polls += 1
        if device.is_refused:
            raise Refusal("access_denied", "The person said no.")
        if device.user is None:
            raise Refusal("authorization_pending")
        del self.devices[form["device_code"]]
        return self._granted(device.user, client.id, device.scope)

    def _granted(self, user: str, client: str, scope: str) -> dict[str, Any]:
        id = secrets.token_hex(8)
        self.grants[id] = Grant(user, client, scope)
        return self._answer(user, client, scope, id)

    def _refreshed(self, form: dict[str, str], authorization: str) -> dict[str, Any]:
        client = self._client(form, authorization)
        given = form.get("refresh_token", "")
        for id, grant in self.grants.items():
            if given in grant.used:
                grant.is_revoked = True
            if given == grant.current and not grant.is_revoked and grant.client == client.id:
                grant.used.add(given)
                return self._answer(grant.user, client.id, grant.scope, id)
        raise Refusal("invalid_grant", "AADSTS50173: The provided grant has expired due to it being revoked.")

    def _answer(self, user: str, client: str, scope: str, grant: str = "") -> dict[str, Any]:
        token = f"access.{secrets.token_urlsafe(40)}"
        scope = self.scopes or scope
        self.access[token] = Access(user, client, scope, time.time() + self.life + self.longer, grant)
        answer: dict[str, Any] = {"access_token": token, "token_type": "Bearer", "expires_in": self.life}
        answer["scope"] = scope
        if grant:
            self.grants[grant].current = answer["refresh_token"] = f"refresh.{secrets.token_urlsafe(40)}"
        return answer

    def device(self, form: dict[str, str], authorization: str) -> dict[str, Any]:
        with self.lock:
            self.requests["device"] += 1
            client = self._client(form, authorization)
            code, user_code = secrets.token_urlsafe(24), secrets.token_hex(4).upper()
            self.devices[code] = Device(client.id, form.get("scope", ""), user_code)
            return {
                "device_code": code,
                "user_code": user_code,
                "verification_uri": f"{self.url}/go",
                "expires_in": 900,
                "interval": 0,
                "message": f"To sign in, open {self.url}/go and enter the code {user_code}.",
            }

    def discovery(self, tenant: str) -> dict[str, Any]:
        base = f"{self.url}/{tenant}"
        return {
            "issuer": f"{base}/v2.0",
            "token_endpoint": f"{base}/oauth2/v2.0/token",
            "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
        }

    def tokeninfo(self, token: str) -> dict[str, Any]:
        """What Dovecot asks."""
        with self.lock:
            self.requests["tokeninfo"] += 1
            access = self.access.get(token)
            if access is None or access.until < time.time():
                raise Refusal("invalid_token")
            return {
                "email": access.user or self.application_opens,
                "scope": access.scope,
                "expires_in": int(access.until - time.time()),
            }

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


class Listener(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], handler: Any, trust: ssl.SSLContext) -> None:
        self._trust = trust
        super().__init__(address, handler)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """The handshake is made by the connection's own thread: who is slow holds up nobody."""
        try:
            with self._trust.wrap_socket(request, server_side=True) as secured:
                super().finish_request(secured, client_address)
        except OSError:
            pass  # Somebody who does not trust us hangs up.


def _handler(server: SignInServer) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            if parts.path.endswith("/.well-known/openid-configuration"):
                tenant = parts.path.split("/")[1]
                if tenant != TENANT:
                    return self._reply(400, {"error": "invalid_tenant", "error_description": "AADSTS90002"})
                return self._reply(200, server.discovery(tenant))
            if parts.path == "/tokeninfo":
                return self._try(lambda: server.tokeninfo(query.get("access_token", "")))
            return self._reply(404, {})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
            authorization = self.headers.get("Authorization", "")
            if self.path.endswith("/token"):
                self._try(lambda: server.token(form, authorization))
            elif self.path.endswith(("/device", "/devicecode")):
                self._try(lambda: server.device(form, authorization))
            elif self.path == "/moved":
                self._reply(302, {}, Location=f"{server.url}/token")
            else:
                self._page()

        def _page(self) -> None:
            self.send_response(404)
            self.send_header("Content-Length", str(len(PAGE)))
            self.end_headers()
            self.wfile.write(PAGE)

        def _try(self, work: Callable[[], dict[str, Any]]) -> None:
            try:
                self._reply(200, work())
            except Refusal as refusal:
                self._reply(refusal.status, refusal.body)

        def _reply(self, status: int, body: Mapping[str, Any], **headers: str) -> None:
            raw = json.dumps(body).encode() if status != 302 else b""
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *arguments: Any) -> None:
            pass

    return Handler


@contextmanager
def running(authority: Authority) -> Iterator[SignInServer]:
    server = SignInServer(authority)
    thread = threading.Thread(target=server._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.close()
        thread.join()
