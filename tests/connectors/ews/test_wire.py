"""What goes wrong between us and the server, over a real connection: each ends in an error that says what to do."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from cleaner.config import MailboxSettings, Secret, Server
from cleaner.connectors import open_changing, open_reading
from cleaner.connectors.ews import wire
from cleaner.connectors.exchange.errors import ThrottledError
from cleaner.errors import AskPersonError, CleanerError, ServerUnavailableError, SignInRefusedError
from cleaner.ports import ChangeableMailbox
from cleaner.values import Policy
from tests.connectors.ews.answering import Answering, Given, answered, answering, fault, message, soap

PASSWORD = "planted-Secret-8843"  # noqa: S105 - looked for in everything that is said

FOLDER = (
    '<t:Folder><t:FolderId Id="{id}"/><t:ParentFolderId Id="{parent}"/><t:FolderClass>IPF.Note</t:FolderClass>'
    "<t:DisplayName>{name}</t:DisplayName><t:TotalCount>0</t:TotalCount></t:Folder>"
)


def folder(id: str, name: str, parent: str = "top") -> str:
    return FOLDER.format(id=id, name=name, parent=parent)


def known_folders() -> Given:
    """The answer to GetFolder: an inbox, and nothing else."""
    lacking = message("GetFolder", "<m:Folders/>", "ErrorFolderNotFound")
    found = message("GetFolder", f"<m:Folders>{folder('in', 'Inbox')}</m:Folders>")
    return Given(answered("GetFolder", found, lacking, lacking, lacking, lacking))


def all_folders(*more: str) -> Given:
    inside = "".join((folder("in", "Inbox"), *more))
    root = f'<m:RootFolder IncludesLastItemInRange="true"><t:Folders>{inside}</t:Folders></m:RootFolder>'
    return Given(answered("FindFolder", message("FindFolder", root)))


FOLDERS = (all_folders(folder("q", "Backscatter")), known_folders())


def settings(server: Answering, base: Path, **more: object) -> tuple[Server, MailboxSettings]:
    (base / "password").write_text(PASSWORD)
    found = Server(
        "exchange",
        "ews",
        host="127.0.0.1",
        endpoint=server.endpoint,
        tls="none",
        auth="basic",
        access="impersonation",
        user="HARBOR\\svc",
        password=Secret("file:password", base),
    )
    return replace(found, **more), MailboxSettings("ann@harbor.example", "exchange", "harbor", Policy())  # type: ignore[arg-type]


class Opened:
    """Serves answers, and opens a mailbox there."""

    def __init__(self, stack: ExitStack, base: Path) -> None:
        self._stack = stack
        self._base = base

    def __call__(self, *answers: Given, **more: object) -> tuple[ChangeableMailbox, Answering]:
        server = self._stack.enter_context(answering(answers))
        return open_changing(*settings(server, self._base, **more)), server


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    with ExitStack() as stack:
        yield Opened(stack, tmp_path)


def names(mailbox: ChangeableMailbox) -> Sequence[str]:
    return [found.name for found in mailbox.folders()]


def test_an_account_acts_for_the_owner_whom_each_request_names(opened: Opened) -> None:
    mailbox, server = opened(*FOLDERS)
    assert names(mailbox) == ["INBOX", "Backscatter"]
    for asked in server.asked:
        assert b"<t:ExchangeImpersonation><t:ConnectingSID>" in asked
        assert b"ann@harbor.example" in asked
    assert b"Exchange2010_SP2" in server.asked[0]


def test_a_delegate_acts_for_nobody(opened: Opened) -> None:
    mailbox, server = opened(*FOLDERS, access="delegate")
    mailbox.folders()
    assert not any(b"ExchangeImpersonation" in asked for asked in server.asked)


@pytest.mark.parametrize(
    "busy",
    [
        fault("ErrorServerBusy", "busy", 20),
        fault("ErrorServerBusy", "busy"),
        Given(answered("FindFolder", message("FindFolder", code="ErrorServerBusy"))),
        Given(b"", 503, (("Retry-After", "0"),)),
        Given(b"slow down", 429, (("Retry-After", "0"), ("Content-Type", "text/plain"))),
        Given(b"<html>gone fishing</html>", 503),
    ],
)
def test_a_short_pause_is_waited_for(opened: Opened, busy: Given) -> None:
    mailbox, server = opened(busy, *FOLDERS)
    assert names(mailbox) == ["INBOX", "Backscatter"]
    assert len(server.asked) == 3


@pytest.mark.parametrize(
    "busy",
    [
        fault("ErrorServerBusy", "busy", 297_749),
        Given(b"", 503, (("Retry-After", "298"),)),
        Given(b"", 429, (("Retry-After", "298"),)),
    ],
)
def test_a_long_pause_ends_the_run_for_every_mailbox_of_the_account(
    opened: Opened, busy: Given, tmp_path: Path
) -> None:
    mailbox, server = opened(busy, *FOLDERS)
    with pytest.raises(ThrottledError, match="298 s") as raised:
        mailbox.folders()
    assert raised.value.again_in is not None
    assert raised.value.again_in > 290
    here, bob = settings(server, tmp_path)
    other = open_reading(here, replace(bob, address="bob@harbor.example"))
    with pytest.raises(ThrottledError, match=r"29[78] s"):
        other.folders()
    assert len(server.asked) == 1
    stranger = open_reading(replace(here, user="HARBOR\\other"), bob)
    assert len(stranger.folders()) == 2


@pytest.mark.parametrize("cut", [0, 10, 200])
def test_a_connection_that_breaks_is_made_again(opened: Opened, cut: int) -> None:
    first, second = FOLDERS
    mailbox, _ = opened(replace(first, cut=cut), first, replace(second, cut=cut), second)
    assert names(mailbox) == ["INBOX", "Backscatter"]


def test_one_that_breaks_again_and_again_ends_the_run(opened: Opened) -> None:
    mailbox, server = opened(replace(FOLDERS[0], cut=100))
    with pytest.raises(ServerUnavailableError, match=r"127\.0\.0\.1"):
        mailbox.folders()
    assert len(server.asked) < 6


def test_an_answer_that_was_cut_off_is_never_taken_for_a_short_one(opened: Opened) -> None:
    """A server or proxy that ends it early and says that this is all."""
    whole = FOLDERS[0].body
    mailbox, _ = opened(Given(whole[: whole.index(b"<t:DisplayName>Backscatter")]))
    with pytest.raises(ServerUnavailableError, match="cut off"):
        mailbox.folders()


@pytest.mark.parametrize(
    "prolog",
    [
        b'<!DOCTYPE s [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>',
        b'<?xml version="1.0"?>\n<!-- x --><!DOCTYPE s SYSTEM "file:///etc/passwd">',
    ],
)
def test_a_document_type_is_refused_unread(opened: Opened, prolog: bytes) -> None:
    body = FOLDERS[0].body
    mailbox, _ = opened(Given(prolog + body[body.index(b"<s:Envelope") :]))
    with pytest.raises(ServerUnavailableError, match="no SOAP"):
        mailbox.folders()


def test_an_answer_without_end_is_not_read_to_its_end(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "MAX_ANSWER", 1024 * 1024)
    mailbox, _ = opened(Given(soap("x" * 3_000_000)))
    with pytest.raises(ServerUnavailableError, match="larger than 1 MB"):
        mailbox.folders()


@pytest.mark.parametrize(
    ("given", "kind", "words"),
    [
        (Given(b"", 404), AskPersonError, "no EWS at this endpoint"),
        (Given(b"", 403), AskPersonError, "Set-CASMailbox"),
        (
            Given(b"", 302, (("Location", "https://new.example/EWS?token=1"),)),
            AskPersonError,
            "https://new.example/EWS;",
        ),
        (Given(b"", 502), ServerUnavailableError, "HTTP 502"),
        (Given(b"<html>oh</html>", 500), ServerUnavailableError, "no SOAP"),
        (Given(b"hello"), ServerUnavailableError, "no SOAP"),
        (Given(soap("<x/>")), ServerUnavailableError, "something else"),
        (
            fault("ErrorImpersonateUserDenied", "no"),
            AskPersonError,
            "ApplicationImpersonation -User 'HARBOR\\svc'",
        ),
        (fault("ErrorNonExistentMailbox", "no"), AskPersonError, "ann@harbor.example"),
        (fault("ErrorMailboxMoveInProgress", "no"), ServerUnavailableError, "is being moved"),
        (fault("ErrorNobodyKnowsThisOne", "hm"), AskPersonError, "ErrorNobodyKnowsThisOne: 'hm'"),
    ],
)
def test_every_refusal_has_its_words(
    opened: Opened, given: Given, kind: type[CleanerError], words: str
) -> None:
    mailbox, _ = opened(given)
    with pytest.raises(kind) as raised:
        mailbox.folders()
    assert words in str(raised.value)


def test_a_delegate_without_rights_is_told_the_command(opened: Opened) -> None:
    denied = message("FindFolder", code="ErrorAccessDenied")
    mailbox, _ = opened(Given(answered("FindFolder", denied)), access="delegate")
    with pytest.raises(AskPersonError) as raised:
        mailbox.folders()
    expected = (
        "Add-MailboxPermission -Identity 'ann@harbor.example' -User 'HARBOR\\svc' -AccessRights FullAccess"
    )
    assert expected in str(raised.value)


def test_a_refused_password_is_tried_once_and_not_for_each_mailbox(opened: Opened, tmp_path: Path) -> None:
    """Otherwise 300 mailboxes lock the account."""
    mailbox, server = opened(Given(b"", 401, (("WWW-Authenticate", 'Basic realm="x"'),)))
    with pytest.raises(SignInRefusedError, match="file:password"):
        mailbox.folders()
    here, ann = settings(server, tmp_path)
    with pytest.raises(SignInRefusedError):
        open_reading(here, replace(ann, address="bob@harbor.example")).folders()
    assert len(server.asked) == 1


def test_the_account_has_so_many_connections_and_no_more(opened: Opened, tmp_path: Path) -> None:
    mailbox, server = opened(FOLDERS[0], connections=2)
    here, ann = settings(server, tmp_path, connections=2)
    mailboxes = [open_reading(here, replace(ann, address=f"user{n}@harbor.example")) for n in range(12)]

    def ask(number: int) -> None:
        with suppress(CleanerError):
            mailboxes[number].folders()

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert mailboxes[0]._session.endpoint.protocol.session_pool_size <= 2  # type: ignore[attr-defined]
    assert mailbox.address == ann.address


def test_no_secret_in_logs_or_errors_also_at_debug(
    opened: Opened, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("exchangelib", "exchangelib.util", "exchangelib.util.xml", "urllib3", "requests", "cleaner"):
        caplog.set_level(logging.DEBUG, logger=name)
    said = []
    for answers in (
        FOLDERS,
        (Given(b"", 401, (("WWW-Authenticate", "Basic"),)),),
        (Given(PASSWORD.encode(), 500),),
        (replace(FOLDERS[0], cut=100),),
        (fault("ErrorServerBusy", "x", 999_999),),
        (Given(b"", 404),),
    ):
        mailbox, server = opened(*answers)
        try:
            mailbox.folders()
        except CleanerError as error:
            logging.getLogger("cleaner").exception("it failed")
            said.append(f"{error!r} {error.__cause__!r}")
        assert server.headers[0]["Authorization"].startswith("Basic ")
    secrets = (PASSWORD, server.headers[0]["Authorization"].partition(" ")[2])
    printed = capsys.readouterr()
    for text in (caplog.text, printed.out, printed.err, *said):
        assert not any(secret in text for secret in secrets)
    assert "ann@harbor.example" in caplog.text


def test_the_secret_of_a_server_does_not_show_in_its_settings(opened: Opened, tmp_path: Path) -> None:
    mailbox, server = opened(*FOLDERS)
    assert PASSWORD not in repr(settings(server, tmp_path))
    assert PASSWORD not in repr(mailbox._session.endpoint)  # type: ignore[attr-defined]


def test_a_missing_package_is_named_with_the_command_that_installs_it(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "exchangelib", None)
    server, mailbox = settings(Answering([]), tmp_path)
    for opening in (open_reading, open_changing):
        with pytest.raises(AskPersonError, match=r"pip install 'bounce-cleaner\[ews\]'"):
            opening(server, mailbox)


def test_who_opens_no_exchange_does_not_load_exchangelib() -> None:
    code = "import sys, cleaner.cli, cleaner.app, cleaner.connectors; print('exchangelib' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "False\n"


def test_an_answer_nested_without_end_is_read_within_bounds(opened: Opened) -> None:
    mailbox, _ = opened(Given(soap("<a>" * 100_000)))
    with pytest.raises(ServerUnavailableError):
        mailbox.folders()
