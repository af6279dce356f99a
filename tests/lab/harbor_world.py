"""
A small labelled world: Ann and Cid at Harbor, whose relay stands in one network with everybody else.

Each has genuine reports in several forms (whole, base64, quoted-printable, pasted and quoted, by our own relay, an
automatic answer), backscatter, and an ordinary message. What is signed verifies.
"""

from __future__ import annotations

import base64
import json
import quopri
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime
from pathlib import Path
from typing import Final

from tests.evidence.scene import HARBOR, signed

DOMAIN: Final = "harbor.example"
RELAY: Final = "mx1.harbor.example"
RELAY_IP: Final = "198.51.100.10"
CRM: Final = "crm.harbor.example"
CRM_IP: Final = "198.51.100.12"
BY_CRM: Final = (5, 6)
"""Numbers of the mails that the CRM's own host sent."""
SITE_IP: Final = "198.51.100.52"
FORGER_IP: Final = "198.18.7.66"
BEGIN: Final = datetime(2026, 9, 7, 8, 0, tzinfo=UTC)
PEOPLE: Final = ("ann@harbor.example", "cid@harbor.example")


def stamp(time: datetime) -> str:
    return format_datetime(time)


def original(owner: str, number: int, *, forged: bool = False) -> bytes:
    """A mail as a recipient's server has it: the latest trace line first."""
    time = BEGIN + timedelta(hours=number)
    to = f"bob{number}@far.example"
    host, ip = (CRM, CRM_IP) if number % 100 in BY_CRM else (RELAY, RELAY_IP)
    peer = f"dsl-7-66.pool.isp.example (unknown [{FORGER_IP}])" if forged else f"{host} ({host} [{ip}])"
    there = stamp(time.astimezone(timezone(timedelta(hours=2))))
    trace = (
        f"Received: from {peer}\n\tby mx.far.example (Postfix) with ESMTP id A{number}\n"
        f"\tfor <{to}>; {there}\n"
    )
    if not forged:
        trace += (
            f"Received: from desk.{DOMAIN} (desk.{DOMAIN} [198.51.100.210])\n"
            f"\tby {host} (Postfix) with ESMTPSA id B{number}\n\tfor <{to}>; {stamp(time)}\n"
        )
    content = (
        f"From: <{owner}>\nTo: <{to}>\nSubject: Offer {number}\nDate: {stamp(time)}\n"
        f"Message-ID: <offer.{number}@{DOMAIN if not forged else 'dsl-7-66.pool.isp.example'}>\n"
        "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\nThe offer is attached.\n"
    ).encode()
    if forged:
        return trace.encode() + content
    body = signed(content.replace(b"\n", b"\r\n")).replace(b"\r\n", b"\n")
    return trace.encode() + body


def report(owner: str, number: int, returned: bytes, form: str, *, by_us: bool = False) -> bytes:
    host, ip = (RELAY, RELAY_IP) if by_us else ("mx.far.example", SITE_IP)
    time = BEGIN + timedelta(hours=number, minutes=5)
    arrived = (
        f"Received: by {RELAY} (Postfix)\n\tid C{number}; {stamp(time)}\n"
        if by_us
        else f"Received: from {host} ({host} [{ip}])\n\tby {RELAY} (Postfix) with ESMTP id C{number}\n"
        f"\tfor <{owner}>; {stamp(time)}\n"
    )
    head = (
        f"Return-Path: <>\nDelivered-To: {owner}\n{arrived}From: Mail Delivery System <MAILER-DAEMON@{host}>\n"
        f"To: <{owner}>\nSubject: Undelivered Mail Returned to Sender\nDate: {stamp(time)}\n"
        f"Message-ID: <report.{number}@{host}>\nAuto-Submitted: auto-replied\nMIME-Version: 1.0\n"
    )
    words = (
        f"This is the mail system at host {host}.\n\n<bob{number}@far.example>: host mx.far.example[{SITE_IP}] said: "
        "550 5.1.1 User unknown\n"
    )
    if form == "quoted":
        pasted = "".join(f"> {line}\n" for line in returned.decode().splitlines())
        return f"{head}Content-Type: text/plain\n\n{words}\n--- Original message ---\n{pasted}".encode()
    kind, encoding, content = "message/rfc822", "8bit", returned
    if form == "base64":
        kind, encoding, content = "text/rfc822-headers", "base64", base64.encodebytes(returned)
    elif form == "quoted-printable":
        kind, encoding, content = "text/rfc822-headers", "quoted-printable", quopri.encodestring(returned)
    status = (
        f"Reporting-MTA: dns; {host}\n\nFinal-Recipient: rfc822; bob{number}@far.example\nAction: failed\n"
        f"Status: 5.1.1\nRemote-MTA: dns; mx.far.example\n"
    )
    return (
        (
            f'{head}Content-Type: multipart/report; report-type=delivery-status; boundary="{RELAY}/b1"\n\n'
            f"--{RELAY}/b1\nContent-Type: text/plain; charset=utf-8\n\n{words}\n"
            f"--{RELAY}/b1\nContent-Type: message/delivery-status\n\n{status}\n"
            f"--{RELAY}/b1\nContent-Type: {kind}\nContent-Transfer-Encoding: {encoding}\n\n"
        ).encode()
        + content
        + f"\n--{RELAY}/b1--\n".encode()
    )


def answer(owner: str, number: int) -> bytes:
    time = BEGIN + timedelta(hours=number, minutes=5)
    return (
        f"Return-Path: <bob@far.example>\nDelivered-To: {owner}\n"
        f"Received: from mx.far.example (mx.far.example [{SITE_IP}])\n"
        f"\tby {RELAY} (Postfix) with ESMTP id D{number}; {stamp(time)}\n"
        f"From: <bob@far.example>\nTo: <{owner}>\nSubject: Out of office\nAuto-Submitted: auto-replied (vacation)\n"
        f"In-Reply-To: <offer.{number}@{DOMAIN}>\nDate: {stamp(time)}\n"
        f"Message-ID: <away.{number}@far.example>\n\nI am away.\n"
    ).encode()


def ordinary(owner: str, number: int) -> bytes:
    time = BEGIN + timedelta(hours=number)
    return (
        f"Received: from mx.far.example (mx.far.example [{SITE_IP}])\n"
        f"\tby {RELAY} (Postfix) with ESMTP id E{number}; {stamp(time)}\n"
        f"From: <bob@far.example>\nTo: <{owner}>\nSubject: Lunch\nDate: {stamp(time)}\n"
        f"Message-ID: <lunch.{number}@far.example>\n\nAt noon?\n"
    ).encode()


def letters(owner: str) -> Iterator[tuple[str, str, str, bytes, bytes | None]]:
    """Name, kind, truth, the message, and the mail of which Sent has a copy."""
    first = 100 * PEOPLE.index(owner)
    for number, form in enumerate(
        ("whole", "base64", "quoted-printable", "quoted", "whole", "base64"), first + 1
    ):
        mail = original(owner, number)
        yield f"genuine{number}", "ndr", "genuine", report(owner, number, mail, form), mail
    mail = original(owner, first + 20)
    yield (
        f"own{first}",
        "ndr",
        "genuine",
        report(
            owner,
            first + 20,
            mail.partition(b"Received: from desk")[2].join((b"Received: from desk", b"")),
            "whole",
            by_us=True,
        ),
        mail,
    )
    yield f"answer{first}", "autoreply", "genuine", answer(owner, first + 1), None
    for number in range(first + 30, first + 36):
        forged = original(owner, number, forged=True)
        yield f"forged{number}", "ndr", "backscatter", report(owner, number, forged, "whole"), None
    yield f"lunch{first}", "not-a-bounce", "not-a-bounce", ordinary(owner, first + 40), None


def write(folder: Path) -> Path:
    """Writes the world and returns its folder."""
    world = folder / "harbor"
    labels: list[dict[str, object]] = []
    for owner in PEOPLE:
        for sub in ("cur", "new", ".Sent/cur", ".Sent/new"):
            (world / owner / sub).mkdir(parents=True)
        for name, kind, truth, raw, sent in letters(owner):
            (world / owner / "cur" / f"{name}:2,").write_bytes(raw)
            labels.append({"user": owner, "file": name, "kind": kind, "truth": truth, "tags": []})
            if sent is not None:
                (world / owner / ".Sent" / "cur" / f"sent-{name}:2,S").write_bytes(
                    sent[sent.index(b"DKIM-Signature") :]
                )
    (world / "labels.jsonl").write_text("".join(json.dumps(label) + "\n" for label in labels))
    (world / "world.json").write_text(
        json.dumps(
            {
                "own_domains": [DOMAIN, "harbor-boats.example"],
                "own_relays": [RELAY, RELAY_IP, CRM, CRM_IP],
                "client_networks": ["198.51.100.208/28"],
                "users": [{"address": owner, "aliases": []} for owner in PEOPLE],
                "dkim": [
                    {"domain": key.domain, "selector": key.selector, "public_key_txt": key.record}
                    for key in HARBOR.dkim_keys
                ],
                "dns": {
                    DOMAIN: [f"v=spf1 ip4:{RELAY_IP} ip4:{CRM_IP} -all"],
                    f"_dmarc.{DOMAIN}": ["v=DMARC1; p=quarantine"],
                },
            }
        )
    )
    return world
