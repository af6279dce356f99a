"""
A large generated mailbox, as a Maildir++: mostly ordinary mail, a few notices, and the mail that was sent.

Everything is invented here, and the same every time. Headers have the length of those that real mail arrives
with (about 3 kB), bodies are filler whose lengths are spread as in real mailboxes: many small, few very large,
25 kB on average.
"""

from __future__ import annotations

import base64
import os
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Final

ADDRESS: Final = "ann@harbor.example"
DOMAIN: Final = "harbor.example"
RELAY: Final = "mx1.harbor.example"
RELAY_NETWORK: Final = "192.0.2.10"
ORGANISATION: Final = f"""
[[organisation]]
name = "harbor"
domains = ["{DOMAIN}"]
relays = ["{RELAY}", "{RELAY_NETWORK}"]
client_networks = ["203.0.113.0/24"]
senders_complete = true"""
"""How an installation knows whose mail this is."""
NOW: Final = datetime.now(UTC).replace(microsecond=0)

NOTICE_SHARE: Final = 0.01
SENT_SHARE: Final = 0.05

WORDS: Final = (
    "berth charter crew deck ferry harbour invoice lantern manifest mooring notice order pier pilot quay "
    "report rope sail schedule ship signal stores tide timber voyage watch weather winch yard"
).split()


@dataclass(frozen=True)
class Contents:
    """What was written."""

    messages: int
    notices: int
    sent: int
    size: int
    """Of all messages together, in bytes."""
    notices_size: int


def write(root: Path, count: int, *, seed: int = 7) -> Contents:
    """Fills `root`: `count` messages in all, of which some are notices and some lie in Sent."""
    chance = random.Random(seed)
    filler = base64.encodebytes(chance.randbytes(1_200_000)).replace(b"\n", b"\r\n")
    for folder in (root, root / ".Sent"):
        for sub in ("cur", "new", "tmp"):
            (folder / sub).mkdir(parents=True)
    sent = round(count * SENT_SHARE)
    notices = round(count * NOTICE_SHARE)
    size = notices_size = 0
    returned = chance.sample(range(sent), notices // 2)
    # Spread over the last weeks: newer than what the policy calls history.
    spread = sorted(chance.sample(range(count - sent), notices))
    turns = dict(zip(spread, range(notices), strict=True))
    for number in range(count):
        time = time_of(number, count)
        if number < sent:
            raw, folder = letter(number, time, body(chance, filler)), root / ".Sent"
        elif (turn := turns.get(number - sent)) is not None:
            mine = returned[turn] if turn < len(returned) else None
            original = forged(turn, time) if mine is None else head_of_letter(mine, time_of(mine, count))
            raw, folder = report(number, time, original, turn), root
            notices_size += len(raw)
        else:
            raw, folder = arriving(chance, number, time, body(chance, filler)), root
        size += len(raw)
        path = folder / "cur" / f"{int(time.timestamp())}.M{number}P1.mx:2,{'S' if number % 3 else ''}"
        path.write_bytes(raw)
        os.utime(path, (time.timestamp(), time.timestamp()))
    return Contents(count, notices, sent, size, notices_size)


def time_of(number: int, count: int) -> datetime:
    return NOW - timedelta(days=20) * (1 - number / count) - timedelta(hours=1)


def body(chance: random.Random, filler: bytes) -> bytes:
    length = min(len(filler), round(chance.lognormvariate(8.906, 1.5)))
    start = chance.randrange(0, 1 + len(filler) - length)
    return filler[start : start + length]


def subject(number: int) -> str:
    return " ".join(WORDS[(number * step + step) % len(WORDS)] for step in (1, 7, 11, 13)).capitalize()


def stamp(time: datetime) -> str:
    return format_datetime(time)


def head_of_letter(number: int, time: datetime) -> str:
    """The header fields of sent mail, as they come back in a report."""
    return (
        f"Received: from desk.{DOMAIN} (desk.{DOMAIN} [203.0.113.{number % 250}])\r\n"
        f"\tby {RELAY} (Postfix) with ESMTPSA id S{number:06}\r\n"
        f"\tfor <guest{number % 400}@quay{number % 60}.example>; {stamp(time)}\r\n"
        f"From: Ann Lee <{ADDRESS}>\r\n"
        f"To: guest{number % 400}@quay{number % 60}.example\r\n"
        f"Subject: {subject(number)}\r\n"
        f"Date: {stamp(time)}\r\n"
        f"Message-ID: <sent.{number}@{DOMAIN}>\r\n"
        "MIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n"
    )


def letter(number: int, time: datetime, text: bytes) -> bytes:
    head = head_of_letter(number, time).partition("From: ")
    return f"From: {head[2]}User-Agent: Deck Mail 4.2\r\n\r\n".encode() + text


def forged(number: int, time: datetime) -> str:
    """Spam in Ann's name that somebody else sent."""
    return (
        f"Received: from [198.18.{number % 250}.{number % 99}] (unknown [198.18.{number % 250}.{number % 99}])\r\n"
        f"\tby mx.quay{number % 60}.example (Postfix) with ESMTP id F{number:06}; {stamp(time)}\r\n"
        f"From: <{ADDRESS}>\r\n"
        f"To: victim{number}@quay{number % 60}.example\r\n"
        f"Subject: Your parcel {number} waits for a small fee\r\n"
        f"Date: {stamp(time)}\r\n"
        f"Message-ID: <{number:x}$parcel@198.18.0.9>\r\n"
        "X-Mailer: Bulk 9\r\n"
        "Content-Type: text/html\r\n"
    )


def report(number: int, time: datetime, original: str, turn: int) -> bytes:
    """A report in the manner of Postfix about that original."""
    host = f"mx.quay{turn % 60}.example"
    failed = original.partition("To: ")[2].partition("\r\n")[0]
    return (
        "Return-Path: <>\r\n"
        f"{trace(number, time, host)}"
        f"From: Mail Delivery System <MAILER-DAEMON@{host}>\r\n"
        f"To: {ADDRESS}\r\n"
        "Subject: Undelivered Mail Returned to Sender\r\n"
        f"Date: {stamp(time)}\r\n"
        f"Message-ID: <report.{number}@{host}>\r\n"
        "Auto-Submitted: auto-replied\r\n"
        "MIME-Version: 1.0\r\n"
        f'Content-Type: multipart/report; report-type=delivery-status; boundary="b{number}"\r\n'
        "\r\n"
        f"--b{number}\r\n"
        "Content-Type: text/plain; charset=us-ascii\r\n"
        "\r\n"
        f"This is the mail system at host {host}.\r\n\r\n"
        "Your message could not be delivered to one or more recipients.\r\n\r\n"
        f"<{failed}>: host store.{host} said: 550 5.1.1 User unknown (in reply to RCPT TO command)\r\n"
        f"--b{number}\r\n"
        "Content-Type: message/delivery-status\r\n"
        "\r\n"
        f"Reporting-MTA: dns; {host}\r\n"
        "\r\n"
        f"Final-Recipient: rfc822; {failed}\r\n"
        "Action: failed\r\n"
        "Status: 5.1.1\r\n"
        "Diagnostic-Code: smtp; 550 5.1.1 User unknown\r\n"
        "\r\n"
        f"--b{number}\r\n"
        "Content-Type: text/rfc822-headers\r\n"
        "\r\n"
        f"{original}"
        "\r\n"
        f"--b{number}--\r\n"
    ).encode()


def trace(number: int, time: datetime, host: str) -> str:
    """What the servers on the way wrote."""
    hops = "".join(
        f"Received: from hop{hop}.{host} (hop{hop}.{host} [198.51.100.{(number + hop) % 250}])\r\n"
        f"\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits))\r\n"
        f"\tby hop{hop + 1}.{host} (Postfix) with ESMTPS id {number:06X}{hop}\r\n"
        f"\tfor <{ADDRESS}>; {stamp(time)}\r\n"
        for hop in range(2)
    )
    return (
        f"Received: from {host} ({host} [198.51.100.{number % 250}])\r\n"
        f"\tby {RELAY} (Postfix) with ESMTPS id I{number:06}\r\n"
        f"\tfor <{ADDRESS}>; {stamp(time)}\r\n"
        f"Authentication-Results: {RELAY}; spf=pass smtp.helo={host}; dmarc=none\r\n"
        f"{hops}"
    )


def arriving(chance: random.Random, number: int, time: datetime, text: bytes) -> bytes:
    """An ordinary mail; one in eight came through a list or is a newsletter."""
    domain = f"quay{number % 60}.example"
    sender = f"person{number % 700}@{domain}"
    noise = base64.b64encode(chance.randbytes(330)).decode()
    signature = "\r\n\t".join(noise[at : at + 70] for at in range(0, len(noise), 70))
    seal = base64.b64encode(chance.randbytes(390)).decode()
    sealed = "\r\n\t".join(seal[at : at + 70] for at in range(0, len(seal), 70))
    through_list = (
        f"List-Id: Tides <tides.{domain}>\r\n"
        f"List-Unsubscribe: <mailto:tides-leave@{domain}?subject=unsubscribe>,\r\n"
        f"\t<https://lists.{domain}/leave/{number}>\r\n"
        "Precedence: list\r\n"
        if number % 8 == 0
        else ""
    )
    return (
        f"Return-Path: <{sender}>\r\n"
        f"Delivered-To: {ADDRESS}\r\n"
        f"{trace(number, time, f'mx.{domain}')}"
        f"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d={domain}; s=s2026; t={number};\r\n"
        "\th=from:to:subject:date:message-id:mime-version:content-type:in-reply-to:references;\r\n"
        f"\tbh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b={signature}\r\n"
        f"ARC-Seal: i=1; a=rsa-sha256; cv=none; d={domain}; s=arc; b={sealed}\r\n"
        f"X-Spam-Status: No, score=-{number % 4}.1 required=5.0 tests=DKIM_SIGNED,DKIM_VALID,DKIM_VALID_AU,\r\n"
        "\tHTML_MESSAGE,RCVD_IN_DNSWL_LOW,SPF_HELO_NONE,SPF_PASS,T_SCC_BODY_TEXT_LINE autolearn=ham\r\n"
        f"X-Originating-IP: [198.51.100.{number % 250}]\r\n"
        f"{through_list}"
        f"From: Person {number % 700} <{sender}>\r\n"
        f"To: Ann Lee <{ADDRESS}>\r\n"
        f"Subject: {subject(number)}\r\n"
        f"Date: {stamp(time)}\r\n"
        f"Message-ID: <{number}.{number * 7919:x}@{domain}>\r\n"
        f"References: <{number - 1}.{number:x}@{domain}> <{number - 2}.{number:x}@{domain}>\r\n"
        "MIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n"
        "Content-Transfer-Encoding: 8bit\r\n"
        "X-Mailer: Deck Mail 4.2 (Build 7)\r\n"
        "\r\n"
    ).encode() + text
