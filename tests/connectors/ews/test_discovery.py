"""Autodiscover over TLS: both forms of it, redirections, and what must not be believed."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from cleaner.config import MailboxSettings, Secret, Server
from cleaner.connectors import open_reading
from cleaner.connectors.ews import discovery
from cleaner.errors import AskPersonError, CleanerError, SignInRefusedError
from cleaner.values import Policy
from tests.servers.certificates import Authority
from tests.servers.ews import PASSWORD, EwsServer, Ways

DOMAIN = "harbor.example"
ADDRESS = f"ann@{DOMAIN}"
HOSTS = (DOMAIN, f"autodiscover.{DOMAIN}", "mail.harbor.example", "autodiscover.island.example")
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
MESSAGES = "http://schemas.microsoft.com/exchange/2010/Autodiscover"
TOLD = "http://schemas.microsoft.com/exchange/autodiscover"


@dataclass
class Site:
    """An HTTPS server that answers for several hosts: (host, path) → status, body, header fields."""

    answers: dict[tuple[str, str], tuple[int, str, dict[str, str]]] = field(default_factory=dict)
    asked: list[tuple[str, str, bool]] = field(default_factory=list)
    """Host, path, and whether a password came along."""
    bodies: list[str] = field(default_factory=list)

    def gives(self, host: str, path: str, body: str, status: int = 200, **fields: str) -> None:
        self.answers[host, path] = status, body, fields


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: Site

    def _give(self) -> None:
        self.site.bodies.append(self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode())
        host = self.headers["Host"].partition(":")[0]
        signs_in = "Authorization" in self.headers
        self.site.asked.append((host, self.path, signs_in))
        status, body, fields = self.site.answers.get((host, self.path), (404, "", {}))
        if status == 200 and not signs_in:
            status, body, fields = 401, "", {"WWW-Authenticate": 'Basic realm="harbor"'}
        self.send_response(status)
        for name, value in fields.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body.encode())

    do_POST = do_GET = do_HEAD = _give  # noqa: N815 - the names are the library's

    def log_message(self, *_: object) -> None:
        pass


class Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that does not trust us hangs up."""


@pytest.fixture
def site(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """All those hosts are this machine, and everything that listens at 443 is the site; nobody else has a name."""
    site = Site()
    certificate = authority.for_hosts(*HOSTS)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate, certificate.key)
    with served(site, context) as port:
        monkeypatch.setattr(socket, "getaddrinfo", resolver(port, socket.getaddrinfo))
        monkeypatch.setattr(discovery.BySoap, "DNS_RESOLVER_KWARGS", {"configure": False})
        yield site


@contextmanager
def served(site: Site, context: ssl.SSLContext) -> Iterator[int]:
    handler = type("Here", (Handler,), {"site": site})
    with Quiet(("127.0.0.1", 0), handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield int(server.server_address[1])
        finally:
            server.shutdown()
            thread.join()


def resolver(port: int, real: Callable[..., Any]) -> Callable[..., Any]:
    def look_up(host: object, at: object, *more: Any, **named: Any) -> Any:
        if host == "127.0.0.1":
            return real(host, at, *more, **named)
        if host in HOSTS and at == 443:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]
        raise socket.gaierror(socket.EAI_NONAME, "no such host")

    return look_up


@pytest.fixture
def exchange(authority: Authority) -> Iterator[EwsServer]:
    """Where the mailbox really is."""
    with EwsServer(ways=Ways.EXCHANGE, certificate=authority.good()) as server:
        server.add_mailbox(ADDRESS)
        yield server


@pytest.fixture
def open_there(authority: Authority, tmp_path: Path) -> Callable[[], tuple[str, ...]]:
    """Looks for the server, and opens the mailbox; its folders."""
    (tmp_path / "password").write_text(PASSWORD)
    here = Server("exchange", "ews", access="delegate", auth="basic", ca_file=authority.ca_file)
    mailbox = MailboxSettings(
        ADDRESS, "exchange", "harbor", Policy(), user=ADDRESS, password=Secret("file:password", tmp_path)
    )
    return lambda: tuple(folder.name for folder in open_reading(here, mailbox).folders())


def by_soap(code: str = "NoError", redirect: str = "", **settings: str) -> str:
    named = "".join(
        f'<UserSetting i:type="StringSetting"><Name>{name}</Name><Value>{value}</Value></UserSetting>'
        for name, value in settings.items()
    )
    return (
        f'<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="{SOAP}"><s:Body><GetUserSettingsResponseMessage'
        f' xmlns="{MESSAGES}"><Response xmlns:i="http://www.w3.org/2001/XMLSchema-instance"><ErrorCode>NoError'
        f"</ErrorCode><ErrorMessage/><UserResponses><UserResponse><ErrorCode>{code}</ErrorCode><ErrorMessage>-"
        f"</ErrorMessage><RedirectTarget>{redirect}</RedirectTarget><UserSettingErrors/><UserSettings>{named}"
        "</UserSettings></UserResponse></UserResponses></Response></GetUserSettingsResponseMessage></s:Body></s:Envelope>"
    )


def by_xml(inside: str) -> str:
    return (
        f'<?xml version="1.0" encoding="utf-8"?><Autodiscover xmlns="{TOLD}/responseschema/2006">'
        f'<Response xmlns="{TOLD}/outlook/responseschema/2006a"><User><DisplayName>Ann</DisplayName></User>'
        f"<Account><AccountType>email</AccountType>{inside}</Account></Response></Autodiscover>"
    )


def settings(*ways: tuple[str, str]) -> str:
    return "<Action>settings</Action>" + "".join(
        f"<Protocol><Type>{kind}</Type><EwsUrl>{url}</EwsUrl></Protocol>" for kind, url in ways
    )


SVC = "/autodiscover/autodiscover.svc"
XML = "/autodiscover/autodiscover.xml"


@pytest.mark.parametrize("host", HOSTS[:2])
@pytest.mark.parametrize("setting", ["ExternalEwsUrl", "InternalEwsUrl"])
def test_the_domain_s_own_server_tells_the_address(
    host: str, setting: str, site: Site, exchange: EwsServer, open_there: Callable[[], tuple[str, ...]]
) -> None:
    """In the schemas that it names may be one which nobody here knows."""
    told = {setting: exchange.endpoint, "EwsSupportedSchemas": "Exchange2016, Exchange2031"}
    site.gives(host, SVC, by_soap(**told))
    assert open_there()[0] == "INBOX"
    asked = len(site.asked)
    open_there()
    assert len(site.asked) == asked


@pytest.mark.parametrize("host", HOSTS[:2])
def test_a_server_that_knows_only_the_plain_form(
    host: str, site: Site, exchange: EwsServer, open_there: Callable[[], tuple[str, ...]]
) -> None:
    """The address for outside comes before the one for inside."""
    inside = "https://127.0.0.1:1/EWS/Exchange.asmx"
    site.gives(host, XML, by_xml(settings(("EXCH", inside), ("EXPR", exchange.endpoint))))
    assert open_there()[0] == "INBOX"
    assert f"<EMailAddress>{ADDRESS}</EMailAddress>" in site.bodies[-1]


def test_a_web_site_that_answers_everything_is_none(
    site: Site, exchange: EwsServer, open_there: Callable[[], tuple[str, ...]]
) -> None:
    page = "<!DOCTYPE html><html><body>Welcome to the harbor</body></html>"
    for path in (SVC, XML):
        site.gives(DOMAIN, path, page)
    site.gives(f"autodiscover.{DOMAIN}", XML, by_xml(settings(("EXCH", exchange.endpoint))))
    assert open_there()[0] == "INBOX"


def test_redirections_of_the_plain_form_are_followed(
    site: Site, exchange: EwsServer, open_there: Callable[[], tuple[str, ...]]
) -> None:
    """By HTTP, by the answer's address for mail, and by its URL."""
    site.gives(DOMAIN, XML, "", 302, Location="https://mail.harbor.example/autodiscover/autodiscover.xml")
    elsewhere = "<Action>redirectAddr</Action><RedirectAddr>ann@island.example</RedirectAddr>"
    site.gives("mail.harbor.example", XML, by_xml(elsewhere))
    place = "https://autodiscover.island.example/there/autodiscover.xml"
    site.gives(
        "autodiscover.island.example",
        XML,
        by_xml(f"<Action>redirectUrl</Action><RedirectUrl>{place}</RedirectUrl>"),
    )
    found = by_xml(settings(("EXPR", exchange.endpoint)))
    site.gives("autodiscover.island.example", "/there/autodiscover.xml", found)
    assert open_there()[0] == "INBOX"
    assert "<EMailAddress>ann@island.example</EMailAddress>" in site.bodies[-1]


def test_a_redirection_by_soap_is_followed(
    site: Site, exchange: EwsServer, open_there: Callable[[], tuple[str, ...]]
) -> None:
    place = "https://mail.harbor.example/autodiscover/autodiscover.svc"
    site.gives(DOMAIN, SVC, by_soap("RedirectUrl", place))
    site.gives("mail.harbor.example", SVC, by_soap(ExternalEwsUrl=exchange.endpoint))
    assert open_there()[0] == "INBOX"


def test_going_round_in_circles_ends(site: Site, open_there: Callable[[], tuple[str, ...]]) -> None:
    site.gives(DOMAIN, XML, by_xml(f"<RedirectAddr>{ADDRESS}</RedirectAddr>"))
    site.gives(f"autodiscover.{DOMAIN}", XML, "", 301, Location=f"https://{DOMAIN}{XML}")
    with pytest.raises(AskPersonError, match="autodiscover finds no Exchange server"):
        open_there()
    assert len(site.asked) < 30


@pytest.mark.parametrize(
    "url", ["http://mail.harbor.example/EWS/Exchange.asmx", "ftp://mail.harbor.example/", ""]
)
@pytest.mark.parametrize("form", ["soap", "xml"])
def test_no_password_goes_where_there_is_no_tls(
    url: str, form: str, site: Site, open_there: Callable[[], tuple[str, ...]]
) -> None:
    if form == "soap":
        site.gives(DOMAIN, SVC, by_soap(ExternalEwsUrl=url))
    else:
        site.gives(DOMAIN, XML, by_xml(settings(("EXPR", url))))
    with pytest.raises(AskPersonError, match=r"not https|finds no Exchange"):
        open_there()


def test_a_refused_password_is_said(site: Site, open_there: Callable[[], tuple[str, ...]]) -> None:
    for path in (SVC, XML):
        site.gives(DOMAIN, path, "", 401, **{"WWW-Authenticate": 'Basic realm="harbor"'})
    with pytest.raises(SignInRefusedError, match="file:password"):
        open_there()


def test_a_certificate_that_nobody_vouches_for_is_not_signed_in_to(site: Site, tmp_path: Path) -> None:
    (tmp_path / "password").write_text(PASSWORD)
    site.gives(DOMAIN, SVC, by_soap(ExternalEwsUrl="https://127.0.0.1/EWS/Exchange.asmx"))
    mailbox = MailboxSettings(
        ADDRESS, "exchange", "harbor", Policy(), user=ADDRESS, password=Secret("file:password", tmp_path)
    )
    with pytest.raises(CleanerError):
        open_reading(Server("exchange", "ews", access="delegate", auth="basic"), mailbox)
    assert site.asked == []


def test_a_domain_of_its_own_is_asked_by_itself(
    site: Site, exchange: EwsServer, open_there: Callable[[], tuple[str, ...]]
) -> None:
    """What is remembered for one domain says nothing of another."""
    site.gives(DOMAIN, SVC, by_soap(ExternalEwsUrl=exchange.endpoint))
    open_there()
    assert discovery.domain_of("Bob@ISLAND.example") == "island.example"


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("mail.harbor.example", True),
        ("HARBOR.example.", True),
        ("mail.harbor.example.puffin.example", False),
        ("notharbor.example", False),
    ],
)
def test_a_name_in_the_dns_leads_nowhere_outside(host: str, expected: bool) -> None:
    assert discovery.is_within(host, DOMAIN) is expected


def test_what_was_found_is_forgotten_when_it_does_not_hold(
    site: Site, exchange: EwsServer, open_there: Callable[[], tuple[str, ...]], authority: Authority
) -> None:
    """The mailbox was moved to another server: the next run asks again."""
    site.gives(DOMAIN, SVC, by_soap(ExternalEwsUrl=exchange.endpoint))
    open_there()
    exchange.remove_mailbox(ADDRESS)
    with pytest.raises(AskPersonError):
        open_there()
    with EwsServer(ways=Ways.EXCHANGE, certificate=authority.good()) as other:
        other.add_mailbox(ADDRESS)
        site.gives(DOMAIN, SVC, by_soap(ExternalEwsUrl=other.endpoint))
        assert open_there()[0] == "INBOX"
        assert other.requests() > 0
