"""The server: HTTP, who signs in and as whom, what goes wrong, and what is counted."""

from __future__ import annotations

import base64
import json
import secrets
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Final
from urllib.parse import parse_qs

from lxml import etree

from tests.servers.certificates import Certificate
from tests.servers.ews import operations, soap
from tests.servers.ews.box import Box
from tests.servers.ews.faults import Fault, Faults, Kind
from tests.servers.ews.soap import FaultError, M, RefusedError, T, Version, Ways
from tests.servers.ews.state import ALL_RIGHTS, PASSWORD, Mailbox, decode
from tests.servers.ews.streaming import OPERATION as STREAMING
from tests.servers.ews.streaming import Subscriptions

PATH: Final = "/EWS/Exchange.asmx"
TOKEN_PATH: Final = "/token/oauth2/v2.0/token"  # noqa: S105
REALM: Final = 'Basic realm="harbor", charset="utf-8"'
LONGEST: Final = 256 * 1024 * 1024

SCHEMAS: Final = (
    "Exchange2007 Exchange2007_SP1 Exchange2010 Exchange2010_SP1 Exchange2010_SP2 Exchange2013 Exchange2013_SP1"
    " Exchange2015 Exchange2016".split()
)

EXCHANGE_2010: Final = Version(14, 2, 390, 3, "Exchange2010_SP2", newest="Exchange2010_SP2")
EXCHANGE_2019: Final = Version(15, 2, 1118, 7, "V2017_07_11")


@dataclass
class Account:
    """Somebody who signs in."""

    name: str
    password: str
    impersonates: frozenset[str] | None = frozenset()
    """Whom; `None`: everybody (ApplicationImpersonation)."""


@dataclass(frozen=True)
class Reply:
    """What goes over the wire."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    stream: Iterator[bytes] | None = None
    """What comes bit by bit, in the place of `body`."""


class EwsServer:
    """One running server. See the package for how to use it."""

    def __init__(
        self,
        *,
        ways: Ways = Ways.RECORDED,
        certificate: Certificate | None = None,
        authentication: Collection[str] = ("basic",),
        version: Version | None = None,
        renews: bool = False,
        seed: int = 1,
    ) -> None:
        self.ways = ways
        self.renews = renews
        """MIME has other boundaries each time, as with the recorded server."""
        self.troubles: list[Exception] = []
        """Faults of this server itself; `close` raises the first."""
        self.authentication = frozenset(authentication)
        """Of `basic` and `bearer`."""
        self.version = version or (Version() if ways is Ways.RECORDED else EXCHANGE_2019)
        self.faults = Faults(seed)
        self.lock = threading.RLock()
        self.counts: Counter[tuple[str, str]] = Counter()
        """By mailbox and operation."""
        self.accounts: dict[str, Account] = {}
        self.boxes: dict[str, Box] = {}
        self.subscriptions = Subscriptions()
        """Of streaming notifications; to end or forget them."""
        self.released = threading.Event()
        """Set when what stalls shall stall no longer."""
        self._mailboxes: dict[str, Mailbox] = {}
        self._digests: dict[bytes, Mailbox] = {}
        self._tokens: dict[str, str] = {}
        self._http = _Http(self, certificate)
        self._scheme = "http" if certificate is None else "https"
        self._thread: threading.Thread | None = None

    # --- running

    @property
    def port(self) -> int:
        return int(self._http.server_address[1])

    @property
    def endpoint(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self.port}{PATH}"

    @property
    def token_url(self) -> str:
        """Where an application gets its token, by client credentials (RFC 6749 section 4.4)."""
        return f"{self._scheme}://127.0.0.1:{self.port}{TOKEN_PATH}"

    def start(self) -> EwsServer:
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def close(self) -> None:
        self.released.set()
        self.subscriptions.hang_up()
        if self._thread is not None:
            self._http.shutdown()
            self._thread.join()
        self._http.hang_up()
        self._http.server_close()
        if self.troubles:
            raise self.troubles[0]

    def __enter__(self) -> EwsServer:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- the administrator

    def add_mailbox(
        self, address: str, password: str = PASSWORD, *, language: str = "en", archive: bool = False
    ) -> Box:
        """A mailbox, and its owner's account."""
        with self.lock:
            recoverable = self.ways is Ways.EXCHANGE
            mailbox = Mailbox(address, language=language, recoverable=recoverable, archive=archive)
            self._mailboxes[address.lower()] = mailbox
            self._digests[mailbox.digest] = mailbox
            box = self.boxes[address.lower()] = Box(mailbox, self.lock)
            self.add_account(address, password)
            return box

    def add_account(
        self,
        name: str,
        password: str = PASSWORD,
        *,
        impersonates: Collection[str] | None = frozenset(),
    ) -> None:
        """Somebody who signs in, or an application's id and secret. `impersonates=None`: everybody."""
        allowed = None if impersonates is None else frozenset(each.lower() for each in impersonates)
        self.accounts[name.lower()] = Account(name, password, allowed)

    def remove_mailbox(self, address: str) -> None:
        with self.lock:
            mailbox = self._mailboxes.pop(address.lower())
            del self._digests[mailbox.digest], self.boxes[address.lower()]

    def grant(
        self, who: str, box: Box, *, folder: str | None = None, rights: Collection[str] = ALL_RIGHTS
    ) -> None:
        """Delegate access: to all folders or to one, with these rights."""
        with self.lock:
            number = box.mailbox.folder(folder).number if folder else None
            box.mailbox.grants[who.lower(), number] = frozenset(rights)

    def revoke(self, who: str, box: Box) -> None:
        with self.lock:
            for key in [key for key in box.mailbox.grants if key[0] == who.lower()]:
                del box.mailbox.grants[key]

    def fault(self, fault: Fault) -> None:
        """Lets that go wrong, see `faults`."""
        self.released.clear()
        self.faults.arm(fault)

    def heal(self) -> None:
        """Nothing goes wrong any more; what stalls is cut off."""
        self.faults.heal()
        self.released.set()

    def requests(self, *, mailbox: str | None = None, operation: str | None = None) -> int:
        """How many came, those included that met a fault."""
        with self.lock:
            return sum(
                count
                for (whose, what), count in self.counts.items()
                if mailbox in (None, whose) and operation in (None, what)
            )

    # --- answering

    def answer(self, body: bytes, authorization: str) -> Reply | None:
        """What a request is answered with; `None`: the connection is cut off."""
        account = self._account(authorization)
        if account is None:
            return Reply(401, b"Unauthorized", {"Content-Type": "text/plain", **self._challenge()})
        try:
            header, element = soap.parse(body)
        except (etree.XMLSyntaxError, FaultError):
            return self._fault(FaultError("ErrorSchemaValidation"))
        operation = soap.name_of(element)
        mailbox = self._mailbox_of(header, element, account)
        with self.lock:
            self.counts[mailbox, operation] += 1
        fault = self.faults.next(operation, mailbox)
        if fault is not None and fault.kind is not Kind.ITEM:
            if fault.meanwhile is not None:
                fault.meanwhile()
            struck = self._struck(fault, operation)
            if struck is not None or fault.kind in (Kind.CUT, Kind.STALL):
                return struck
        try:
            self._require_version(header)
            reply = self._done(header, element, account, operation, fault)
        except FaultError as error:
            reply = self._fault(error)
        return None if fault is not None and fault.kind is Kind.CUT_AFTER else reply

    def _done(
        self,
        header: etree._Element | None,
        element: etree._Element,
        account: Account,
        operation: str,
        fault: Fault | None,
    ) -> Reply:
        if operation == STREAMING:
            ids = [each.text or "" for each in element.iter(T + "SubscriptionId")]
            minutes = float(element.findtext(M + "ConnectionTimeout") or "30")
            stream = self.subscriptions.stream(ids, minutes, self.version)
            return Reply(200, headers={"Content-Type": "text/xml"}, stream=stream)
        do = operations.OPERATIONS.get(operation)
        if do is None:
            raise FaultError("ErrorInvalidOperation")
        with self.lock:
            who = self._impersonated(header, account)
            call = operations.Call(
                operation,
                element,
                who,
                self._mailboxes,
                self._digests,
                self.ways,
                self.subscriptions,
                fault,
                self.renews,
            )
            messages = do(call)
        return self._messages(operation, messages)

    def _require_version(self, header: etree._Element | None) -> None:
        asked = None if header is None else header.find(T + "RequestServerVersion")
        name = "" if asked is None else asked.get("Version", "")
        known = SCHEMAS[: SCHEMAS.index(self.version.newest) + 1] if self.version.newest else ()
        if known and name not in known:
            raise FaultError("ErrorInvalidServerVersion")

    def _messages(self, operation: str, messages: str) -> Reply:
        return Reply(200, soap.answer(operation, messages, self.version), {"Content-Type": "text/xml"})

    def _fault(self, error: FaultError) -> Reply:
        return Reply(error.status, soap.fault(error, self.ways), {"Content-Type": "text/xml; charset=utf-8"})

    def _struck(self, fault: Fault, operation: str) -> Reply | None:
        if fault.kind is Kind.FAULT:
            return self._fault(FaultError(fault.code, fault.values))
        if fault.kind is Kind.HTTP:
            return Reply(fault.status, b"", fault.headers)
        if fault.kind is Kind.MESSAGE:
            error = RefusedError(fault.code, fault.values)
            tail = operations.TAILS.get(operation, "")
            return self._messages(operation, soap.refused(operation, error, tail))
        if fault.kind is Kind.STALL:
            self.released.wait()
        return None

    # --- who

    def _account(self, authorization: str) -> Account | None:
        kind, _, given = authorization.partition(" ")
        if kind.lower() == "basic" and "basic" in self.authentication:
            try:
                name, _, password = base64.b64decode(given).decode().partition(":")
            except ValueError:
                return None
            account = self.accounts.get(name.rpartition("\\")[2].lower())
            return account if account is not None and account.password == password else None
        if kind.lower() == "bearer" and "bearer" in self.authentication:
            return self.accounts.get(self._tokens.get(given, ""))
        return None

    def _challenge(self) -> dict[str, str]:
        offered = [REALM] * ("basic" in self.authentication) + ["Bearer"] * ("bearer" in self.authentication)
        return {"WWW-Authenticate": ", ".join(offered)}

    def token(self, body: bytes, authorization: str) -> Reply:
        """The token endpoint."""
        given = {key: values[0] for key, values in parse_qs(body.decode("utf-8", "replace")).items()}
        name, secret = given.get("client_id", ""), given.get("client_secret", "")
        if authorization.lower().startswith("basic "):
            name, _, secret = base64.b64decode(authorization[6:]).decode().partition(":")
        self.counts["", "token"] += 1
        account = self.accounts.get(name.lower())
        headers = {"Content-Type": "application/json"}
        if account is None or account.password != secret:
            return Reply(401, json.dumps({"error": "invalid_client"}).encode(), headers)
        token = secrets.token_urlsafe(24)
        self._tokens[token] = name.lower()
        answer = {"access_token": token, "token_type": "Bearer", "expires_in": 3600}
        return Reply(200, json.dumps(answer).encode(), headers)

    def forget_tokens(self) -> None:
        """All tokens are refused from now on."""
        self._tokens.clear()

    def _impersonated(self, header: etree._Element | None, account: Account) -> str:
        address = _impersonation(header)
        if address is None:
            return account.name
        recorded = self.ways is Ways.RECORDED
        status = 200 if recorded else 500
        if address.lower() not in self._mailboxes:
            if recorded:
                raise FaultError("ErrorCannotFindUser", status=status)
            raise FaultError("ErrorNonExistentMailbox", {"SmtpAddress": address}, status)
        own = recorded and address.lower() == account.name.lower()
        if not own and account.impersonates is not None and address.lower() not in account.impersonates:
            raise FaultError("ErrorImpersonateUserDenied", status=status)
        return address

    def _mailbox_of(self, header: etree._Element | None, element: etree._Element, account: Account) -> str:
        """Whose mailbox a request is about, for counting and for what goes wrong."""
        address = _impersonation(header)
        if address is None:
            address = next((each.text for each in element.iter(T + "EmailAddress")), None)
        if address is None:
            named = next(
                (
                    found
                    for each in element.iter(T + "FolderId", T + "ItemId", T + "AttachmentId")
                    if (found := decode(each.get("Id", ""))) is not None
                ),
                None,
            )
            mailbox = self._digests.get(named[0]) if named else None
            address = mailbox.address if mailbox else account.name
        return address.lower()


def _impersonation(header: etree._Element | None) -> str | None:
    if header is None:
        return None
    return next(
        (
            each.text
            for each in header.iter(T + "PrimarySmtpAddress", T + "PrincipalName", T + "SmtpAddress")
            if each.text
        ),
        None,
    )


class _Http(ThreadingHTTPServer):
    """Listens on a free port of this machine."""

    daemon_threads = False
    block_on_close = True
    request_queue_size = 256

    def __init__(self, ews: EwsServer, certificate: Certificate | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.ews = ews
        self._open: set[socket.socket] = set()
        self._context: ssl.SSLContext | None = None
        if certificate is not None:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(certificate.certificate, certificate.key)

    def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
        connection, address = super().get_request()
        if self._context is not None:
            connection = self._context.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False
            )
        self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: object) -> None:
        self._open.discard(request)
        super().shutdown_request(request)  # type: ignore[arg-type]

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up, or does not trust us, is no matter of ours."""

    def hang_up(self) -> None:
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Http

    def do_POST(self) -> None:
        ews = self.server.ews
        length = min(int(self.headers.get("Content-Length", "0")), LONGEST)
        body = self.rfile.read(length)
        authorization = self.headers.get("Authorization", "")
        path = self.path.partition("?")[0].lower()
        if path == TOKEN_PATH:
            self._send(ews.token(body, authorization))
        elif path == PATH.lower():
            self._send(self._answer(body, authorization))
        else:
            self._send(Reply(404))

    def _answer(self, body: bytes, authorization: str) -> Reply | None:
        """What goes wrong in here must not look like a bad network to a test."""
        ews = self.server.ews
        try:
            return ews.answer(body, authorization)
        except Exception as trouble:
            ews.troubles.append(trouble)
            return Reply(500, b"trouble")

    def do_GET(self) -> None:
        self._send(Reply(404))

    def _send(self, reply: Reply | None) -> None:
        if reply is None:
            self.close_connection = True
            with suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.stream is not None:
            self._send_bit_by_bit(reply.stream)
            return
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    def _send_bit_by_bit(self, stream: Iterator[bytes]) -> None:
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in stream:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Silent."""
