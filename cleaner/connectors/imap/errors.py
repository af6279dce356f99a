"""
What goes wrong over IMAP, turned into our errors: by the exception, or by the response code (RFC 5530).
"""

from __future__ import annotations

import errno
import imaplib
import socket
import ssl
from typing import Final

from cleaner.config import Server
from cleaner.errors import AskPersonError, ChangeRefusedError, CleanerError, ServerUnavailableError

MAX_WORDS: Final = 200
"""Characters of a server's own words that are passed on."""

BUSY: Final = frozenset((b"UNAVAILABLE", b"INUSE", b"LIMIT", b"SERVERBUG", b"CONTACTADMIN", b"THROTTLED"))
"""The server itself is in trouble, not the request: later it may succeed."""

BUSY_WORDS: Final = (
    "too many",
    "try again",
    "temporar",
    "throttl",
    "maximum number of connections",
    "simultaneous",
)
"""The same where there is no code: Gmail, Yahoo and Exchange write no more than words."""

REFUSALS: Final = {
    b"OVERQUOTA": "the quota is used up; make room, or raise it",
    b"NOPERM": "this account has no right to do that there; grant it on the server",
    b"READ-ONLY": "the folder is read-only",
    b"CANNOT": "the server does not allow it",
    b"LIMIT": "a limit of the server is reached",
}
"""What meets every message of a folder alike."""

CERTIFICATES: Final = {
    10: "has expired; renew it on the server",
    18: "is self-signed; name it as the server's ca_file if it is the right one",
    19: "is signed by an authority of its own; name that as the server's ca_file",
    20: "is signed by an authority that this machine does not know; name that as the server's ca_file",
    62: "is for another name; correct host, or the certificate",
    64: "is for another address; write the server's name as host",
}
"""OpenSSL's codes (X509_V_ERR_…) → what is the matter with the certificate."""


def place_of(server: Server, port: int) -> str:
    return f"{server.host} (port {port})"


def shown(text: bytes) -> str:
    """A server's own words, on one line."""
    plain = "".join(c if c.isprintable() else " " for c in text.decode("utf-8", "replace"))
    short = " ".join(plain.split())
    return short if len(short) <= MAX_WORDS else f"{short[: MAX_WORDS - 1]}…"


def is_busy(code: bytes, text: bytes) -> bool:
    """Whether a refusal speaks of the server's state, not of the request."""
    words = text.decode("utf-8", "replace").casefold()
    return code in BUSY or (code in (b"", b"ALERT") and any(phrase in words for phrase in BUSY_WORDS))


def refused(what: str, code: bytes, text: bytes) -> ChangeRefusedError:
    """A change that the server does not make."""
    why = REFUSALS.get(code)
    own = shown(text)
    said = f"the server says {own!r}" if own else "the server says no more"
    return ChangeRefusedError(what, f"{why} ({said})" if why else said)


def error_of(server: Server, port: int, error: Exception) -> CleanerError:
    """The one table of what the library and the network raise."""
    place = place_of(server, port)
    match error:
        case CleanerError():
            return error
        case ssl.SSLError():
            return _of_tls(server, port, error)
        case socket.gaierror():
            if error.errno == socket.EAI_AGAIN:
                return ServerUnavailableError(place, "its name cannot be looked up")
            return AskPersonError(
                f"{server.name}: there is no host {server.host}; correct host in [[server]]"
            )
        case TimeoutError():
            return ServerUnavailableError(place, "it does not answer in time")
        case ConnectionRefusedError():
            return ServerUnavailableError(
                place, "nothing answers there; is the server running, and is port right?"
            )
        case OSError(errno=errno.EHOSTUNREACH | errno.ENETUNREACH):
            return ServerUnavailableError(place, "there is no way to it")
        case OSError():
            return ServerUnavailableError(place, "the connection broke")
        case imaplib.IMAP4.abort():
            return ServerUnavailableError(place, f"the connection broke: {_words(error)}")
        case _:
            return ServerUnavailableError(place, f"it does not speak IMAP as it should: {_words(error)}")


def _of_tls(server: Server, port: int, error: ssl.SSLError) -> CleanerError:
    place = place_of(server, port)
    if isinstance(error, ssl.SSLCertVerificationError):
        what = CERTIFICATES.get(error.verify_code, f"cannot be trusted ({error.verify_message})")
        return AskPersonError(f"{server.name}: the certificate of {place} {what}")
    if error.reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "UNKNOWN_PROTOCOL", "HTTP_REQUEST"):
        return AskPersonError(
            f'{server.name}: {place} does not speak TLS from the start; write tls = "starttls", or correct port'
        )
    if error.reason == "UNSUPPORTED_PROTOCOL":
        return AskPersonError(f"{server.name}: {place} speaks only TLS versions that are broken; renew it")
    return ServerUnavailableError(place, "the TLS connection broke")


def _words(error: Exception) -> str:
    text = error.args[0] if error.args else ""
    return shown(text if isinstance(text, bytes) else str(text).encode("utf-8", "replace"))
