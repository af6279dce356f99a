"""Each refusal becomes the error that says what to do next."""

from __future__ import annotations

import pytest

from cleaner.config import MailboxSettings, Server
from cleaner.config.oauth import SignIn
from cleaner.connectors.exchange.errors import AwayError
from cleaner.connectors.graph.errors import (
    ThrottledError,
    change_refused,
    is_busy,
    is_gone,
    is_passing,
    is_stale,
    of_answer,
)
from cleaner.connectors.graph.wire import Answer
from cleaner.errors import (
    AskPersonError,
    ChangeRefusedError,
    ServerUnavailableError,
    SignInRefusedError,
)
from cleaner.values import Policy

SERVER = Server(
    "microsoft",
    "graph",
    host="graph.microsoft.com",
    oauth=SignIn("microsoft", "client_credentials", client_id="0c1d6b52"),
)
DEVICE = Server(
    "microsoft",
    "graph",
    host="graph.microsoft.com",
    oauth=SignIn("microsoft", "device", client_id="0c1d6b52"),
)
MAILBOX = MailboxSettings("ann@harbor.example", "microsoft", "harbor", Policy(), user="ann@harbor.example")


def answer(status: int, code: str = "", message: str = "", **headers: str) -> Answer:
    return Answer(
        status,
        {"error": {"code": code, "message": message}} if code else b"<html>",
        {name.replace("_", "-"): value for name, value in headers.items()},
    )


@pytest.mark.parametrize(
    ("found", "kind", "words"),
    [
        (answer(429, "ApplicationThrottled", retry_after="7"), ThrottledError, "for 7 s"),
        (answer(429), ThrottledError, "asked less"),
        (answer(503, "ServiceUnavailable", retry_after="soon"), ThrottledError, "asked less"),
        (answer(503, "ErrorMailboxStoreUnavailable"), AwayError, "not mounted"),
        (answer(404, "ErrorMailboxMoveInProgress"), AwayError, "being moved"),
        (answer(500, "ErrorInternalServerError"), ServerUnavailableError, "500 ErrorInternalServerError"),
        (answer(502), ServerUnavailableError, "502"),
        (answer(401, "InvalidAuthenticationToken"), SignInRefusedError, "token of the application 0c1d6b52"),
        (
            answer(403, "ErrorAccessDenied"),
            AskPersonError,
            "-App '0c1d6b52' -Role 'Application Mail.ReadWrite'",
        ),
        (
            answer(403, "ErrorAccessDenied"),
            AskPersonError,
            "-Identity 'Bounce Cleaner' -Member 'ann@harbor.example'",
        ),
        (answer(404, "MailboxNotEnabledForRESTAPI"), AskPersonError, 'connector = "ews"'),
        (answer(404, "ErrorInvalidUser"), AskPersonError, "Get-EXOMailbox 'ann@harbor.example'"),
        (answer(404), AskPersonError, "no Microsoft Graph at graph.microsoft.com"),
        (answer(302), AskPersonError, "sends us elsewhere"),
        (answer(400, "BadRequest", "because\nso"), AskPersonError, "'because so'"),
    ],
)
def test_what_becomes_of_an_answer(found: Answer, kind: type[Exception], words: str) -> None:
    error = of_answer(found, SERVER, MAILBOX)
    assert type(error) is kind
    assert words in str(error)


def test_who_signed_in_himself_grants_it_elsewhere() -> None:
    assert "bounce-cleaner login microsoft" in str(
        of_answer(answer(403, "ErrorAccessDenied"), DEVICE, MAILBOX)
    )


@pytest.mark.parametrize(
    ("found", "kind", "words"),
    [
        (answer(507, "ErrorQuotaExceeded"), ChangeRefusedError, "full"),
        (answer(403, "ErrorAccessDenied"), ChangeRefusedError, "Mail.ReadWrite"),
        (answer(400, "ErrorInvalidFolderDisplayName"), ChangeRefusedError, "ErrorInvalidFolderDisplayName"),
        (answer(429, "TooManyRequests", retry_after="9"), ThrottledError, "for 9 s"),
        (answer(500), ServerUnavailableError, "500"),
    ],
)
def test_what_becomes_of_a_change_that_is_refused(found: Answer, kind: type[Exception], words: str) -> None:
    error = change_refused("messages of 'INBOX' cannot be moved", found, SERVER, MAILBOX)
    assert type(error) is kind
    assert words in str(error)


def test_what_waiting_helps_against() -> None:
    assert is_busy(answer(429))
    assert is_busy(answer(503))
    assert is_busy(answer(400, "ApplicationThrottled"))
    assert not is_busy(answer(503, "ErrorMailboxStoreUnavailable"))
    assert not is_busy(answer(500))
    assert is_passing(answer(504))
    assert not is_passing(answer(501))


def test_what_is_gone_and_what_is_stale() -> None:
    assert is_gone(answer(404, "ErrorItemNotFound"))
    assert is_gone(answer(400, "ErrorInvalidIdMalformed"))
    assert not is_gone(answer(404, "MailboxNotEnabledForRESTAPI"))
    assert not is_gone(answer(404))
    assert is_stale(answer(410, "SyncStateNotFound"))
    assert is_stale(answer(410))
    assert is_stale(answer(400, "BadRequest", "Badly formed token"))
    assert is_stale(answer(404, "ErrorItemNotFound"))
    assert not is_stale(answer(404, "MailboxNotEnabledForRESTAPI"))
    assert not is_stale(answer(403, "ErrorAccessDenied"))


@pytest.mark.parametrize(
    ("told", "seconds"),
    [("7", 7.0), ("0", 0.0), ("12345678", None), ("Wed, 21 Oct", None), ("-1", None), ("²", None)],
)
def test_how_long_to_wait(told: str, seconds: float | None) -> None:
    assert answer(429, retry_after=told).wait == seconds
