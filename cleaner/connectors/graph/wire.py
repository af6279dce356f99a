"""
HTTP and JSON to and from Graph, as bounded as anything that others write.

An answer is read whole before it is looked at: so many bytes at most, in so much time at most, also when it is
compressed. A message alone may be left off where its reader would look no further.
"""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

import httpx2

from cleaner import __version__
from cleaner.config import Server
from cleaner.connectors.graph.errors import TooLargeError, of_network, place_of
from cleaner.errors import ServerUnavailableError

MAX_ANSWER: Final = 96 * 1024 * 1024
"""Bytes of an answer, uncompressed."""

SLOWEST: Final = 5
"""An answer may take so many times the time-out altogether."""

LONGEST_WAIT: Final = 7
"""Digits of a Retry-After that is believed."""

_PLAIN: Final = "$(),';:/@"

IMMUTABLE: Final = 'IdType="ImmutableId"'
"""Wanted with every request: the id of a message then stays the same when it is moved."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request, alone or in a batch; its path begins below the version."""

    method: str
    path: str
    body: object = None
    """What becomes JSON; bytes: MIME, which Graph wants in base64."""
    prefer: tuple[str, ...] = ()
    most: int | None = None
    """So many bytes of the answer are enough."""

    @property
    def preferences(self) -> str:
        return ", ".join((IMMUTABLE, *self.prefer))


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: an object of JSON, or bytes."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    """By their names in lower case."""

    @property
    def is_ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def code(self) -> str:
        """Graph's word for an error; empty for a page of something on the way."""
        return text_of(self._error, "code")

    @property
    def text(self) -> str:
        return text_of(self._error, "message")

    @property
    def _error(self) -> Any:
        return self.body.get("error") if isinstance(self.body, dict) else None

    @property
    def wait(self) -> float | None:
        """Retry-After in seconds (RFC 9110 section 10.2.3); a date says no more than that it is busy."""
        told = self.headers.get("retry-after", "").strip()
        is_number = told.isascii() and told.isdigit() and len(told) <= LONGEST_WAIT
        return float(told) if is_number else None

    def values(self) -> Iterator[Mapping[str, Any]]:
        """The objects of a collection."""
        found = self.body.get("value") if isinstance(self.body, dict) else None
        for one in found if isinstance(found, list) else ():
            if isinstance(one, dict):
                yield one


def text_of(told: Any, name: str) -> str:
    value = told.get(name) if isinstance(told, dict) else None
    return value if isinstance(value, str) else ""


def segment(text: str) -> str:
    """One part of a path."""
    return quote(text, safe="@=-_$")


def query(options: Mapping[str, str]) -> str:
    return "&".join(f"{name}={quote(value, safe=_PLAIN)}" for name, value in options.items())


class Wire:
    """One service, through one client. For use by many threads."""

    def __init__(self, server: Server, root: str) -> None:
        self.server = server
        self.root = root
        self._seconds = server.timeout.total_seconds()
        self._client = httpx2.Client(
            verify=_trusted(server),
            timeout=httpx2.Timeout(self._seconds),
            limits=httpx2.Limits(
                max_connections=server.connections, max_keepalive_connections=server.connections
            ),
            follow_redirects=False,
            # Neither proxies nor a .netrc of whoever started us: tokens go where the configuration says.
            trust_env=False,
            headers={"User-Agent": f"bounce-cleaner/{__version__}", "Accept": "application/json"},
        )

    def close(self) -> None:
        self._client.close()

    def send(self, request: Request, token: str) -> Answer:
        """Raises ServerUnavailableError and AskPersonError for what has no answer."""
        content, kind = _content(request.body)
        headers = {"Authorization": f"Bearer {token}", "Prefer": request.preferences}
        if kind:
            headers["Content-Type"] = kind
        started = time.monotonic()
        try:
            built = self._client.build_request(
                request.method, self.root + request.path, content=content, headers=headers
            )
            response = self._client.send(built, stream=True)
            try:
                found = self._bounded(response, started, request.most)
            finally:
                response.close()
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, OSError) as error:
            raise of_network(self.server, error) from None
        told = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, _body(found, told, self.server), told)

    def _bounded(self, response: httpx2.Response, started: float, most: int | None) -> bytes:
        latest = started + SLOWEST * self._seconds
        is_message = most is not None and response.is_success
        parts: list[bytes] = []
        size = 0
        for part in response.iter_bytes():  # as they come: gathered ones would come never where bytes drip
            parts.append(part)
            size += len(part)
            if most is not None and is_message and size >= most:
                return b"".join(parts)[:most]
            if size > MAX_ANSWER:
                raise TooLargeError(
                    place_of(self.server), f"its answer is larger than {MAX_ANSWER // 1024**2} MB"
                )
            if time.monotonic() > latest:
                raise ServerUnavailableError(place_of(self.server), "its answer takes too long")
        return b"".join(parts)


def _trusted(server: Server) -> Any:
    if server.ca_file is None:
        return True
    try:
        return ssl.create_default_context(cafile=str(server.ca_file))
    except OSError as error:
        raise of_network(server, error) from None


def _content(body: object) -> tuple[bytes | None, str]:
    if body is None:
        return None, ""
    if isinstance(body, bytes):
        return body, "text/plain"
    return json.dumps(body, separators=(",", ":")).encode(), "application/json"


def _body(content: bytes, headers: Mapping[str, str], server: Server) -> Any:
    if "json" not in headers.get("content-type", "").partition(";")[0].lower():
        return content
    if not content.strip():
        return {}
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise ServerUnavailableError(place_of(server), "its answer is no JSON, or was cut off") from None
