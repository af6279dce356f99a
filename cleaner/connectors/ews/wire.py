"""
HTTP and XML to and from the server, as bounded as anything that others write.

The answer is read whole before it is looked at: so many bytes at most, in so much time at most, also when it is
compressed. A document type has no place in SOAP (SOAP 1.1 section 3), so an answer with one is refused before a
parser sees its entities. An answer that was cut off is never mended: SyncFolderItems writes its new state before the
changes, and half of those would be lost for good.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any, Final

import lxml.etree
import requests
import requests.adapters
from exchangelib.errors import SessionPoolMinSizeReached, UnauthorizedError
from exchangelib.protocol import Protocol, RetryPolicy

from cleaner import __version__
from cleaner.config import Server
from cleaner.connectors.ews.errors import of_network, place_of
from cleaner.connectors.exchange.errors import ThrottledError, shown
from cleaner.errors import AskPersonError, ServerUnavailableError

MAX_ANSWER: Final = 96 * 1024 * 1024
"""Bytes of an answer, uncompressed."""

SLOWEST: Final = 5
"""An answer may take so many times the time-out altogether."""

USUAL_TREE: Final = 8 * 1024 * 1024
"""Up to this size the parser keeps its own limits, those against nesting and amplification."""

_CHUNK: Final = 64 * 1024
_PROLOG: Final = re.compile(rb"\s*(?:<\?[^>]{0,500}\?>\s*|<!--[^>]{0,1000}-->\s*){0,20}<(?=[A-Za-z_])")
_FINE_TIME: Final = re.compile(rb"(>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6})\d{1,9}(?=Z?<)")
_HALVES: Final = re.compile(rb"&#x(d[89ab][0-9a-f]{2});&#x(d[c-f][0-9a-f]{2});", re.IGNORECASE)
_REFERENCE: Final = re.compile(rb"&#(?:x([0-9A-Fa-f]{1,8})|([0-9]{1,10}));")
_BUSY_STATUS: Final = (429, 503)
_MOVED: Final = (301, 302, 307, 308)


class Adapter(requests.adapters.HTTPAdapter):
    """One connection to the server, verified."""

    def __init__(self, server: Server, *, translates: bool = True) -> None:
        self._server = server
        self._translates = translates
        super().__init__(pool_block=True, pool_connections=1, pool_maxsize=1, max_retries=0)

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: ARG002 - read here and not by the caller, so that nobody reads without bounds
        timeout: Any = None,
        verify: Any = True,  # noqa: ARG002
        cert: Any = None,  # noqa: ARG002
        proxies: Any = None,  # noqa: ARG002
    ) -> requests.Response:
        try:
            return self._send(request, timeout)
        except requests.exceptions.RequestException as error:
            # Here the certificate is still to be seen; the library would keep no more than words of it.
            raise of_network(self._server, error) if self._translates else error from None

    @property
    def _trusted(self) -> bool | str:
        return True if self._server.ca_file is None else str(self._server.ca_file)

    def _send(self, request: requests.PreparedRequest, timeout: Any) -> requests.Response:
        started = time.monotonic()
        response = super().send(request, stream=True, timeout=timeout, verify=self._trusted)
        if is_challenge(response):
            return response
        try:
            response._content = bounded(response, self._server, started)
        finally:
            response.close()
        response._content_consumed = True
        return response


class StreamingAdapter(Adapter):
    """The same for an answer that goes on: whoever asked reads it as it comes."""

    def _send(self, request: requests.PreparedRequest, timeout: Any) -> requests.Response:
        return requests.adapters.HTTPAdapter.send(
            self, request, stream=True, timeout=timeout, verify=self._trusted
        )


def is_challenge(response: requests.Response) -> bool:
    """
    A short refusal, left unread: signing in by NTLM looks at the certificate of the connection that it came by.

    ([MS-NLMP] channel bindings; requests-ntlm finds the connection only while there is something to read.)
    """
    length = response.headers.get("Content-Length", "")
    return response.status_code == 401 and length.isascii() and length.isdigit() and int(length[:9]) < _CHUNK


def bounded(response: requests.Response, server: Server, started: float) -> bytes:
    """The body. Raises ServerUnavailableError for one without end."""
    latest = started + SLOWEST * server.timeout.total_seconds()
    parts: list[bytes] = []
    size = 0
    for part in response.iter_content(_CHUNK):
        parts.append(part)
        size += len(part)
        if size > MAX_ANSWER:
            raise ServerUnavailableError(
                place_of(server), f"its answer is larger than {MAX_ANSWER // 1024**2} MB"
            )
        if time.monotonic() > latest:
            raise ServerUnavailableError(place_of(server), "its answer takes too long")
    return b"".join(parts)


def tree(content: bytes, server: Server, end: bytes = b"Envelope>") -> Any:
    """The root element of an answer. Raises ServerUnavailableError for what is none, or only its beginning."""
    content = content.removeprefix(b"\xef\xbb\xbf")
    if not _PROLOG.match(content[:30_000]) or not content.rstrip().endswith(end):
        raise ServerUnavailableError(place_of(server), "its answer is no SOAP, or was cut off")
    parser = lxml.etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        recover=True,  # servers write control characters that XML cannot have
        huge_tree=len(content) > USUAL_TREE,
    )
    root = lxml.etree.fromstring(_FINE_TIME.sub(rb"\1", referring_well(as_utf8(content))), parser)
    if root is None:
        raise ServerUnavailableError(place_of(server), "its answer is no XML")
    return root


def as_utf8(content: bytes) -> bytes:
    """
    Without bytes that are no UTF-8, for after the first of them the parser would take all the rest for Latin 1.

    Halves of a character (surrogates, U+FFFF) come from names and subjects that some client wrote so.
    """
    head = content[:200].lower()
    if b"encoding" in head and b"utf-8" not in head:
        return content
    try:
        content.decode()
    except UnicodeDecodeError:
        return content.decode("utf-8", "replace").encode()
    return content


def referring_well(content: bytes) -> bytes:
    """
    With character references that stand for characters alone.

    From one to half a character (`&#xD83D;`) the parser makes bytes that are no text; two halves are put together.
    """
    if b"&#" not in content:
        return content
    whole = _HALVES.sub(lambda m: f"&#{_joined(m[1], m[2])};".encode(), content)
    return _REFERENCE.sub(lambda m: m[0] if _is_character(m[1], m[2]) else b"", whole)


def _joined(high: bytes, low: bytes) -> int:
    return 0x10000 + ((int(high, 16) - 0xD800) << 10) + int(low, 16) - 0xDC00


def _is_character(hexadecimal: bytes | None, decimal: bytes) -> bool:
    """XML 1.0, production 2 (Char)."""
    code = int(hexadecimal, 16) if hexadecimal else int(decimal)
    return (
        code in (9, 10, 13) or 0x20 <= code < 0xD800 or 0xE000 <= code < 0xFFFE or 0x10000 <= code < 0x110000
    )


class Refusals(RetryPolicy):  # type: ignore[misc]
    """
    What an HTTP status means; every one is raised at once, since waiting is decided where it is known for whom.

    The library's own policies take 429 for a malformed answer, and read Retry-After only where they wait themselves.
    """

    fail_fast = True
    back_off_until = None

    def __init__(self, server: Server) -> None:
        self._server = server

    def back_off(self, seconds: float) -> None:
        raise ThrottledError(place_of(self._server), seconds)

    def raise_response_errors(self, response: requests.Response) -> None:
        status, place = response.status_code, place_of(self._server)
        if status == 200 or (
            status == 500 and response.content.lstrip(b"\xef\xbb\xbf \r\n").startswith(b"<")
        ):
            # A SOAP fault comes with status 500 (SOAP 1.1 section 6.2); what is none shows when it is read.
            return
        if status == 401:
            raise UnauthorizedError("401")
        if status in _BUSY_STATUS:
            raise ThrottledError(place, retry_after(response.headers))
        if status in _MOVED:
            where = shown(response.headers.get("Location", "elsewhere").partition("?")[0])
            raise AskPersonError(
                f"{self._server.name}: {place} sends us to {where}; write endpoint = … with the address of "
                "Exchange.asmx there, if it is yours"
            )
        if status == 403:
            raise AskPersonError(
                f"{self._server.name}: {place} does not let this account use EWS (HTTP 403); in the Exchange "
                "Management Shell: Set-CASMailbox -Identity MAILBOX -EwsEnabled $true"
            )
        if status in (404, 405, 410):
            raise AskPersonError(
                f"{self._server.name}: there is no EWS at this endpoint (HTTP {status}); correct endpoint, which "
                "usually ends in /EWS/Exchange.asmx"
            )
        raise ServerUnavailableError(place, f"it answers with HTTP {status}")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """RFC 9110 section 10.2.3, in seconds; a date says no more than that it is busy."""
    told = headers.get("Retry-After", "").strip()
    return float(told) if told.isascii() and told.isdigit() and len(told) < 7 else None


class EwsProtocol(Protocol):  # type: ignore[misc]
    """The library's protocol with our adapter."""

    def __init__(self, config: Any, server: Server) -> None:
        self._server = server
        self.TIMEOUT = server.timeout.total_seconds()
        super().__init__(config=config)

    def raw_session(
        self,
        prefix: str,
        oauth2_client: Any = None,
        oauth2_session_params: Any = None,
        oauth2_token_endpoint: str | None = None,  # noqa: ARG002 - mounted below, like every place
    ) -> Any:
        session = super().raw_session(prefix, oauth2_client, oauth2_session_params)
        session.headers["User-Agent"] = f"bounce-cleaner/{__version__}"
        # Neither proxies nor a .netrc of whoever started us: passwords go where the configuration says.
        session.trust_env = False
        session.mount("https://", Adapter(self._server))
        session.mount("http://", Adapter(self._server))
        session.mount(prefix, Adapter(self._server))
        return session

    def decrease_poolsize(self) -> None:
        """Never: the library would wait for a session under the lock that making one needs."""
        raise SessionPoolMinSizeReached("the number of sessions is ours to decide")
