"""
Systems and languages that nobody listed are read from structure; what only speaks of a failure is not.

Each row is a report in a manner that no reader knows by name, or a near miss of one.
"""

from __future__ import annotations

from typing import Final

import pytest

from cleaner import notices
from cleaner.values import Message, Notice

FIELDS: Final = (
    "Message-ID: <tide.1@harbor.example>\nFrom: Ann <ann@harbor.example>\nTo: Bob <bob@far.example>\n"
    "Subject: Tide tables\nDate: Mon, 2 Nov 2026 10:10:00 +0000\n"
)
MAIL: Final = (
    f"Received: from desk by mx.harbor.example; Mon, 2 Nov 2026 10:10:00 +0000\n{FIELDS}\nHere they are.\n"
)
BOB: Final = ["bob@far.example"]


def written(
    author: str,
    subject: str,
    text: str,
    *,
    path: str | None = "<>",
    fields: str = "",
    back: tuple[str, str] | None = None,
    to: str = "ann@harbor.example",
) -> bytes:
    """A message as it arrives; `back` is the type and content of a second part."""
    head = f"From: {author}\nTo: {to}\nSubject: {subject}\nDate: Mon, 2 Nov 2026 10:15:00 +0000\n{fields}"
    head = head if path is None else f"Return-Path: {path}\n{head}"
    if back is None:
        return f"{head}Content-Type: text/plain; charset=utf-8\n\n{text}".encode()
    parts = f"--b\nContent-Type: text/plain; charset=utf-8\n\n{text}\n--b\nContent-Type: {back[0]}\n\n{back[1]}\n--b--\n"
    return f"{head}Content-Type: multipart/mixed; boundary=b\n\n{parts}".encode()


def read(raw: bytes) -> Notice:
    return notices.read(Message("INBOX", "1", raw))


WHOLE: Final = ("message/rfc822", MAIL)
DAEMON: Final = "mailer-daemon@far.example"
BY_HAND: Final = "<postmaster@harbor.example>"

# name → the message, its kind, the recipients, the status of the first
FORMS: Final = {
    "icelandic": (
        written(
            "postmaster@far.example",
            "Bréfið komst ekki til skila",
            f"Bréfið komst ekki til:\n\n  bob@far.example\n  550 5.1.1 Notandi óþekktur\n\nBréfið:\n\n{MAIL}",
        ),
        ("ndr", BOB, "5.1.1"),
    ),
    "swahili, no code": (
        written("postmaster@far.example", "Barua yako", "Haikufika kwa:\n\n   bob@far.example\n", back=WHOLE),
        ("ndr", BOB, None),
    ),
    "armenian, nothing back": (
        written(DAEMON, "Նամակը տեղ չի հասել", "Նամակը չհասավ:\n\n<bob@far.example>:\n550 5.1.1 չկա\n"),
        ("ndr", BOB, "5.1.1"),
    ),
    "chinese, an address in a sentence without spaces": (
        written(
            "PostMaster@far.example",
            "退信",
            "收件人邮件地址（bob@far.example）不存在。\n550 5.1.1 no\n",
            back=WHOLE,
        ),
        ("ndr", BOB, "5.1.1"),
    ),
    "korean, a particle behind the address": (
        written(DAEMON, "배달 실패", "bob@far.example에게 보낼 수 없습니다.\n", back=WHOLE),
        ("ndr", BOB, None),
    ),
    "greek gateway, no daemon, quoted fields": (
        written(
            "noreply@gate.far.example",
            "Αποτυχία παράδοσης",
            "Το μήνυμα δεν παραδόθηκε\n\nbob@far.example: 550 5.7.1 όχι\n\n"
            + "".join(f"> {line}\n" for line in FIELDS.splitlines()),
        ),
        ("ndr", BOB, "5.7.1"),
    ),
    "a daemon known only by its name": (
        written(
            '"System Administrator"@far.example',
            "Gone wrong",
            "Failed Recipient: bob@far.example\n550 no user",
        ),
        ("ndr", BOB, None),
    ),
    "a server without address": (
        written(
            '"Mail server at mx" <@>', "Notice", f"UNDELIVERABLE\n\n<bob@far.example>:\n550 no\n\n{MAIL}"
        ),
        ("ndr", BOB, None),
    ),
    "an answer to an envelope": (
        written(
            "gate@far.example",
            "RE: Tide tables: non remis",
            "N'a pas pu être remis à\nbob@far.example\n",
            path=None,
            to="tides-bounces@harbor.example",
        ),
        ("ndr", BOB, None),
    ),
    "addresses expanded on the way": (
        written(
            DAEMON,
            "Returned mail",
            f"Failed:\nrobert@isle.example\n    (expanded from: <bob@far.example>)\n\n{MAIL}",
        ),
        ("ndr", ["robert@isle.example"], None),
    ),
    "tried again, under a title of failure": (
        written(
            "gate@far.example",
            "Delivery failure",
            "Not delivered yet to:\n\nbob@far.example\n\nWe will try again.\n",
        ),
        ("delay", BOB, None),
    ),
    "given up, with the words of one that goes on": (
        written(
            DAEMON,
            "Zustellung",
            "Die Zustellung an\n\nbob@far.example\n\nwird nicht erneut versucht. 5.4.7\n",
        ),
        ("ndr", BOB, "5.4.7"),
    ),
    "not delivered, with the word for delivered": (
        written("postmaster@far.example", "No entregado: Tide tables", "No llegó a:\n\nbob@far.example\n"),
        ("ndr", BOB, None),
    ),
    "a program that speaks for itself, and returns our fields": (
        written(
            "robot@far.example",
            "Undeliverable: Tide tables",
            f"Recipient: bob@far.example\n\n{FIELDS}",
            path="<robot@far.example>",
        ),
        ("ndr", BOB, None),
    ),
    "an answer that no person sent": (
        written(
            "bob@far.example", "Re: Tide tables", "კარგი.\n", fields="In-Reply-To: <tide.1@harbor.example>\n"
        ),
        ("autoreply", [], None),
    ),
    "delivered, in words": (
        written(
            "postmaster@far.example", "Delivered: Tide tables", "It was delivered to:\n\nbob@far.example\n"
        ),
        ("success", BOB, None),
    ),
    "vietnamese, nothing known but who speaks and who is named": (
        written(DAEMON, "Thư trả về", "Thư của bạn không tới được bob@far.example.\n"),
        ("ndr", BOB, None),
    ),
    "the words of an HTML report run over its elements": (
        written(
            "postmaster@far.example",
            "Levering mislukt",
            "<html><body><p>Uw bericht aan <b>bob@far.example</b>\nkon niet worden bezorgd.<br>\n550 5.1.1 x</p>"
            + FIELDS.replace("<", "&lt;").replace(">", "&gt;").replace("\n", "<br>\n"),
        ).replace(b"text/plain", b"text/html"),
        ("ndr", BOB, "5.1.1"),
    ),
    "an answer that names a colleague and a code": (
        written(
            "bob@far.example",
            "Out of office: Undelivered",
            "I have left; my mail is not delivered (550 5.1.1). Write to carol@far.example.\n",
            fields="Auto-Submitted: auto-replied\n",
        ),
        ("autoreply", [], None),
    ),
    "Exchange, away, in a language that nobody listed": (
        written(
            "bob@far.example", "Fjarverandi: Tide tables", "Frí.\n", fields="X-Auto-Response-Suppress: All\n"
        ),
        ("autoreply", [], None),
    ),
    "a filter known only by its name": (
        written('"MailScanner" <postmaster@far.example>', "Viðvörun", "Skráin var fjarlægð.\n"),
        ("av-notice", [], None),
    ),
    "no title, no code, a wrong user": (
        written("<>", "", "You sent mail to bob@far.example. That is not a valid user here.\n"),
        ("ndr", BOB, None),
    ),
    "a person away in a language that nobody listed": (
        written("bob@far.example", "Re: Tide tables", "Ég er í fríi.\n", fields="Precedence: bulk\n"),
        ("autoreply", [], None),
    ),
    "a list manager without familiar words": (
        written('"List server" <LISTSERV@FAR.EXAMPLE>', "Tides: ekki leyft", "Bréfið fer ekki á listann.\n"),
        ("list-notice", [], None),
    ),
    "a worm that writes with a mail program": (
        written(
            '"Post Office" <noreply@harbor.example>',
            "Returned mail: see transcript",
            "",
            path="<noreply@harbor.example>",
            fields="X-Mailer: Microsoft Outlook Express 6.00\n",
        ),
        ("ndr-phish", [], None),
    ),
}

NEAR: Final = {
    "a postmaster's letter": written(
        f"Postmaster {BY_HAND}",
        "Maintenance on Sunday",
        "The server will be moved. Questions to help@harbor.example or phone 555 1234.\n",
        path=BY_HAND,
    ),
    "a postmaster's answer": written(
        f"Postmaster {BY_HAND}",
        "Re: my mails to Bob fail",
        "The log says bob@far.example: 550 5.1.1. He has left.\n",
        path=BY_HAND,
        fields="In-Reply-To: <q.1@harbor.example>\n",
    ),
    "a summary of a log": written(
        "root <postmaster@harbor.example>",
        "Log summary",
        "deferred: timed out bob@far.example\n550 5.1.1 rejected 3\n",
        path="<root@harbor.example>",
    ),
    "a quarantine of one's own server": written(
        f"Postmaster {BY_HAND}", "Quarantine summary", "3 held: https://mail.harbor.example/q\n", path=BY_HAND
    ),
    "a ticket": written(
        "support@desk.example",
        "[#1234] Undelivered mail to Bob",
        "bob@far.example bounced: 550 5.1.1\nhttps://desk.example/1234\n",
        path="<support@desk.example>",
        fields="Auto-Submitted: auto-generated\n",
    ),
    "spam with a null sender": written(
        '"" <>', "You too can make thousands", "Write to bob@far.example, or call 555 1234.\n"
    ),
    "a question to a list": written(
        "carol@isle.example",
        "Mail delivery failed: how do I debug it?",
        "I get\n\n550 5.1.1 <bob@far.example> unknown\n",
        path="<users-bounces@lists.example>",
        fields="List-Id: <users.lists.example>\nPrecedence: list\n",
    ),
    "a warning of one's own server": written(
        "postmaster@harbor.example", "Tilkynning", "Pósthólfið er að fyllast. Spyrjið hjalp@harbor.example.\n"
    ),
    "mail that a rule of Exchange passes on": written(
        "bob@far.example",
        "Vs: Tide tables",
        "Here.\n",
        path="<bob@far.example>",
        fields="X-MS-Exchange-Inbox-Rules-Loop: carol@far.example\n",
    ),
    "spam with a null sender and a precedence": written(
        "offers@far.example", "Save energy", "https://far.example/now\n", fields="Precedence: bulk\n"
    ),
    "a digest of one's own gateway": written(
        "postmaster@harbor.example",
        "Daily digest: 4 blocked messages",
        "From: spam@isle.example\nhttps://gate.harbor.example/release?to=ann@harbor.example\n",
    ),
    "an order": written(
        "no-reply@shop.example",
        "Your order 550",
        "Questions to help@shop.example\nhttps://shop.example/1\n",
        path="<bounce-1@shop.example>",
        fields="Auto-Submitted: auto-generated\nX-Auto-Response-Suppress: All\n",
    ),
    "a parcel": written(
        '"Post Office" <noreply@post.example>',
        "Delivery failure: your parcel 550",
        "We could not deliver to Harbour Road. Contact help@post.example.\n",
        path="<noreply@post.example>",
    ),
    "a report pasted into a letter": written(
        "carol@harbor.example",
        "Fwd: Undelivered Mail",
        f"What is this?\n\n<bob@far.example>: 550 5.1.1 no\n\n{MAIL}",
        path="<carol@harbor.example>",
    ),
}


@pytest.mark.parametrize("name", FORMS)
def test_reads_what_nobody_listed(name: str) -> None:
    raw, (kind, recipients, status) = FORMS[name]
    notice = read(raw)
    assert notice.kind.value == kind
    assert [found.address for found in notice.recipients] == recipients
    assert (notice.recipients[0].status if notice.recipients else None) == status
    if b"tide.1@harbor.example" in raw and kind != "autoreply":
        assert notice.returned.message_id == "<tide.1@harbor.example>"


@pytest.mark.parametrize("name", NEAR)
def test_what_only_speaks_of_a_failure_is_none(name: str) -> None:
    assert read(NEAR[name]).kind.value == "not-a-bounce"


def test_the_address_as_the_sender_wrote_it_is_kept() -> None:
    raw, _ = FORMS["addresses expanded on the way"]
    assert read(raw).recipients[0].original == "bob@far.example"


@pytest.mark.parametrize(
    ("reason", "remote"),
    [
        ("<bob@far.example>: host in.far.example[198.51.100.9] said: 550 no", "in.far.example"),
        ("<bob@far.example>: Rechner in.far.example (198.51.100.9) sagt: 550 nein", "in.far.example"),
        (
            "bob@far.example\n   by the server for far.example by in.far.example. [2001:db8::9]",
            "in.far.example",
        ),
        ("... while talking to in.far.example.:\n550 <bob@far.example> no", "in.far.example"),
        ("bob@far.example\n   <in.far.example #5.1.1 smtp; 550 no>", "in.far.example"),
        ("<bob@far.example>: 550 write to help@in.far.example [198.51.100.9]", None),
        ("<bob@far.example>: 550 in.far.example does not know him", None),
        ("<bob@far.example>: 550 no\n\nfirst.example[198.51.100.1]\nsecond.example[198.51.100.2]", None),
    ],
)
def test_the_server_that_refused_is_named_with_its_address(reason: str, remote: str | None) -> None:
    (recipient,) = read(written(DAEMON, "Undelivered", reason)).recipients
    assert (recipient.address, recipient.remote) == ("bob@far.example", remote)


def test_a_reason_may_stand_in_the_next_cell_of_a_table() -> None:
    cells = "<table><tr><td>bob@far.example</td><td>550 5.2.2 mailbox full</td></tr></table>"
    raw = written(DAEMON, "Undelivered", f"<p>Failed:</p>{cells}<p>Sorry</p>")
    (recipient,) = read(raw.replace(b"text/plain", b"text/html")).recipients
    assert (recipient.status, recipient.diagnostic) == ("5.2.2", "550 5.2.2 mailbox full")
    (other,) = read(raw.replace(b"text/plain", b"text/html").replace(b"550 5.2.2", b"")).recipients
    assert other.diagnostic is None


def test_a_recipient_may_stand_in_the_subject_alone() -> None:
    (recipient,) = read(
        written(DAEMON, "Undeliverable: bob@far.example", "550 5.1.1 no such user")
    ).recipients
    assert (recipient.address, recipient.status) == ("bob@far.example", "5.1.1")
    assert (
        read(written(DAEMON, "Undeliverable: to ann@harbor.example", "550 5.1.1 no such user")).recipients
        == ()
    )
