"""
An HTTP server that gives one answer after the other, whatever it is asked: for what goes wrong on the way.

What an Exchange server is like is in `tests.servers.ews`; here are only answers.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from tests.servers.certificates import Certificate

MESSAGES: Final = "http://schemas.microsoft.com/exchange/services/2006/messages"
TYPES: Final = "http://schemas.microsoft.com/exchange/services/2006/types"


@dataclass(frozen=True)
class Given:
    """One answer. `cut`: the connection ends after so many bytes of the body."""

    body: bytes = b""
    status: int = 200
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "text/xml; charset=utf-8"),)
    cut: int | None = None


@dataclass
class Answering:
    """What is still to be answered, and what was asked."""

    answers: list[Given]
    port: int = 0
    asked: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    scheme: str = "http"

    @property
    def endpoint(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/EWS/Exchange.asmx"


@contextmanager
def answering(answers: Sequence[Given], certificate: Certificate | None = None) -> Iterator[Answering]:
    """Serves these answers, over TLS with a certificate; the last one is given again and again."""
    state = Answering(list(answers), scheme="http" if certificate is None else "https")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            state.asked.append(self.rfile.read(int(self.headers.get("Content-Length", "0"))))
            state.headers.append(dict(self.headers.items()))
            given = state.answers.pop(0) if len(state.answers) > 1 else state.answers[0]
            self.send_response(given.status)
            for name, value in given.headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(given.body)))
            self.end_headers()
            self.wfile.write(given.body if given.cut is None else given.body[: given.cut])
            if given.cut is not None:
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """The other side went away, as it may."""

    with Quiet(("127.0.0.1", 0), Handler) as server:
        state.port = server.server_address[1]
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate.certificate, certificate.key)
            server.socket = context.wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False
            )
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield state
        finally:
            server.shutdown()
            thread.join()


def soap(inside: str) -> bytes:
    """An envelope as Exchange writes it."""
    return (
        '<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/">'
        f'<s:Header><t:ServerVersionInfo xmlns:t="{TYPES}" MajorVersion="15" MinorVersion="2" '
        'MajorBuildNumber="1544" MinorBuildNumber="9" Version="V2017_07_11"/></s:Header>'
        f"<s:Body>{inside}</s:Body></s:Envelope>"
    ).encode()


def answered(operation: str, *messages: str) -> bytes:
    """What an operation answers, one message for each item."""
    return soap(
        f'<m:{operation}Response xmlns:m="{MESSAGES}" xmlns:t="{TYPES}"><m:ResponseMessages>'
        + "".join(messages)
        + f"</m:ResponseMessages></m:{operation}Response>"
    )


def message(operation: str, inside: str = "", code: str = "NoError", text: str = "") -> str:
    kind = "Success" if code == "NoError" else "Error"
    words = f"<m:MessageText>{text}</m:MessageText>" if text else ""
    return (
        f'<m:{operation}ResponseMessage ResponseClass="{kind}">{words}<m:ResponseCode>{code}</m:ResponseCode>'
        f"{inside}</m:{operation}ResponseMessage>"
    )


def fault(code: str, text: str = "", wait: int | None = None) -> Given:
    """A SOAP fault, with a hint how many milliseconds to wait."""
    hint = (
        f'<t:MessageXml xmlns:t="{TYPES}"><t:Value Name="BackOffMilliseconds">{wait}</t:Value></t:MessageXml>'
        if wait is not None
        else ""
    )
    errors = "http://schemas.microsoft.com/exchange/services/2006/errors"
    body = soap(
        f'<s:Fault><faultcode xmlns:a="{TYPES}">a:{code}</faultcode><faultstring>{text}</faultstring><detail>'
        f'<e:ResponseCode xmlns:e="{errors}">{code}</e:ResponseCode>'
        f'<e:Message xmlns:e="{errors}">{text}</e:Message>{hint}</detail></s:Fault>'
    )
    return Given(body, 500)
