"""
`/metrics`, `/healthz` and `/readyz`, for programs that watch this one.

`/healthz` says whether the process should be restarted, `/readyz` whether it can do its work. Neither needs to
sign in, and neither tells of any mailbox; by default only this machine can ask.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final, TypeAlias

from prometheus_client import CONTENT_TYPE_LATEST

from cleaner import __version__
from cleaner.errors import UsageError
from cleaner.service.serve import Serving
from cleaner.web.metrics import Metrics

Answer: TypeAlias = tuple[HTTPStatus, str, bytes]
"""Status, kind and body."""
PLAIN: Final = "text/plain; charset=utf-8"
PATIENCE: Final = 10.0
"""Seconds that one who asks may take over it."""


class Outside:
    """Listens from `open` to `close`."""

    def __init__(self, service: Serving, metrics: Metrics) -> None:
        self._service = service
        self._metrics = metrics
        self._server: ThreadingHTTPServer | None = None

    def open(self, address: tuple[str, int]) -> None:
        """Raises UsageError where that address cannot be had."""
        try:
            self._server = _server(address, self._answer)
        except OSError as error:
            host, port = address
            raise UsageError(
                f"{host}:{port} cannot be listened on ({error.strerror}); "
                'end what listens there, or write another address, or "off", as service.listen'
            ) from error
        threading.Thread(target=self._server.serve_forever, name="outside", daemon=True).start()

    def close(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def _answer(self, path: str) -> Answer:
        health = self._service.health
        match path.partition("?")[0]:
            case "/metrics":
                return HTTPStatus.OK, CONTENT_TYPE_LATEST, self._metrics.text()
            case "/healthz":
                return _verdict(health.is_alive, health.trouble)
            case "/readyz":
                return _verdict(health.is_ready, health.trouble)
        return HTTPStatus.NOT_FOUND, PLAIN, b"here are /metrics, /healthz and /readyz\n"


def _verdict(is_well: bool, trouble: str) -> Answer:
    status = HTTPStatus.OK if is_well else HTTPStatus.SERVICE_UNAVAILABLE
    return status, PLAIN, f"{'ok' if is_well else trouble}\n".encode()


def _server(address: tuple[str, int], answer: Callable[[str], Answer]) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        server_version = f"bounce-cleaner/{__version__}"
        sys_version = ""
        timeout = PATIENCE

        def do_GET(self) -> None:
            status, kind, body = answer(self.path)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Who asks is no news."""

    class Server(ThreadingHTTPServer):
        address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        daemon_threads = True

    return Server(address, Handler)
