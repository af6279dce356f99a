"""Our Graph keeps what a connector relies on, and refuses what Graph refuses."""

from __future__ import annotations

import base64
import http.client
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from queue import SimpleQueue

import pytest

from tests.servers.certificates import Authority
from tests.servers.graph import (
    Box,
    GraphServer,
    broken,
    cut,
    cut_after,
    cut_middle,
    meanwhile,
    refused,
    stall,
    throttled,
    unavailable,
)
from tests.servers.graph.client import IMMUTABLE, Client

ANN = "ann@harbor.example"
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def mail(number: int, subject: str = "") -> bytes:
    lines = [
        f"From: Sender {number} <sender{number}@far.example>",
        f"To: {ANN}",
        f"Subject: {subject or f'Mail {number}'}",
        f"Message-ID: <{number}@far.example>",
        "",
        "Hello.",
    ]
    return "\r\n".join(lines).encode()


@pytest.fixture
def server(authority: Authority) -> Iterator[GraphServer]:
    with GraphServer(authority.good()) as running:
        yield running


@pytest.fixture
def box(server: GraphServer) -> Box:
    return server.add_mailbox(ANN)


@pytest.fixture
def client(server: GraphServer, box: Box, authority: Authority) -> Iterator[Client]:
    opened = Client(server, authority.ca_file)
    opened.sign_in()
    yield opened
    opened.close()


def step(id: str, method: str, url: str, body: object = None) -> dict[str, object]:
    headers = {"Prefer": IMMUTABLE} | ({"Content-Type": "application/json"} if body is not None else {})
    found: dict[str, object] = {"id": id, "method": method, "url": f"/users/{ANN}{url}", "headers": headers}
    return found | ({"body": body} if body is not None else {})


# --- folders


def test_folders_come_in_pages_without_the_hidden_ones(client: Client, box: Box) -> None:
    for number in range(7):
        box.make(f"Project {number}")
    box.make("Secret", hidden=True)
    answer = client.get("/mailFolders")
    assert len(answer.json["value"]) == 10
    rest = client.get(answer.json["@odata.nextLink"]).json
    names = [each["displayName"] for each in answer.json["value"] + rest["value"]]
    assert len(names) == 15
    assert "Inbox" in names
    assert "Secret" not in names
    assert "@odata.nextLink" not in rest
    everything = client.get("/mailFolders?includeHiddenFolders=true&$top=1000").json["value"]
    assert {"Secret", "Sync Issues"} <= {each["displayName"] for each in everything}


def test_names_are_in_the_language_of_the_mailbox_and_say_no_role(
    server: GraphServer, authority: Authority
) -> None:
    server.add_mailbox("eva@harbor.example", language="de")
    client = Client(server, authority.ca_file, "eva@harbor.example")
    client.sign_in()
    found = client.get("/mailFolders/inbox").json
    assert found["displayName"] == "Posteingang"
    assert found.keys() == client.get("/mailFolders").json["value"][0].keys()
    assert not any("wellknown" in name.lower() for name in found)
    assert client.get("/mailFolders/inbox?$select=sizeInBytes").status == 400
    client.close()


def test_a_folder_is_made_once(client: Client, box: Box) -> None:
    made = client.send("POST", "/mailFolders", {"displayName": "Backscatter"})
    assert (made.status, box.has("Backscatter")) == (201, True)
    assert client.send("POST", "/mailFolders", {"displayName": "backscatter"}).error == (
        409,
        "ErrorFolderExists",
    )
    inner = client.send("POST", f"/mailFolders/{made.json['id']}/childFolders", {"displayName": "Old"})
    assert inner.json["parentFolderId"] == made.json["id"]
    children = client.get("/mailFolders?$expand=childFolders&$top=50").json["value"]
    assert [
        [c["displayName"] for c in each["childFolders"]] for each in children if each["id"] == made.json["id"]
    ] == [["Old"]]


@pytest.mark.parametrize(
    ("place", "error"),
    [
        ("clutter", (404, "ErrorFolderNotFound")),
        ("Inbox/Old", (400, "BadRequest")),
        ("none", (400, "ErrorInvalidIdMalformed")),
        ("AAMk" + "A" * 80 + "=", (404, "ErrorItemNotFound")),
    ],
)
def test_folders_that_are_not_there(client: Client, place: str, error: tuple[int, str]) -> None:
    assert client.get(f"/mailFolders/{place}").error == error


def test_folders_have_a_delta_of_their_own(client: Client, box: Box) -> None:
    told, link = client.round("/mailFolders/delta")
    box.make("Projects/Old")
    assert {each["displayName"] for each in client.round(link)[0]} == {"Projects", "Old"}
    assert "Inbox" in {each["displayName"] for each in told}
    box.drop("Projects")
    assert all("@removed" in each for each in client.round(link)[0] if "displayName" not in each)


# --- messages


def test_a_message_has_what_is_selected(client: Client, box: Box) -> None:
    id = box.deliver(mail(1), received=NOON)
    found = client.get(f"/messages/{id}?$select=subject,from,receivedDateTime,internetMessageId").json
    assert found.keys() - {"@odata.context", "@odata.etag"} == {
        "id",
        "subject",
        "from",
        "receivedDateTime",
        "internetMessageId",
    }
    assert found["receivedDateTime"] == "2026-11-20T12:00:00Z"
    assert found["from"] == {"emailAddress": {"name": "Sender 1", "address": "sender1@far.example"}}
    whole = client.get(f"/messages/{id}").json
    assert "internetMessageHeaders" not in whole
    assert whole["body"]["contentType"] == "html"
    assert client.get(f"/messages/{id}", prefer='outlook.body-content-type="text"').json["body"] == {
        "contentType": "text",
        "content": "Hello.",
    }


def test_headers_come_when_selected_and_what_was_sent_from_here_has_none(client: Client, box: Box) -> None:
    came, sent = box.deliver(mail(1)), box.deliver(mail(2), "sentitems", composed=True)
    headers = client.get(f"/messages/{came}?$select=internetMessageHeaders").json["internetMessageHeaders"]
    assert {"name": "Message-ID", "value": "<1@far.example>"} in headers
    assert "internetMessageHeaders" not in client.get(f"/messages/{sent}?$select=internetMessageHeaders").json


def test_extended_properties_are_named_as_answers_name_them(client: Client, box: Box) -> None:
    id = box.deliver(mail(1))
    wanted = "id eq 'String 0x001A' or id eq 'Integer 0x0E08' or id eq 'Integer 0x1090'"
    found = client.get(
        f"/messages/{id}?$select=id&$expand=singleValueExtendedProperties($filter={wanted})"
    ).json
    assert found["singleValueExtendedProperties"] == [
        {"id": "String 0x1a", "value": "IPM.Note"},
        {"id": "Integer 0xe08", "value": str(len(mail(1)) + 1024)},
    ]
    bare = client.get(
        f"/messages/{id}?$expand=singleValueExtendedProperties($filter=id eq 'Integer 0x1090')"
    ).json
    assert "singleValueExtendedProperties" not in bare
    assert client.get(f"/messages/{id}?$expand=singleValueExtendedProperties").status == 400


def test_long_properties_are_short_in_lists(client: Client, box: Box) -> None:
    id = box.deliver(mail(1, "long " * 100))
    expand = "$expand=singleValueExtendedProperties($filter=id eq 'String 0x007D')"
    listed = client.get(f"/mailFolders/inbox/messages?{expand}").json["value"][0]
    alone = client.get(f"/messages/{id}?{expand}").json
    lengths = [len(each["singleValueExtendedProperties"][0]["value"]) for each in (listed, alone)]
    assert lengths[0] == 255 < lengths[1]


def test_the_mime_is_written_anew(client: Client, box: Box) -> None:
    answer = client.get(f"/messages/{box.deliver(mail(1))}/$value")
    assert answer.headers["content-type"] == "text/plain"
    assert b"Message-ID: <1@far.example>" in answer.body
    assert b"Received" not in answer.body


def test_an_attached_message_comes_by_itself(client: Client, box: Box) -> None:
    inner = mail(9).decode()
    raw = (
        "From: a@far.example\r\nSubject: outer\r\nMIME-Version: 1.0\r\n"
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nhi\r\n"
        f"--b\r\nContent-Type: message/rfc822\r\n\r\n{inner}\r\n--b--\r\n"
    ).encode()
    id = box.deliver(raw)
    (listed,) = client.get(f"/messages/{id}/attachments").json["value"]
    assert listed["@odata.type"] == "#microsoft.graph.itemAttachment"
    value = client.get(f"/messages/{id}/attachments/{listed['id']}/$value")
    assert b"Message-ID: <9@far.example>" in value.body
    assert client.get(f"/messages/{id}/attachments/{'A' * 44}/$value").error == (404, "ErrorItemNotFound")
    path = f"/messages/{id}/attachments/{listed['id']}?$expand=microsoft.graph.itemattachment/item"
    assert client.get(path).json["item"]["subject"] == "Mail 9"
    asked = f"{path}($select=internetMessageHeaders)"
    headers = client.get(asked).json["item"]["internetMessageHeaders"]
    assert {"name": "Message-ID", "value": "<9@far.example>"} in headers
    client.server.tells_returned = False
    assert client.get(asked).status == 400


def test_bcc_of_sent_mail(client: Client, box: Box) -> None:
    raw = mail(1).replace(b"To:", b"Bcc: Hidden <bob@far.example>\r\nTo:")
    id = box.deliver(raw, "sentitems", composed=True)
    found = client.get(f"/messages/{id}?$select=bccRecipients").json["bccRecipients"]
    assert found == [{"emailAddress": {"name": "Hidden", "address": "bob@far.example"}}]


# --- ids


def test_an_immutable_id_stays_and_the_other_does_not(client: Client, box: Box) -> None:
    id = box.deliver(mail(1))
    ordinary = client.get(f"/messages/{id}?$select=id", prefer=None).json["id"]
    assert ordinary == box.ordinary_id(id) != id
    moved = client.send("POST", f"/messages/{id}/move", {"destinationId": "deleteditems"})
    assert (moved.status, moved.json["id"]) == (201, id)
    assert client.get(f"/messages/{ordinary}", prefer=None).error == (404, "ErrorItemNotFound")
    assert client.get(f"/messages/{id}?$select=parentFolderId").json["parentFolderId"] == (
        box.folder("deleteditems").id
    )
    back = client.send("POST", f"/messages/{id}/move", {"destinationId": "inbox"}, prefer=None)
    assert back.json["id"] not in (id, ordinary)


def test_a_copy_is_another_message(client: Client, box: Box) -> None:
    id = box.deliver(mail(1), received=NOON, is_read=True)
    copied = client.send("POST", f"/messages/{id}/copy", {"destinationId": box.make("Review")})
    assert copied.status == 201
    assert copied.json["id"] != id
    (stored,) = box.listing("Review")
    assert (stored.raw, stored.received, stored.is_read) == (mail(1), NOON, True)


def test_moving_to_where_nothing_is(client: Client, box: Box) -> None:
    id, gone = box.deliver(mail(1)), box.make("Gone")
    box.drop("Gone")
    assert client.send("POST", f"/messages/{id}/move", {"destinationId": gone}).status == 404
    assert client.send("POST", f"/messages/{id}/move", {"destinationId": "Backscatter"}).status == 400
    assert [stored.id for stored in box.listing()] == [id]


# --- lists


def test_lists_are_newest_first_in_pages(client: Client, box: Box) -> None:
    ids = [box.deliver(mail(number), received=NOON + timedelta(hours=number)) for number in range(12)]
    first = client.get("/mailFolders/inbox/messages?$select=id").json
    assert [each["id"] for each in first["value"]] == ids[:1:-1]
    rest = client.get(first["@odata.nextLink"]).json
    assert [each["id"] for each in rest["value"]] == ids[1::-1]
    assert rest["value"][0].keys() == {"@odata.etag", "id"}


@pytest.mark.parametrize(
    ("given", "numbers"),
    [
        ("internetMessageId eq '<2@far.example>'", [2]),
        ("internetMessageId eq '<1@far.example>' or internetMessageId eq '<3@far.example>'", [3, 1]),
        ("receivedDateTime ge 2026-11-20T14:00:00Z and receivedDateTime lt 2026-11-20T16:00:00Z", [3, 2]),
        ("isRead eq false and not (subject eq 'Mail 0')", [3, 2, 1]),
        ("startswith(subject,'mail 1')", [1]),
        ("from/emailAddress/address eq 'SENDER2@far.example'", [2]),
        ("contains(subject,'it''s')", []),
        (
            "singleValueExtendedProperties/any(ep: ep/id eq 'String 0x001A' and ep/value eq 'IPM.Note')",
            [3, 2, 1, 0],
        ),
    ],
)
def test_filters(client: Client, box: Box, given: str, numbers: list[int]) -> None:
    ids = [box.deliver(mail(number), received=NOON + timedelta(hours=number)) for number in range(4)]
    answer = client.get(f"/messages?$filter={given}&$select=id")
    assert [ids.index(each["id"]) for each in answer.json["value"]] == numbers


@pytest.mark.parametrize(
    "query",
    [
        "$filter=id eq 'AAMk'",
        "$filter=internetMessageId eq <2@far.example>",
        "$filter=receivedDateTime ge '2026-11-20T14:00:00Z'x",
        "$filter=receivedDateTime ge 2026-11-20T14:00:00",
        "$filter=subject is 'x'",
        "$filter=(isRead eq false",
        "$select=Subject",
        "$select=size",
        "$top=0",
        "$top=1001",
        "$skiptokn=x",
        "folder=inbox",
        "$select=id&$select=subject",
        "$filter=isRead eq false&$orderby=receivedDateTime desc",
        "$expand=parentFolder",
    ],
)
def test_queries_that_are_refused(client: Client, query: str) -> None:
    assert client.get(f"/messages?{query}").status == 400


def test_ordering_by_what_is_not_filtered_first_is_too_complex(client: Client) -> None:
    answer = client.get("/messages?$filter=isRead eq false&$orderby=receivedDateTime desc")
    assert answer.error == (400, "InefficientFilter")
    both = (
        "$filter=receivedDateTime ge 2026-01-01T00:00:00Z and isRead eq false&$orderby=receivedDateTime desc"
    )
    assert client.get(f"/messages?{both}").status == 200


def test_an_unknown_preference_is_refused(client: Client) -> None:
    assert client.get("/messages", prefer='IdType="Immutable"').status == 400
    assert client.get("/messages", prefer="odata.maxpagesice=5").status == 400


# --- delta


def test_a_folder_is_told_in_pages_then_what_changed(client: Client, box: Box) -> None:
    ids = [box.deliver(mail(number)) for number in range(5)]
    start = "/mailFolders/inbox/messages/delta?$select=subject,isRead"
    pages = list(client.pages(start, prefer=f"{IMMUTABLE}, odata.maxpagesize=2"))
    assert [len(page["value"]) for page in pages] == [2, 2, 1]
    assert {each["id"] for page in pages for each in page["value"]} == set(ids)
    link = pages[-1]["@odata.deltaLink"]
    assert client.round(link)[0] == []
    box.delete(ids[0])
    box.mark_read(ids[1])
    box.mark_flagged(ids[2])
    new = box.deliver(mail(9))
    told = {each["id"]: each for each in client.round(link)[0]}
    assert told.keys() == {ids[0], ids[1], ids[2], new}
    assert told[ids[0]]["@removed"] == {"reason": "deleted"}
    assert told[new]["subject"] == "Mail 9"
    assert told[ids[2]]["subject"] == "Mail 2"
    # Sighted: microsoft-graph-docs issue 7776.
    assert told[ids[1]].keys() == {"@odata.type", "@odata.etag", "id", "isRead", "parentFolderId"}


def test_a_full_page_may_be_followed_by_an_empty_one(client: Client, box: Box) -> None:
    for number in range(4):
        box.deliver(mail(number))
    pages = list(client.pages("/mailFolders/inbox/messages/delta?$select=id&$top=2"))
    assert [len(page["value"]) for page in pages] == [2, 2, 0]


def test_what_comes_while_pages_are_read_is_told_in_the_next_round(client: Client, box: Box) -> None:
    ids = [box.deliver(mail(number)) for number in range(3)]
    pages = client.pages("/mailFolders/inbox/messages/delta?$select=id&$top=2")
    first = next(pages)
    new = box.deliver(mail(7))
    seen = [*first["value"], *(each for page in pages for each in [*page["value"], page])]
    assert {each["id"] for each in seen if "id" in each} == set(ids)
    assert [each["id"] for each in client.round(seen[-1]["@odata.deltaLink"])[0]] == [new]


def test_a_filter_holds_for_new_mail_but_not_for_removals_and_read_marks(client: Client, box: Box) -> None:
    old, young = box.deliver(mail(1), received=NOON), box.deliver(mail(2), received=NOON + timedelta(days=2))
    start = "/mailFolders/inbox/messages/delta?$select=id&$filter=receivedDateTime ge 2026-11-21T00:00:00Z"
    told, link = client.round(start)
    assert [each["id"] for each in told] == [young]
    box.deliver(mail(3), received=NOON)
    box.mark_read(old)
    assert [each["id"] for each in client.round(link)[0]] == [old]
    box.delete(old)
    assert [each["@removed"] for each in client.round(link)[0]] == [{"reason": "deleted"}]


def test_a_filter_tells_no_more_than_five_thousand(client: Client, box: Box) -> None:
    for number in range(5001):
        box.deliver(mail(number), received=NOON + timedelta(seconds=number))
    start = "/mailFolders/inbox/messages/delta?$select=id"
    since = "&$filter=receivedDateTime gt 2026-01-01T00:00:00Z"
    most = 'IdType="ImmutableId", odata.maxpagesize=1000'
    filtered = client.round(start + since, prefer=most)[0]
    assert (len(filtered), server_pages(client)) == (5000, 11)
    assert len(client.round(start, prefer=most)[0]) == 5001


def server_pages(client: Client) -> int:
    return client.server.requests(operation="delta")


def test_back_and_forth_with_immutable_ids_is_told_as_a_removal_alone(client: Client, box: Box) -> None:
    """Source: microsoft-graph-docs issue 21752."""
    id = box.deliver(mail(1))
    _, link = client.round("/mailFolders/inbox/messages/delta?$select=subject")
    box.move(id, "archive")
    box.move(id, "inbox")
    told, after = client.round(link)
    assert [(each["id"], "@removed" in each) for each in told] == [(id, True)]
    assert client.round(after)[0] == []
    box.mark_flagged(id)
    assert [each.get("subject") for each in client.round(after)[0]] == ["Mail 1"]


def test_back_and_forth_with_ordinary_ids_is_told(client: Client, box: Box) -> None:
    id = box.deliver(mail(1))
    before = box.ordinary_id(id)
    _, link = client.round("/mailFolders/inbox/messages/delta?$select=subject", prefer="odata.maxpagesize=9")
    box.move(id, "archive")
    box.move(id, "inbox")
    told = client.round(link, prefer="odata.maxpagesize=9")[0]
    assert [(each["id"], "@removed" in each) for each in told] == [
        (before, True),
        (box.ordinary_id(id), False),
    ]


def test_an_expired_link_and_one_that_never_was(client: Client, box: Box) -> None:
    box.deliver(mail(1))
    _, link = client.round("/mailFolders/inbox/messages/delta?$select=id")
    assert client.get(link.replace("deltatoken=", "deltatoken=x")).status == 400
    assert client.get(link + "&$select=id").status == 400
    box.expire_deltas()
    answer = client.get(link)
    assert answer.error == (410, "SyncStateNotFound")
    assert len(client.round("/mailFolders/inbox/messages/delta?$select=id")[0]) == 1


@pytest.mark.parametrize(
    "query",
    [
        "$filter=isRead eq false",
        "$filter=receivedDateTime lt 2026-01-01T00:00:00Z",
        "$orderby=receivedDateTime",
        "$orderby=subject",
        "$search=x",
        "$skip=3",
        "$count=true",
        "changeType=moved",
    ],
)
def test_delta_queries_that_are_refused(client: Client, query: str) -> None:
    assert client.get(f"/mailFolders/inbox/messages/delta?{query}").status == 400


def test_the_mailbox_as_a_whole_has_no_delta(client: Client) -> None:
    assert client.get("/messages/delta").status == 400


def test_a_full_mailbox_has_no_rounds_and_china_never(client: Client, box: Box) -> None:
    box.deliver(mail(1))
    box.set_quota(1)
    paths = ("/mailFolders/inbox/messages/delta", "/mailFolders/delta")
    assert [client.get(path).error for path in paths] == [(403, "ErrorQuotaExceeded")] * 2
    assert client.get("/mailFolders/inbox/messages").status == 200
    box.set_quota(None)
    client.server.has_delta = False
    assert client.get(paths[0]).error == (400, "ErrorInvalidIdMalformed")


# --- changing


def test_marks_flags_and_categories(client: Client, box: Box) -> None:
    id = box.deliver(mail(1))
    given = {"isRead": True, "flag": {"flagStatus": "flagged"}, "categories": ["Backscatter"]}
    assert client.send("PATCH", f"/messages/{id}", given).json["categories"] == ["Backscatter"]
    (stored,) = box.listing()
    assert (stored.is_read, stored.is_flagged, stored.categories) == (True, True, ("Backscatter",))
    assert client.send("PATCH", f"/messages/{id}", {"subject": "x"}).status == 400
    assert client.send("PATCH", f"/messages/{id}", {"isread": True}).code == "RequestBodyRead"
    assert client.ask("PATCH", f"/messages/{id}", b'{"isRead": true}').status == 400
    assert client.ask("PATCH", f"/messages/{id}", b"<x/>", kind="text/xml").status == 415


def test_a_message_of_mime_is_a_draft_for_ever(client: Client, box: Box) -> None:
    path = f"/mailFolders/{box.make('Review')}/messages"
    made = client.ask("POST", path, base64.b64encode(mail(1)), kind="text/plain")
    assert made.status == 201
    assert (made.json["isDraft"], made.json["internetMessageId"]) == (True, "<1@far.example>")
    flags = {"singleValueExtendedProperties": [{"id": "Integer 0x0E07", "value": "1"}]}
    assert client.send("PATCH", f"/messages/{made.json['id']}", flags).json["isDraft"] is True
    assert [stored.raw for stored in box.listing("Review")] == [mail(1)]
    broken_one = client.ask("POST", path, mail(1), kind="text/plain")
    assert broken_one.error == (400, "ErrorMimeContentInvalidBase64String")


def test_a_message_of_json_may_be_no_draft(client: Client, box: Box) -> None:
    given = {
        "subject": "Saved",
        "internetMessageId": "<saved@harbor.example>",
        "toRecipients": [{"emailAddress": {"address": "bob@far.example", "name": "Bob"}}],
        "body": {"contentType": "text", "content": "Hello."},
        "singleValueExtendedProperties": [
            {"id": "Integer 0x0E07", "value": "1"},
            {"id": "SystemTime 0x0E06", "value": "2026-11-20T12:00:00Z"},
        ],
    }
    made = client.send("POST", "/mailFolders/inbox/messages", given).json
    assert (made["isDraft"], made["receivedDateTime"], made["internetMessageId"]) == (
        False,
        "2026-11-20T12:00:00Z",
        "<saved@harbor.example>",
    )
    assert made["toRecipients"] == [{"emailAddress": {"name": "Bob", "address": "bob@far.example"}}]


def test_a_full_mailbox_takes_nothing_more(client: Client, box: Box) -> None:
    id = box.deliver(mail(1))
    box.set_quota(10)
    copied = client.send("POST", f"/messages/{id}/copy", {"destinationId": "archive"})
    assert copied.error == (507, "ErrorQuotaExceeded")
    assert client.send("POST", f"/messages/{id}/move", {"destinationId": "archive"}).status == 201


# --- batches


def test_a_batch_answers_each_in_an_order_of_its_own(client: Client, box: Box) -> None:
    id = box.deliver(mail(1))
    found = client.batch(
        step("a", "GET", f"/messages/{id}/$value"),
        step("b", "GET", "/messages/none"),
        step("c", "POST", f"/messages/{id}/move", {"destinationId": "archive"}),
    )
    assert list(found) == ["c", "b", "a"]
    assert [found[each]["status"] for each in "abc"] == [200, 400, 201]
    assert b"<1@far.example>" in base64.b64decode(found["a"]["body"])
    assert found["b"]["body"]["error"]["code"] == "ErrorInvalidIdMalformed"
    assert (client.server.requests(operation="batch"), client.server.stepped()) == (1, 3)
    assert len(box.listing("archive")) == 1


def test_a_preference_is_said_in_each_request_of_a_batch(client: Client, box: Box) -> None:
    id = box.deliver(mail(1))
    without = {"id": "1", "method": "GET", "url": f"users/{ANN}/messages/{id}?$select=id"}
    assert client.batch(without)["1"]["body"]["id"] == box.ordinary_id(id)


def test_what_depends_on_a_failure_fails(client: Client, box: Box) -> None:
    id = box.deliver(mail(1))
    first = step("1", "POST", f"/messages/{id}/move", {"destinationId": "nowhere"})
    second = step("2", "PATCH", f"/messages/{id}", {"isRead": True}) | {"dependsOn": ["1"]}
    found = client.batch(first, second)
    assert [found["1"]["status"], found["2"]["status"]] == [400, 424]
    assert not box.listing()[0].is_read


@pytest.mark.parametrize(
    "steps",
    [
        [step(str(number), "GET", "/mailFolders") for number in range(21)],
        [step("1", "GET", "/mailFolders"), step("1", "GET", "/mailFolders")],
        [{"id": "1", "method": "GET"}],
        [{"id": 1, "method": "GET", "url": "/me"}],
        [{"id": "1", "method": "GET", "url": f"https://graph.microsoft.com/v1.0/users/{ANN}/messages"}],
        [{"id": "1", "method": "POST", "url": f"/users/{ANN}/messages", "body": {}}],
        [step("1", "GET", "/mailFolders") | {"dependsOn": ["2"]}],
        [],
    ],
    ids=["21", "twice", "no url", "number", "absolute", "no content type", "unknown", "none"],
)
def test_batches_that_are_refused_as_a_whole(client: Client, steps: list[dict[str, object]]) -> None:
    assert client.send("POST", "/v1.0/$batch", {"requests": steps}).status == 400
    assert client.server.stepped() == 0


def test_a_part_of_a_batch_is_throttled(client: Client, box: Box) -> None:
    ids = [box.deliver(mail(number)) for number in range(6)]
    client.server.fault(throttled(7, operation="move", every=3, times=None))
    found = client.batch(
        *(step(id, "POST", f"/messages/{id}/move", {"destinationId": "archive"}) for id in ids)
    )
    assert [found[id]["status"] for id in ids] == [201, 201, 429, 201, 201, 429]
    assert found[ids[2]]["headers"]["Retry-After"] == "7"
    assert found[ids[2]]["body"]["error"]["code"] == "ApplicationThrottled"
    assert {stored.id for stored in box.listing()} == {ids[2], ids[5]}


# --- how many at once


def test_more_than_four_at_once_are_refused(client: Client, box: Box, authority: Authority) -> None:
    ids = [box.deliver(mail(number)) for number in range(5)]
    inside, release = threading.Semaphore(0), threading.Event()

    def wait() -> None:
        inside.release()
        release.wait()

    client.server.fault(meanwhile(wait, operation="value", times=None))

    def fetch(id: str) -> int:
        other = Client(client.server, authority.ca_file)
        other.token = client.token
        try:
            return other.get(f"/messages/{id}/$value").status
        finally:
            other.close()

    answers: SimpleQueue[int] = SimpleQueue()
    threads = [threading.Thread(target=lambda id=id: answers.put(fetch(id))) for id in ids]
    for thread in threads:
        thread.start()
    for _ in ids:
        inside.acquire()
    with client.server.lock:
        # Four are at work, and cannot end; the fifth finds no place.
        release.set()
        refusal = answers.get()
    for thread in threads:
        thread.join()
    assert [refusal, *(answers.get() for _ in range(4))] == [429, 200, 200, 200, 200]
    assert client.server.most_at_once[ANN] == 5


def test_twenty_in_a_batch_are_not_too_many(client: Client, box: Box) -> None:
    """Source: https://learn.microsoft.com/graph/throttling-limits: Graph sends four of them at a time."""
    ids = [box.deliver(mail(number)) for number in range(20)]
    found = client.batch(*(step(id, "GET", f"/messages/{id}/$value") for id in ids))
    assert {each["status"] for each in found.values()} == {200}


# --- rights


def test_without_a_token_nothing_is_said(client: Client) -> None:
    client.token = ""
    answer = client.get("/messages")
    assert answer.error == (401, "InvalidAuthenticationToken")
    assert answer.headers["www-authenticate"].startswith("Bearer")
    client.token = "nonsense"  # noqa: S105
    assert client.get("/messages").error == (401, "InvalidAuthenticationToken")


def test_tokens_expire_and_are_revoked(client: Client) -> None:
    client.server.entra.expire_tokens()
    answer = client.get("/messages")
    assert (answer.status, "expired" in answer.json["error"]["message"]) == (401, True)
    client.token = ""
    client.sign_in()
    assert client.get("/messages").status == 200
    client.server.entra.revoke_tokens()
    assert 'error="insufficient_claims"' in client.get("/messages").headers["www-authenticate"]


def test_a_token_for_another_service_is_refused(client: Client) -> None:
    client.token = ""
    client.sign_in(scope="https://outlook.office365.com/.default")
    assert client.get("/messages").error == (401, "InvalidAuthenticationToken")


def test_rights_for_reading_are_none_for_changing(client: Client, box: Box) -> None:
    id = box.deliver(mail(1))
    client.server.app.roles = {"Mail.Read"}
    client.token = ""
    client.sign_in()
    assert client.get(f"/messages/{id}/$value").status == 200
    moved = client.send("POST", f"/messages/{id}/move", {"destinationId": "archive"})
    assert moved.error == (403, "ErrorAccessDenied")
    client.server.app.roles = {"Mail.ReadBasic.All"}
    client.token = ""
    client.sign_in()
    assert client.get(f"/messages/{id}/$value").error == (403, "ErrorAccessDenied")
    assert "body" not in client.get(f"/messages/{id}").json
    client.server.app.roles = set()
    client.token = ""
    client.sign_in()
    assert client.get("/mailFolders").error == (403, "ErrorAccessDenied")


def test_rights_for_some_mailboxes_are_in_no_token(client: Client, authority: Authority) -> None:
    """RBAC for Applications: Exchange decides, whatever Entra knows."""
    client.server.add_mailbox("bob@harbor.example")
    client.server.app.roles = set()
    client.server.app.scoped["Mail.ReadWrite"] = frozenset({ANN})
    client.token = ""
    client.sign_in()
    payload = client.token.split(".")[1]
    assert json.loads(base64.urlsafe_b64decode(payload + "=="))["roles"] == []
    assert client.get("/messages").status == 200
    assert client.get("/v1.0/users/bob@harbor.example/messages").error == (403, "ErrorAccessDenied")


def test_users_without_mailbox_and_no_users_at_all(client: Client) -> None:
    client.server.add_user("old@harbor.example")
    assert client.get("/v1.0/users/old@harbor.example/messages").error == (404, "MailboxNotEnabledForRESTAPI")
    assert client.get("/v1.0/users/nobody@harbor.example/messages").error == (404, "ErrorInvalidUser")
    assert client.get("/v1.0/me/messages").status == 400


def test_a_user_is_known_by_principal_name_and_id_not_by_address(client: Client) -> None:
    box = client.server.add_mailbox("eve@harbor.example", upn="e.v@harbor.onmicrosoft.example")
    assert client.get("/v1.0/users/eve@harbor.example/messages").code == "ErrorInvalidUser"
    assert client.get("/v1.0/users/E.V@harbor.onmicrosoft.example/messages").status == 200
    id = client.server.entra.users["eve@harbor.example"]
    assert client.get(f"/v1.0/users/{id}/messages").status == 200
    assert box.address == "eve@harbor.example"


def test_settings_and_directory_need_rights_of_their_own(client: Client) -> None:
    assert client.get("/mailboxSettings").error == (403, "ErrorAccessDenied")
    assert client.get("?$select=mail").error == (403, "Authorization_RequestDenied")
    client.server.app.roles |= {"MailboxSettings.Read", "User.Read.All"}
    client.token = ""
    client.sign_in()
    assert client.get("/mailboxSettings?$select=userPurpose").json["userPurpose"] == "user"
    assert client.get("?$select=mail").json["mail"] == ANN


def test_a_folder_may_be_closed(client: Client, box: Box) -> None:
    id = box.deliver(mail(1))
    box.deny("archive", "write")
    moved = client.send("POST", f"/messages/{id}/move", {"destinationId": "archive"})
    assert moved.error == (403, "ErrorAccessDenied")


# --- what goes wrong on demand


def test_throttled_as_a_whole(client: Client) -> None:
    client.server.fault(throttled(3, every=2, times=None))
    statuses = [client.get("/messages") for _ in range(4)]
    assert [each.status for each in statuses] == [200, 429, 200, 429]
    assert statuses[1].headers["retry-after"] == "3"
    client.server.heal()
    client.server.fault(unavailable(None))
    answer = client.get("/messages")
    assert (answer.status, "retry-after" in answer.headers) == (503, False)


def test_a_gateway_says_no_json(client: Client) -> None:
    client.server.fault(broken(502))
    answer = client.get("/messages")
    assert (answer.status, answer.headers["content-type"]) == (502, "text/html")
    client.server.fault(refused(403, "ErrorAccessDenied", operation="list"))
    assert client.get("/messages").error == (403, "ErrorAccessDenied")


def test_the_connection_ends(client: Client, box: Box) -> None:
    id = box.deliver(mail(1))
    move = f"/messages/{id}/move"
    client.server.fault(cut(operation="move"))
    with pytest.raises(http.client.RemoteDisconnected):
        client.send("POST", move, {"destinationId": "archive"})
    assert len(box.listing()) == 1
    client.server.fault(cut_after(operation="move"))
    with pytest.raises(http.client.RemoteDisconnected):
        client.send("POST", move, {"destinationId": "archive"})
    assert len(box.listing("archive")) == 1
    client.server.fault(cut_middle(operation="value"))
    with pytest.raises(http.client.IncompleteRead):
        client.get(f"/messages/{id}/$value")


def test_in_the_middle_of_a_batch(client: Client, box: Box) -> None:
    ids = [box.deliver(mail(number)) for number in range(3)]
    client.server.fault(cut(operation="move", skip=2))
    with pytest.raises(http.client.RemoteDisconnected):
        client.batch(*(step(id, "POST", f"/messages/{id}/move", {"destinationId": "archive"}) for id in ids))
    assert [stored.id for stored in box.listing()] == ids[2:]


def test_what_stalls_is_cut_off_when_healed(client: Client) -> None:
    came = threading.Event()
    client.server.fault(stall(operation="list", meanwhile=came.set))
    failures: list[Exception] = []

    def ask() -> None:
        try:
            client.get("/messages")
        except http.client.RemoteDisconnected as failure:
            failures.append(failure)

    thread = threading.Thread(target=ask)
    thread.start()
    came.wait()
    client.server.heal()
    thread.join()
    assert len(failures) == 1
