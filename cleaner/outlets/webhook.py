"""
A webhook: the alert as JSON, posted to an address (RFC 9110 section 9.3.3).

`text` is what the incoming webhooks of Slack, Mattermost, Rocket.Chat and Teams show; the other fields are for programs.
The address itself is often the secret, so it is never named in a log or an error, only its host.
"""

from __future__ import annotations

import http.client
import json
import ssl
from datetime import datetime
from typing import Final
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, HTTPSHandler, Request, build_opener

from cleaner.config import AlarmSettings, Secret
from cleaner.config.urls import parts_of
from cleaner.errors import AskPersonError, ServerUnavailableError
from cleaner.outlets.trust import trust
from cleaner.values import Alert

AGENT: Final = "bounce-cleaner"


class NoRedirects(HTTPRedirectHandler):
    """Who takes alarms says so; a redirection could lead the token elsewhere, or out of TLS."""

    def redirect_request(self, *_: object, **__: object) -> None:
        return None


class Webhook:
    """Satisfies `Outlet`."""

    name = "webhook"

    def __init__(self, settings: AlarmSettings) -> None:
        self._settings = settings

    def tell(self, alert: Alert, now: datetime) -> None:
        url = self._url()
        host = urlsplit(url).hostname or "webhook"
        request = Request(url, json.dumps(body_of(alert, now)).encode(), method="POST")  # noqa: S310 - https alone
        request.add_header("Content-Type", "application/json; charset=utf-8")
        request.add_header("User-Agent", AGENT)
        if self._settings.webhook_token is not None:
            token = self._settings.webhook_token.reveal()
            request.add_unredirected_header("Authorization", f"Bearer {token}")
        opener = build_opener(HTTPSHandler(context=trust(self._settings.ca_file)), NoRedirects)
        try:
            with opener.open(request, timeout=self._settings.timeout.total_seconds()):
                pass
        except HTTPError as error:
            error.close()
            raise ServerUnavailableError(host, f"it answered {error.code}") from None
        except (URLError, OSError, http.client.HTTPException, ValueError) as error:
            raise ServerUnavailableError(host, why(error)) from None

    def _url(self) -> str:
        webhook = self._settings.webhook
        url = webhook.reveal() if isinstance(webhook, Secret) else webhook or ""
        parts = parts_of(url)
        if parts.scheme != "https" or not parts.hostname:
            raise AskPersonError("alarms.webhook: what it leads to is no https address; correct it")
        return url


def body_of(alert: Alert, now: datetime) -> dict[str, str]:
    return {
        "text": f"{alert.about}: {alert.text}",
        "kind": alert.kind,
        "about": alert.about,
        "at": now.isoformat(timespec="seconds"),
    }


def why(error: Exception) -> str:
    """Why nobody answered, without anything of the request."""
    cause = error.reason if isinstance(error, URLError) else error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is not to be trusted: {cause.verify_message}"
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return "it did not answer in time" if isinstance(cause, TimeoutError) else type(cause).__name__
