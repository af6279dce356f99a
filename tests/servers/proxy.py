"""
A network as bad as wanted between a client and a mail server, and a server with fewer capabilities.

It measures what goes through, makes round trips long, cuts or stalls connections after so many bytes, cuts them
after so many commands, and hides capabilities: from what the server says of itself, and by refusing the
commands that need them.
"""

from __future__ import annotations

import contextlib
import queue
import re
import socket
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

CHUNK: Final = 65536

NEEDED: Final = {
    "MOVE": rb"(UID )?MOVE ",
    "UIDPLUS": rb"UID EXPUNGE ",
    "CONDSTORE": rb".*(CHANGEDSINCE|\(CONDSTORE\)|MODSEQ|UNCHANGEDSINCE| CONDSTORE$)",
    "QRESYNC": rb".*QRESYNC",
    "SPECIAL-USE": rb"LIST \(|LIST .*RETURN \(.*SPECIAL-USE|CREATE .*\(USE ",
    "LIST-EXTENDED": rb"LIST \(|LIST .*RETURN \(",
    "LIST-STATUS": rb"LIST .*STATUS \(",
    "ESEARCH": rb"(UID )?SEARCH RETURN ",
    "SEARCHRES": rb".*SAVE|.* \$( |$)",
    "NAMESPACE": rb"NAMESPACE",
    "ENABLE": rb"ENABLE ",
    "IDLE": rb"IDLE",
    "UNSELECT": rb"UNSELECT",
    "ID": rb"ID ",
    "QUOTA": rb"(GETQUOTA|GETQUOTAROOT|SETQUOTA) ",
    "ACL": rb"(MYRIGHTS|GETACL|SETACL|LISTRIGHTS|DELETEACL) ",
    "BINARY": rb".*BINARY(\.|\[)",
    "SORT": rb"(UID )?SORT ",
    "THREAD": rb"(UID )?THREAD ",
    "LITERAL+": rb".*\{\d+\+\}$",
    "SASL-IR": rb"AUTHENTICATE \S+ \S",
}
"""Capability → the commands, without their tags, that a server without it does not understand."""

TOLD: Final = {
    "UIDPLUS": rb"\[(COPYUID|APPENDUID)[^\]]*\] ?",
    "CONDSTORE": rb"\[(HIGHESTMODSEQ|NOMODSEQ|MODIFIED)[^\]]*\] ?",
}
"""Capability → what only a server that has it tells."""

_Waiting = queue.SimpleQueue[tuple[float, bytes]]
"""When it is due at the other end, and what."""

USES: Final = frozenset(rb"\sent \trash \junk \drafts \archive \all \flagged \important".split())

LITERAL: Final = re.compile(rb"\{(\d+)(\+?)\}\r?\n\Z")


@dataclass(frozen=True)
class Fault:
    """What happens once, to one connection, when so many bytes went through in both directions together."""

    after: int
    stall: bool = False
    """Nothing moves any more, but nobody hangs up; else both sides are cut off."""


@dataclass(frozen=True)
class Cut:
    """The connection ends once a command was carried out, before its answer arrives; if the proxy goes by line."""

    first: str
    """Expression for the command that is number 0; those before it are not counted."""
    number: int
    """The command after which it ends."""


@dataclass(frozen=True)
class Counts:
    """What went through."""

    connections: int = 0
    round_trips: int = 0
    """
    How often a client waited for the server before it went on: once for the greeting, and for each time
    that it sends again after an answer.
    """
    to_server: int = 0
    to_client: int = 0

    def __sub__(self, earlier: Counts) -> Counts:
        return Counts(
            self.connections - earlier.connections,
            self.round_trips - earlier.round_trips,
            self.to_server - earlier.to_server,
            self.to_client - earlier.to_client,
        )


class Proxy:
    """Listens on `port` and passes everything on to the server behind it."""

    def __init__(
        self,
        server_port: int,
        *,
        without: Collection[str] = (),
        round_trip: float = 0.0,
        records: bool = False,
    ) -> None:
        self.without = frozenset(without)
        """Capabilities that the server does not have any more."""
        self.round_trip = round_trip
        """Seconds from the client to the server and back."""
        self.commands: list[str] = []
        """Lines that clients sent, literals left out; with `records` or `without` only. Not for TLS."""
        self.by_line = records or bool(self.without)
        self._server_port = server_port
        self._lock = threading.Lock()
        self._counts = Counts()
        self._fault: Fault | None = None
        self._cut: Cut | None = None
        self._counted = -1
        self._connections: set[_Connection] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def counts(self) -> Counts:
        with self._lock:
            return self._counts

    @property
    def struck(self) -> bool:
        """Whether the fault has happened."""
        with self._lock:
            return self._fault is None and self._cut is None

    def arm(self, fault: Fault) -> None:
        """Lets it happen after so many bytes from now."""
        with self._lock:
            seen = self._counts.to_server + self._counts.to_client
            self._fault = replace(fault, after=seen + fault.after)

    def cut_after(self, cut: Cut) -> None:
        """Lets it happen once, to the commands from now on."""
        with self._lock:
            self._cut, self._counted = cut, -1

    def heal(self) -> None:
        """No fault any more; stalled connections are closed."""
        with self._lock:
            self._fault = self._cut = None
        self.cut()

    def cut(self) -> None:
        """Closes every connection on both sides."""
        with self._lock:
            connections = tuple(self._connections)
        for connection in connections:
            connection.close()

    def close(self) -> None:
        # A listener that is only closed would leave its thread waiting.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        self.heal()

    # --- what the connections ask

    def pass_on(self, data: bytes, connection: _Connection, *, to_server: bool) -> bytes:
        """Counts it and gives what may go on: all of it, or less where the fault strikes."""
        with self._lock:
            counts, fault = self._counts, self._fault
            room = fault.after - counts.to_server - counts.to_client if fault else len(data)
            passed = data[: max(0, room)] if fault else data
            if to_server:
                self._counts = replace(counts, to_server=counts.to_server + len(passed))
            else:
                self._counts = replace(counts, to_client=counts.to_client + len(passed))
            if fault and room < len(data):
                self._fault = None
                connection.stalled = fault.stall
            return passed

    def ends_with(self, line: bytes) -> bool:
        """Whether this command is the one after which the cut comes."""
        with self._lock:
            cut = self._cut
            if cut is None:
                return False
            if self._counted >= 0 or re.match(cut.first, line.partition(b" ")[2].decode("latin-1")):
                self._counted += 1
            if self._counted < cut.number:
                return False
            self._cut = None
            return True

    def count_round_trip(self, *, connection: bool = False) -> None:
        with self._lock:
            counts = self._counts
            self._counts = replace(
                counts, round_trips=counts.round_trips + 1, connections=counts.connections + connection
            )

    def forget(self, connection: _Connection) -> None:
        with self._lock:
            self._connections.discard(connection)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._server_port))
            except OSError:
                client.close()
                continue
            self.count_round_trip(connection=True)
            connection = _Connection(self, client, server)
            with self._lock:
                self._connections.add(connection)
            connection.start()


class _Connection:
    """
    One client and its way to the server.

    Two threads in each direction, one that reads and one that writes when it is time: a long way takes
    longer, and is no narrower.
    """

    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
        self.proxy = proxy
        self.client = client
        self.server = server
        self.answered = False
        """Whether the server said anything since the client last did."""
        self.stalled = False
        self.last: bytes | None = None
        """The tag of the command after which it is cut off."""
        self.to_server: _Waiting = queue.SimpleQueue()
        self.to_client: _Waiting = queue.SimpleQueue()
        commands, answers = _Commands(self), _Answers(proxy.without)
        self._threads = [
            threading.Thread(target=self._work, args=(work, *arguments), daemon=True)
            for work, *arguments in (
                (self._read, client, self.to_server, commands),
                (self._read, server, self.to_client, answers),
                (self._write, server, self.to_server),
                (self._write, client, self.to_client),
            )
        ]
        self._lock = threading.Lock()
        self._running = len(self._threads)
        for end in (client, server):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        self._hang_up(self.client, self.server)
        for waiting in (self.to_server, self.to_client):
            waiting.put((0.0, b""))
        for thread in self._threads:
            thread.join()

    def put(self, waiting: _Waiting, data: bytes) -> None:
        waiting.put((time.monotonic() + self.proxy.round_trip / 2, data))

    def _work(self, work: Callable[..., None], *arguments: object) -> None:
        work(*arguments)
        with self._lock:
            self._running -= 1
            if self._running:
                return
        self.client.close()
        self.server.close()
        self.proxy.forget(self)

    def _read(self, end: socket.socket, waiting: _Waiting, understood: Callable[[bytes], bytes]) -> None:
        data = b"-"
        while data:
            try:
                data = end.recv(CHUNK)
            except OSError:
                data = b""
            if end is self.client and data and self.answered:
                self.answered = False
                self.proxy.count_round_trip()
            passed = understood(data) if self.proxy.by_line else data
            if end is self.server and self.last is not None:
                if data and re.search(rb"(?:\A|\n)" + re.escape(self.last) + rb" ", passed) is None:
                    continue
                self._hang_up(self.client, self.server)
                data = passed = b""
            if passed or not data:
                self.put(waiting, passed)

    def _write(self, end: socket.socket, waiting: _Waiting) -> None:
        while True:
            due, data = waiting.get()
            time.sleep(max(0.0, due - time.monotonic()))
            if not data:
                # One side hung up: what it said before has been passed on, and the other is told.
                if not self.stalled:
                    self._hang_up(end)
                return
            if self.stalled:
                continue
            passed = self.proxy.pass_on(data, self, to_server=end is self.server)
            if end is self.client:
                self.answered = True
            with contextlib.suppress(OSError):
                end.sendall(passed)
                if len(passed) == len(data) or self.stalled:
                    continue
            self._hang_up(self.client, self.server)
            return

    def _hang_up(self, *ends: socket.socket) -> None:
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


class _Lines:
    """Cuts a stream into lines, and lets literals through as they are."""

    def __init__(self) -> None:
        self._buffer = b""
        self._literal = 0

    def feed(self, data: bytes) -> Iterator[tuple[bool, bytes]]:
        """(is a line, bytes)."""
        self._buffer += data
        while self._buffer:
            if self._literal:
                part = self._buffer[: self._literal]
                self._buffer = self._buffer[len(part) :]
                self._literal -= len(part)
                yield False, part
                continue
            line, end, rest = self._buffer.partition(b"\n")
            if not end:
                return
            self._buffer = rest
            found = LITERAL.search(line + end)
            self._literal = int(found[1]) if found else 0
            yield True, line + end

    def skip_literal(self) -> None:
        self._literal = 0


class _Commands:
    """What a client says, without the commands that the server shall not know."""

    def __init__(self, connection: _Connection) -> None:
        self._connection = connection
        self._lines = _Lines()
        self._refusing = False
        self._begins = True
        self._hidden = [
            re.compile(rb"\S+ " + b"(?:" + NEEDED[name] + b")", re.IGNORECASE | re.DOTALL)
            for name in connection.proxy.without
            if name in NEEDED
        ]

    def __call__(self, data: bytes) -> bytes:
        passed = []
        for is_line, part in self._lines.feed(data):
            if not is_line:
                if not self._refusing:
                    passed.append(part)
                continue
            literal = LITERAL.search(part)
            begins, self._begins = self._begins, literal is None
            if begins:
                self._connection.proxy.commands.append(part.decode("latin-1").rstrip())
                self._refusing = any(hidden.match(part.rstrip(b"\r\n")) for hidden in self._hidden)
                if self._refusing:
                    self._refuse(part)
                elif self._connection.proxy.ends_with(part.rstrip()):
                    self._connection.last = part.split()[0]
            if not self._refusing:
                passed.append(part)
            elif literal and not literal[2]:
                # The client asks first before it sends a literal, and now will not.
                self._lines.skip_literal()
                self._begins = True
        return b"".join(passed)

    def _refuse(self, line: bytes) -> None:
        tag = line.split()[0]
        answer = tag + b" BAD Error in IMAP command: Unknown command.\r\n"
        # A whole way there and back, as if the server had said it.
        due = time.monotonic() + self._connection.proxy.round_trip
        self._connection.to_client.put((due, answer))


class _Answers:
    """What a server says, without the capabilities that it shall not have."""

    _CAPABILITIES: Final = re.compile(rb"(\* CAPABILITY |\[CAPABILITY )([^\]\r\n]*)", re.IGNORECASE)
    _LISTED: Final = re.compile(rb"(\* LIST \()([^)]*)", re.IGNORECASE)

    def __init__(self, without: frozenset[str]) -> None:
        self._without = {name.encode().upper() for name in without}
        self._told = [re.compile(TOLD[name], re.IGNORECASE) for name in without if name in TOLD]
        self._hides_uses = "SPECIAL-USE" in without
        self._lines = _Lines()

    def __call__(self, data: bytes) -> bytes:
        return b"".join(
            self._with_less(part) if is_line else part for is_line, part in self._lines.feed(data)
        )

    def _with_less(self, line: bytes) -> bytes:
        line = self._CAPABILITIES.sub(self._fewer, line)
        if self._hides_uses:
            line = self._LISTED.sub(self._plainer, line, count=1)
        if re.match(rb"\S+ (OK|NO) ", line):
            for told in self._told:
                line = told.sub(b"", line)
        return line

    def _fewer(self, found: re.Match[bytes]) -> bytes:
        kept = [name for name in found[2].split() if name.upper() not in self._without]
        return found[1] + b" ".join(kept)

    def _plainer(self, found: re.Match[bytes]) -> bytes:
        return found[1] + b" ".join(flag for flag in found[2].split() if flag.lower() not in USES)


@contextmanager
def between(
    server_port: int, *, without: Collection[str] = (), round_trip: float = 0.0, records: bool = False
) -> Iterator[Proxy]:
    """A proxy before that server, from here to the end of the block."""
    proxy = Proxy(server_port, without=without, round_trip=round_trip, records=records)
    try:
        yield proxy
    finally:
        proxy.close()
