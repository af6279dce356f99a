"""
How a `[[server]]` is signed in to by OAuth 2.0 (RFC 6749): who gives the tokens, to whom, and by which grant.

Shared by the connectors that take such tokens. What Microsoft's clouds are called is Microsoft's own
(https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud,
https://learn.microsoft.com/graph/deployments).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cleaner.config import forms
from cleaner.config.secret import Secret
from cleaner.config.table import Table

PROVIDERS: Final = ("google", "microsoft", "other")
GRANTS: Final = ("client_credentials", "device", "code")
"""RFC 6749 section 4.4, RFC 8628, RFC 6749 section 4.1 with RFC 7636 and RFC 8252."""
SERVICE_ACCOUNT: Final = "service_account"
"""Google's: a signed assertion stands for the owner of the mailbox (RFC 7523)."""

GOOGLE_MAIL: Final = "https://mail.google.com/"
GOOGLE_TOKENS: Final = "https://oauth2.googleapis.com/token"
GOOGLE_CONSENT: Final = "https://accounts.google.com/o/oauth2/v2/auth"


@dataclass(frozen=True, slots=True)
class Cloud:
    """One of Microsoft's clouds, each with endpoints of its own."""

    authority: str
    graph: str
    outlook: str

    @property
    def imap_application(self) -> str:
        return f"{self.outlook}/.default"

    @property
    def imap_delegated(self) -> str:
        # In the worldwide cloud the permission belongs to the name without 365.
        return f"{self.outlook.replace('outlook.office365.com', 'outlook.office.com')}/IMAP.AccessAsUser.All"


_WORLD: Final = Cloud(
    "https://login.microsoftonline.com", "https://graph.microsoft.com", "https://outlook.office365.com"
)

CLOUDS: Final = {
    "global": _WORLD,
    # GCC lives in the worldwide cloud; GCC High and DoD have one of their own.
    "us-gov": _WORLD,
    "us-gov-high": Cloud(
        "https://login.microsoftonline.us", "https://graph.microsoft.us", "https://outlook.office365.us"
    ),
    "us-gov-dod": Cloud(
        "https://login.microsoftonline.us",
        "https://dod-graph.microsoft.us",
        "https://outlook-dod.office365.us",
    ),
    "china": Cloud(
        "https://login.partner.microsoftonline.cn",
        "https://microsoftgraph.chinacloudapi.cn",
        "https://partner.outlook.cn",
    ),
}


@dataclass(frozen=True, slots=True)
class SignIn:
    """How tokens for one server are got."""

    provider: str
    grant: str
    """One of GRANTS, or SERVICE_ACCOUNT."""
    scope: str = ""
    client_id: str = ""
    client_secret: Secret | None = None
    certificate: Secret | None = None
    """PEM with the application's private key and its certificate."""
    service_account: Secret | None = None
    """The JSON key of a service account."""
    authority: str = ""
    """Microsoft's, with the tenant at its end."""
    token_url: str = ""
    device_url: str = ""
    authorize_url: str = ""
    ca_file: Path | None = None

    @property
    def asks_person(self) -> bool:
        """A person signs in once (`bounce-cleaner login`), and what he granted is kept."""
        return self.grant in ("device", "code")

    def secrets(self) -> Iterator[Secret]:
        yield from (s for s in (self.client_secret, self.certificate, self.service_account) if s is not None)


def cloud_of(table: Table) -> Cloud:
    return CLOUDS[table.one("cloud", _words(*CLOUDS), "global")]


def for_graph(table: Table, base: Path, cloud: Cloud) -> SignIn:
    """Of a server of connector `graph`: by the application's own secret or certificate, or for one mailbox."""
    auth = table.one("auth", _words("application", "device"), "application")
    application = auth == "application"
    usual = f"{cloud.graph}/.default" if application else f"{cloud.graph}/Mail.ReadWrite"
    found = SignIn(
        "microsoft",
        "client_credentials" if application else "device",
        scope=table.one("scope", forms.text, usual),
        client_id=table.one("client_id", forms.text, ""),
        client_secret=table.one("client_secret", forms.secret(base), None),
        certificate=table.one("certificate", forms.document(base), None),
        authority=_authority(table, cloud, personal=not application),
        ca_file=table.one("ca_file", forms.file(base), None),
    )
    _check_microsoft(table, found)
    return found


def for_imap(table: Table, base: Path, host: str | None, *, wanted: bool) -> SignIn | None:
    """Of a server of connector `imap`; None where it is signed in to otherwise."""
    provider = table.one("provider", _words(*PROVIDERS), _provider_of(host))
    cloud = cloud_of(table)
    service_account = table.one("service_account", forms.document(base), None)
    grant = table.one("grant", _words(*GRANTS), _usual_grant(table, provider))
    if provider == "google":
        grant = SERVICE_ACCOUNT if "service_account" in table else "code"
    found = SignIn(
        provider,
        grant,
        scope=table.one("scope", forms.text, _usual_scope(provider, grant, cloud)),
        client_id=table.one("client_id", forms.text, ""),
        client_secret=table.one("client_secret", forms.secret(base), None),
        certificate=table.one("certificate", forms.document(base), None),
        service_account=service_account,
        authority=_authority(table, cloud, personal=grant != "client_credentials"),
        token_url=_https(table, "token_url") or (GOOGLE_TOKENS if provider == "google" else ""),
        device_url=_https(table, "device_url"),
        authorize_url=_https(table, "authorize_url") or (GOOGLE_CONSENT if provider == "google" else ""),
        ca_file=table.one("ca_file", forms.file(base), None),
    )
    if not wanted:
        return None
    {"google": _check_google, "microsoft": _check_microsoft, "other": _check_other}.get(
        provider, _check_provider
    )(table, found)
    return found


def _provider_of(host: str | None) -> str:
    """The provider that a well-known host belongs to."""
    name = (host or "").casefold()
    if name in ("imap.gmail.com", "imap.googlemail.com"):
        return "google"
    return "microsoft" if name in {cloud.outlook.partition("//")[2] for cloud in CLOUDS.values()} else ""


def _usual_grant(table: Table, provider: str) -> str:
    if provider == "microsoft":
        return "client_credentials" if {"client_secret", "certificate"} & _given(table) else "device"
    return "client_credentials"


def _usual_scope(provider: str, grant: str, cloud: Cloud) -> str:
    match provider:
        case "google":
            return GOOGLE_MAIL
        case "microsoft":
            return cloud.imap_application if grant == "client_credentials" else cloud.imap_delegated
        case _:
            return ""


def _given(table: Table) -> set[str]:
    keys = ("client_id", "client_secret", "certificate", "tenant", "authority", "token_url", "scope")
    return {key for key in keys if key in table}


def _authority(table: Table, cloud: Cloud, *, personal: bool) -> str:
    """`authority`, if it is written, is the whole of it (private clouds)."""
    tenant = table.one("tenant", forms.text, "organizations" if personal else "")
    return _https(table, "authority") or (f"{cloud.authority}/{tenant}" if tenant else "")


def _https(table: Table, key: str) -> str:
    found = table.one(key, forms.web_address, "")
    if found.startswith("http:"):
        table.fault(key, "secrets would go over plain HTTP; write https://…")
    return found


def _missing(table: Table, key: str, example: str, why: str = "for oauth2") -> None:
    if key not in table:
        table.fault(key, f"is missing {why}; write for example {key} = {example}")


def _check_provider(table: Table, found: SignIn) -> None:  # noqa: ARG001
    if "provider" not in table:
        table.fault("provider", 'is missing for oauth2; write "google", "microsoft" or "other"')


def _check_google(table: Table, found: SignIn) -> None:
    if found.grant == SERVICE_ACCOUNT:
        return
    if "client_id" not in table:
        table.fault(
            "service_account",
            'is missing for oauth2; write service_account = "file:google.json" for all mailboxes of a Workspace, '
            "or client_id and client_secret for one mailbox",
        )
    else:
        _missing(table, "client_secret", '"env:GOOGLE_CLIENT_SECRET"', "beside client_id")


def _check_microsoft(table: Table, found: SignIn) -> None:
    _missing(table, "client_id", '"00000000-0000-0000-0000-000000000000"')
    if found.grant == "code":
        table.fault("grant", 'is not there for Microsoft; write "device" or "client_credentials"')
    if found.grant != "client_credentials":
        return
    if not {"client_secret", "certificate"} & _given(table):
        table.fault(
            "client_secret",
            'is missing for oauth2; write client_secret = "env:CLIENT_SECRET" or certificate = "application.pem"',
        )
    if {"client_secret", "certificate"} <= _given(table):
        table.fault("certificate", "stands beside client_secret; take one of them out")
    if "authority" not in table:
        _missing(table, "tenant", '"harbor.onmicrosoft.com"')


def _check_other(table: Table, found: SignIn) -> None:
    _missing(table, "client_id", '"bounce-cleaner"')
    _missing(table, "token_url", '"https://login.harbor.example/token"')
    match found.grant:
        case "client_credentials":
            _missing(table, "client_secret", '"env:CLIENT_SECRET"')
        case "device":
            _missing(table, "device_url", '"https://login.harbor.example/device"', 'for grant = "device"')
        case "code":
            _missing(table, "authorize_url", '"https://login.harbor.example/auth"', 'for grant = "code"')


def _words(*words: str) -> forms.Form[str]:
    return forms.among({word: word for word in words})
