"""
The sign-in endpoints of one tenant: applications, their secrets and certificates, consent, tokens.

Source: https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow, .../v2-oauth2-device-code,
.../certificate-credentials, .../reference-error-codes
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import parse_qs

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.servers.graph.mail import BASIC, DIRECTORY, READ, SETTINGS, WRITE

TENANT: Final = "5f3a1c9e-0b7d-4c52-9a61-2f8e7d4b6c10"
DOMAIN: Final = "harbor.example"

GRAPH: Final = (
    "https://graph.microsoft.com",
    "https://graph.microsoft.us",
    "https://dod-graph.microsoft.us",
    "https://microsoftgraph.chinacloudapi.cn",
)
OUTLOOK: Final = ("https://outlook.office365.com", "https://outlook.office.com", "https://ps.outlook.com")

ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
DEVICE: Final = "urn:ietf:params:oauth:grant-type:device_code"
_OPENID: Final = frozenset({"openid", "profile", "offline_access", "email"})

ALLOWS: Final[dict[str, frozenset[str]]] = {
    "Mail.ReadBasic": frozenset({BASIC}),
    "Mail.ReadBasic.All": frozenset({BASIC}),
    "Mail.Read": frozenset({BASIC, READ}),
    "Mail.ReadWrite": frozenset({BASIC, READ, WRITE}),
    "MailboxSettings.Read": frozenset({SETTINGS}),
    "MailboxSettings.ReadWrite": frozenset({SETTINGS}),
    "User.Read.All": frozenset({DIRECTORY}),
    "User.Read": frozenset({DIRECTORY}),
    "Directory.Read.All": frozenset({DIRECTORY}),
}
"""What a permission allows. Source: https://learn.microsoft.com/graph/permissions-reference"""


@dataclass(eq=False)
class Application:
    """An app registration, and what the administrator of this tenant gave it."""

    client_id: str
    roles: set[str] = field(default_factory=set)
    """Application permissions that have consent: for all mailboxes."""
    scoped: dict[str, frozenset[str]] = field(default_factory=dict)
    """RBAC for Applications: permission → addresses. Such roles are in no token."""
    scopes: set[str] = field(default_factory=set)
    """Delegated permissions that have consent."""
    secrets: dict[str, datetime | None] = field(default_factory=dict)
    """Each with the time until which it is valid."""
    certificates: list[x509.Certificate] = field(default_factory=list)
    is_public: bool = False
    """Public client flows are allowed: the device code flow."""
    is_known: bool = True
    """There is a service principal for it in the tenant."""


@dataclass(eq=False)
class Token:
    """An access token that was given out."""

    text: str
    app: Application
    audience: str
    expires: float
    user: str | None = None
    """Whose, where somebody signed in; else it is the application's own."""
    granted: frozenset[str] = frozenset()
    is_revoked: bool = False


@dataclass(eq=False)
class Grant:
    """A refresh token."""

    text: str
    app: Application
    user: str
    scopes: frozenset[str]
    audience: str
    refusal: int = 0
    """By which AADSTS number it is refused from now on."""


@dataclass(eq=False)
class Device:
    """Somebody was asked to sign in elsewhere."""

    code: str
    user_code: str
    app: Application
    scopes: frozenset[str]
    audience: str
    expires: float
    user: str | None = None
    is_declined: bool = False
    is_used: bool = False


class Refusal(Exception):  # noqa: N818
    """The answer to a token request that is refused."""

    def __init__(self, number: int, error: str, text: str, status: int = 400, suberror: str = "") -> None:
        super().__init__(number)
        self.number = number
        self.error = error
        self.text = text
        self.status = status
        self.suberror = suberror


def _client(number: int, text: str) -> Refusal:
    return Refusal(number, "invalid_client", text, 401)


REFUSALS: Final[dict[int, tuple[str, str, str]]] = {
    50173: ("invalid_grant", "The grant was revoked: a new sign-in is needed.", "bad_token"),
    700082: ("invalid_grant", "The refresh token has expired due to inactivity.", "bad_token"),
    50057: ("invalid_grant", "The user account is disabled.", ""),
    50076: ("invalid_grant", "Multi-factor authentication is required.", "basic_action"),
    53003: ("invalid_grant", "Conditional Access blocks access.", "message_only"),
    65001: ("invalid_grant", "There is no consent to use the application.", "consent_required"),
    7000112: ("unauthorized_client", "The application is disabled.", ""),
}


def refusal(number: int) -> Refusal:
    error, text, suberror = REFUSALS[number]
    return Refusal(number, error, text, suberror=suberror)


class Entra:
    """The sign-in service."""

    def __init__(self) -> None:
        self.apps: dict[str, Application] = {}
        self.users: dict[str, str] = {}
        """Address → object id."""
        self.lifetime = 3600
        """Of access tokens, in seconds."""
        self.interval: float = 1
        """Between two questions whether somebody has signed in."""
        self.tokens: dict[str, Token] = {}
        self.grants: dict[str, Grant] = {}
        self.devices: dict[str, Device] = {}
        self.refusal = 0
        """By which AADSTS number every token request is refused, 0: none."""
        self.seen: list[Mapping[str, str]] = []
        """What token requests said, secrets included."""
        self._lock = threading.Lock()

    # --- the administrator, and the users

    def add(self, app: Application) -> Application:
        self.apps[app.client_id.lower()] = app
        return app

    def expire_tokens(self) -> None:
        """All access tokens given out are too old from now on."""
        for token in list(self.tokens.values()):
            token.expires = 0

    def revoke_tokens(self) -> None:
        """As continuous access evaluation does: refused before they expire."""
        for token in list(self.tokens.values()):
            token.is_revoked = True

    def revoke_grants(self, number: int = 50173) -> None:
        """Refresh tokens are refused from now on; access tokens go on until they expire."""
        for grant in list(self.grants.values()):
            grant.refusal = number

    def approve(self, user_code: str, user: str) -> None:
        """Somebody enters the code in a browser, and signs in."""
        self._device(user_code).user = user

    def decline(self, user_code: str) -> None:
        self._device(user_code).is_declined = True

    def _device(self, user_code: str) -> Device:
        return next(each for each in self.devices.values() if each.user_code == user_code)

    @property
    def secrets(self) -> frozenset[str]:
        """Everything that must be found nowhere: secrets, tokens, codes."""
        kept = {secret for app in self.apps.values() for secret in app.secrets}
        said = {
            each[name]
            for each in self.seen
            for name in ("client_secret", "client_assertion")
            if each.get(name)
        }
        return frozenset(kept | said | set(self.tokens) | set(self.grants) | set(self.devices))

    # --- endpoints

    def configuration(self, root: str, tenant: str) -> dict[str, object]:
        self._require_tenant(tenant)
        base = f"{root}/{tenant}"
        return {
            "token_endpoint": f"{base}/oauth2/v2.0/token",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
            "jwks_uri": f"{base}/discovery/v2.0/keys",
            "issuer": f"{base}/v2.0",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
            "response_types_supported": ["code"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "tenant_region_scope": "EU",
        }

    def _require_tenant(self, tenant: str) -> None:
        if tenant.lower() not in (TENANT, DOMAIN, "organizations", "common"):
            raise Refusal(90002, "invalid_request", f"Tenant '{tenant}' not found.")

    def device_code(self, root: str, tenant: str, body: bytes) -> dict[str, object]:
        self._require_tenant(tenant)
        given = _form(body)
        app = self._app(given.get("client_id", ""))
        audience, scopes = _scopes(given.get("scope", ""), root)
        code, user_code = secrets.token_urlsafe(60), secrets.token_hex(5)[:9].upper()
        with self._lock:
            self.devices[code] = Device(code, user_code, app, scopes, audience, time.time() + 900)
        place = f"{root}/device"
        return {
            "user_code": user_code,
            "device_code": code,
            "verification_uri": place,
            "expires_in": 900,
            "interval": self.interval,
            "message": f"Open {place} in a browser, and enter the code {user_code}.",
        }

    def token(self, root: str, tenant: str, body: bytes) -> dict[str, object]:
        self._require_tenant(tenant)
        given = _form(body)
        with self._lock:
            self.seen.append(given)
            if self.refusal:
                raise refusal(self.refusal)
            app = self._app(given.get("client_id", ""))
            kind = given.get("grant_type", "")
            if kind == "client_credentials":
                if tenant.lower() in ("common", "organizations"):
                    raise Refusal(53001, "invalid_request", "An application's own token needs a tenant.")
                self._authenticate(app, given, root, tenant)
                return self._for_app(app, given, root)
            if kind == DEVICE:
                self._authenticate_user_flow(app, given, root, tenant)
                return self._for_device(given, root)
            if kind == "refresh_token":
                self._authenticate_user_flow(app, given, root, tenant)
                return self._refreshed(app, given, root)
        raise Refusal(70003, "unsupported_grant_type", f"The grant type '{kind}' is not supported.")

    # --- who asks

    def _app(self, client_id: str) -> Application:
        if not client_id:
            raise Refusal(900144, "invalid_request", "The request body has no client_id.")
        app = self.apps.get(client_id.lower())
        if app is None:
            raise Refusal(
                700016, "unauthorized_client", f"Application '{client_id}' was not found in the directory."
            )
        if not app.is_known:
            raise Refusal(
                7000229, "unauthorized_client", "The application has no service principal in the tenant."
            )
        return app

    def _authenticate_user_flow(
        self, app: Application, given: Mapping[str, str], root: str, tenant: str
    ) -> None:
        if not app.is_public or "client_secret" in given or "client_assertion" in given:
            self._authenticate(app, given, root, tenant)

    def _authenticate(self, app: Application, given: Mapping[str, str], root: str, tenant: str) -> None:
        if "client_assertion" in given:
            if given.get("client_assertion_type") != ASSERTION:
                raise _client(50027, "The client_assertion_type is not known.")
            check_assertion(app, given["client_assertion"], root, tenant)
            return
        secret = given.get("client_secret")
        if secret is None:
            raise _client(7000218, "The request body has no client_assertion and no client_secret.")
        if secret not in app.secrets:
            raise _client(7000215, f"Invalid client secret provided for app '{app.client_id}'.")
        until = app.secrets[secret]
        if until is not None and until < datetime.now(UTC):
            raise _client(7000222, f"The provided client secret keys for app '{app.client_id}' are expired.")

    # --- what is given

    def _for_app(self, app: Application, given: Mapping[str, str], root: str) -> dict[str, object]:
        audience, scopes = _scopes(given.get("scope", ""), root)
        if scopes != {".default"}:
            raise Refusal(
                1002012, "invalid_scope", "The scope is not valid for an application: it ends in /.default."
            )
        token = self._issue(app, audience, None, frozenset(app.roles))
        return {"token_type": "Bearer", "expires_in": self.lifetime, "ext_expires_in": self.lifetime, **token}

    def _for_device(self, given: Mapping[str, str], root: str) -> dict[str, object]:
        device = self.devices.get(given.get("device_code", ""))
        if device is None or device.is_used:
            raise Refusal(70019, "bad_verification_code", "The device code was not recognised.")
        if device.is_declined:
            raise Refusal(70018, "authorization_declined", "The user declined.")
        if device.expires < time.time():
            raise Refusal(70020, "expired_token", "The device code has expired.")
        if device.user is None:
            raise Refusal(70016, "authorization_pending", "The user has not signed in yet.")
        self._require_consent(device.app, device.scopes)
        device.is_used = True
        return self._for_user(device.app, device.user, device.scopes, device.audience, given, root)

    def _refreshed(self, app: Application, given: Mapping[str, str], root: str) -> dict[str, object]:
        grant = self.grants.get(given.get("refresh_token", ""))
        if grant is None or grant.app is not app:
            raise Refusal(9002313, "invalid_grant", "The refresh token is malformed.")
        if grant.refusal:
            raise refusal(grant.refusal)
        asked = given.get("scope", "")
        audience, scopes = _scopes(asked, root) if asked else (grant.audience, grant.scopes)
        if scopes - _OPENID - {".default"} - grant.scopes:
            self._require_consent(app, scopes)
        else:
            self._require_consent(app, grant.scopes)
        return self._for_user(app, grant.user, grant.scopes, audience, given, root)

    def _require_consent(self, app: Application, scopes: Collection[str]) -> None:
        if set(scopes) - _OPENID - {".default"} - app.scopes:
            raise refusal(65001)

    def _for_user(
        self,
        app: Application,
        user: str,
        scopes: frozenset[str],
        audience: str,
        given: Mapping[str, str],
        root: str,
    ) -> dict[str, object]:
        granted = frozenset(app.scopes if ".default" in scopes else scopes - _OPENID)
        answer: dict[str, object] = {
            "token_type": "Bearer",
            "scope": " ".join(f"{audience}/{each}" for each in sorted(granted)),
            "expires_in": self.lifetime,
            "ext_expires_in": self.lifetime,
            **self._issue(app, audience, user, granted),
        }
        if "offline_access" in scopes:
            refresh = f"1.AQ{secrets.token_urlsafe(90)}"
            self.grants[refresh] = Grant(refresh, app, user, scopes, audience)
            answer["refresh_token"] = refresh
        object_id = self.users.get(user.lower(), str(uuid.uuid5(uuid.NAMESPACE_URL, user.lower())))
        if "openid" in scopes:
            answer["id_token"] = _id_token(app, user, object_id, root)
        if given.get("client_info") == "1":
            answer["client_info"] = _encoded({"uid": object_id, "utid": TENANT})
        return answer

    def _issue(
        self, app: Application, audience: str, user: str | None, granted: frozenset[str]
    ) -> dict[str, object]:
        expires = time.time() + self.lifetime
        claims = {
            "aud": audience,
            "iss": f"https://sts.windows.net/{TENANT}/",
            "exp": int(expires),
            "appid": app.client_id,
            "tid": TENANT,
            "uti": secrets.token_urlsafe(16),
            **({"scp": " ".join(sorted(granted)), "upn": user} if user else {"roles": sorted(granted)}),
        }
        text = ".".join(
            (_encoded({"typ": "JWT", "alg": "RS256"}), _encoded(claims), secrets.token_urlsafe(64))
        )
        self.tokens[text] = Token(text, app, audience, expires, user, granted)
        return {"access_token": text}


# --- small parts


def _form(body: bytes) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}


def _scopes(given: str, root: str) -> tuple[str, frozenset[str]]:
    """The resource, and the scopes of it. Scopes without a resource are Graph's."""
    audiences, names = set(), set()
    for each in given.split():
        if each in _OPENID:
            names.add(each)
            continue
        audience, slash, name = each.rpartition("/")
        audiences.add(audience.rstrip("/") if slash else GRAPH[0])
        names.add(name)
    if not names - _OPENID:
        raise Refusal(90014, "invalid_request", "The scope is missing.")
    if len(audiences) > 1:
        raise Refusal(28000, "invalid_scope", "The scopes are of several resources.")
    audience = audiences.pop()
    if audience not in (*GRAPH, *OUTLOOK, root):
        raise Refusal(500011, "invalid_resource", f"The resource principal named {audience} was not found.")
    return audience, frozenset(names)


def _encoded(value: object) -> str:
    return _unpadded(json.dumps(value).encode())


def _unpadded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _id_token(app: Application, user: str, object_id: str, root: str) -> str:
    now = int(time.time())
    claims = {
        "aud": app.client_id,
        "iss": f"{root}/{TENANT}/v2.0",
        "iat": now,
        "nbf": now,
        "exp": now + 3600,
        "name": user.partition("@")[0],
        "oid": object_id,
        "preferred_username": user,
        "sub": secrets.token_urlsafe(16),
        "tid": TENANT,
        "ver": "2.0",
    }
    return f"{_encoded({'typ': 'JWT', 'alg': 'RS256'})}.{_encoded(claims)}.{secrets.token_urlsafe(32)}"


# --- certificates


def check_assertion(app: Application, assertion: str, root: str, tenant: str) -> None:
    """
    Refuses a JWT that is not signed by one of the certificates, or says the wrong things.

    Source: https://learn.microsoft.com/entra/identity-platform/certificate-credentials
    """
    try:
        head, claims, signature = (_decoded(part) for part in assertion.split("."))
        header, said = json.loads(head), json.loads(claims)
    except ValueError:
        raise _client(50027, "JWT token is invalid or malformed.") from None
    certificate = _certificate(app, header)
    if not _is_signed(certificate, header.get("alg"), assertion.rpartition(".")[0].encode(), signature):
        raise _client(700027, "Client assertion contains an invalid signature.")
    now = time.time()
    if (
        not said.get("nbf", 0) - 300 <= now < said.get("exp", 0) + 300
        or said.get("exp", 0) > now + 86400 + 300
    ):
        raise _client(700024, "Client assertion is not within its valid time range.")
    if not said.get("iss", "").lower() == said.get("sub", "").lower() == app.client_id.lower():
        raise _client(700021, "Client assertion does not name the application as issuer and subject.")
    if said.get("aud") not in (
        f"{root}/{tenant}/oauth2/v2.0/token",
        f"{root}/{tenant}/v2.0",
        f"{root}/{tenant}",
    ):
        raise _client(700023, "Client assertion audience claim does not match the realm issuer.")
    if not said.get("jti"):
        raise _client(50027, "JWT token has no jti.")


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _certificate(app: Application, header: Mapping[str, object]) -> x509.Certificate:
    for each in app.certificates:
        for name, algorithm in (("x5t", hashes.SHA1()), ("x5t#S256", hashes.SHA256())):  # noqa: S303
            # msal leaves the padding on.
            if str(header.get(name)).rstrip("=") == _unpadded(each.fingerprint(algorithm)):
                if each.not_valid_after_utc < datetime.now(UTC):
                    raise _client(700027, "The certificate that signed the client assertion has expired.")
                return each
    if not {"x5t", "x5t#S256"} & header.keys():
        raise _client(50027, "No certificate thumbprint specified in token header.")
    raise _client(
        700027, "The certificate that signed the client assertion is not registered on the application."
    )


def _is_signed(certificate: x509.Certificate, algorithm: object, signed: bytes, signature: bytes) -> bool:
    key = certificate.public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        return False
    how: padding.AsymmetricPadding
    if algorithm == "RS256":
        how = padding.PKCS1v15()
    elif algorithm == "PS256":
        how = padding.PSS(padding.MGF1(hashes.SHA256()), hashlib.sha256().digest_size)
    else:
        return False
    try:
        key.verify(signature, signed, how, hashes.SHA256())
    except InvalidSignature:
        return False
    return True


def make_certificate(name: str = "bounce-cleaner", *, days: int = 30) -> tuple[bytes, x509.Certificate]:
    """A key and its certificate as one PEM, and the certificate to register. `days` may be negative: expired."""
    key = rsa.generate_private_key(65537, 2048)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=60))
        .not_valid_after(now + timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private + made.public_bytes(serialization.Encoding.PEM), made


def problem(found: Refusal) -> dict[str, object]:
    """The JSON of a refused token request."""
    now = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}Z"
    trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
    text = (
        f"AADSTS{found.number}: {found.text} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {now}"
    )
    answer: dict[str, object] = {
        "error": found.error,
        "error_description": text,
        "error_codes": [found.number],
        "timestamp": now,
        "trace_id": trace,
        "correlation_id": correlation,
        "error_uri": f"https://login.microsoftonline.com/error?code={found.number}",
    }
    return answer | ({"suberror": found.suberror} if found.suberror else {})
