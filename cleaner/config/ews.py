"""
A `[[server]]` of Exchange, reached over Exchange Web Services.

How the account gets into a mailbox is always said: `impersonation` acts as its owner, `delegate` by rights that
were granted on it. A library that guesses would ask one mailbox with the rights of another.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from cleaner.config import forms
from cleaner.config.places import Server
from cleaner.config.table import Table

ACCESS: Final = ("impersonation", "delegate")
AUTH: Final = ("password", "basic", "ntlm", "oauth2")
PATH: Final = "/EWS/Exchange.asmx"


def server(table: Table, name: str, base: Path) -> Server:
    usual = Server(name, "ews")
    tls = table.one("tls", _words("implicit", "none"), usual.tls)
    host = table.one("host", forms.host, None)
    port = table.one("port", forms.whole(1, 65_535), None)
    endpoint = table.one("endpoint", forms.web_address, None) or _endpoint(host, port, tls)
    discovers = table.one("autodiscover", forms.flag, False)
    found = Server(
        name,
        "ews",
        host=urlsplit(endpoint).hostname if endpoint else None,
        port=port,
        tls=tls,
        ca_file=table.one("ca_file", forms.file(base), None),
        auth=table.one("auth", _words(*AUTH), usual.auth),
        user=table.one("user", forms.text, None),
        password=table.one("password", forms.secret(base), None),
        timeout=table.one("timeout", forms.some_time, usual.timeout),
        connections=table.one("connections", forms.whole(2, 1000), usual.connections),
        idle=table.one("idle", forms.whole(0, 1000), usual.idle),
        endpoint=None if discovers else endpoint,
        access=table.one("access", _words(*ACCESS), ""),
        client_id=table.one("client_id", forms.text, None),
        client_secret=table.one("client_secret", forms.secret(base), None),
        token_url=table.one("token_url", forms.web_address, None),
        scope=table.one("scope", forms.text, None),
    )
    _check_place(table, found, discovers=discovers)
    _check_sign_in(table, found)
    if found.idle and found.idle + 2 > found.connections:
        table.fault("idle", f"leaves too few connections; write connections = {found.idle + 2} or more, too")
    return found


def _endpoint(host: str | None, port: int | None, tls: str) -> str | None:
    if host is None:
        return None
    scheme = "http" if tls == "none" else "https"
    where = f"[{host}]" if ":" in host else host
    return f"{scheme}://{where}{f':{port}' if port else ''}{PATH}"


def _check_place(table: Table, found: Server, *, discovers: bool) -> None:
    named = {"endpoint", "host"} & {key for key in ("endpoint", "host") if key in table}
    if not named and not discovers:
        example = f'"https://mail.harbor.example{PATH}"'
        table.fault("endpoint", f"is missing; write for example endpoint = {example}, or autodiscover = true")
    if len(named) + discovers > 1:
        table.fault("endpoint", "name one of endpoint, host and autodiscover, not several")
    if found.endpoint and found.endpoint.startswith("http:") and found.tls != "none":
        table.fault(
            "endpoint", 'goes over plain HTTP; write https://…, or tls = "none" if that is really meant'
        )


def _check_sign_in(table: Table, found: Server) -> None:
    if "access" not in table:
        table.fault(
            "access",
            'is missing; write access = "impersonation" or access = "delegate", whichever was granted',
        )
    if found.auth == "oauth2":
        examples = {
            "client_id": '"00000000-0000-0000-0000-000000000000"',
            "client_secret": '"env:EWS_CLIENT_SECRET"',
            "token_url": '"https://adfs.harbor.example/adfs/oauth2/token"',
        }
        for key, example in examples.items():
            if key not in table:
                table.fault(key, f"is missing for oauth2; write for example {key} = {example}")
        if found.token_url and found.token_url.startswith("http:") and found.tls != "none":
            table.fault("token_url", "the secret would go over plain HTTP; write https://…")
        return
    if found.user is not None and found.password is None and "password" not in table:
        table.fault(
            "password", f'is missing for "{found.user}"; write for example password = "env:EXCHANGE_PASSWORD"'
        )
    if found.user is None and "password" in table:
        table.fault("user", 'is missing beside password; write for example user = "HARBOR\\\\svc-cleaner"')


def _words(*words: str) -> forms.Form[str]:
    return forms.among({word: word for word in words})
