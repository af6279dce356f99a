"""Events of Amazon SES, mailed by Amazon SNS, are read like the reports that they stand for."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from cleaner import notices
from cleaner.values import Completeness, Message, Notice

MAIL: Final = {
    "source": "ann@harbor.example",
    "destination": ["bob@far.example"],
    "headersTruncated": False,
    "headers": [
        {"name": "From", "value": "Ann <ann@harbor.example>"},
        {"name": "To", "value": "bob@far.example"},
        {"name": "Message-ID", "value": "<tide.1@harbor.example>"},
        {"name": "Subject", "value": "Tide tables"},
        {"name": "Broken", "value": "a\r\nInjected: b"},
    ],
}
BOUNCED: Final = {
    "bouncedRecipients": [
        {
            "emailAddress": "bob@far.example",
            "action": "failed",
            "status": "5.1.1",
            "diagnosticCode": "smtp; 550 5.1.1 no",
        }
    ],
    "reportingMTA": "dns; out.ses.example",
}


def read(body: str, fields: str = "x-amz-sns-message-id: 1\n") -> Notice:
    head = f"From: Alerts <no-reply@sns.example>\nTo: ann@harbor.example\nSubject: AWS Notification Message\n{fields}"
    return notices.read(Message("INBOX", "1", f"{head}Content-Type: text/plain\n\n{body}".encode()))


def event(name: str, told: dict[str, Any], key: str = "notificationType") -> str:
    return json.dumps({key: name, name[0].lower() + name[1:]: told, "mail": MAIL})


FOOTER: Final = "\n\n--\nIf you wish to stop receiving notifications, visit https://sns.example/unsubscribe\n"


@pytest.mark.parametrize(
    ("body", "kind", "status", "action"),
    [
        (event("Bounce", BOUNCED), "ndr", "5.1.1", "failed"),
        (event("Bounce", BOUNCED) + FOOTER, "ndr", "5.1.1", "failed"),
        (json.dumps({"Type": "Notification", "Message": event("Bounce", BOUNCED)}), "ndr", "5.1.1", "failed"),
        (event("Bounce", BOUNCED).replace('"5.1.1"', '"5.1!\r\n .1"'), "ndr", "5.1.1", "failed"),
        (event("Reject", {"reason": "Bad content"}, "eventType"), "ndr", None, "failed"),
        (
            event(
                "DeliveryDelay",
                {"delayedRecipients": [{"emailAddress": "bob@far.example", "status": "4.4.1"}]},
            ),
            "delay",
            "4.4.1",
            "delayed",
        ),
        (
            event("Delivery", {"recipients": ["bob@far.example"], "smtpResponse": "250 2.6.0 OK"}),
            "success",
            "2.6.0",
            "delivered",
        ),
        (
            event("Complaint", {"complainedRecipients": [{"emailAddress": "bob@far.example"}]}),
            "arf",
            None,
            None,
        ),
    ],
)
def test_reads_every_event(body: str, kind: str, status: str | None, action: str | None) -> None:
    notice = read(body)
    assert notice.kind.value == kind
    (recipient,) = notice.recipients
    assert (recipient.address, recipient.status, recipient.action) == ("bob@far.example", status, action)
    assert notice.returned.message_id == "<tide.1@harbor.example>"
    assert notice.returned.completeness is Completeness.HEADERS
    assert "injected" not in notice.returned.headers


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "[" * 60_000,
        '{"Message": {}}',
        event("Open", {}),
        '{"notificationType": "Bounce"}',
        '{"notificationType": "Bounce", "mail": []}',
        "Your server is well.",
    ],
)
def test_what_is_no_such_event_is_no_notice(body: str) -> None:
    assert read(body).kind.value == "not-a-bounce"


def test_the_same_object_from_elsewhere_is_no_notice() -> None:
    assert read(event("Bounce", BOUNCED), fields="").kind.value == "not-a-bounce"


@pytest.mark.parametrize("listed", [None, {}, [1], [{"emailAddress": 5}], [{}]])
def test_odd_values_name_nobody(listed: object) -> None:
    notice = read(
        json.dumps({"notificationType": "Bounce", "bounce": {"bouncedRecipients": listed}, "mail": {}})
    )
    assert (notice.kind.value, notice.recipients) == ("ndr", ())
