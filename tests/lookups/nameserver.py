"""A name server of our own on this machine, over UDP and TCP, for as long as a test needs it."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset


@dataclass
class NameServer:
    """
    Answers with the records of `zone`; what is not there does not exist.

    A name stands for its text records, `NAME A` for those of another type. A record may be an rcode
    (`SERVFAIL`), or None: then nobody answers.
    """

    zone: dict[str, tuple[str, ...] | str | None] = field(default_factory=dict)
    ttl: int = 60
    asked: list[str] = field(default_factory=list)
    transports: list[str] = field(default_factory=list)
    port: int = 0

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", self.port

    def answer(self, wire: bytes, transport: str, room: int) -> bytes | None:
        query = dns.message.from_wire(wire)
        name = query.question[0].name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(query.question[0].rdtype)
        key = name if kind == "TXT" else f"{name} {kind}"
        self.asked.append(name)
        self.transports.append(transport)
        response = dns.message.make_response(query)
        response.flags |= dns.flags.AA
        has_others = any(other.partition(" ")[0] == name for other in self.zone)
        records = self.zone.get(key, () if has_others else "NXDOMAIN")
        if records is None:
            return None
        if isinstance(records, str):
            response.set_rcode(dns.rcode.from_text(records))
        elif records and kind != "TXT":
            response.answer.append(dns.rrset.from_text(f"{name}.", self.ttl, "IN", kind, *records))
        elif records:
            texts = [" ".join(f'"{r[i : i + 255]}"' for i in range(0, max(len(r), 1), 255)) for r in records]
            response.answer.append(dns.rrset.from_text(f"{name}.", self.ttl, "IN", "TXT", *texts))
        try:
            return response.to_wire(max_size=room)
        except dns.exception.TooBig:
            response.answer.clear()
            response.flags |= dns.flags.TC
            return response.to_wire()


@contextmanager
def serving(zone: Mapping[str, tuple[str, ...] | str | None]) -> Iterator[NameServer]:
    server = NameServer(dict(zone))
    tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    tcp.bind(("127.0.0.1", 0))
    server.port = tcp.getsockname()[1]
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(server.address)
    tcp.listen()
    threads = [
        threading.Thread(target=_udp, args=(server, udp)),
        threading.Thread(target=_tcp, args=(server, tcp)),
    ]
    for thread in threads:
        thread.start()
    try:
        yield server
    finally:
        udp.sendto(b"", udp.getsockname())
        socket.create_connection(server.address).close()
        for thread in threads:
            thread.join(10)
        udp.close()
        tcp.close()


def _udp(server: NameServer, listening: socket.socket) -> None:
    while True:
        wire, peer = listening.recvfrom(4096)
        if not wire:
            return
        if (answer := server.answer(wire, "udp", 1232)) is not None:
            listening.sendto(answer, peer)


def _tcp(server: NameServer, listening: socket.socket) -> None:
    while True:
        connection, _ = listening.accept()
        with connection, connection.makefile("rb") as stream:
            head = stream.read(2)
            if not head:
                return
            answer = server.answer(stream.read(struct.unpack("!H", head)[0]), "tcp", 65_535)
            if answer is not None:
                connection.sendall(struct.pack("!H", len(answer)) + answer)
