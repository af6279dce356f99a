"""
Our EWS server answers as the recorded one did, and its faults look as documented.

Every recorded request is sent to our server, with our ids in place of the recorded ones, in the order of recording;
the answer must have the same elements, attributes and texts in the same order, but for ids, dates, sizes, sentences
meant for people, and MIME (which `test_ews_rebuilt` is about).
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from exchangelib import BASIC, DELEGATE, Account, Configuration, Credentials
from exchangelib.errors import EWSError
from exchangelib.protocol import CachingProtocol
from lxml import etree

from tests.servers.ews import (
    PASSWORD,
    Box,
    EwsServer,
    Fault,
    Kind,
    Ways,
    busy,
    busy_inside,
    busy_message,
    item_fails,
    refuses,
    too_many_connections,
)
from tests.servers.ews import (
    http as http_fault,
)
from tests.servers.ews.soap import M, T

ANN = "ann@ews.test"

OWN: Final = frozenset(
    """
    Body Content ConversationId Count DateTimeCreated DateTimeReceived DateTimeSent EmailAddress LastModifiedName
    LastModifiedTime MessageText MimeContent Name RoutingType ServerVersionInfo Size SyncState Value faultstring
    InternetMessageHeader Message
    """.split()
)
"""Elements whose text is each server's own."""

ATTRIBUTES: Final = frozenset(
    "ResponseClass IncludesLastItemInRange IndexedPagingOffset TotalItemsInView".split()
)
"""Whose values are compared; of all others only that they are there."""

APART: Final = {
    "first-use-auth-type-unknown": "its first request carries no credentials; `test_who_does_not_sign_in` has that",
    "wrong-password": "an answer without XML; `test_who_does_not_sign_in` has that",
    "wrong-password-fault-tolerance": "the same answer, other ways of the client",
}
"""Scenarios that are not replayed as the others are, and why."""


@cache
def folder() -> Path:
    found = Path(
        os.environ.get("BOUNCE_CLEANER_EWS") or Path(__file__).resolve().parents[3] / "shared" / "ews"
    )
    if not found.is_dir():
        reason = f"no recorded traffic at {found}; set BOUNCE_CLEANER_EWS to its folder"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


def scenario(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def body_of(message: dict[str, Any]) -> str:
    return "\n".join(message["body"])


# --- the mailbox that was recorded


def dsn(
    name: str, when: str, *recipients: tuple[str, str, str, str], whole: bool, subject: str = ""
) -> bytes:
    """A report as Postfix writes it, on these recipients: address, action, status, diagnostic."""
    first = recipients[0][0]
    original = [
        "Return-Path: <ann@ews.test>",
        "Received: from desk.example (desk.example [192.0.2.7]) by mx.ews.test; Mon, 23 Nov 2026 09:00:00 +0000",
        "From: Ann <ann@ews.test>",
        f"To: {first}",
        "Subject: Price list",
        "Date: Mon, 23 Nov 2026 09:00:00 +0000",
        f"Message-ID: <sent-{name}@ews.test>",
        "",
        *(["The list."] if whole else []),
    ]
    blocks = [
        [
            "",
            f"Final-Recipient: rfc822; {address}",
            f"Action: {action}",
            f"Status: {status}",
            "Remote-MTA: dns; mail.example.com",
            f"Diagnostic-Code: smtp; {diagnostic}",
        ]
        for address, action, status, diagnostic in recipients
    ]
    lines = [
        "Received: from mx.example.org (mx.example.org [198.51.100.9]) by mx.ews.test; Tue, 24 Nov 2026 01:00:00 +0000",
        "From: MAILER-DAEMON@mx.example.org (Mail Delivery System)",
        "To: ann@ews.test",
        f"Subject: {subject or 'Undelivered Mail Returned to Sender'}",
        f"Date: {when}",
        f"Message-ID: <{name}@mx.example.org>",
        "Auto-Submitted: auto-replied",
        f"X-Failed-Recipients: {', '.join(each[0] for each in recipients)}",
        "MIME-Version: 1.0",
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"',
        "",
        "--b",
        "Content-Type: text/plain",
        "",
        *(f"<{address}>: {diagnostic}" for address, _, _, diagnostic in recipients),
        "--b",
        "Content-Type: message/delivery-status",
        "",
        "Reporting-MTA: dns; mx.example.org",
        *(line for block in blocks for line in block),
        "",
        "--b",
        f"Content-Description: Undelivered Message{'' if whole else ' Headers'}",
        f"Content-Type: {'message/rfc822' if whole else 'text/rfc822-headers'}",
        "",
        *original,
        "--b--",
        "",
    ]
    return "\r\n".join(lines).encode()


def note(*header: str, body: str = "Hello.") -> bytes:
    return ("\r\n".join([*header, "", body]) + "\r\n").encode()


def day(number: int) -> str:
    return datetime(2026, 11, number, 2, 27, 3, tzinfo=UTC).strftime("%a, %d %b %Y %H:%M:%S +0000")


TEXT: Final = ("Content-Type: text/plain", "Content-Transfer-Encoding: 7bit", "MIME-Version: 1.0")

INBOX: Final = (
    # Milliseconds after the first at which it came; the mail.
    (
        4,
        dsn(
            "dsn4",
            day(20),
            ("a@example.com", "failed", "5.1.1", "550 5.1.1 unknown"),
            ("b@example.net", "failed", "5.7.1", "554 5.7.1 denied"),
            whole=True,
        ),
    ),
    (
        0,
        dsn(
            "dsn2",
            day(22),
            ("full@example.net", "failed", "5.2.2", "552 5.2.2 full"),
            whole=False,
            subject="Returned mail: see transcript for details",
        ),
    ),
    (1, dsn("dsn1", day(23), ("gone@example.com", "failed", "5.1.1", "550 5.1.1 unknown"), whole=True)),
    (
        5,
        dsn(
            "dsn3",
            day(21),
            ("slow@example.com", "delayed", "4.4.1", "timed out"),
            whole=False,
            subject="Delayed Mail (still being retried)",
        ),
    ),
    (
        40,
        note(
            "From: Jane Doe <jane@example.com>",
            "To: ann@ews.test",
            "Subject: Automatic reply: Price list",
            "Message-ID: <ooo1@example.org>",
            f"Date: {day(23)}",
            "Auto-Submitted: auto-replied",
            "X-Auto-Response-Suppress: All",
            "In-Reply-To: <sent-ooo@ews.test>",
            *TEXT,
        ),
    ),
    (
        42,
        note(
            "From: Joe <joe@example.com>",
            "To: ann@ews.test",
            "Subject: Read: Price list",
            f"Date: {day(22)}",
            "Message-ID: <mdn1@example.com>",
            "MIME-Version: 1.0",
            "Content-Type: multipart/report; report-type=disposition-notification; boundary=b",
            body="\r\n".join(
                [
                    "--b",
                    "",
                    "It was shown.",
                    "--b",
                    "Content-Type: message/disposition-notification",
                    "",
                    "Final-Recipient: rfc822; joe@example.com",
                    "Original-Message-ID: <sent-joe@ews.test>",
                    "Disposition: manual-action/MDN-sent-manually; displayed",
                    "--b--",
                ]
            ),
        ),
    ),
    (
        48,
        note(
            "From: Mail Delivery System <Mailer-Daemon@e1.example.net>",
            "To: ann@ews.test",
            "Subject: Mail delivery failed: returning message to sender",
            f"Date: {day(21)}",
            "Message-Id: <exim1@e1.example.net>",
            "Auto-Submitted: auto-replied",
            "X-Failed-Recipients: gone@example.net",
        ),
    ),
    (
        51,
        note(
            "From: List <noreply@example.net>",
            "To: ann@ews.test",
            "Subject: Weekly news",
            "Message-ID: <list1@example.org>",
            f"Date: {day(18)}",
            "List-Unsubscribe: <mailto:u@example.net>",
            "Precedence: bulk",
            *TEXT,
        ),
    ),
    (
        58,
        note(
            "From: Joe <joe@example.com>",
            "To: ann@ews.test",
            "Subject: Re: Price list",
            "Message-ID: <reply1@example.org>",
            f"Date: {day(22)}",
            "In-Reply-To: <sent-joe@ews.test>",
            "References: <sent-joe@ews.test>",
            "MIME-Version: 1.0",
            "Content-Type: multipart/mixed; boundary=b",
            body="\r\n".join(
                [
                    "--b",
                    "",
                    "Thank you.",
                    "--b",
                    'Content-Type: application/octet-stream; name="list.bin"',
                    "Content-Disposition: attachment; filename=list.bin",
                    "Content-Transfer-Encoding: base64",
                    "",
                    "AAFiaW5hcnk=",
                    "--b--",
                ]
            ),
        ),
    ),
    (
        63,
        note(
            "From: =?utf-8?q?=C3=84nn?= Example <aenn@example.com>",
            "To: ann@ews.test",
            "Subject: =?utf-8?q?Frage_zum_Preis_=E2=80=93_Gr=C3=BC=C3=9Fe?=",
            "Message-ID: <human1@example.org>",
            f"Date: {day(20)}",
            *TEXT,
        ),
    ),
    (
        41,
        dsn(
            "dsn5",
            day(19),
            ("ok@example.com", "relayed", "2.0.0", "250 2.0.0 OK"),
            whole=False,
            subject="Successful Mail Delivery Report",
        ),
    ),
)

START: Final = datetime(2026, 11, 24, 2, 27, 5, tzinfo=UTC)


def sent(name: str, to: str) -> bytes:
    return note(
        "From: Ann <ann@ews.test>",
        f"To: {to}",
        "Subject: Price list",
        f"Date: {day(23)}",
        f"Message-ID: <sent-{name}@ews.test>",
        *TEXT,
    )


def fill(server: EwsServer, listing: dict[str, Any]) -> None:
    ann = server.add_mailbox(ANN)
    server.add_mailbox("bob@ews.test")
    for at, (name, to) in enumerate(
        [("joe", "joe@example.com"), ("gone", "gone@example.com"), ("full", "full@example.net")]
    ):
        ann.deliver(
            sent(name, to), "sentitems", received=START - timedelta(milliseconds=90 - at), composed=True
        )
    for after, raw in INBOX:
        ann.deliver(raw, received=START + timedelta(milliseconds=460 + after))
    wide = server.add_mailbox("wide@ews.test")
    for exchange in listing["exchanges"]:
        for item in etree.fromstring(body_of(exchange["response"]).encode()).iter(T + "Message"):
            received = datetime.fromisoformat(item.findtext(T + "DateTimeReceived")[:26] + "+00:00")
            wide.deliver(_like(item.findtext(T + "ItemClass")), received=received)


def _like(item_class: str) -> bytes:
    if item_class == "IPM.Note":
        return note("From: Joe <joe@example.com>", "Subject: Hello", f"Date: {day(1)}")
    return dsn("wide", day(1), ("gone@example.com", "failed", "5.1.1", "550 unknown"), whole=False)


# --- what others did between the recorded requests


def find(box: Box, where: str, name: str) -> str:
    wanted = f"<{name}@".encode()
    return next(each.id for each in box.listing(where) if wanted in each.raw)


def arrives(box: Box, *names: str) -> None:
    for at, name in enumerate(names):
        raw = dsn(name, day(24), ("new@example.com", "failed", "5.1.1", "550 5.1.1 unknown"), whole=True)
        box.deliver(raw, received=START + timedelta(seconds=2, milliseconds=at))


def gone_folder(box: Box) -> list[str]:
    made = box.make("Gone")
    box.drop("Gone")
    return [made]


def moves_away(name: str) -> Callable[[Box], list[str]]:
    def do(box: Box) -> list[str]:
        id = find(box, "inbox", name)
        box.move(id, "Kept")
        return [id]

    return do


def reads(box: Box) -> list[str]:
    box.mark_read(find(box, "inbox", "human1"))
    return []


def all_back(box: Box) -> list[str]:
    """What was moved in the scenario before, back into the Inbox."""
    back = [
        box.move(find(box, "Backscatter", name), "inbox") for name in ("dsn3", "ooo1", "reply1", "human1")
    ]
    return back[:1]


def three_arrive(box: Box) -> list[str]:
    arrives(box, "del-x", "del-y", "del-z")
    return [find(box, "inbox", f"del-{letter}") for letter in "xyz"]


def one_new(box: Box) -> list[str]:
    arrives(box, "dsn6")
    return []


def stands(where: str, *names: str) -> Callable[[Box], list[str]]:
    return lambda box: [find(box, where, name) for name in names]


BEFOREHAND: Final[dict[str, Callable[[Box], list[str]]]] = {
    "unknown-folder-id": gone_folder,
    "sync-one-new": one_new,
    "sync-one-moved-away": moves_away("list1"),
    "sync-read-flag": reads,
    "move-item-gone": moves_away("exim1"),
    "move-item-bulk-one-gone": moves_away("dsn2"),
    "update-item-is-read": all_back,
    "move-to-trash-by-move": stands("inbox", "del-z"),
    "update-item-gone": moves_away("reply1"),
    "delete-to-deleted-items": three_arrive,
    "delete-soft": stands("deleteditems", "del-x"),
    "delete-soft-by-item": stands("deleteditems", "del-y"),
    "delete-hard": stands("deleteditems", "del-z"),
    "copy-item": stands("inbox", "human1"),
    "move-item-to-deleted-folder": stands("inbox", "reply1"),
}
"""What was done unrecorded before a scenario; returns the ids that only its requests name, in their order."""


# --- replaying

_ID: Final = re.compile(r'(?:(?<=:ItemId Id=")|(?<=:FolderId Id=")|(?<=:AttachmentId Id="))[^"]+')
_STATE: Final = re.compile(r"(?<=<m:SyncState>)[^<]+(?=</m:SyncState>)")


@dataclass
class Replay:
    """Our server in the place of the recorded one."""

    server: EwsServer
    known: dict[str, str] = field(default_factory=dict)
    """Recorded id or sync state → ours."""
    new: list[str] = field(default_factory=list)

    def request(self, text: str) -> str:
        return _STATE.sub(self._ours, _ID.sub(self._ours, text))

    def _ours(self, found: re.Match[str]) -> str:
        if found[0] not in self.known:
            if not self.new:
                return found[0]
            self.known[found[0]] = self.new.pop(0)
        return self.known[found[0]]

    def send(
        self, text: str, *, user: str = ANN, password: str = PASSWORD
    ) -> tuple[int, bytes, dict[str, str]]:
        parts = urlsplit(self.server.endpoint)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
        try:
            token = base64.b64encode(f"{user}:{password}".encode()).decode()
            headers = {"Content-Type": "text/xml", "Authorization": f"Basic {token}"}
            connection.request("POST", parts.path, text.encode(), headers)
            answer = connection.getresponse()
            return answer.status, answer.read(), dict(answer.getheaders())
        finally:
            connection.close()

    def learn(self, recorded: etree._Element, ours: etree._Element) -> None:
        """Which of our ids stands for which of theirs."""
        for theirs, own in zip(recorded.iter(), ours.iter(), strict=False):
            if theirs.get("Id") and own.get("Id"):
                self.known[theirs.get("Id")] = own.get("Id")
            if theirs.tag == M + "SyncState" and theirs.text and own.text:
                self.known[theirs.text] = own.text


def looks(element: etree._Element, depth: int = 0) -> Iterator[str]:
    """The answer line by line, without what is each server's own."""
    name = etree.QName(element).localname
    given = " ".join(
        f"{key}={value}" if key in ATTRIBUTES or key == "HeaderName" else key
        for key, value in sorted(element.attrib.items())
        if not key.startswith("{")
    )
    text = "" if name in OWN or len(element) else (element.text or "").strip()
    yield f"{'  ' * depth}{name} {given} {text}".rstrip()
    for child in element:
        yield from looks(child, depth + 1)


def answer(text: bytes | str) -> etree._Element:
    raw = text if isinstance(text, bytes) else text.encode()
    found = etree.fromstring(raw)
    return next(child for child in found if child.tag.endswith("}Body"))


def test_the_server_answers_as_the_recorded_one_did() -> None:
    paths = sorted((folder() / "exchanges").glob("[0-9]*.json"))
    different: dict[str, str] = {}
    replayed = 0
    with EwsServer() as server:
        fill(server, scenario(folder() / "exchanges" / "86-large-folder-listing.json"))
        replay = Replay(server)
        for path in paths:
            found = scenario(path)
            name = found["scenario"]
            replay.new = BEFOREHAND[name](server.boxes[ANN]) if name in BEFOREHAND else []
            if name in APART:
                continue
            for at, exchange in enumerate(found["exchanges"]):
                why = _difference(replay, exchange, found["mailbox"])
                replayed += 1
                if why:
                    different.setdefault(name, f"{exchange['operation']} {at}: {why}")
    report = "\n".join(f"{name}: {why}" for name, why in different.items())
    assert not different, f"{len(different)} of {len(paths)} differ:\n{report}"
    assert replayed >= 100


def _difference(replay: Replay, exchange: dict[str, Any], mailbox: str) -> str:
    user = mailbox if mailbox.startswith("wide") else ANN
    status, body, _ = replay.send(replay.request(body_of(exchange["request"])), user=user)
    recorded = exchange["response"]
    if status != recorded["status"]:
        return f"HTTP {status} instead of {recorded['status']}"
    theirs, ours = answer(body_of(recorded)), answer(body)
    replay.learn(theirs, ours)
    expected, given = list(looks(theirs)), list(looks(ours))
    for at, (wanted, got) in enumerate(zip(expected, given, strict=False)):
        if wanted != got:
            return f"line {at}: {got.strip()!r} instead of {wanted.strip()!r}"
    return "" if len(expected) == len(given) else f"{len(given)} lines instead of {len(expected)}"


def test_a_difference_is_seen() -> None:
    """The comparison above can fail: another error, another number of items."""
    with EwsServer() as server:
        fill(server, scenario(folder() / "exchanges" / "86-large-folder-listing.json"))
        path = folder() / "exchanges" / "28-find-item-only.json"
        exchange = scenario(path)["exchanges"][0]
        assert not _difference(Replay(server), exchange, ANN)
        server.boxes[ANN].deliver(INBOX[0][1])
        assert "TotalItemsInView=12" in _difference(Replay(server), exchange, ANN)
        server.fault(refuses("ErrorAccessDenied"))
        assert "ResponseClass=Error" in _difference(Replay(server), exchange, ANN)


def test_who_does_not_sign_in() -> None:
    with EwsServer() as server:
        fill(server, scenario(folder() / "exchanges" / "86-large-folder-listing.json"))
        for name in ("02-first-use-auth-type-unknown", "08-wrong-password"):
            recorded = scenario(folder() / "exchanges" / f"{name}.json")["exchanges"][0]
            replay = Replay(server)
            status, _, headers = replay.send(body_of(recorded["request"]), password="wrong")
            assert status == recorded["response"]["status"] == 401
            theirs = recorded["response"]["headers"]["WWW-Authenticate"]
            assert headers["WWW-Authenticate"].split()[0] == theirs.split()[0] == "Basic"
        assert server.requests() == 0


# --- faults as documented

MOVE: Final = "ErrorMailboxMoveInProgress"
DENIED: Final = "ErrorAccessDenied"

FAULTS: Final[dict[str, Fault | None]] = {
    "server-busy-fault": busy(back_off=297749),
    "server-busy-fault-no-hint": busy(back_off=None),
    "server-busy-in-response": busy_message(back_off=30000),
    "internal-error-inner-busy": busy_inside(),
    "exceeded-connection-count": too_many_connections(),
    "http-503-retry-after": http_fault(503, retry_after=30),
    "http-503-html": http_fault(503, close=True),
    "http-429-retry-after": http_fault(429, retry_after=60),
    "http-429-connection-close": http_fault(429, retry_after=60, close=True),
    "mailbox-move-in-progress": refuses(MOVE),
    "mailbox-move-in-progress-bulk": item_fails(1, MOVE),
    "mailbox-store-unavailable": refuses("ErrorMailboxStoreUnavailable"),
    "access-denied": refuses(DENIED),
    "access-denied-move": item_fails(1, DENIED),
    "non-existent-mailbox-in-response": None,
    "non-existent-mailbox-fault": None,
    "impersonate-user-denied": None,
    "item-not-found": None,
    "folder-not-found": None,
    "find-folder-nothing": None,
    "invalid-sync-state": None,
}
"""Documented answer → what lets it happen; `None`: the server's state alone, with Exchange's ways."""


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_looks_as_documented(name: str) -> None:
    (path,) = (folder() / "exchanges").glob(f"doc-[0-9][0-9]-{name}.json")
    (exchange,) = scenario(path)["exchanges"]
    with EwsServer(ways=Ways.EXCHANGE) as server:
        box = server.add_mailbox(ANN)
        server.add_mailbox("bob@ews.test")
        ids = [box.deliver(INBOX[at][1]) for at in range(3)]
        replay = Replay(server, {f"AAMk{at + 1}=": id for at, id in enumerate(ids)})
        replay.known["AQMkFolder="] = box.make("Backscatter")
        if name == "item-not-found":
            box.delete(ids[0])
        if name in ("folder-not-found", "find-folder-nothing"):
            box.drop("Backscatter")
        fault = FAULTS[name]
        if fault is not None:
            server.fault(replace(fault))
        asked = _asked(name, replay.request(body_of(exchange["request"])))
        status, body, headers = replay.send(asked)
    recorded = exchange["response"]
    assert status == recorded["status"]
    for header in ("Retry-After", "Connection"):
        assert headers.get(header) == recorded["headers"].get(header)
    if "<?xml" not in body_of(recorded):
        return
    theirs, ours = (
        [line for line in looks(answer(text)) if "Subject" not in line] for text in (body_of(recorded), body)
    )
    assert ours == theirs


LISTED: Final = [
    name
    for name, fault in FAULTS.items()
    if fault is not None
    and name not in ("access-denied", "access-denied-move", "mailbox-move-in-progress-bulk")
]
"""Those that were fed to a listing of the Inbox."""


@pytest.mark.parametrize("name", LISTED)
def test_exchangelib_takes_a_fault_as_it_took_the_documented_one(name: str) -> None:
    (path,) = (folder() / "exchanges").glob(f"doc-[0-9][0-9]-{name}.json")
    found = scenario(path)
    assert found["call"] == ["list(account.inbox.all().only('subject'))"]
    expected = found["with_fail_fast"]["raises"]
    with EwsServer(ways=Ways.EXCHANGE) as server:
        server.add_mailbox(ANN)
        credentials = Credentials(ANN, PASSWORD)
        config = Configuration(service_endpoint=server.endpoint, credentials=credentials, auth_type=BASIC)
        account = Account(ANN, config=config, autodiscover=False, access_type=DELEGATE)
        inbox = account.inbox
        server.fault(replace(FAULTS[name] or Fault(Kind.NONE), operation="FindItem", times=1))
        with pytest.raises(EWSError) as caught:
            list(inbox.all().only("subject"))
    CachingProtocol.clear_cache()
    assert type(caught.value).__name__ == expected["class"].rpartition(".")[2]
    if "back_off" in expected:
        assert getattr(caught.value, "back_off", None) == expected["back_off"]


def _asked(name: str, request: str) -> str:
    """The documented answers about mailboxes were fed to requests about Ann's; who asks for another's gets them."""
    other = {"impersonate-user-denied": "bob@ews.test", "non-existent-mailbox-fault": "nobody@ews.test"}.get(
        name
    )
    if other is not None:
        whom = f"<t:ConnectingSID><t:PrimarySmtpAddress>{other}</t:PrimarySmtpAddress></t:ConnectingSID>"
        header = f"<t:ExchangeImpersonation>{whom}</t:ExchangeImpersonation></s:Header>"
        return request.replace("</s:Header>", header)
    if name == "non-existent-mailbox-in-response":
        return request.replace(ANN, "nobody@ews.test")
    return request
