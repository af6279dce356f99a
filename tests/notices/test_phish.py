"""Fakes are told by whom they speak for and where they lead, so colleagues and services are left alone."""

from __future__ import annotations

from typing import Final

import pytest

from cleaner import notices
from cleaner.values import Kind, Message

ANN: Final = "ann@harbor.example"
LURE: Final = "https://portal.lagoon.example/x/"
BAIT: Final = f"{LURE}?u={ANN}"
PENDING: Final = "6 messages are pending on your mailbox"
FAKE, NONE = Kind.NDR_PHISH, Kind.NOT_A_BOUNCE


def kind(author: str, subject: str, link: str, path: str | None = None, more: str = "") -> Kind:
    """What is made of a mail with one link; its envelope sender is its author unless another is given."""
    if path is None:
        path = author.rpartition("<")[2].strip("<>")
    header = f"Return-Path: <{path}>\nFrom: {author}\nTo: {ANN}\nSubject: {subject}\n{more}"
    raw = f"{header}Content-Type: text/plain; charset=utf-8\n\nPlease look here: {link}\n".encode()
    return notices.read(Message("INBOX", "1", raw)).kind


@pytest.mark.parametrize(
    ("author", "subject", "link"),
    [
        ('"harbor.example Support" <support@lagoon.example>', PENDING, BAIT),
        ('"harbor.example Support" <support@lagoon.example>', PENDING, LURE),
        ('"ann@harbor.example" <x@isle.example>', "Pending mail", BAIT),
        ("Webmaster <webmaster@isle.example>", PENDING, BAIT),
        ("IT Support <helpdesk@harbor.example>", PENDING, BAIT),
        ("IT Support <helpdesk@harbor.example>", PENDING, f"{LURE}#YW5uQGhhcmJvci5leGFtcGxl"),
        ("IT Support <helpdesk@harbor.example>", PENDING, f"{LURE}?u=ann%2540harbor.example"),
        ("Mail Delivery System <x@isle.example>", "Undelivered mail: sync error", LURE),
        # at home with its author, but its subject or words speak of our mailbox
        (
            "IT Support <support@lagoon.example>",
            f"Undelivered messages for {ANN}",
            f"{BAIT}\n\n5 mails are pending",
        ),
        (
            "IT Support <support@lagoon.example>",
            "Held messages",
            f"{BAIT}\n\nharbor.example: 5 mails are pending",
        ),
        ("Mail Delivery Subsystem <no-reply@lagoon.example>", "Undelivered Mail Returned to Sender", BAIT),
        # whatever its subject: a mail system needs no link that knows the addressee
        ("Mail Delivery System <x@isle.example>", "Moin", BAIT),
        ("Mailzustellsystem <x@isle.example>", "Sechs Briefe warten", BAIT),
    ],
)
def test_who_speaks_for_our_mail_system_and_lures_away_is_a_fake(
    author: str, subject: str, link: str
) -> None:
    assert kind(author, subject, link) is FAKE


@pytest.mark.parametrize(
    ("author", "subject", "link"),
    [
        # colleagues
        ("Carl <carl@harbor.example>", "Order on hold", "https://shop.isle.example/o/1"),
        ("Carl <carl@harbor.example>", "Order on hold", f"https://shop.isle.example/o/1?for={ANN}"),
        ("carl@harbor.example <carl@harbor.example>", "New messages from Quay", "https://quay.example/m"),
        ("Carl <carl@harbor.example>", "Undelivered mail on harbor.example", "https://isle.example/why"),
        ("Carl <carl@harbor.example>", "Mailbox full again?", "https://isle.example/help"),
        # the help desk announces
        ("IT Support <helpdesk@harbor.example>", "Incoming mail: new filter", "https://isle.example/status"),
        ("IT-Support <it@harbor.example>", "Postfach voll: was tun?", "https://isle.example/hilfe"),
        ("Support <support@harbor.example>", "Boîte pleine: message non remis", "https://isle.example/aide"),
        ("Soporte <soporte@harbor.example>", "Retraso en el correo", "https://isle.example/ayuda"),
        ("Postmaster <postmaster@harbor.example>", "Incoming mail delayed", "https://isle.example/status"),
        ("Systemadministrator <admin@harbor.example>", "E-Mails verzögert", "https://isle.example/status"),
        ("Администратор <admin@harbor.example>", "Задержка почты", "https://isle.example/status"),
        # a newsletter of our own domain, sent by a mailing service that counts its readers
        ("Harbor News <news@harbor.example>", "New messages from the board", f"https://post.isle.example/u?e={ANN}"),
        ("Harbor News <news@harbor.example>", "Delivery problems solved", f"https://post.isle.example/u?e={ANN}"),
        # the quarantine of our own gateway
        ("Quarantine <quarantine@harbor.example>", "3 messages in quarantine", f"https://mx.harbor.example/q?u={ANN}"),
        ("Mail Delivery System <q@mx.harbor.example>", "Quarantine", f"https://q.harbor.example/q?u={ANN}"),
        ("Spam filter <digest@gate.isle.example>", "Held messages", f"https://ui.isle.example/q?u={ANN}"),
        ("Mail Delivery System <q@isle.example>", "Your mail service", f"https://ui.isle.example/q?u={ANN}"),
        # a desk that works for us, at home with its maker
        ("harbor.example Support <s@desk.example>", "Your order is on hold", f"https://h.desk.example/1?e={ANN}"),
        ("harbor.example Support <s@desk.example>", "New messages in your ticket", "https://h.desk.example/1"),
        # other people's services
        ("Parcel Support <support@quay.example>", "Your parcel could not be delivered", f"https://t.isle.example/?e={ANN}"),
        ("Notification <no-reply@quay.example>", "Delivery failed for order 12", f"https://t.isle.example/?e={ANN}"),
        ("Quay Support <support@quay.example>", "Your ticket is on hold", f"https://desk.isle.example/?e={ANN}"),
        ("Quay Support <support@quay.example>", "Reset your password", f"https://id.isle.example/?e={ANN}"),
        ("Quay Support <support@quay.example>", "New messages in #ops", f"https://quay.example/m?e={ANN}"),
        ("CI Notification <ci@quay.example>", "Build failed: mail-delivery #12", f"https://ci.quay.example/?e={ANN}"),
        ("Quay Calendar <no-reply@quay.example>", "Event on hold: dinner", f"https://cal.isle.example/?e={ANN}"),
        ("Quay Support <support@quay.example>", "Held messages", f"https://quay.example/?e={ANN}\n\nthe bot was quiet"),
        # no more than other phishing
        ("E-mail Administrator <x@isle.example>", "Your password expires", BAIT),
        ("Mail Delivery System <x@isle.example>", "Moin", "https://isle.example/a"),
    ],
)  # fmt: skip
def test_near_misses(author: str, subject: str, link: str) -> None:
    assert kind(author, subject, link) is NONE


def test_a_link_to_unsubscribe_is_no_lure() -> None:
    named = "List-Unsubscribe: <https://post.isle.example/u/1>\n"
    news = (
        "IT Support <support@harbor.example>",
        "New messages: mail news",
        f"https://post.isle.example/u?e={ANN}",
    )
    assert kind(*news) is FAKE
    assert kind(*news, more=named) is NONE


def test_a_report_that_links_to_an_explanation_is_a_report() -> None:
    author = "Mail Delivery System <postmaster@gate.isle.example>"
    text = "https://help.vendor.example/550\n\n<bob@far.example>: 550 5.1.1 no such user\n"
    assert kind(author, "Undelivered mail", text) is Kind.NDR
    assert kind(author, "Undelivered mail", "https://help.vendor.example/550") is FAKE


def test_an_office_of_ours_that_a_stranger_sends_for_is_a_fake() -> None:
    """An administrator writes from his own domain; through a mailing service he does so about no failed mail."""
    author = "Post Master <postmaster@harbor.example>"
    assert kind(author, "Undelivered mail", LURE, path="x@isle.example") is FAKE
    assert kind(author, "Undelivered mail", LURE, path="postmaster@harbor.example") is NONE


def test_an_office_of_ours_that_reports_on_our_own_mailbox_is_a_fake() -> None:
    author = "Post Master <postmaster@harbor.example>"
    text = f"{LURE}\n\n{ANN} failed: 554 5.7.1 blocked"
    assert kind(author, "Undelivered mail", text, path="staff-bounces@harbor.example") is FAKE
    assert kind(author, "Undelivered mail", text, path="postmaster@harbor.example") is NONE
    assert kind(author, "Undelivered mail", LURE, path="staff-bounces@harbor.example") is NONE


DAEMON: Final = "Mail Delivery System <MAILER-DAEMON@harbor.example>"


def sent(
    subject: str, text: str, *, file: str = "", author: str = DAEMON, more: str = "", report: str = ""
) -> Kind:
    """What is made of a mail with an empty envelope sender, a text and perhaps a file, or the status of a report."""
    header = f"Return-Path: <>\nFrom: {author}\nTo: {ANN}\nSubject: {subject}\n{more}MIME-Version: 1.0\n"
    parts = f"--b\nContent-Type: text/plain; charset=utf-8\n\n{text}\n"
    form = "multipart/mixed"
    if file:
        parts += f'--b\nContent-Type: application/octet-stream; name="{file}"\n\nx\n'
    if report:
        form = "multipart/report; report-type=delivery-status"
        parts += (
            f"--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.isle.example\n\n{report}\n"
        )
    raw = f'{header}Content-Type: {form}; boundary="b"\n\n{parts}--b--\n'.encode()
    return notices.read(Message("INBOX", "1", raw)).kind


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("Messages.htm", "Open the file."),
        ("m.svg", "Öffnen Sie die Datei."),
        ("m.zip", "Ouvrez le fichier."),
        ("m.doc.js", ""),
        ("scan.png", "Scan the QR code."),
        ("scan.jpg", "QRコードを読み取ってください。"),
    ],
)
def test_a_report_on_nobody_s_mail_with_a_form_to_open_is_a_fake(file: str, text: str) -> None:
    assert sent("Undelivered messages", text, file=file) is FAKE


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("Messages.htm", "<bob@far.example>: 550 5.1.1 unknown user"),
        ("m.zip", "bob@far.example could not be reached."),
        ("m.zip", "Error 550 5.7.1"),
        ("ATT00001.htm", "It failed."),  # what Exchange makes of the parts of a text
        ("logo.png", "It failed."),
        ("mail.txt", "It failed."),
        ("mail.eml", "It failed."),
    ],
)
def test_a_report_on_somebody_s_mail_or_with_another_file_is_none(file: str, text: str) -> None:
    assert sent("Undelivered messages", text, file=file) is not FAKE


def test_a_mail_system_that_tells_of_nobody_s_mail_and_links_is_a_fake() -> None:
    assert sent("Undelivered messages", f"Six messages wait: {LURE}") is FAKE
    assert sent("Undelivered messages", f"Six messages wait, bob@far.example: {LURE}") is not FAKE
    assert sent("Undelivered messages", "Six messages wait: https://mail.harbor.example/") is not FAKE
    assert (
        sent("Undelivered messages", f"Six wait: {LURE}", author="Postmaster <postmaster@isle.example>")
        is not FAKE
    )


def test_a_report_that_names_the_failed_may_link_to_more_with_the_sender_s_address() -> None:
    """Policies are explained so: the link says whose mail was refused."""
    failed = "Final-Recipient: rfc822; bob@far.example\nAction: failed\nStatus: 5.7.1"
    why = f"http://why.isle.example/?id={ANN}"
    assert sent("Undelivered mail", f"<bob@far.example>: 550 5.7.1 see {why}", report=failed) is Kind.NDR
    assert sent("Undelivered mail", f"550 5.7.1 see {why}", report=failed) is FAKE
    blamed = f"Your mailbox {ANN} is not verified. <bob@far.example>: 550 5.7.1\n{why}"
    assert sent("Undelivered mail", blamed, report=failed) is FAKE


def test_a_desk_that_acknowledges_a_request_is_none() -> None:
    desk = ("Harbor Support <support@harbor.example>", "Undelivered mail: we look into it", BAIT)
    assert kind(*desk) is FAKE
    assert kind(*desk, more="Auto-Submitted: auto-replied\n") is not FAKE


@pytest.mark.parametrize(
    "subject",
    [
        "Ihr Postfach ist voll: zurückgehaltene Nachrichten",
        "Boîte pleine : messages retenus",
        "Buzón lleno: mensajes pendientes",
        "Casella piena: messaggi in attesa",
        "Caixa cheia: mensagens pendentes",
        "Mailbox vol: wachtende berichten",
        "Skrzynka pełna: oczekujące wiadomości",
        "Schránka je plná: čekající zprávy",
        "Brevlådan är full: väntande meddelanden",
        "Posta kutusu dolu: bekleyen ileti",
        "Ящик переполнен: ожидающие сообщения",
        "メールボックスがいっぱいです: 保留中のメール",
        "邮箱已满: 待处理邮件",
        "편지함이 가득 찼습니다: 보류 중인 메일",
    ],
)
def test_held_mail_is_named_in_many_languages(subject: str) -> None:
    assert kind("IT <helpdesk@harbor.example>", subject, BAIT) is FAKE
    assert kind("Carl <carl@harbor.example>", subject, LURE) is not FAKE


@pytest.mark.parametrize("host", ["a\u2100b.example", "[", "[::1", "@", "", ":99999", "\u2488.example"])
def test_any_link_is_read(host: str) -> None:
    assert kind("Mail Delivery System <x@isle.example>", "Moin", f"https://{host}/a?u={ANN}") in (FAKE, NONE)
