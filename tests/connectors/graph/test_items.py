"""What Graph tells of a message, and what is written for its flags."""

from __future__ import annotations

from typing import Any

import pytest

from cleaner.connectors.graph.items import changes, header_of, is_whole, item_of

RECEIVED = "Received: from mx\r\n\tby us; Mon, 2 Nov 2026 10:15:00 +0000\r\nSubject: raw\r\n\r\n"


def told(**values: Any) -> dict[str, Any]:
    return {"id": "AAMk", "parentFolderId": "inbox", **values}


def extended(**values: str) -> list[dict[str, str]]:
    """`String_0x7d`: as keywords can be written."""
    return [{"id": name.replace("_", " "), "value": value} for name, value in values.items()]


def item(**values: Any) -> Any:
    found = item_of(told(**values))
    assert found is not None
    return found


def listed(*fields: tuple[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in fields]


def test_the_header_as_received_comes_before_the_list_of_it() -> None:
    both = told(
        singleValueExtendedProperties=extended(String_0x7d=RECEIVED),
        internetMessageHeaders=listed(("Subject", "tidied")),
    )
    assert header_of(both) == RECEIVED.encode()
    assert item(**both).headers().text("subject") == "raw"


def test_without_it_the_list_serves() -> None:
    found = item(internetMessageHeaders=listed(("Received", "from mx\r\n by us"), ("Subject", "a: b")))
    assert found.headers().all("received") == ("from mx by us",)
    assert found.headers().text("subject") == "a: b"
    assert not found.headers().unknown


@pytest.mark.parametrize(("length", "believed"), [(255, False), (256, False), (254, True), (300, True)])
def test_a_header_that_was_cut_off_is_not_believed(length: int, believed: bool) -> None:
    header = ("X-Pad: " + "a" * 400)[:length]
    found = header_of(
        told(
            singleValueExtendedProperties=extended(String_0x7d=header),
            internetMessageHeaders=listed(("X-Pad", "a"), ("Subject", "all of it")),
        )
    )
    assert (found == header.encode()) == believed


def test_a_header_that_happens_to_be_that_long_is_kept() -> None:
    header = ("Subject: " + "a" * 400)[:255]
    same = listed(("Subject", "a"))
    assert header_of(
        told(singleValueExtendedProperties=extended(String_0x7d=header), internetMessageHeaders=same)
    ) == (header.encode())


def test_a_message_without_a_header_is_told_by_its_properties() -> None:
    found = item(
        subject="Undeliverable:\r\nTrip",
        **{
            "from": {
                "emailAddress": {"name": "Microsoft Outlook", "address": "MicrosoftExchange@harbor.example"}
            }
        },
        toRecipients=[{"emailAddress": {"name": "Ann", "address": "ann@harbor.example"}}],
        bccRecipients=[
            {"emailAddress": {"address": "/O=HARBOR/CN=BEN"}},
            {"emailAddress": {"address": "c@x.example"}},
        ],
        internetMessageId="<1@x>",
        sentDateTime="2026-11-02T10:15:00Z",
        singleValueExtendedProperties=extended(String_0x1a="REPORT.IPM.Note.NDR"),
    )
    headers = found.headers()
    assert headers.text("from") == '"Microsoft Outlook" <MicrosoftExchange@harbor.example>'
    assert headers.text("subject") == "Undeliverable: Trip"
    assert headers.text("bcc") == "<c@x.example>"
    assert headers.text("content-type") == "multipart/report"
    assert headers.text("date") == "Mon, 02 Nov 2026 10:15:00 +0000"
    assert "received" in headers.unknown


def test_flags() -> None:
    found = item(
        isRead=True,
        flag={"flagStatus": "flagged"},
        categories=["Red category", "\\Seen"],
        singleValueExtendedProperties=extended(Integer_0x1081="104"),
    )
    assert found.flags == ("\\Seen", "\\Flagged", "$Forwarded", "Red category")
    assert item(isRead=False, flag={"flagStatus": "complete"}).flags == ()


def test_what_is_written_for_flags() -> None:
    answered = {
        "singleValueExtendedProperties": [
            {"id": "Integer 0x1081", "value": "102"},
            {"id": "Integer 0x1080", "value": "261"},
        ]
    }
    assert changes((), ()) == {}
    assert changes(("\\Seen", "Red"), ("Red", "\\Seen")) == {}
    assert changes((), ("\\Seen",)) == {"isRead": True}
    assert changes(("\\Seen", "\\Flagged"), ()) == {"isRead": False, "flag": {"flagStatus": "notFlagged"}}
    assert changes((), ("\\Answered",)) == answered
    assert changes(("\\Answered",), ())["singleValueExtendedProperties"] == [
        {"id": "Integer 0x1081", "value": "0"},
        {"id": "Integer 0x1080", "value": "-1"},
    ]
    assert changes(("Red",), ("Blue", "Red")) == {"categories": ["Blue", "Red"]}
    assert changes(("\\Draft",), ()) == {}


@pytest.mark.parametrize(
    ("values", "whole"),
    [
        ({"receivedDateTime": "2026-11-02T10:15:00Z", "subject": ""}, True),
        ({"isRead": True}, False),
        ({}, False),
    ],
)
def test_what_tells_of_its_read_mark_alone_is_not_whole(values: dict[str, Any], whole: bool) -> None:
    assert is_whole(told(**values)) == whole


@pytest.mark.parametrize("nothing", [None, 7, "text", [], {}, [None], [7, {}], {"emailAddress": 3}])
@pytest.mark.parametrize(
    "name",
    [
        "singleValueExtendedProperties",
        "internetMessageHeaders",
        "from",
        "toRecipients",
        "categories",
        "flag",
        "receivedDateTime",
        "subject",
        "isRead",
        "parentFolderId",
    ],
)
def test_nonsense_is_survived(name: str, nothing: object) -> None:
    found = item(**{name: nothing})
    assert found.heading("INBOX").size == 0


def test_a_message_that_is_gone_is_none() -> None:
    assert item_of({"id": "x", "@removed": {"reason": "deleted"}}) is None
    assert item_of({"subject": "no id"}) is None
