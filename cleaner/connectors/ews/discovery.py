"""
Autodiscover: which server a mailbox is on, asked of its own domain, over TLS alone.

Two forms of it are known. By SOAP (`autodiscover.svc`, [MS-OXWSADISC], Exchange 2010 and later) the library asks; by
plain XML (`autodiscover.xml`, [MS-OXDSCLI], every Exchange, and open servers that know no other) we do. Where the
domain's own server sends us, we go with the password. What anybody on the way could have said is not followed: a
redirection over plain HTTP, and a name in the DNS that leads out of the domain.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, TypeAlias
from urllib.parse import urljoin

import exchangelib.autodiscover.cache
import requests.exceptions
from exchangelib import OAUTH2, Configuration
from exchangelib.autodiscover import Autodiscovery
from exchangelib.autodiscover.protocol import AutodiscoverProtocol
from exchangelib.errors import AutoDiscoverFailed, TransportError, UnauthorizedError
from exchangelib.protocol import FailFast
from exchangelib.transport import get_auth_method_from_response
from exchangelib.util import create_element, xml_to_str

from cleaner.config import MailboxSettings, Server
from cleaner.connectors.ews.credentials import TokenCredentials, credentials
from cleaner.connectors.ews.errors import error_of
from cleaner.connectors.ews.wire import Adapter, tree
from cleaner.errors import AskPersonError, CleanerError

REMEMBERED: Final = 300
"""Seconds for which a failure counts."""

HOPS: Final = 8
"""Places that are asked in the plain form."""

_ASKED: Final = "http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"
_TOLD: Final = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
_PATH: Final = "/autodiscover/autodiscover.xml"
_OUTSIDE_FIRST: Final = ("EXPR", "EXCH", "EXHTTP")
"""Kinds of access, the one from anywhere first."""
_MOVED: Final = (301, 302, 303, 307, 308)

Key: TypeAlias = tuple[str | None, ...]

_FOUND: Final[dict[Key, str | tuple[float, CleanerError]]] = {}
"""What autodiscover told, or when it failed, and how."""
_LOCK: Final = threading.Lock()
"""A domain whose autodiscover does not answer holds up no other server's mailboxes."""


def discovered(server: Server, mailbox: MailboxSettings, user: str | None, secret: str) -> str:
    """The endpoint of a mailbox's domain, asked for once in a process; a failure counts for a while."""
    key = (server.name, domain_of(mailbox.address), user)
    with _LOCK:
        found = _FOUND.get(key)
        if isinstance(found, tuple) and time.monotonic() < found[0] + REMEMBERED:
            raise found[1].with_traceback(None)
        if isinstance(found, str):
            return found
        try:
            url = _FOUND[key] = _discover(server, mailbox, user or "", secret)
        except CleanerError as error:
            _FOUND[key] = time.monotonic(), error
            raise
        return url


def forget_discovered(server: Server) -> None:
    """A mailbox is not where autodiscover said: the next one asks again."""
    with _LOCK:
        for key in [key for key in _FOUND if key[0] == server.name]:
            del _FOUND[key]


def forget_all_discovered() -> None:
    with _LOCK:
        _FOUND.clear()


def domain_of(address: str) -> str:
    return address.rpartition("@")[2].casefold()


def _discover(server: Server, mailbox: MailboxSettings, user: str, secret: str) -> str:
    signing_in = credentials(server, "https://outlook.office365.com", user, secret)
    try:
        with _ours(server):
            try:
                url = BySoap(email=mailbox.address, credentials=signing_in).discover()
            except AutoDiscoverFailed:
                url = _by_xml(server, mailbox.address, signing_in)
                if not url:
                    raise
    except Exception as error:
        raise error_of(error, server, mailbox) from None
    return _trusted(server, url)


def _trusted(server: Server, url: str) -> str:
    if not url.startswith("https://"):
        raise AskPersonError(
            f"{server.name}: autodiscover names {url or 'no address'}, which is not https; write endpoint = … yourself"
        )
    return url


@contextmanager
def _ours(server: Server) -> Iterator[None]:
    """
    Autodiscover with our adapter, and with its cache in a folder of our own.

    The library keeps it under a name that anybody can guess in a folder where anybody can write, and unpickles it.
    """
    with tempfile.TemporaryDirectory(prefix="bounce-cleaner-") as folder:
        before = AutodiscoverProtocol.HTTP_ADAPTER_CLS
        exchangelib.autodiscover.cache.AUTODISCOVER_PERSISTENT_STORAGE = Path(folder, "autodiscover")
        AutodiscoverProtocol.HTTP_ADAPTER_CLS = lambda **_: Adapter(server, translates=False)
        try:
            yield
        finally:
            AutodiscoverProtocol.HTTP_ADAPTER_CLS = before
            with suppress(OSError):
                exchangelib.autodiscover.cache.autodiscover_cache.close()


# --- SOAP ----------------------------------------------------------------------------------------


class BySoap(Autodiscovery):  # type: ignore[misc]
    """The library's, less what it believes of strangers."""

    def _ensure_valid_hostname(self, url: str) -> None:
        """Whether there is such a host says whoever connects to it, the system's own list of hosts included."""

    def _build_response(self, ad_response: Any) -> str:
        """The address; many servers have only one for inside."""
        told = ad_response.user_settings or {}
        return str(told.get("external_ews_url") or told.get("internal_ews_url") or "")

    def _step_3(self, hostname: str) -> Any:
        """No redirection over plain HTTP: whoever stands between may write it."""
        return self._step_4(hostname)

    def _get_srv_records(self, hostname: str) -> list[Any]:
        """Nor a name in the DNS that leads out of the domain."""
        return [
            one for one in super()._get_srv_records(hostname) if is_within(one.srv, domain_of(self.email))
        ]


def is_within(host: str, domain: str) -> bool:
    host = host.rstrip(".").casefold()
    return host == domain or host.endswith(f".{domain}")


# --- plain XML -----------------------------------------------------------------------------------


def _by_xml(server: Server, address: str, signing_in: Any) -> str:
    """What the domain's own server, or another that it names, tells; empty where none answers."""
    domain = domain_of(address)
    waiting = [f"https://{host}{_PATH}" for host in (domain, f"autodiscover.{domain}")]
    asked: set[tuple[str, str]] = set()
    while waiting and len(asked) < HOPS:
        url = waiting.pop(0)
        if not url.startswith("https://") or (url, address) in asked:
            continue
        asked.add((url, address))
        try:
            told = _asked(server, url, address, signing_in)
        except (TransportError, requests.exceptions.RequestException, OSError):
            continue
        if isinstance(told, Elsewhere):
            address = told.address or address
            domain = domain_of(address)
            hosts = (domain, f"autodiscover.{domain}")
            waiting = [told.url] if told.url else [f"https://{host}{_PATH}" for host in hosts]
        elif told:
            return told
    return ""


class Elsewhere:
    """Another place to ask, or another address to ask for."""

    def __init__(self, *, url: str = "", address: str = "") -> None:
        self.url = url
        self.address = address


def _asked(server: Server, url: str, address: str, signing_in: Any) -> str | Elsewhere:
    """First without a password, since only then a redirection shows that asks for none."""
    with AutodiscoverProtocol.raw_session(url) as stranger:
        response = _post(stranger, url, address)
    if response.status_code == 401:
        is_token = isinstance(signing_in, TokenCredentials)
        config = Configuration(
            service_endpoint=url,
            credentials=signing_in,
            auth_type=OAUTH2 if is_token else get_auth_method_from_response(response),
            retry_policy=FailFast(),
        )
        protocol = AutodiscoverProtocol(config=config)
        try:
            response = _post(protocol.get_session(), url, address)
        finally:
            protocol.close()
    return _read(response, server, url)


def _post(session: Any, url: str, address: str) -> Any:
    session.trust_env = False
    return session.post(
        url,
        data=_question(address),
        headers={"Content-Type": "text/xml; charset=utf-8", "X-AnchorMailbox": address},
        timeout=AutodiscoverProtocol.TIMEOUT,
        allow_redirects=False,
    )


def _read(response: Any, server: Server, url: str) -> str | Elsewhere:
    if response.status_code == 401:
        raise UnauthorizedError("401")
    if response.status_code in _MOVED:
        return Elsewhere(url=urljoin(url, response.headers.get("Location", "")))
    if response.status_code != 200:
        return ""
    try:
        return answer_of(tree(response.content, server, b"Autodiscover>"))
    except CleanerError:
        return ""  # A web page: the domain's site answers whatever it is asked.


def _question(address: str) -> bytes:
    root = create_element("Autodiscover", attrs={"xmlns": _ASKED})
    request = create_element("Request")
    for name, value in (("EMailAddress", address), ("AcceptableResponseSchema", _TOLD)):
        element = create_element(name)
        element.text = value
        request.append(element)
    root.append(request)
    written: bytes = xml_to_str(root, encoding="utf-8", xml_declaration=True)
    return written


def answer_of(root: Any) -> str | Elsewhere:
    """What an answer of the plain form says ([MS-OXDSCLI] section 2.2.4)."""
    account = next(root.iter(f"{{{_TOLD}}}Account"), None)
    if account is None:
        return ""
    told = {name: _text(account, name) for name in ("RedirectAddr", "RedirectUrl")}
    if told["RedirectAddr"] or told["RedirectUrl"]:
        return Elsewhere(url=told["RedirectUrl"], address=told["RedirectAddr"])
    urls = {
        _text(protocol, "Type").upper(): _text(protocol, "EwsUrl") or _text(protocol, "ASUrl")
        for protocol in reversed(account.findall(f"{{{_TOLD}}}Protocol"))
    }
    return next((urls[kind] for kind in _OUTSIDE_FIRST if urls.get(kind)), "")


def _text(element: Any, name: str) -> str:
    return str(element.findtext(f"{{{_TOLD}}}{name}") or "").strip()
