"""
HTTP to and from sign-in endpoints: verified, bounded in size and time, never redirected.

A redirect would carry a secret to somebody else; token endpoints have no use for one (RFC 9700 section 4.12).
"""

from __future__ import annotations

import time
from typing import Any, Final

import requests
import requests.adapters

from cleaner import __version__
from cleaner.config import Server
from cleaner.config.oauth import SignIn
from cleaner.connectors.oauth.errors import host_of, of_network, shown
from cleaner.errors import ServerUnavailableError

MAX_ANSWER: Final = 1024 * 1024
"""Bytes; a token with its friends has a few thousand."""

SLOWEST: Final = 3
"""An answer may take so many times the time-out altogether."""

_CHUNK: Final = 16 * 1024


LONGEST_PAUSE: Final = 86_400
"""Seconds of a `Retry-After` that are believed."""


class Session(requests.Session):
    """
    One session with the sign-in endpoints; msal and google-auth take it as their transport.

    Whatever the network raises is translated here, and an endpoint in trouble told as that: the libraries differ in it.
    """

    def __init__(self, server: Server, sign_in: SignIn) -> None:
        super().__init__()
        self._server = server
        self._timeout = server.timeout.total_seconds()
        self.verify = True if sign_in.ca_file is None else str(sign_in.ca_file)
        # A password of ~/.netrc is not for them.
        self.auth = _unchanged
        self.headers["User-Agent"] = f"bounce-cleaner/{__version__}"

    def request(self, method: Any, url: Any, *arguments: Any, **options: Any) -> requests.Response:
        options["timeout"] = options.get("timeout") or self._timeout
        options["allow_redirects"] = False
        return super().request(method, url, *arguments, **options)

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        try:
            return self._send(request, options)
        except (OSError, requests.exceptions.RequestException) as error:
            raise of_network(self._server, request.url or "", error) from None

    def _send(self, request: requests.PreparedRequest, options: dict[str, Any]) -> requests.Response:
        started = time.monotonic()
        # Else $REQUESTS_CA_BUNDLE would count more than what the configuration says.
        response = super().send(request, **{**options, "stream": True, "verify": self.verify})
        with response:
            response._content = self._read(response, started)
        response._content_consumed = True
        if response.status_code == 429 or response.status_code >= 500:
            raise self._in_trouble(response)
        return response

    def _in_trouble(self, response: requests.Response) -> ServerUnavailableError:
        pause = response.headers.get("Retry-After", "").strip()
        again_in = min(int(pause), LONGEST_PAUSE) if pause.isascii() and pause[:9].isdigit() else None
        words = shown(response.reason or "")
        return self._unavailable(response.url, f"it is in trouble: {response.status_code} {words}", again_in)

    def _unavailable(self, url: str, why: str, again_in: float | None = None) -> ServerUnavailableError:
        return ServerUnavailableError(
            f"{self._server.name}: the sign-in endpoint {host_of(url)}", why, again_in
        )

    def _read(self, response: requests.Response, started: float) -> bytes:
        parts: list[bytes] = []
        size = 0
        for part in response.iter_content(_CHUNK):
            parts.append(part)
            size += len(part)
            if size > MAX_ANSWER or time.monotonic() - started > SLOWEST * self._timeout:
                raise self._unavailable(response.url, "its answer does not end")
        return b"".join(parts)


def _unchanged(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
