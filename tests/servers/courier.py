"""
A Courier of our own, unpacked beside the system: neither MOVE nor SPECIAL-USE, and all folders below `INBOX.`.

Courier's own way in needs a daemon at a fixed place. The door here takes any user with PASSWORD, lets Courier's
server for one connection begin, and steps aside.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import re
import shlex
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from tests.servers import debian
from tests.servers.dovecot import PASSWORD
from tests.servers.owner import Owner
from tests.servers.process import Account, remove

PACKAGES = ("courier-imap", "courier-base", "courier-authlib", "gamin")
CAPABILITIES = b"IMAP4rev1 UIDPLUS CHILDREN NAMESPACE THREAD=ORDEREDSUBJECT THREAD=REFERENCES SORT QUOTA IDLE"


class Courier:
    """One door, and a server for each connection."""

    def __init__(self, base: Path, account: Account) -> None:
        self.base = base
        self._account = account
        self._numbers = itertools.count(1)
        self._system = debian.unpack(PACKAGES, base / "system")
        self._environment = debian.environment(self._system) | self._settings()
        self._connections: set[socket.socket] = set()
        self._processes: set[subprocess.Popen[bytes]] = set()
        self._threads: list[threading.Thread] = []
        (base / "mail").mkdir()
        account.own(base / "mail")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def kill(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        for connection in tuple(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for process in tuple(self._processes):
            process.kill()
        for thread in self._threads:
            thread.join()

    def new_user(self) -> str:
        """With a home: Courier makes none."""
        user = f"user{next(self._numbers)}"
        home = self.base / "mail" / user
        home.mkdir()
        subprocess.run(
            [self._system / "usr" / "bin" / "maildirmake.courier", home / "Maildir"],
            check=True,
            env=self._environment,
        )
        self._account.own(home)
        return user

    def owner(self, user: str) -> Owner:
        return Owner("127.0.0.1", self.port, user, PASSWORD, "INBOX.")

    def _settings(self) -> dict[str, str]:
        """As Debian sets them, but the Trash is never emptied: the mail of tests is old."""
        lines = (self._system / "etc" / "courier" / "imapd").read_text().splitlines()
        found = dict(re.findall(r"^(IMAP_[A-Z]+)=(.*)$", "\n".join(lines), re.MULTILINE))
        plain = {name: " ".join(shlex.split(value)) for name, value in found.items() if "$" not in value}
        return plain | {
            "IMAP_CAPABILITY": CAPABILITIES.decode(),
            "IMAP_EMPTYTRASH": "",
            # Who watches files for it; without him it waits two seconds, in vain, at every command.
            "GAMIN_DEBUG_SERVER": str(self._system / "usr" / "libexec" / "gam_server"),
            "GAM_CLIENT_ID": self.base.name,
        }

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(client,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, client: socket.socket) -> None:
        self._connections.add(client)
        try:
            with client, contextlib.suppress(OSError):
                user, tag = self._let_in(client)
                if user:
                    self._hand_over(client, user, tag)
        finally:
            self._connections.discard(client)

    def _let_in(self, client: socket.socket) -> tuple[str, bytes]:
        client.sendall(b"* OK [CAPABILITY %s] Courier-IMAP ready.\r\n" % CAPABILITIES)
        while line := _line(client):
            tag, _, command = line.strip().partition(b" ")
            name, _, arguments = command.partition(b" ")
            match name.upper():
                case b"CAPABILITY":
                    client.sendall(b"* CAPABILITY %s\r\n%s OK done\r\n" % (CAPABILITIES, tag))
                case b"LOGIN":
                    user, password = shlex.split(arguments.decode())
                    if password == PASSWORD:
                        return user, tag
                    client.sendall(b"%s NO Login failed.\r\n" % tag)
                case b"LOGOUT":
                    client.sendall(b"* BYE\r\n%s OK done\r\n" % tag)
                    break
                case _:
                    client.sendall(b"%s BAD Error in IMAP command received by server.\r\n" % tag)
        return "", b""

    def _hand_over(self, client: socket.socket, user: str, tag: bytes) -> None:
        home = self.base / "mail" / user
        process = subprocess.Popen(
            [self._system / "usr" / "bin" / "imapd", "Maildir"],
            cwd=home,
            user=self._account.uid if self._account.is_another else None,
            group=self._account.gid if self._account.is_another else None,
            extra_groups=[] if self._account.is_another else None,
            env=self._environment | {"AUTHENTICATED": user, "HOME": str(home)},
            stdin=client.fileno(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._processes.add(process)
        with process, cast("io.BufferedReader", process.stdout) as out:
            # It says that the user is signed in already, and that nobody watches its files.
            while (line := out.readline()) and not line.startswith(b"* PREAUTH"):
                pass
            client.sendall(b"%s OK LOGIN Ok.\r\n" % tag)
            with contextlib.suppress(OSError):
                while data := out.read1(65536):
                    client.sendall(data)
            process.kill()
        self._processes.discard(process)


def _line(client: socket.socket) -> bytes:
    """One by one: what follows is the server's."""
    line = b""
    while not line.endswith(b"\n") and (byte := client.recv(1)):
        line += byte
    return line


@contextmanager
def running() -> Iterator[Courier]:
    """A server from here to the end of the block. Skips the test where there is no Debian."""
    base = Path(tempfile.mkdtemp(prefix="co", dir="/tmp"))
    base.chmod(0o755)
    server = None
    try:
        server = Courier(base, Account.unprivileged())
        yield server
    finally:
        if server is not None:
            server.kill()
        remove(base)
