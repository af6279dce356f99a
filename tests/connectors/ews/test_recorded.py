"""What a real server answered, and what Exchange is documented to, is understood (`../shared/ews/exchanges`)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from exchangelib.util import MNS, SOAPNS, TNS

from cleaner.config import MailboxSettings, Server
from cleaner.connectors.ews import folders, items
from cleaner.connectors.ews.calls import Answer, answer_of, fault_of
from cleaner.connectors.ews.errors import SoapFaultError, of_code
from cleaner.connectors.ews.reading import changes_of
from cleaner.connectors.ews.wire import tree
from cleaner.connectors.exchange.errors import ThrottledError
from cleaner.connectors.exchange.folders import named
from cleaner.errors import AskPersonError, CleanerError, ServerUnavailableError
from cleaner.values import FolderRole, Policy

pytestmark = pytest.mark.corpus

SERVER = Server("exchange", "ews", host="mail.harbor.example", user="svc", access="impersonation")
MAILBOX = MailboxSettings("ann@ews.test", "exchange", "harbor", Policy())


@pytest.fixture(scope="module")
def exchanges(corpus: Path) -> Path:
    folder = corpus.parent / "ews" / "exchanges"
    if not folder.is_dir():
        pytest.skip(f"no recordings at {folder}")
    return folder


def bodies(file: Path) -> Iterator[bytes]:
    for exchange in json.loads(file.read_text())["exchanges"]:
        yield "\n".join(exchange["response"]["body"]).encode()


def answers(file: Path, operation: str) -> list[Answer]:
    found = []
    for body in bodies(file):
        for response in tree(body, SERVER).iter(f"{{{MNS}}}{operation}Response"):
            found += [answer_of(message) for message in response[0]]
    return found


def error(file: Path) -> CleanerError:
    """What the last answer of a file means."""
    *_, body = bodies(file)
    root = tree(body, SERVER)
    fault = root.find(f"{{{SOAPNS}}}Body/{{{SOAPNS}}}Fault")
    if fault is not None:
        refused = fault_of(fault)
        assert isinstance(refused, SoapFaultError)
        return of_code(refused.code, refused.text, refused.wait, SERVER, MAILBOX)
    (message, *_) = [m for m in root.iter() if str(m.tag).endswith("ResponseMessage")]
    answer = answer_of(message)
    return of_code(answer.code, answer.text, answer.wait, SERVER, MAILBOX)


def test_the_header_as_received_comes_whole(exchanges: Path) -> None:
    (answer,) = answers(exchanges / "47-get-item-transport-headers.json", "GetItem")
    (item,) = map(items.item_of, answer.all("Items"))
    assert item is not None
    headers = item.headers()
    assert headers.text("x-failed-recipients") == "gone@example.com"
    assert headers.text("content-type").startswith("multipart/report; report-type=delivery-status; boundary=")
    assert len(headers.all("received")) == 2
    assert headers.text("from") == "MAILER-DAEMON@mx.example.org (Mail Delivery System)"


def test_a_time_with_nine_digits_is_one(exchanges: Path) -> None:
    (answer, *_) = answers(exchanges / "54-sync-initial.json", "SyncFolderItems")
    added, changed, removed = changes_of(answer)
    assert (len(added), changed, removed) == (11, [], 0)
    assert all(item.received is not None and item.received.microsecond for item in added)


def test_what_was_changed_and_what_is_gone(exchanges: Path) -> None:
    (gone,) = answers(exchanges / "58-sync-one-moved-away.json", "SyncFolderItems")
    (read,) = answers(exchanges / "59-sync-read-flag.json", "SyncFolderItems")
    assert changes_of(gone) == ([], [], 1)
    added, changed, removed = changes_of(read)
    assert (added, len(changed), removed) == ([], 1, 0)
    assert changed[0].flags == ("\\Seen",)


def test_each_message_of_a_move_by_itself(exchanges: Path) -> None:
    moved = answers(exchanges / "67-move-item-bulk-one-gone.json", "MoveItem")
    assert [answer.code for answer in moved] == ["", "ErrorItemNotFound", "", ""]
    new = [item.id for answer in moved for item in map(items.item_of, answer.all("Items")) if item]
    assert len(set(new)) == 3


def test_folders_by_their_distinguished_ids(exchanges: Path) -> None:
    file = exchanges / "17-find-folders-deep.json"
    (_, second, *_) = bodies(file)
    found = [
        one
        for holder in tree(second, SERVER).iter(f"{{{TNS}}}Folders")
        for one in map(folders.found_of, holder)
        if one is not None
    ]
    by_name = {one.name: one for one in found}
    known = {"inbox": "Inbox", "sentitems": "Sent Items"}
    assert {key: by_name[name].distinguished for key, name in known.items()} == {key: key for key in known}
    all_folders = named({key: by_name[name] for key, name in known.items()}, tuple(found))
    roles = {folder.name: folder.role for folder in all_folders.all}
    assert all_folders.all[0].name == "INBOX"
    assert (roles["INBOX"], roles["Sent Items"]) == (FolderRole.INBOX, FolderRole.SENT)
    assert roles["Sync Issues/Conflicts"] is FolderRole.NONE
    assert "Calendar" not in roles
    assert "Spooler Queue" not in roles


@pytest.mark.parametrize(
    ("file", "seconds"),
    [
        ("doc-01-server-busy-fault", 297.749),
        ("doc-02-server-busy-fault-no-hint", None),
        ("doc-03-server-busy-in-response", 30.0),
        ("doc-04-internal-error-inner-busy", None),
        ("doc-05-exceeded-connection-count", None),
    ],
)
def test_a_busy_server_says_for_how_long(exchanges: Path, file: str, seconds: float | None) -> None:
    found = error(exchanges / f"{file}.json")
    assert isinstance(found, ThrottledError)
    assert found.told == seconds


@pytest.mark.parametrize(
    ("file", "kind", "words"),
    [
        ("04-impersonation-other-denied", AskPersonError, "-Role ApplicationImpersonation -User 'svc'"),
        ("05-delegate-other-denied", AskPersonError, "no right"),
        ("06-unknown-mailbox-delegate", AskPersonError, "has no mailbox of this address"),
        ("07-unknown-mailbox-impersonation", AskPersonError, "has no mailbox of this address"),
        ("doc-10-mailbox-move-in-progress", ServerUnavailableError, "is being moved"),
        ("doc-12-mailbox-store-unavailable", ServerUnavailableError, "not mounted"),
        ("doc-13-access-denied", AskPersonError, "no right"),
        ("doc-15-impersonate-user-denied", AskPersonError, "New-ManagementRoleAssignment"),
        ("doc-16-non-existent-mailbox-fault", AskPersonError, "primary address"),
        ("doc-17-non-existent-mailbox-in-response", AskPersonError, "primary address"),
    ],
)
def test_what_a_refusal_means(exchanges: Path, file: str, kind: type[CleanerError], words: str) -> None:
    found = error(exchanges / f"{file}.json")
    assert isinstance(found, kind)
    assert words in str(found)


def test_every_answer_of_a_mail_server_is_read_or_refused_in_words(exchanges: Path) -> None:
    count = 0
    for file in sorted(exchanges.glob("*.json")):
        for body in bodies(file):
            try:
                root: Any = tree(body, SERVER)
            except ServerUnavailableError:
                continue
            count += len(list(root.iter(f"{{{TNS}}}*")))
    assert count > 1000
