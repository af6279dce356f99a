"""The mail of the demo: what its people sent, what others sent in their name, and what people write."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Final

DOMAIN: Final = "harbor.example"
RELAY: Final = "mx1.harbor.example"


@dataclass(frozen=True, slots=True)
class Office:
    """The organisation of the demo at one moment, with a signing key of its own."""

    now: datetime
    private_key: bytes
    public_record: str

    @classmethod
    def new(cls, now: datetime) -> Office:
        import base64

        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import rsa

        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
        der = key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return cls(now, pem, f"v=DKIM1; k=rsa; p={base64.b64encode(der).decode()}")

    def ago(self, hours: float) -> datetime:
        return self.now - timedelta(hours=hours)

    def signed(self, mail: bytes) -> bytes:
        import dkim

        signature: bytes = dkim.sign(
            mail,
            b"demo",
            DOMAIN.encode(),
            self.private_key,
            canonicalize=(b"relaxed", b"relaxed"),
            include_headers=[b"from", b"to", b"date", b"subject", b"message-id"],
        )
        return signature.replace(b"\r\n", b"\n") + mail


def our_id(id: str, time: datetime) -> str:
    return f"<{id}.{int(time.timestamp())}@{DOMAIN}>"


def letter(time: datetime, sender: str, to: str, subject: str, id: str) -> bytes:
    return (
        f"From: {sender}\n"
        f"To: {to}\n"
        f"Subject: {subject}\n"
        f"Date: {format_datetime(time)}\n"
        f"Message-ID: {our_id(id, time)}\n"
        "MIME-Version: 1.0\n"
        "Content-Type: text/plain; charset=utf-8\n"
        "\n"
        "Good morning,\n\nas we agreed, here is what we spoke about.\n\nKind regards\n"
    ).encode()


def via(mail: bytes, time: datetime, host: str) -> bytes:
    """A mail of ours as the far side received it: from our relay, which had it from the office."""
    trace = (
        f"Received: from {RELAY} (mx1.harbor.example [192.0.2.10])\n"
        f"\tby {host} (Postfix) with ESMTPS id 4F1A2B3C4D\n"
        f"\tfor <recipient@{host.removeprefix('mx.')}>; {format_datetime(time)}\n"
        "Received: from pc7.harbor.example (pc7.harbor.example [203.0.113.7])\n"
        "\tby mx1.harbor.example (Postfix) with ESMTPSA id 1A2B3C4D5E\n"
        f"\t; {format_datetime(time)}\n"
    )
    return trace.encode() + mail


def forged(time: datetime, sender: str, to: str, subject: str, number: int) -> bytes:
    """Mail that somebody else sent with our address: a stranger handed it over."""
    host = f"mx.{to.rpartition('@')[2]}"
    return (
        f"Received: from customer-{number}.dialup.example (unknown [198.51.100.{20 + number}])\n"
        f"\tby {host} (Postfix) with ESMTP id 9E8D7C6B5A\n"
        f"\tfor <{to}>; {format_datetime(time)}\n"
        f"From: {sender}\n"
        f"To: {to}\n"
        f"Subject: {subject}\n"
        f"Date: {format_datetime(time)}\n"
        f"Message-ID: <{number}.{int(time.timestamp())}@dialup.example>\n"
        "MIME-Version: 1.0\n"
        "Content-Type: text/plain\n"
        "\n"
        "Click http://shop.example/ now!\n"
    ).encode()


def person(time: datetime, to: str) -> bytes:
    return (
        f"{arrival(time, 'mail.quay.example', '198.51.100.200', to)}"
        "From: Carla <carla@quay.example>\n"
        f"To: {to}\n"
        "Subject: Lunch on Thursday?\n"
        f"Date: {format_datetime(time)}\n"
        f"Message-ID: <lunch.{int(time.timestamp())}@quay.example>\n"
        "\n"
        "The mail I sent you yesterday came back as undeliverable, so here it is again. Lunch?\n"
    ).encode()


def newsletter(time: datetime, to: str) -> bytes:
    return (
        f"{arrival(time, 'news.tide.example', '198.51.100.201', to, 'bounce-17@news.tide.example')}"
        "From: Tide News <news@tide.example>\n"
        f"To: {to}\n"
        "Subject: Ten ways to lower your bounce rate\n"
        f"Date: {format_datetime(time)}\n"
        "List-Id: <news.tide.example>\n"
        "List-Unsubscribe: <https://tide.example/u/17>\n"
        f"Message-ID: <news.{int(time.timestamp())}@tide.example>\n"
        "\n"
        "Undelivered mail costs money. Read on.\n"
    ).encode()


def arrival(time: datetime, host: str, ip: str, to: str, envelope: str = "") -> str:
    """What our own server writes on top of mail from outside."""
    return (
        f"Return-Path: <{envelope}>\n"
        f"Delivered-To: {to}\n"
        f"Received: from {host} ({host} [{ip}])\n"
        "\tby mx1.harbor.example (Postfix) with ESMTPS id 7A6B5C4D3E\n"
        f"\tfor <{to}>; {format_datetime(time)}\n"
    )
