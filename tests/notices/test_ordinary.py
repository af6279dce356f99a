"""Mail that speaks of notices, or looks like them: what persons, services and machines write is none."""

from __future__ import annotations

from typing import Final

import pytest

from cleaner.values import Kind
from tests.notices.letters import ANN, BOB, CARL, SENT, parts, read

REFUSED: Final = "<bob@far.example>: 550 5.1.1 user unknown\n"
AUTO: Final = "Auto-Submitted: auto-generated\n"
LIST: Final = "List-Id: <sailors.lists.far.example>\nPrecedence: list\n"
QUOTED: Final = "".join(f"> {line}\n" for line in f"{REFUSED}\n{SENT}".splitlines())


@pytest.mark.parametrize(
    ("author", "subject", "body", "more"),
    [
        # a person asks, passes on, answers, explains
        (CARL, "Undelivered Mail Returned to Sender - what is this?", f"I got {REFUSED}What now?", ""),
        (CARL, "Mail delivery failed", "Mine to bob@far.example came back: 550 5.1.1 no such user.", ""),
        (CARL, "Mail delivery failed", f"Mine came back:\n\nbob@far.example: 550 5.1.1 no\n\n{SENT}", ""),
        (CARL, "Problem", f"Look at this:\n\n{QUOTED}", ""),
        (CARL, "Fwd: Undelivered Mail Returned to Sender", f"Hi, look:\n\n{REFUSED}", ""),
        (BOB, "Your mail was returned", f"Yours to carol@far.example bounced with 550 5.1.1:\n\n{SENT}", ""),
        ("Postmaster <postmaster@far.example>", "Re: Undeliverable", REFUSED, "In-Reply-To: <a@harbor.example>\n"),
        # of answers and absences too
        (CARL, "Re: Automatic reply: Tide tables", "Thanks, I wait.", "In-Reply-To: <a@far.example>\n"),
        (CARL, "RE: Out of office: Tide tables", "ok", "In-Reply-To: <a@far.example>\n"),
        (CARL, "Fwd: Automatic reply: Tide tables", "FYI Bob is away", ""),
        (CARL, "Out of office next week", "Please stand in for me.", ""),
        (CARL, "I am out of the office tomorrow", "See you on Monday.", ""),
        (CARL, "Vacation plans", "Shall we go to the isle?", ""),
        ("IT <it@harbor.example>", "How to set your automatic reply", "Go to settings.", ""),
        ("IT <it@harbor.example>", "Automatic reply settings have changed", "Look at yours.", ""),
        ("IT <it@harbor.example>", "Abwesenheitsnotiz richtig einrichten", "Einstellungen öffnen.", ""),
        # the administrator announces
        ("Systemadministrator <admin@harbor.example>", "Mailbox full: please tidy up", "Ask help@harbor.example", ""),
        ("Postmaster <postmaster@harbor.example>", "Incoming mail delayed this morning", "It is mended.", ""),
        ("Postmaster <postmaster@harbor.example>", "Zustellung verzögert", "Von 8 bis 9 Uhr (4.4.1 timeout).", ""),
        ("Office <hr@harbor.example>", "Annual leave of Carl", "He is away.", "Precedence: bulk\n"),
        # desks, trackers, builds
        ("Desk <desk@quay.example>", "[Ticket#2026110] Undelivered mail to bob@far.example", REFUSED, AUTO),
        ("Carl (Tracker) <t@quay.example>", "[OPS-12] Mail delivery failed for bob@far.example", REFUSED, AUTO),
        ("carl <n@quay.example>", "[mail] Delivery failed: returning message (#12)", REFUSED, LIST),
        ("bugzilla-daemon@quay.example", "New: Delivery failed with 550", f"carl@quay.example wrote: {REFUSED}", ""),
        ("CI <ci@quay.example>", "mailer | Failed pipeline | undelivered-mail", "deliver_test: 550", AUTO),
        # machines tell their administrators
        ("Cron Daemon <root@srv.harbor.example>", "Cron <root@srv> mailq", f"4 undelivered\n{REFUSED}", AUTO),
        ("Monitor <m@srv.harbor.example>", "PROBLEM: 50 undelivered messages", "451 4.4.1 bob@far.example", AUTO),
        ("logwatch@srv.harbor.example", "Logwatch for srv", f"Rejected: 5 {REFUSED}Bounced 4", ""),
        ("root <root@srv.harbor.example>", "Postfix log summary: delivery failures", REFUSED, ""),
        ("Scanner <alert@quay.example>", "Malware detected on PC-12", "infected file removed", AUTO),
        ("Security News <news@quay.example>", "New virus outbreak", "Update your scanner.", AUTO),
        # lists and newsletters
        ("sailors-request@lists.far.example", "sailors Digest, Vol 3: Undelivered Mail", REFUSED, LIST),
        (BOB, "[sailors] Undelivered Mail Returned to Sender?", f"I see {REFUSED}", LIST),
        ("Mail Weekly <news@quay.example>", "Undelivered mail: ten reasons", "550 5.1.1 https://quay.example/1", ""),
        # what was not delivered is no mail
        ("Parcels <p@parcel.example>", "Your parcel could not be delivered", "Ask help@parcel.example", AUTO),
        ("Fax <fax@harbor.example>", "Fax could not be delivered to +49 550 123", "busy", AUTO),
        ("Shop <orders@quay.example>", "Your order was rejected", "550 EUR; ask help@quay.example", AUTO),
        ("Quay <q@quay.example>", "Please confirm your email", "Your account is waiting: https://quay.example/c", AUTO),
    ],
)  # fmt: skip
def test_what_persons_and_services_write_is_no_notice(
    author: str, subject: str, body: str, more: str
) -> None:
    path = author.rpartition("<")[2].strip("<>")
    assert read(author, subject, body, path=path, more=more).kind is Kind.NOT_A_BOUNCE


@pytest.mark.parametrize(
    ("author", "subject", "body"),
    [
        ("Parcels <p@parcel.example>", "Delivery failed: parcel 5500123", "Ask help@parcel.example"),
        ("Paketdienst <p@parcel.example>", "Ihr Paket konnte nicht zugestellt werden", "Tel. 550 123"),
        ("Colis <p@parcel.example>", "Échec de livraison de votre colis", "Contactez aide@parcel.example"),
        ("Desk <desk@quay.example>", "[Ticket#2026110] Undelivered mail to bob@far.example", REFUSED),
        ("root@srv.harbor.example (Cron Daemon)", "Cron <root@srv> send.sh", "sent to bob@far.example\n"),
        ("Bank <b@bank.example>", "Payment returned: address not found", "IBAN 550; ask help@bank.example"),
        ("Books <b@quay.example>", "Invoice 17 was rejected", "It was rejected by bob@far.example"),
        ("Git <git@quay.example>", "Merge request was rejected", "by bob@far.example, see line 550"),
        ("Status <s@quay.example>", "Email delivery delays", "Some mails were delayed (451 4.4.1)."),
        ("Room <room@harbor.example>", "Declined: review", "It is booked."),
        ("Backup <backup@srv.harbor.example>", "Backup failed: error 550", "ftp 550 5.0.0"),
        ("PBX <pbx@harbor.example>", "New voice message from 550 123", "5550123"),
        ("Quay <q@quay.example>", "Please verify your account", "It is waiting: https://quay.example/c"),
        ("Quay <q@quay.example>", "Reset your password", "https://quay.example/r/550"),
    ],
)
def test_an_empty_envelope_sender_alone_makes_no_notice(author: str, subject: str, body: str) -> None:
    """Services send so too, not to hear of what cannot be delivered."""
    assert read(author, subject, body, more=AUTO).kind is Kind.NOT_A_BOUNCE


def test_a_report_that_a_person_attaches_is_his() -> None:
    inner = f"Return-Path: <>\nFrom: MAILER-DAEMON@far.example\nTo: {ANN}\nSubject: Undelivered\n\n{REFUSED}"
    body = parts(("text/plain", "See the attachment"), ("message/rfc822", inner))
    sent = {"path": "carl@harbor.example", "kind": "multipart/mixed; boundary=b"}
    assert read(CARL, "Mail delivery failed", body, **sent).kind is Kind.NOT_A_BOUNCE


@pytest.mark.parametrize(
    ("subject", "more", "kind"),
    [
        ("Automatic reply", "", Kind.AUTOREPLY),
        ("Automatic reply: Tide tables", "", Kind.AUTOREPLY),
        ("[EXTERNAL] Out of Office AutoReply: Tide tables", "", Kind.AUTOREPLY),
        ("Out of office", "", Kind.AUTOREPLY),
        ("Automatic reply Re: Tide tables", "", Kind.AUTOREPLY),
        ('Automatic reply to "Tide tables"', "", Kind.AUTOREPLY),
        ("Auto-reply from bob@far.example", "", Kind.AUTOREPLY),
        ("自动回复：Tide tables", "", Kind.AUTOREPLY),
        ("【自动回复】Tide tables", "", Kind.AUTOREPLY),
        ("Automatic reply to your questions", "", Kind.NOT_A_BOUNCE),
        ("Bob is out of office", "Precedence: bulk\n", Kind.AUTOREPLY),
        ("Bob is out of office", "In-Reply-To: <tide.1@harbor.example>\n", Kind.AUTOREPLY),
        ("Re: Automatic reply", "Precedence: junk\n", Kind.AUTOREPLY),
        ("Bob is out of office", "", Kind.NOT_A_BOUNCE),
        ("Bob is out of office", LIST, Kind.NOT_A_BOUNCE),
        ("Re: Automatic reply", "In-Reply-To: <tide.1@harbor.example>\n", Kind.NOT_A_BOUNCE),
        ("[#4711] Bob is out of office", AUTO, Kind.NOT_A_BOUNCE),
    ],
)
def test_a_subject_that_names_an_answer(subject: str, more: str, kind: Kind) -> None:
    assert read(BOB, subject, "I am away.", path="bob@far.example", more=more).kind is kind


def test_a_report_on_an_answer_is_a_report() -> None:
    said = "Not delivered:\n\nbob@far.example\n550 5.1.1 no\n"
    gate = "Gate <gate@mx.far.example>"
    assert read(gate, "Undeliverable: Automatic reply: Tide tables", said).kind is Kind.NDR
    assert read(BOB, "Automatic reply: Undeliverable: Tide tables", said).kind is Kind.AUTOREPLY


@pytest.mark.parametrize(
    ("author", "subject", "body"),
    [
        ("Systemadministrator <admin@harbor.example>", "Mailbox full: please tidy up", "Ask us."),
        ("Postmaster <postmaster@harbor.example>", "Incoming mail delayed this morning", "It is mended."),
        (CARL, "Mail delivery failed", f"Mine came back:\n\nbob@far.example: 550 5.1.1 no\n\n{SENT}"),
    ],
)
def test_colleagues_are_known_without_an_envelope_too(author: str, subject: str, body: str) -> None:
    assert read(author, subject, body, path=None).kind is Kind.NOT_A_BOUNCE


def test_a_postmaster_who_answers_is_a_person_unless_he_names_whom_he_could_not_reach() -> None:
    author, more = "Postmaster <postmaster@far.example>", "In-Reply-To: <tide.1@harbor.example>\n"
    said = "You wrote to bob@far.example, who was renamed: 550 5.1.1 is right."
    assert (
        read(author, "Re: Undeliverable", "Bob was renamed.", path=None, more=more).kind is Kind.NOT_A_BOUNCE
    )
    assert (
        read(author, "Re: Undeliverable", said, path="postmaster@far.example", more=more).kind
        is Kind.NOT_A_BOUNCE
    )
    assert read(author, "Re: Tide tables", REFUSED, path=None, more=more).kind is Kind.NDR
