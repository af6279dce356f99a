"""
Time and memory of reading a megabyte of anything.

    python benchmarks/reading_hostile.py [--slowest 10]

Each message is made of one short unit, repeated to 1 MB in a place where a reader could stumble. Fails if one takes
more than 250 ms of processor time, or 60 MB over what was held before (Linux: each is read in a child of its own).
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from cleaner import notices
from cleaner.values import Message

SIZE: Final = 1024 * 1024
MOST_MS: Final = 250
MOST_MB: Final = 60

HEAD: Final = (
    b"Return-Path: <>\nFrom: MAILER-DAEMON@far.example\nTo: ann@harbor.example\nSubject: Undelivered\n"
)
MIXED: Final = HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n"
PLACES: Final = {
    "text": HEAD + b"Content-Type: text/plain\n\n",
    "html": HEAD + b"Content-Type: text/html\n\n",
    "report": HEAD
    + b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nfailed\n--b\n"
    + b"Content-Type: message/delivery-status\n\nFinal-Recipient: rfc822; bob@far.example\n",
    "diagnostic": HEAD
    + b"Content-Type: message/delivery-status\n\nFinal-Recipient: rfc822; bob@far.example\nX-Supplementary-Info: <",
    "original": MIXED + b"--b\n\nfailed\n--b\nContent-Type: message/rfc822\n\n",
    "parts": MIXED,
    "undeclared": HEAD + b"Content-Type: multipart/mixed\n\n",
    "fake": b"Return-Path: <x@isle.example>\nFrom: Mail Delivery System <x@isle.example>\nTo: ann@harbor.example\n"
    b"Subject: Undelivered mail\nContent-Type: text/html\n\nhttps://isle.example/ ",
    "answer": b"Return-Path: <>\nFrom: Bob <bob@far.example>\nTo: ann@harbor.example\nIn-Reply-To: <a@harbor.example>\n"
    b"Subject: Automatic reply\n\n",
    "event": HEAD + b"x-amz-sns-message-id: 1\n\n",
    "base64": HEAD + b"Content-Transfer-Encoding: base64\n\n",
    "quoted-printable": HEAD + b"Content-Transfer-Encoding: quoted-printable\n\n",
    "subject": b"Return-Path: <>\nSubject: failed ",
    "From": b"Return-Path: <>\nSubject: failed\nFrom: ",
    "To": b"Return-Path: <>\nSubject: failed\nTo: ",
    "Received": b"Return-Path: <>\nSubject: failed\nReceived: ",
    "References": b"Return-Path: <>\nSubject: failed\nReferences: ",
    "Content-Type": b"Return-Path: <>\nSubject: failed\nContent-Type: multipart/mixed; ",
    "X-Failed-Recipients": b"Return-Path: <>\nSubject: failed\nX-Failed-Recipients: ",
}
FIELDS: Final = ("subject", "From", "To", "Received", "References", "Content-Type", "X-Failed-Recipients")
UNITS: Final = (
    b"(", b"<", b'"', b'"\\', b"[", b"{", b"@", b"a@", b"> ", b">\n", b" ", b"\n", b" \t \n", b"      \n\t\t\n",
    b"\r", b"\r\r\n", b"\0", b"a\0@b\n", b"\x1b$B", b"\xe4\xfc\xf6 ", b"\xff", b"--\n", b"\n--", b"\n--b", b"\n--bx",
    b"--b\n\n", b"--b\nContent-Type: multipart/mixed; boundary=c\n\n--c\n\nx\n", b"<bob@far.example>: 550 5.1.1 no\n",
    b"550 5.1.1 <bob@far.example> ", b"RCPT TO:<", b"(generated from ", b"5.1.", b"555 ", b"From: a\nTo: b\nx\n",
    b"Message-ID: <a@b>\nDate: x\n\n", b"Final-Recipient: rfc822; a@b.example\n\n", b"#5.1.1 <", b"=?utf-8?q?=41?= ",
    b"=?x?b?QUFB?=", b"=?", b"a*=x''%41; ", b"boundary=", b"a@b.example, ", b"<a@b>", b"from a (",
    b"http://x.example/a ", b"https://a.example/?u=%25ann@", b'"x" <a@b.example>\n', b"x y <a@b.example\n",
    b"a.b.c [1.2.3.4] ", b"a.a-", b"talking to a.b.", b"<a.b.c #5.", b"[x] auto: ", b"Automatic reply ",
    b"bob@far.example\n\n",
    b"QUFB" * 18 + b"\n", b"QUFB", b"=3D=\n", b"<div>", b"<a><b><i><u>", b"<p><br>\n", b"<table><tr><td>", b"<svg><g>",
    b"&#", b"<!--", b'<a href="http', b"Re: ", b" x\n", b"X-A: b\n", b'{"a":',
    "（bob@far.example）は".encode(), "a\u0301\u0301\u0301".encode(), "\ufdfa".encode(), "不".encode(),
)  # fmt: skip
CHARSETS: Final = (
    "utf-7",
    "utf-16",
    "utf-32",
    "iso-2022-kr",
    "hz",
    "big5",
    "euc-jp",
    "idna",
    "zlib",
    "none-such",
)


def messages() -> Iterator[tuple[str, bytes]]:
    for place, head in PLACES.items():
        for unit in UNITS:
            yield f"{place}: {unit[:24]!r}", _filled(head, unit)
        # in a field that stays below the cap on a header, with a body behind it
        if place in FIELDS:
            for unit in UNITS:
                yield (
                    f"{place}, 240 kB: {unit[:24]!r}",
                    _filled(head, unit, 240_000) + b"\n\n550 5.1.1 <bob@far.example>\n",
                )
    for charset in CHARSETS:
        for unit in (b"\xe4\xfc\xf6 550\n", b"+AAA- =\\x41\n", bytes(range(256))):
            head = HEAD + f"Content-Type: text/plain; charset={charset}\n\n".encode()
            yield f"{charset}: {unit[:12]!r}", _filled(head, unit)
    for part in (b"550 5.1.1 <bob@far.example>\n", b"\xe4\xfc 550\n"):
        yield f"190 parts: {part!r}", MIXED + (b"--b\n\n" + _filled(b"", part, 5_400)) * 190
    recipients = b"".join(b"Final-Recipient:;u%d@f\n\n" % number for number in range(100_000))
    yield "100,000 recipients in a report", PLACES["report"] + recipients[:SIZE]
    yield (
        "40,000 recipients in words",
        PLACES["text"] + b"".join(b"<u%d@far.example>: 550\n" % n for n in range(40_000)),
    )
    levels = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(20_000)
    )
    yield "20,000 levels", HEAD + levels
    words = b"".join(b"=?x%d?q?=e4=fc?= " % number for number in range(12_000))
    yield "12,000 charsets", b"Return-Path: <>\nSubject: " + words + b"\n\nfailed"
    yield "chance", Random(1).randbytes(SIZE)
    yield "chance in a report", HEAD + b"\n" + Random(2).randbytes(SIZE)


def _filled(head: bytes, unit: bytes, size: int = SIZE) -> bytes:
    return head + unit * ((size - len(head)) // len(unit))


def measured(raw: bytes) -> tuple[float, float]:
    """Milliseconds, and megabytes over what was held before, of reading in a child process."""
    inner, outer = os.pipe()
    if (child := os.fork()) == 0:
        Path("/proc/self/clear_refs").write_text("5")
        before, start = _peak(), time.process_time()
        notices.read(Message("", "", raw))
        taken = (time.process_time() - start) * 1000
        os.write(outer, f"{taken} {(_peak() - before) / 1024}".encode())
        os._exit(0)
    os.close(outer)
    with os.fdopen(inner) as answer:
        told = answer.read().split()
    os.waitpid(child, 0)
    return (float(told[0]), float(told[1])) if told else (float("inf"), float("inf"))


def _peak() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--slowest", type=int, default=10)
    options = parser.parse_args()
    # what is imported late is there already
    for warm in (b"Return-Path: <>\nSubject: \xe4\n\n\xe4\xfc", PLACES["html"] + b"<p>failed"):
        notices.read(Message("", "", warm))
    figures = sorted(((*measured(raw), name) for name, raw in messages()), reverse=True)
    for taken, held, name in figures[: options.slowest]:
        print(f"{taken:6.0f} ms {held:6.1f} MB  {name}")
    print(f"{len(figures)} messages; most memory: {max(held for _, held, _ in figures):.1f} MB")
    over = [name for taken, held, name in figures if taken > MOST_MS or held > MOST_MB]
    if over:
        sys.exit(f"over {MOST_MS} ms or {MOST_MB} MB: " + "; ".join(over))


if __name__ == "__main__":
    main()
