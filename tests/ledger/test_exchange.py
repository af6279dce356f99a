"""Exchange's message tracking: one line an event, the columns by their heading."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_address

import pytest

from cleaner.ledger import ExchangeLog, LoggedMail

ANN = "ann@harbor.example"
OLD = (
    "date-time,client-ip,source,event-id,message-id,recipient-address,related-recipient-address,"
    "message-subject,sender-address"
)
NEW = OLD + ",directionality,original-client-ip"
HEAD = (
    "\ufeff#Software: Microsoft Exchange Server\r\n#Version: 15.02.1544.000\r\n#Log-type: Message Tracking Log\r\n\
#Date: 2026-11-02T00:00:00.000Z\r\n#Fields: "
)


def line(
    event: str = "SEND",
    *,
    source: str = "SMTP",
    sender: str = ANN,
    client: str = "192.0.2.10",
    to: str = "bob@far.example;carla@quay.example",
    id: str = "<a1@mail.harbor.example>",
    more: str = "",
) -> str:
    return (
        f'2026-11-02T10:15:00.123Z,{client},{source},{event},{id},{to},,"Offer, ""new""",{sender}{more}\r\n'
    )


def read(log: str, columns: str = OLD) -> list[LoggedMail]:
    return told(ExchangeLog(frozenset((ANN,)).__contains__), HEAD + columns + "\r\n" + log)


def told(reader: ExchangeLog, log: str) -> list[LoggedMail]:
    return [mail for one in log.encode().splitlines(keepends=True) for mail in reader.read(one)]


def test_a_mail_that_was_sent_is_read() -> None:
    (mail,) = read(line())
    assert mail.sender == ANN
    assert mail.message_ids == ("<a1@mail.harbor.example>",)
    assert mail.recipients == ("bob@far.example", "carla@quay.example")
    assert mail.subject == 'Offer, "new"'
    assert mail.time == datetime(2026, 11, 2, 10, 15, 0, 123_000, UTC)
    assert mail.submitted


def test_columns_are_found_by_their_names() -> None:
    columns = "message-id,sender-address,event-id,source,recipient-address,date-time"
    (mail,) = read(
        "<a1@x>,ann@harbor.example,SUBMIT,STOREDRIVER,bob@far.example,2026-11-02T10:15:00Z\r\n", columns
    )
    assert mail.message_ids == ("<a1@x>",)
    assert mail.submitted


@pytest.mark.parametrize(
    ("event", "source", "more", "submitted", "client"),
    [
        ("SEND", "SMTP", ",Originating,", True, "192.0.2.10"),
        ("RECEIVE", "SMTP", ",Originating,203.0.113.7", True, "203.0.113.7"),
        ("RECEIVE", "SMTP", ",Incoming,198.51.100.66", False, "198.51.100.66"),
        ("RECEIVE", "STOREDRIVER", ",,", True, "192.0.2.10"),
        ("RECEIVE", "SMTP", ",,", False, "192.0.2.10"),
    ],
)
def test_it_is_told_what_began_here(event: str, source: str, more: str, submitted: bool, client: str) -> None:
    (mail,) = read(line(event, source=source, more=more), NEW)
    assert (mail.submitted, mail.client) == (submitted, ip_address(client))


@pytest.mark.parametrize(
    "log",
    [
        line("DELIVER", source="STOREDRIVER", more=",Incoming,"),
        line("DELIVER", source="STOREDRIVER", more=",,"),
        line("FAIL", source="ROUTING", more=",Incoming,"),
        line("HAREDIRECT", more=",Originating,"),
        line(sender="zoe@atoll.example", more=",Originating,"),
        line(sender="<>", more=",Originating,"),
        line(id="", more=",Originating,"),
    ],
)
def test_what_strangers_brought_and_other_events_are_left_out(log: str) -> None:
    assert read(log, NEW) == []


def test_broken_lines_are_counted_and_the_rest_is_read() -> None:
    reader = ExchangeLog(frozenset((ANN,)).__contains__)
    broken = (
        'too,few\r\n"never closed\r\n' + line().replace("2026-11-02T", "2026-99-02T") + "," * 500 + "\r\n"
    )
    assert len(told(reader, HEAD + OLD + "\r\n" + broken + line())) == 1
    assert reader.bad == 4


def test_it_is_known_by_its_beginning() -> None:
    assert ExchangeLog.is_one((HEAD + OLD).encode())
    assert ExchangeLog.is_one(b"#Fields: date-time,client-ip\r\n")
    assert not ExchangeLog.is_one(b"Nov  2 10:15:00 mx1 postfix/smtpd[7]: connect\n")
    assert not ExchangeLog.is_one(b"")
