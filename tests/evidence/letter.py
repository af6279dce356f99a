"""
Complete messages as Ann's server stores them, written from what differs between them.

Every host outside is somebody's: who sends for Harbor by its published policy says `sends`. Our server writes its
line and what it found about signatures and senders on top, as one of several programs would (`Server`).
"""

from __future__ import annotations

import base64
import enum
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from email.header import Header
from email.utils import formataddr, parseaddr
from pathlib import Path
from typing import Any, Final

from cleaner.values import domain_of

OUR_DOMAIN: Final = "harbor.example"
TO: Final = "ann@harbor.example"
_SAMPLES: Final = Path(__file__).parents[1] / "samples"
_STAMP: Final = "Mon, 02 Nov 2026 09:15:07 +0000"
_BEFORE: Final = "Mon, 02 Nov 2026 09:15:04 +0000"
_LINK: Final = re.compile(r"\[([^\[\]|]{1,200})\|([^\[\]|\s]{1,500})\]")


@dataclass(frozen=True)
class Host:
    """A machine outside that hands mail in."""

    name: str
    ip: str
    sends: str = "fail"
    """What Harbor's SPF policy says of it: `pass`, `provider` or `fail`."""
    named: bool = True
    """Its address has a name that leads back to it."""
    senders: frozenset[str] = frozenset()
    """Domains of others that let it send."""

    def may_send_for(self, domain: str) -> bool:
        """Whether the domain's policy lets it; others than we let all hosts of their own."""
        if domain == OUR_DOMAIN:
            return self.sends in ("pass", "provider")
        return domain in self.senders or self.name.endswith(f".{domain}")


class Server(enum.Enum):
    """What our server is, and so how it writes what it found."""

    POSTFIX = "Postfix, a filter for each method"
    RSPAMD = "Postfix with one filter for all methods"
    EXIM = "Exim"
    STORED = "behind an inner hop that hands on to the mailbox store"


@dataclass(frozen=True)
class Letter:
    """One message to Ann."""

    what: str
    language: str
    host: Host
    author: str
    subject: str
    text: str
    """Its words; `[label|address]` is a link."""
    path: str = ""
    """The envelope sender; empty for `<>`."""
    signed_by: tuple[str, ...] = ()
    """Domains with a signature that verifies."""
    fields: tuple[str, ...] = ()
    files: tuple[tuple[str, str], ...] = ()
    """Name and media type of what is attached."""
    parts: tuple[tuple[str, str], ...] = ()
    """Media type and content of what makes it a multipart/report."""
    report_type: str = ""
    to: str = TO
    html: bool = True

    def __str__(self) -> str:
        return f"{self.what}-{self.language}-{self.subject[:24]}"

    @property
    def author_domain(self) -> str:
        return domain_of(parseaddr(self.author)[1])

    def raw(self, server: Server = Server.RSPAMD, *, told: bool = True) -> bytes:
        """The message; without what our server found about its origin unless `told`."""
        head = "\r\n".join(
            (
                f"Return-Path: <{self.path}>",
                f"Delivered-To: {TO}",
                *_trace(self, server, told=told),
                *self.fields,
                f"From: {_written(self.author)}",
                f"To: {self.to}",
                f"Subject: {_encoded(self.subject)}",
                f"Date: {_BEFORE}",
                f"Message-ID: <{_token(self)}@{self.host.name}>",
                "MIME-Version: 1.0",
            )
        )
        return f"{head}\r\n{_body(self)}".encode()


def load(name: str) -> tuple[Letter, ...]:
    """The letters of one file of tests/samples."""
    content = tomllib.loads((_SAMPLES / name).read_text(encoding="utf-8"))
    hosts = {key: _host(one) for key, one in content["hosts"].items()}
    return tuple(_letter(one, hosts) for one in content["letters"])


def _host(told: dict[str, Any]) -> Host:
    sends, named, senders = told.get("sends", "fail"), told.get("named", True), told.get("for", ())
    return Host(told["name"], told["ip"], sends, named, frozenset(senders))


def _letter(told: dict[str, Any], hosts: dict[str, Host]) -> Letter:
    part = told.get("part", "")
    return Letter(
        what=told["what"],
        language=told["language"],
        host=hosts[told["host"]],
        author=told["author"],
        subject=told["subject"],
        text=told["text"],
        path=told.get("path", ""),
        signed_by=tuple(told.get("signed_by", ())),
        fields=tuple(told.get("fields", ())),
        files=tuple((name, kind) for name, kind in told.get("files", ())),
        parts=((part, told["status"]),) if part else (),
        report_type=part.removeprefix("message/") if part else "",
        html=told.get("html", True),
    )


def spread(letters: tuple[Letter, ...]) -> Iterator[tuple[Letter, Server]]:
    """Each of them, stored by one server after the other."""
    servers = tuple(Server)
    for number, letter in enumerate(letters):
        yield letter, servers[number % len(servers)]


def to_somebody_else(letter: Letter) -> Letter:
    """The same, written to a second account that hands its mail on to Ann."""
    return replace(letter, to="ann@second.example", text=letter.text.replace(TO, "ann@second.example"))


def _trace(letter: Letter, server: Server, *, told: bool) -> Iterator[str]:
    host = letter.host
    if server is Server.STORED:
        yield (
            "Received: from mx1.harbor.example ([10.0.0.5])\r\n\tby store.harbor.example with LMTP id "
            f"q5s\r\n\tfor <{TO}>; {_STAMP}"
        )
    if told:
        yield from _findings(letter, server)
    if server is Server.EXIM:
        peer = f"{host.name} ([{host.ip}])" if host.named else f"[{host.ip}] (helo={host.name})"
        path = f"\r\n\t(envelope-from <{letter.path}>)" if letter.path else ""
        yield (
            f"Received: from {peer}\r\n\tby mx1.harbor.example with esmtps (TLS1.3) tls TLS_AES_256_GCM_SHA384\r\n"
            f"\t(Exim 4.97){path}\r\n\tid 1xQ2aB-0001xY-2z\r\n\tfor {TO};\r\n\t{_STAMP}"
        )
    else:
        looked_up = host.name if host.named else "unknown"
        ip = f"IPv6:{host.ip}" if ":" in host.ip else host.ip
        yield (
            f"Received: from {host.name} ({looked_up} [{ip}])\r\n\tby mx1.harbor.example (Postfix) with ESMTPS id "
            f"4Cx9zQ\r\n\tfor <{TO}>; {_STAMP}"
        )
    yield f"Received: from app-7.internal ([10.11.0.7])\r\n\tby {host.name} with ESMTP id 5512; {_BEFORE}"


def _findings(letter: Letter, server: Server) -> Iterator[str]:
    path = domain_of(letter.path)
    spf = "pass" if path and letter.host.may_send_for(path) else "none"
    checked = (
        f"spf={spf} smtp.mailfrom={letter.path}" if path else f"spf=none smtp.helo={letter.host.name}",
        *(f"dkim=pass (2048-bit key) header.d={domain} header.s=s7" for domain in letter.signed_by),
        *(() if letter.signed_by else ("dkim=none",)),
        f"dmarc={_dmarc(letter)} (p=none) header.from={letter.author_domain}",
    )
    if server is Server.POSTFIX:
        for one in reversed(checked):
            yield f"Authentication-Results: mx1.harbor.example;\r\n\t{one}"
    else:
        yield "Authentication-Results: mx1.harbor.example; " + ";\r\n\t".join(checked)


def _dmarc(letter: Letter) -> str:
    author = letter.author_domain
    aligned = {d for d in letter.signed_by if d == author or d.endswith(f".{author}")}
    path = domain_of(letter.path)
    by_path = (path == author or path.endswith(f".{author}")) and letter.host.may_send_for(path)
    return "pass" if aligned or by_path else "fail" if author == OUR_DOMAIN else "none"


# --- the body ------------------------------------------------------------------------------------


def _body(letter: Letter) -> str:
    words = _words(letter)
    if letter.parts:
        rest = "".join(_part(kind, content) for kind, content in letter.parts)
        kind = f'multipart/report; report-type={letter.report_type}; boundary="=_r"'
        return f"Content-Type: {kind}\r\n\r\n--=_r\r\n{words}\r\n{rest}--=_r--\r\n"
    if letter.files:
        files = "".join(_file(name, kind) for name, kind in letter.files)
        return f'Content-Type: multipart/mixed; boundary="=_m"\r\n\r\n--=_m\r\n{words}\r\n{files}--=_m--\r\n'
    return words


def _words(letter: Letter) -> str:
    plain = _LINK.sub(r"\1: \2", letter.text).replace("\n", "\r\n")
    if not letter.html:
        return (
            f"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{plain}\r\n"
        )
    marked = _LINK.sub(r'<a href="\2">\1</a>', letter.text).replace("\n", "<br>\r\n")
    return (
        'Content-Type: multipart/alternative; boundary="=_a"\r\n\r\n'
        f"--=_a\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{plain}\r\n"
        f"--=_a\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<html><body><p>{marked}</p></body></html>\r\n"
        "--=_a--\r\n"
    )


def _part(kind: str, content: str) -> str:
    return f"--=_r\r\nContent-Type: {kind}\r\n\r\n{content.strip()}\r\n".replace("\r\n", "\n").replace(
        "\n", "\r\n"
    )


def _file(name: str, kind: str) -> str:
    content = base64.b64encode(f"content of {name}".encode()).decode()
    return (
        f'--=_m\r\nContent-Type: {kind}; name="{name}"\r\nContent-Transfer-Encoding: base64\r\n'
        f'Content-Disposition: attachment; filename="{name}"\r\n\r\n{content}\r\n'
    )


def _written(author: str) -> str:
    name, address = parseaddr(author)
    return formataddr((name, address), "utf-8")


def _encoded(subject: str) -> str:
    return subject if subject.isascii() else Header(subject, "utf-8", maxlinelen=900).encode()


def _token(letter: Letter) -> str:
    return base64.b32encode(letter.subject.encode()[:20]).decode().strip("=").lower()
