"""An SMTP server of our own on this machine (RFC 5321), with STARTTLS and AUTH PLAIN, for as long as a test needs it."""

from __future__ import annotations

import base64
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field

from tests.servers.certificates import Certificate


@dataclass
class Taken:
    """One letter as it was handed over."""

    sender: str
    recipients: list[str]
    data: bytes
    over_tls: bool
    user: str


@dataclass
class SmtpServer:
    """Takes what comes; `refuses` maps a command to the answer it gets instead."""

    tls: ssl.SSLContext | None = None
    refuses: dict[str, str] = field(default_factory=dict)
    silent: bool = False
    taken: list[Taken] = field(default_factory=list)
    port: int = 0

    def serve(self, connection: socket.socket) -> None:
        with ExitStack() as stack:
            self._talk(connection, stack)

    def _talk(self, connection: socket.socket, stack: ExitStack) -> None:
        if self.silent:
            connection.recv(1)
            return
        stream = stack.enter_context(connection.makefile("rb"))
        over_tls, user, sender, recipients = False, "", "", list[str]()
        connection.sendall(b"220 mx.harbor.example ESMTP\r\n")
        while line := stream.readline():
            command = line.decode("latin-1").strip()
            verb = command.partition(" ")[0].upper()
            answer = "250 ok"
            if verb in self.refuses:
                answer = self.refuses[verb]
            elif verb == "EHLO":
                offers = ["STARTTLS"] * (self.tls is not None and not over_tls) + ["AUTH PLAIN"]
                answer = "\r\n".join(["250-mx.harbor.example", *(f"250-{o}" for o in offers), "250 8BITMIME"])
            elif verb == "STARTTLS" and self.tls is not None:
                connection.sendall(b"220 go on\r\n")
                connection = stack.enter_context(self.tls.wrap_socket(connection, server_side=True))
                stream, over_tls = stack.enter_context(connection.makefile("rb")), True
                continue
            elif verb == "AUTH":
                user = base64.b64decode(command.split()[2]).split(b"\0")[1].decode()
                answer = "235 welcome"
            elif verb == "MAIL":
                sender = command
            elif verb == "RCPT":
                recipients.append(command)
            elif verb == "DATA":
                connection.sendall(b"354 go on\r\n")
                data = b"".join(iter(stream.readline, b".\r\n"))
                self.taken.append(Taken(sender, recipients, data, over_tls, user))
            elif verb == "QUIT":
                connection.sendall(b"221 bye\r\n")
                return
            connection.sendall(f"{answer}\r\n".encode())


@contextmanager
def serving(certificate: Certificate | None = None, **options: object) -> Iterator[SmtpServer]:
    server = SmtpServer(**options)  # type: ignore[arg-type]
    if certificate is not None:
        server.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.tls.load_cert_chain(certificate.certificate, certificate.key)
    listening = socket.create_server(("127.0.0.1", 0))
    server.port = listening.getsockname()[1]
    done = threading.Event()

    def accept() -> None:
        while True:
            connection, _ = listening.accept()
            with connection:
                if done.is_set():
                    return
                with suppress(OSError):
                    server.serve(connection)

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield server
    finally:
        done.set()
        socket.create_connection(("127.0.0.1", server.port)).close()
        thread.join(10)
        listening.close()
