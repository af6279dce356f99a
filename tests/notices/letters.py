"""Messages of the reading tests, written from what differs between them."""

from __future__ import annotations

from typing import Final

from cleaner import notices
from cleaner.values import Message, Notice

ANN: Final = "ann@harbor.example"
CARL: Final = "Carl <carl@harbor.example>"
"""A colleague of hers."""
BOB: Final = "Bob <bob@far.example>"
SENT: Final = f"""Received: from laptop (client.harbor.example [203.0.113.5])
\tby mx.harbor.example (Postfix) with ESMTPSA id 4Cq1; Mon, 2 Nov 2026 10:00:00 +0000 (UTC)
Message-ID: <tide.1@harbor.example>
Date: Mon, 2 Nov 2026 10:00:00 +0000
From: Ann <{ANN}>
To: bob@far.example
Subject: Tide tables
MIME-Version: 1.0
Content-Type: text/plain

Here they are.
"""
"""What she wrote to Bob."""


def raw(
    author: str,
    subject: str,
    body: str,
    *,
    path: str | None = "",
    to: str = ANN,
    more: str = "",
    kind: str = "text/plain; charset=utf-8",
) -> bytes:
    """A message to her; `path` is its envelope sender, None where that was not recorded."""
    recorded = "" if path is None else f"Return-Path: <{path}>\n"
    return (
        f"{recorded}Received: from mx.far.example (mx.far.example [198.51.100.3])\n"
        "\tby mx.harbor.example (Postfix) with ESMTPS id 4Cq9; Mon, 2 Nov 2026 10:15:00 +0000 (UTC)\n"
        f"From: {author}\nTo: {to}\nSubject: {subject}\nDate: Mon, 2 Nov 2026 10:15:00 +0000\n"
        f"Message-ID: <n1@far.example>\n{more}MIME-Version: 1.0\nContent-Type: {kind}\n\n{body}"
    ).encode()


def read(author: str, subject: str, body: str, **how: str | None) -> Notice:
    return notices.read(Message("INBOX", "1", raw(author, subject, body, **how)))  # type: ignore[arg-type]


def parts(*listed: tuple[str, str]) -> str:
    """The body of a multipart with boundary `b`."""
    return "".join(f"--b\nContent-Type: {kind}\n\n{body}\n" for kind, body in listed) + "--b--\n"
