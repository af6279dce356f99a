"""
One mailbox at work: asking its server, waiting when it is busy, asking again when the connection breaks.
"""

from __future__ import annotations

import logging
from typing import Any, Final

from oauthlib.oauth2 import InvalidClientIdError, TokenExpiredError

from cleaner.config import MailboxSettings, Server
from cleaner.connectors.ews import calls
from cleaner.connectors.ews.calls import CALLS, Answer
from cleaner.connectors.ews.connecting import connect
from cleaner.connectors.ews.discovery import forget_discovered
from cleaner.connectors.ews.errors import (
    AWAY,
    PASSING,
    THROTTLED,
    error_of,
    of_code,
    place_of,
    refusal,
    said,
)
from cleaner.connectors.ews.folders import read_folders
from cleaner.connectors.exchange.backoff import Backoff
from cleaner.connectors.exchange.errors import AwayError, ThrottledError
from cleaner.connectors.exchange.folders import Folders
from cleaner.connectors.exchange.session import ExchangeSession
from cleaner.errors import AskPersonError, CleanerError, ServerUnavailableError, SignInRefusedError

log = logging.getLogger(__name__)

TOKENS: Final = 3
"""How often an access token may be renewed for one request."""


class Session(ExchangeSession):
    """One mailbox through one account. Not for use by several threads at once."""

    def __init__(self, server: Server, mailbox: MailboxSettings) -> None:
        super().__init__(mailbox)
        self.endpoint, self.account = connect(server, mailbox)
        self.server = self.endpoint.server
        self._configured = server

    @property
    def place(self) -> str:
        return place_of(self.server)

    # --- asking

    def read(self, name: str, payload: Any, *, by_item: bool = False) -> list[Answer]:
        """
        A request that changes nothing: asked again when the connection breaks.

        And when no item was answered for the server's own trouble, unless whoever asks looks at each (`by_item`).
        """
        while True:
            try:
                answers = self.once(name, payload)
                if not by_item:
                    self._raise_passing(answers)
            except (ThrottledError, AwayError):
                raise
            except ServerUnavailableError as error:
                self.again(error)
            else:
                return answers

    def one(self, name: str, payload: Any) -> Answer:
        """The same for a request with one answer."""
        answers = self.read(name, payload)
        if not answers:
            raise self.silent(name)
        return answers[0]

    def one_once(self, name: str, payload: Any) -> Answer:
        """One answer to a request that is not simply made again."""
        answers = self.once(name, payload)
        if not answers:
            raise self.silent(name)
        return answers[0]

    def silent(self, name: str) -> ServerUnavailableError:
        return ServerUnavailableError(self.place, f"it does not answer {name}")

    def once(self, name: str, payload: Any) -> list[Answer]:
        """
        A request that is made again only where it was refused as a whole, so that nothing was done.

        Raises ThrottledError where the server wants to be left alone for longer than can be waited for.
        """
        while True:
            self._wait_for_turn()
            try:
                answers = self._ask(name, payload)
            except ThrottledError as error:
                self.pause(error)
                continue
            busy = next((answer for answer in answers if answer.code in THROTTLED), None)
            if busy is not None and all(answer.code in THROTTLED for answer in answers):
                self.pause(self.throttled(busy.wait))
                continue
            return answers

    def again(self, error: ServerUnavailableError) -> None:
        """Waits a moment after a broken connection; raises the error when that was done often enough."""
        self._tries -= 1
        if self._tries < 0 or not self._patience.nap(self._patience.guess()):
            raise error
        log.info("%s: %s Asking again.", self.address, error)

    @property
    def backoff(self) -> Backoff:
        return self.endpoint.backoff

    def throttled(self, seconds: float | None) -> ThrottledError:
        return ThrottledError(self.place, seconds)

    def _wait_for_turn(self) -> None:
        if self.endpoint.is_refused:
            raise refusal(self.server, self.mailbox)
        self.wait_for_turn()

    def _ask(self, name: str, payload: Any) -> list[Answer]:
        tokens = TOKENS
        is_retry = False
        while True:
            try:
                answers = CALLS[name](account=self.account).answers(payload)
            except (TokenExpiredError, InvalidClientIdError) as error:
                tokens -= 1
                if tokens < 0:
                    raise error_of(error, self.server, self.mailbox) from None
                continue
            except Exception as error:
                trouble = error_of(error, self.server, self.mailbox)
                if isinstance(trouble, SignInRefusedError):
                    if self.endpoint.has_signed_in and not is_retry:
                        # A server under load says 401 to those it knows.
                        is_retry = True
                        continue
                    self.endpoint.refuse()
                self._forget_place(trouble)
                raise trouble from None
            self.endpoint.has_signed_in = True
            # The next mailbox of this account begins with the version that was found.
            self.account.protocol.config.version = self.account.version.copy()
            log.debug("%s: %s, %d answers", self.address, name, len(answers))
            return answers

    def _forget_place(self, trouble: CleanerError) -> None:
        if self._configured.endpoint is None and isinstance(trouble, AwayError | AskPersonError):
            forget_discovered(self._configured)

    def _raise_passing(self, answers: list[Answer]) -> None:
        """Raises where no item was answered because of the server's own trouble."""
        bad = [answer for answer in answers if answer.code in AWAY or answer.code in PASSING]
        if bad and len(bad) == len(answers):
            raise self.trouble(bad[0])

    def unavailable(self, answer: Answer) -> ServerUnavailableError:
        return ServerUnavailableError(self.place, said(answer.code, answer.text))

    def trouble(self, answer: Answer) -> CleanerError:
        """What an answer means that speaks of more than its item."""
        trouble = of_code(answer.code, answer.text, answer.wait, self.server, self.mailbox)
        self._forget_place(trouble)
        return trouble

    # --- folders

    def read_folders(self) -> Folders:
        return read_folders(self)

    def distinguished(self, name: str) -> Any:
        return calls.distinguished(name, self.address)
