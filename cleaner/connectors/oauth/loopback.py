"""
Where a browser is sent back to: a port of this machine, for one sign-in (RFC 8252 section 7.3).

Only 127.0.0.1 listens, on a port that the system chooses. What comes without our `state` is somebody else's doing and is
answered without being taken (RFC 6749 section 10.12).
"""

from __future__ import annotations

import hmac
import http.server
import secrets
import socketserver
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import parse_qs, urlsplit

from cleaner.errors import AskPersonError, SignInRefusedError

SECONDS: Final = 10
"""For one browser to say what it wants."""

DONE: Final = "Done: you can close this window and go back to bounce-cleaner."
REFUSED: Final = "Nothing was granted. Go back to bounce-cleaner."
STRANGE: Final = "This does not belong to a sign-in that is under way."


@dataclass(frozen=True, slots=True)
class Browser:
    """What it was sent back with."""

    code: str = ""
    error: str = ""
    description: str = ""

    def __repr__(self) -> str:
        return f"Browser(error={self.error!r})"


class Listener(socketserver.ThreadingTCPServer):
    """Browsers open connections that they may need later and say nothing on them: each has a thread of its own."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    timeout = 0.2


class Loopback:
    """Listens for one browser; a context manager."""

    def __init__(self, port: int = 0) -> None:
        self.state = secrets.token_urlsafe(32)
        self.found: Browser | None = None
        try:
            self._server = Listener(("127.0.0.1", port), _handler(self))
        except OSError as error:
            raise AskPersonError(
                f"port {port} cannot be listened at ({error.strerror}); name another"
            ) from error
        self.port: int = self._server.server_address[1]
        self.uri = f"http://127.0.0.1:{self.port}/"

    def wait(self, seconds: float) -> Browser:
        until = time.monotonic() + seconds
        while self.found is None:
            if time.monotonic() > until:
                raise SignInRefusedError(f"nobody signed in within {seconds / 60:.0f} minutes")
            self._server.handle_request()
        return self.found

    def take(self, query: str) -> str:
        """What the browser shows then."""
        asked = {name: values[0] for name, values in parse_qs(query, max_num_fields=50).items()}
        if not hmac.compare_digest(asked.get("state", "").encode(), self.state.encode()):
            return STRANGE
        self.found = Browser(
            asked.get("code", ""), asked.get("error", ""), asked.get("error_description", "")
        )
        return DONE if self.found.code and not self.found.error else REFUSED

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.server_close()


def _handler(loopback: Loopback) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        timeout = SECONDS

        def do_GET(self) -> None:
            try:
                words = loopback.take(urlsplit(self.path).query)
            except ValueError:
                words = STRANGE
            self.send_response(400 if words is STRANGE else 200)
            self.send_header("Content-Type", "text/plain; charset=utf-8")
            self.send_header("Referrer-Policy", "no-referrer")
            self.end_headers()
            self.wfile.write(words.encode())

        def log_message(self, *arguments: Any) -> None:
            """Nothing: the address holds the code."""

    return Handler
