"""The server: HTTPS, who asks for what with which token, what goes wrong, and what is counted."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
import uuid
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Final
from urllib.parse import quote, urlsplit

from cryptography import x509

from tests.servers.certificates import Certificate
from tests.servers.graph import batch, delta, mail, query
from tests.servers.graph.box import Box
from tests.servers.graph.errors import GraphError, as_json, bad, unauthorised
from tests.servers.graph.faults import Fault, Faults, Kind
from tests.servers.graph.mail import BASIC, DIRECTORY, READ, SETTINGS, WRITE, Call, Result
from tests.servers.graph.signin import ALLOWS, GRAPH, TENANT, Application, Entra, Refusal, Token, problem
from tests.servers.graph.state import Mailbox, User

CLIENT: Final = "0c1d6b52-7e0f-4a3c-b1d8-93f1a6e2c4b7"
SECRET: Final = "w3~8Q~planted-secret-of-the-application"  # noqa: S105
AT_ONCE: Final = 4
"""Requests to one mailbox by one application. Source: https://learn.microsoft.com/graph/throttling-limits"""

JSON: Final = (
    "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
)


class CutError(Exception):
    """The connection ends here."""


@dataclass(frozen=True)
class Request:
    """One request as it came, or as it stood in a batch."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    prefer: Collection[str]
    body: bytes
    inside: bool = False


@dataclass(frozen=True)
class Reply:
    """What goes over the wire."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    half: bool = False
    """Only the first half of the body goes over."""


class GraphServer:
    """One running server. See the package for how to use it."""

    def __init__(
        self,
        certificate: Certificate,
        *,
        seed: int = 1,
        delta_page: int = 500,
        tells_returned: bool = True,
        has_delta: bool = True,
    ) -> None:
        """
        `tells_returned`: an attached message tells the header that it arrived with, which is documented nowhere.

        `has_delta`: false as in China, where rounds of changes are not offered.
        """
        self.tells_returned = tells_returned
        self.has_delta = has_delta
        self.entra = Entra()
        self.faults = Faults(seed)
        self.lock = threading.RLock()
        self.counts: Counter[tuple[str, str]] = Counter()
        """Of HTTP requests, by mailbox and operation."""
        self.steps: Counter[tuple[str, str]] = Counter()
        """Of what stood in batches."""
        self.most_at_once: dict[str, int] = {}
        """How many requests to a mailbox were under way at once, at most."""
        self.boxes: dict[str, Box] = {}
        self.troubles: list[Exception] = []
        """Faults of this server itself; `close` raises the first."""
        self.released = threading.Event()
        """Set when what stalls shall stall no longer."""
        self._users: dict[str, User] = {}
        self._tokens = delta.Tokens(delta_page)
        self._under_way: Counter[tuple[str, str]] = Counter()
        self._count_lock = threading.Lock()
        self._http = _Http(self, certificate)
        self._thread: threading.Thread | None = None
        self.app = self.add_application(CLIENT, roles=("Mail.ReadWrite",), secrets={SECRET: None})

    # --- running

    @property
    def port(self) -> int:
        return int(self._http.server_address[1])

    @property
    def root(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def endpoint(self) -> str:
        """Graph's root, with the version."""
        return f"{self.root}/v1.0"

    @property
    def authority(self) -> str:
        return f"{self.root}/{TENANT}"

    def start(self) -> GraphServer:
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def close(self) -> None:
        self.released.set()
        if self._thread is not None:
            self._http.shutdown()
            self._thread.join()
        self._http.hang_up()
        self._http.server_close()
        if self.troubles:
            raise self.troubles[0]

    def __enter__(self) -> GraphServer:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- the administrator

    def add_mailbox(
        self, address: str, *, upn: str | None = None, language: str = "en", purpose: str = "user"
    ) -> Box:
        """A user with a mailbox in the cloud; the user principal name may be another than the address."""
        with self.lock:
            mailbox = Mailbox(address, language=language)
            self._add_user(User(address, upn or address, mailbox, purpose))
            box = self.boxes[address.lower()] = Box(mailbox, self.lock)
            return box

    def add_user(self, address: str) -> None:
        """A user of the directory whose mailbox is not in the cloud."""
        self._add_user(User(address, address, None))

    def _add_user(self, user: User) -> None:
        self._users[user.upn.lower()] = self._users[user.id.lower()] = user
        self.entra.users[user.address.lower()] = user.id

    def remove_mailbox(self, address: str) -> None:
        with self.lock:
            for user in list(self._users.values()):
                if user.address.lower() == address.lower():
                    user.mailbox = None
            self.boxes.pop(address.lower(), None)

    def add_application(
        self,
        client_id: str,
        *,
        roles: Collection[str] = (),
        scopes: Collection[str] = (),
        secrets: Mapping[str, datetime | None] | None = None,
        certificates: Collection[x509.Certificate] = (),
        is_public: bool = False,
    ) -> Application:
        made = Application(
            client_id, set(roles), {}, set(scopes), dict(secrets or {}), list(certificates), is_public
        )
        return self.entra.add(made)

    def fault(self, fault: Fault) -> None:
        """Lets that go wrong, see `faults`."""
        self.released.clear()
        self.faults.arm(fault)

    def heal(self) -> None:
        """Nothing goes wrong any more; what stalls is cut off."""
        self.faults.heal()
        self.released.set()

    def requests(self, *, mailbox: str | None = None, operation: str | None = None) -> int:
        """How many HTTP requests came, those included that met a fault."""
        return _sum(self.counts, mailbox, operation)

    def stepped(self, *, mailbox: str | None = None, operation: str | None = None) -> int:
        """How many requests stood in batches."""
        return _sum(self.steps, mailbox, operation)

    # --- answering

    def answer(self, request: Request) -> Reply | None:
        """What a request is answered with; `None`: the connection is cut off."""
        try:
            if request.path.lower().startswith("/v1.0/"):
                return self._graph(request)
            return self._sign_in(request)
        except CutError:
            return None

    def _graph(self, request: Request) -> Reply:
        half = False
        try:
            if request.path.lower() == "/v1.0/$batch":
                result, half = self._batch(request)
            else:
                result, half = self._one(request)
        except GraphError as error:
            result = _refused(error, request)
        return _reply(result, half)

    def _batch(self, request: Request) -> tuple[Result, bool]:
        self._count("", "batch", inside=False)
        fault = self._meets("batch", "", inside=False)
        token = self._authenticated(request)
        if request.method != "POST":
            raise GraphError(405, "Request_BadRequest", "A batch is posted.")
        if len(request.body) > mail.LONGEST_BODY:
            raise GraphError(413, "RequestEntityTooLarge", "The request is too large.")
        steps = batch.read(request.body, request.headers.get("content-type", ""))
        free = self._slots(token, steps)
        try:
            result = batch.run(steps, lambda step: self._step(request, step, free))
        finally:
            self._release(token, free)
        return _after(fault, result)

    def _step(self, request: Request, step: batch.Step, free: Mapping[str, int]) -> Result:
        parts = urlsplit(step.url if step.url.startswith("/") else f"/{step.url}")
        headers = {**step.headers, "authorization": request.headers.get("authorization", "")}
        prefer = [step.headers["prefer"]] if "prefer" in step.headers else []
        inner = Request(
            step.method, f"/v1.0{parts.path}", parts.query, headers, prefer, step.body, inside=True
        )
        try:
            return self._one(inner, free)[0]
        except GraphError as error:
            return _refused(error, inner)

    def _one(self, request: Request, free: Mapping[str, int] | None = None) -> tuple[Result, bool]:
        names, keys = mail.segments(request.path[len("/v1.0/") :])
        user, rest, used = self._whose(request, names, keys)
        route = mail.ROUTES.get(" ".join((request.method, *rest)).strip())
        operation = route.operation if route else ("user" if not rest else "unknown")
        mailbox = user.address.lower() if user else ""
        self._count(mailbox, operation, inside=request.inside)
        fault = self._meets(operation, mailbox, inside=request.inside)
        token = self._authenticated(request)
        if names[0] == "me" and token.user is None:
            raise bad("/me request is only valid with delegated authentication flow.")
        if user is None:
            raise GraphError(
                404, "ErrorInvalidUser", f"The requested user '{keys[0] if keys else ''}' is invalid."
            )
        with self._room(token, user, free):
            return _after(fault, self._done(request, token, user, route, rest, keys[used:]))

    def _whose(
        self, request: Request, names: tuple[str, ...], keys: tuple[str, ...]
    ) -> tuple[User | None, tuple[str, ...], int]:
        """The user, the rest of the path, and how many of its keys are used up."""
        if names[:1] == ("me",):
            token = self.entra.tokens.get(_bearer(request))
            return self._users.get((token.user if token else None) or ""), names[1:], 0
        if names[:2] == ("users", "*"):
            return self._users.get(keys[0].lower()), names[2:], 1
        raise GraphError(400, "BadRequest", "Resource not found for the segment.")

    def _done(
        self,
        request: Request,
        token: Token,
        user: User,
        route: mail.Route | None,
        rest: tuple[str, ...],
        keys: tuple[str, ...],
    ) -> Result:
        may = self._may(token, user)
        if not rest and request.method == "GET":
            return self._user(user, may, request)
        if route is None:
            raise GraphError(
                400, "BadRequest", f"Resource not found for the segment '{rest[-1] if rest else ''}'."
            )
        # Whether a mailbox is there is said to those only who may look into mailboxes.
        if route.needs not in may:
            raise GraphError(403, "ErrorAccessDenied")
        if user.mailbox is None:
            raise GraphError(404, "MailboxNotEnabledForRESTAPI")
        if len(request.body) > mail.LONGEST_BODY:
            raise GraphError(413, "RequestEntityTooLarge", "The request is too large.")
        call = Call(
            user,
            f"{self.endpoint}/users('{quote(user.id)}')",
            keys,
            request.query,
            query.Preferences.read(request.prefer),
            request.headers.get("content-type", ""),
            request.body,
            self._tokens,
            may,
            self.tells_returned,
            self.has_delta,
        )
        with self.lock:
            return route.do(call)

    def _user(self, user: User, may: frozenset[str], request: Request) -> Result:
        if DIRECTORY not in may:
            raise GraphError(403, "Authorization_RequestDenied")
        query.options(request.query, ("$select",))
        found = {
            "id": user.id,
            "userPrincipalName": user.upn,
            "mail": user.address,
            "displayName": user.address,
        }
        return Result(json=found)

    # --- with which right

    def _authenticated(self, request: Request) -> Token:
        text = _bearer(request)
        if not text:
            raise unauthorised("Access token is empty.")
        token = self.entra.tokens.get(text)
        if token is None:
            raise unauthorised("IDX14100: JWT is not well formed.")
        if token.audience not in (*GRAPH, self.root):
            raise unauthorised("Access token validation failure. Invalid audience.")
        if token.expires <= time.time():
            raise unauthorised("Lifetime validation failed, the token is expired.")
        if token.is_revoked:
            text = "Continuous access evaluation resulted in challenge: TokenIssuedBeforeRevocationTimestamp."
            raise unauthorised(text, challenge=', error="insufficient_claims", claims="eyJhY2Nlc3MifQ=="')
        return token

    def _may(self, token: Token, user: User) -> frozenset[str]:
        """Roles in the token are for all mailboxes, those by RBAC for Applications for some; a person has the own."""
        granted = set(token.granted)
        if token.user is None:
            address = user.address.lower()
            granted |= {role for role, scope in token.app.scoped.items() if address in scope}
        elif token.user.lower() not in (user.upn.lower(), user.address.lower()):
            granted = set()
        may = frozenset(right for name in granted for right in ALLOWS.get(name, frozenset()))
        return may & {BASIC, READ, WRITE, SETTINGS, DIRECTORY}

    # --- how many at once

    @contextmanager
    def _room(self, token: Token, user: User, free: Mapping[str, int] | None) -> Iterator[None]:
        """A place for one request; those of a batch have theirs already."""
        address = user.address.lower()
        if free is not None:
            if not free.get(address):
                raise _over()
            yield
            return
        if not self._reserve(token, address, 1):
            raise _over()
        try:
            yield
        finally:
            self._release(token, {address: 1})

    def _slots(self, token: Token, steps: list[batch.Step]) -> dict[str, int]:
        """Graph sends up to four requests of a batch at a time; what others take is missing."""
        wanted: Counter[str] = Counter()
        for step in steps:
            with suppress(GraphError):
                names, keys = mail.segments(urlsplit(step.url).path)
                inner = Request(step.method, "", "", {}, (), b"")
                user = self._whose(inner, names, keys)[0] if names[0] == "users" else None
                user = user or self._users.get(token.user or "")
                if user is not None:
                    wanted[user.address.lower()] += 1
        return {
            address: self._reserve(token, address, min(AT_ONCE, count)) for address, count in wanted.items()
        }

    def _reserve(self, token: Token, address: str, wanted: int) -> int:
        with self._count_lock:
            key = (token.app.client_id, address)
            got = max(0, min(wanted, AT_ONCE - self._under_way[key]))
            self._under_way[key] += got
            asked = self._under_way[key] + wanted - got
            self.most_at_once[address] = max(self.most_at_once.get(address, 0), asked)
            return got

    def _release(self, token: Token, taken: Mapping[str, int]) -> None:
        with self._count_lock:
            for address, count in taken.items():
                self._under_way[token.app.client_id, address] -= count

    # --- what goes wrong, and what is counted

    def _count(self, mailbox: str, operation: str, *, inside: bool) -> None:
        with self._count_lock:
            (self.steps if inside else self.counts)[mailbox, operation] += 1

    def _meets(self, operation: str, mailbox: str, *, inside: bool) -> Fault | None:
        fault = self.faults.next(operation, mailbox, inside=inside)
        if fault is None:
            return None
        if fault.meanwhile is not None:
            fault.meanwhile()
        if fault.kind is Kind.HTTP:
            raise GraphError(fault.status, fault.code, fault.message, fault.headers)
        if fault.kind is Kind.CUT:
            raise CutError
        if fault.kind is Kind.STALL:
            self.released.wait()
            raise CutError
        if fault.kind is Kind.SLOW:
            self.released.wait(fault.seconds)
        return fault

    # --- signing in

    def _sign_in(self, request: Request) -> Reply:
        tenant, _, place = request.path.strip("/").partition("/")
        known = {
            "GET v2.0/.well-known/openid-configuration": "openid",
            "POST oauth2/v2.0/token": "token",
            "POST oauth2/v2.0/devicecode": "devicecode",
        }
        operation = known.get(f"{request.method} {place}")
        self._count("", operation or "elsewhere", inside=False)
        if operation is None:
            return Reply(404, b"Not found", {"Content-Type": "text/plain"})
        try:
            fault = self._meets(operation, "", inside=False)
            if operation != "openid" and not request.headers.get("content-type", "").startswith(
                "application/x-www-form-urlencoded"
            ):
                raise Refusal(900144, "invalid_request", "The request body is no form.")
            result = Result(json=self._signed_in(operation, tenant, request.body))
        except Refusal as refusal:
            return _reply(Result(refusal.status, problem(refusal)), half=False)
        except GraphError as error:
            text = f"<html><title>{error.status}</title></html>".encode()
            return Reply(error.status, text, {"Content-Type": "text/html", **error.headers})
        return _reply(*_after(fault, result))

    def _signed_in(self, operation: str, tenant: str, body: bytes) -> Mapping[str, object]:
        if operation == "openid":
            return self.entra.configuration(self.root, tenant)
        if operation == "devicecode":
            return self.entra.device_code(self.root, tenant, body)
        return self.entra.token(self.root, tenant, body)


def _sum(counts: Counter[tuple[str, str]], mailbox: str | None, operation: str | None) -> int:
    return sum(
        count
        for (whose, what), count in list(counts.items())
        if mailbox in (None, whose) and operation in (None, what)
    )


def _bearer(request: Request) -> str:
    kind, _, text = request.headers.get("authorization", "").partition(" ")
    return text.strip() if kind.lower() == "bearer" else ""


def _over() -> GraphError:
    return GraphError(429, "ApplicationThrottled", headers={"Retry-After": "1"})


def _after(fault: Fault | None, result: Result) -> tuple[Result, bool]:
    if fault is not None and fault.kind is Kind.CUT_AFTER:
        raise CutError
    return result, fault is not None and fault.kind is Kind.CUT_MIDDLE


def _refused(error: GraphError, request: Request) -> Result:
    if not error.code:
        return Result(
            error.status,
            raw=b"<html><h2>Gateway</h2></html>",
            headers={"Content-Type": "text/html", **error.headers},
        )
    asked = request.headers.get("client-request-id", str(uuid.uuid4()))
    return Result(error.status, as_json(error, asked), headers=error.headers)


def _reply(result: Result, half: bool) -> Reply:
    headers = {"request-id": str(uuid.uuid4()), "Cache-Control": "private", **result.headers}
    if result.json is not None:
        headers.setdefault("Content-Type", JSON)
        return Reply(result.status, json.dumps(result.json, ensure_ascii=False).encode(), headers, half)
    return Reply(result.status, result.raw or b"", headers, half)


class _Http(ThreadingHTTPServer):
    """Listens on a free port of this machine."""

    daemon_threads = False
    block_on_close = True
    request_queue_size = 256

    def __init__(self, graph: GraphServer, certificate: Certificate) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.graph = graph
        self._open: set[socket.socket] = set()
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate.certificate, certificate.key)

    def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
        connection, address = super().get_request()
        secured = self._context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        self._open.add(secured)
        return secured, address

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
    wbufsize = -1
    server: _Http

    def _do(self) -> None:
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        if "transfer-encoding" in headers:
            self._send(Reply(411, b"", {}))
            return
        body = self.rfile.read(int(headers.get("content-length", "0")))
        request = Request(
            self.command, parts.path, parts.query, headers, self.headers.get_all("Prefer") or [], body
        )
        self._send(self._answer(request))

    do_GET = do_POST = do_PATCH = do_DELETE = _do  # noqa: N815

    def _answer(self, request: Request) -> Reply | None:
        """What goes wrong in here must not look like a bad network to a test."""
        graph = self.server.graph
        try:
            return graph.answer(request)
        except Exception as trouble:
            graph.troubles.append(trouble)
            return Reply(500, b"trouble")

    def _send(self, reply: Reply | None) -> None:
        if reply is None:
            self._cut()
            return
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body[: len(reply.body) // 2] if reply.half else reply.body)
        self.wfile.flush()
        if reply.half:
            self._cut()

    def _cut(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Silent."""
