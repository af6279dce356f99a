"""
Events of Amazon SES as Amazon SNS mails them: a JSON object in a text, bare or in an envelope of JSON.

Source: Amazon SES developer guide, "Amazon SNS notification contents" (`notificationType`) and "event publishing"
(`eventType`). The original's header fields stand in it where the sender asked for them.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from cleaner.notices import original, status
from cleaner.notices.limits import MAX_ADDRESSES, MAX_DIAGNOSTIC
from cleaner.notices.sheet import Finding, Sheet
from cleaner.values import MAX_HEADER_FIELDS, Kind, Recipient, Returned

FAMILY: Final = "amazon-ses"
_KINDS: Final = {
    "bounce": (Kind.NDR, "bouncedRecipients", "failed"),
    "reject": (Kind.NDR, "", "failed"),
    "deliverydelay": (Kind.DELAY, "delayedRecipients", "delayed"),
    "delivery": (Kind.SUCCESS, "recipients", "delivered"),
    "complaint": (Kind.ARF, "complainedRecipients", ""),
}
_SPLIT: Final = re.compile(r"!\r?\n ")
"""How Sendmail breaks a line of more than 990 characters (its mailer flag L)."""


def read(sheet: Sheet) -> Finding | None:
    if "x-amz-sns-message-id" not in sheet.headers:
        return None
    event = _object(sheet.root.text if not sheet.root.parts else sheet.text)
    if "Message" in event:
        event = _object(event["Message"])
    name = str(event.get("notificationType") or event.get("eventType") or "").lower()
    mail = event.get("mail")
    if name not in _KINDS or not isinstance(mail, dict):
        return None
    kind, listed, action = _KINDS[name]
    told = _told(event, name)
    _, _, reporter = str(told.get("reportingMTA") or "").rpartition(";")
    recipients = _recipients(told.get(listed), mail, action, str(told.get("smtpResponse") or ""))
    return Finding(kind, FAMILY, recipients, reporter.strip(), returned=_returned(mail))


def _object(text: Any) -> dict[str, Any]:
    """A JSON object; SNS puts a line that tells how to unsubscribe behind it."""
    if not isinstance(text, str):
        return {}
    text = _SPLIT.sub("", text.lstrip())
    try:
        found, _ = json.JSONDecoder(strict=False).raw_decode(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _told(event: dict[str, Any], name: str) -> dict[str, Any]:
    """The object named for the event; `deliveryDelay` is spelled in two cases."""
    return next(
        (value for key, value in event.items() if key.lower() == name and isinstance(value, dict)), {}
    )


def _recipients(listed: Any, mail: dict[str, Any], action: str, response: str) -> tuple[Recipient, ...]:
    named = listed if isinstance(listed, list) and listed else mail.get("destination")
    found = []
    for one in named[:MAX_ADDRESSES] if isinstance(named, list) else ():
        fields = one if isinstance(one, dict) else {"emailAddress": one}
        address = fields.get("emailAddress")
        if not isinstance(address, str) or "@" not in address:
            continue
        said = str(fields.get("diagnosticCode") or response)
        found.append(
            Recipient(
                address.strip(),
                status=status.best(str(fields.get("status") or ""), said),
                action=str(fields.get("action") or action) or None,
                diagnostic=said.rpartition("smtp;")[2].strip()[:MAX_DIAGNOSTIC] or None,
            )
        )
    return tuple(found)


def _returned(mail: dict[str, Any]) -> Returned | None:
    listed = mail.get("headers")
    lines = [
        f"{field['name']}: {field['value']}\r\n"
        for field in (listed[:MAX_HEADER_FIELDS] if isinstance(listed, list) else ())
        if isinstance(field, dict)
        and isinstance(field.get("name"), str)
        and isinstance(field.get("value"), str)
        and not any(end in field["name"] + field["value"] for end in "\r\n")
    ]
    raw = "".join(lines).encode("utf-8", "replace")
    found = original.Found(raw, headers_only=True, is_excerpt=bool(mail.get("headersTruncated")))
    return original.read(found, rebuilt=False) if lines else None
