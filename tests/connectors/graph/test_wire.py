"""HTTP to Graph: bounded, followed nowhere, and silent."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext
from threading import Event, Thread

import pytest

from cleaner import connectors
from cleaner.connectors.graph import wire
from cleaner.connectors.graph.wire import Answer, Request, Wire, query, segment
from cleaner.errors import AskPersonError, CleanerError, ServerUnavailableError
from tests.connectors.graph.account import Account, account_on
from tests.connectors.places import mail
from tests.servers.certificates import Authority
from tests.servers.graph import SECRET, GraphServer, broken, cut, refused, throttled

TOKEN = "planted-token"  # noqa: S105
Answers = Callable[[BaseHTTPRequestHandler], object]


@pytest.fixture
def account(server: GraphServer, authority: Authority, tmp_path: Path) -> Account:
    return account_on(server, authority.ca_file, tmp_path)


class Odd:
    """A server that answers as it is told, which is not like Graph."""

    def __init__(self, authority: Authority) -> None:
        self.answers: Answers = lambda _: None
        self.paths: list[str] = []
        self.released = Event()
        odd = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                odd.paths.append(self.path)
                with suppress(OSError):
                    odd.answers(self)
                self.close_connection = True

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Silent."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        good = authority.good()
        context = SSLContext(PROTOCOL_TLS_SERVER)
        context.load_cert_chain(good.certificate, good.key)
        self.http.socket = context.wrap_socket(self.http.socket, server_side=True)
        self.root = f"https://127.0.0.1:{self.http.server_address[1]}/v1.0"


@pytest.fixture
def odd(authority: Authority) -> Iterator[Odd]:
    server = Odd(authority)
    thread = Thread(target=server.http.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.released.set()
    server.http.shutdown()
    server.http.server_close()
    thread.join()


def sent(odd: Odd, account: Account, request: Request | None = None, **values: object) -> Answer:
    server = replace(account.server, endpoint=odd.root, **values)  # type: ignore[arg-type]
    http = Wire(server, odd.root)
    try:
        return http.send(request or Request("GET", "/users/ann"), TOKEN)
    finally:
        http.close()


def reply(
    handler: BaseHTTPRequestHandler,
    body: bytes,
    status: int = 200,
    kind: str = "application/json",
    **more: str,
) -> None:
    handler.send_response(status)
    handler.send_header("Content-Type", kind)
    for name, value in more.items():
        handler.send_header(name.replace("_", "-"), value)
    if "Content_Length" not in more:
        handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def test_an_answer_without_end_is_refused(
    odd: Odd, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "MAX_ANSWER", 100_000)
    odd.answers = lambda handler: reply(handler, b" " * 300_000)
    with pytest.raises(ServerUnavailableError, match="larger than"):
        sent(odd, account)


def test_of_a_message_no_more_is_taken_than_was_wanted(odd: Odd, account: Account) -> None:
    odd.answers = lambda handler: reply(handler, b"x" * 3_000_000, kind="text/plain")
    answer = sent(odd, account, Request("GET", "/users/ann/messages/1/$value", most=50_000))
    assert answer.body == b"x" * 50_000


def test_an_answer_that_drips_is_given_up(
    odd: Odd, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    def drip(handler: BaseHTTPRequestHandler) -> None:
        reply(handler, b"{", Content_Length="1000000")
        while not odd.released.wait(0.01):
            handler.wfile.write(b" ")

    monkeypatch.setattr(wire, "SLOWEST", 0.01)
    odd.answers = drip
    with pytest.raises(ServerUnavailableError, match="takes too long"):
        sent(odd, account)


def test_one_that_says_nothing_is_given_up(odd: Odd, account: Account) -> None:
    odd.answers = lambda _: odd.released.wait()
    with pytest.raises(ServerUnavailableError, match="does not answer in time"):
        sent(odd, account, timeout=timedelta(seconds=0.1))


@pytest.mark.parametrize("body", [b'{"value": [', b"no JSON", b"[" * 200_000, b"\xff\xfe{}"])
def test_what_is_no_json_or_half_of_it(odd: Odd, account: Account, body: bytes) -> None:
    odd.answers = lambda handler: reply(handler, body)
    with pytest.raises(ServerUnavailableError, match="no JSON"):
        sent(odd, account)


def test_a_body_that_is_cut_off(odd: Odd, account: Account) -> None:
    odd.answers = lambda handler: reply(handler, b"{}", Content_Length="100")
    with pytest.raises(ServerUnavailableError, match="connection broke"):
        sent(odd, account)


def test_no_redirect_is_followed(odd: Odd, account: Account) -> None:
    """It would be asked for with our token."""
    odd.answers = lambda handler: reply(handler, b"", 302, Location=f"{odd.root}/elsewhere")
    assert sent(odd, account).status == 302
    assert odd.paths == ["/v1.0/users/ann"]


def test_a_proxy_of_the_environment_is_not_used(
    odd: Odd, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere.pem")
    odd.answers = lambda handler: reply(handler, b"{}")
    assert sent(odd, account).is_ok


def test_a_ca_file_that_is_not_there(account: Account, tmp_path: Path) -> None:
    with pytest.raises(AskPersonError, match=r"gone\.pem cannot be read"):
        Wire(replace(account.server, ca_file=tmp_path / "gone.pem"), account.graph.endpoint)


def test_nothing_listens_there(account: Account, odd: Odd) -> None:
    closed = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    port = closed.server_address[1]
    closed.server_close()
    http = Wire(account.server, f"https://127.0.0.1:{port}/v1.0")
    with pytest.raises(ServerUnavailableError, match="nothing answers there"):
        http.send(Request("GET", "/users/ann"), TOKEN)
    http.close()


def test_paths_are_written_as_segments() -> None:
    assert segment("a/b?c#d e'f@x") == "a%2Fb%3Fc%23d%20e%27f@x"
    assert segment("AAMk-_=") == "AAMk-_="
    assert query({"$filter": "a eq 'b&c+d'", "$top": "5"}) == "$filter=a%20eq%20'b%26c%2Bd'&$top=5"


# --- what is never written anywhere


def test_no_secret_no_token_and_no_mail_in_logs_and_errors(
    account: Account, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("httpx2", "httpcore2", "msal", "urllib3", "requests"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    words: list[str] = []
    id = account.box.deliver(mail(1, body="planted-words"))
    for fault in (
        None,
        throttled(300, operation="delta"),
        broken(502, operation="delta", times=None),
        cut(operation="delta", times=None),
        refused(401, "InvalidAuthenticationToken", operation="delta", times=None),
    ):
        connectors.graph.connecting.close_all()
        account.graph.heal()
        if fault is not None:
            account.graph.fault(fault)
        try:
            with account.changing() as mailbox:
                mailbox.list("INBOX")
                tuple(mailbox.fetch("INBOX", (id,)))
                mailbox.create("Backscatter")
                tuple(mailbox.move("INBOX", (id,), "Backscatter"))
        except CleanerError as error:
            words += [str(error), repr(error), repr(error.__cause__), repr(error.__context__)]
    assert len(words) == 16
    written = caplog.text + "".join(words) + repr(account.server)
    assert "a batch of" in written
    tokens = list(account.graph.entra.tokens)
    assert tokens
    for hidden in (SECRET, "planted-words", "Bearer", "deltatoken", *tokens):
        assert hidden not in written


def test_a_package_that_is_missing_is_named_with_the_command(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "httpx2", None)
    with pytest.raises(
        AskPersonError, match=r"httpx2 is missing; run: pip install 'bounce-cleaner\[graph\]'"
    ):
        connectors.open_reading(account.server, account.mailbox)
