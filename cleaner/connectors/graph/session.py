"""
One mailbox at work: asking, one by one or in batches, waiting where Graph is busy, asking again where it breaks.

A batch is refused item by item ([throttling and batching]): what was refused for now is asked again, after the longest
wait that one of them told. Whoever changes something decides that himself (`once`, `batch_once`): what was done is
to be told before anything is waited for.

[throttling and batching]: https://learn.microsoft.com/graph/throttling#throttling-and-batching
"""

from __future__ import annotations

import base64
import binascii
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from cleaner.config import MailboxSettings, Server
from cleaner.connectors.exchange.backoff import Backoff
from cleaner.connectors.exchange.errors import AwayError
from cleaner.connectors.exchange.folders import Folders
from cleaner.connectors.exchange.session import ExchangeSession
from cleaner.connectors.graph.connecting import connect
from cleaner.connectors.graph.errors import (
    ThrottledError,
    TooLargeError,
    is_busy,
    is_passing,
    of_answer,
    place_of,
)
from cleaner.connectors.graph.folders import read_folders
from cleaner.connectors.graph.wire import Answer, Request, query, segment
from cleaner.connectors.oauth import access_token
from cleaner.errors import CleanerError, ServerUnavailableError

log = logging.getLogger(__name__)

RETRIES: Final = 2
"""How often one request of a batch is made again that fails alone."""


class Session(ExchangeSession):
    """One mailbox. Not for use by several threads at once."""

    def __init__(self, server: Server, mailbox: MailboxSettings) -> None:
        super().__init__(mailbox)
        self.endpoint = connect(server)
        self.server = self.endpoint.server
        self.root = f"/users/{segment(mailbox.user)}"
        self._configured = server
        self._gate = self.endpoint.gate(mailbox)
        self.unsigned: CleanerError | None = None
        """Why a part of the last batch was not signed in for."""

    @property
    def place(self) -> str:
        return place_of(self.server)

    # --- asking

    def path(self, *parts: str, **options: str) -> str:
        """A path below this mailbox: segments, and OData's system options without their `$`."""
        path = "/".join((self.root, *map(segment, parts)))
        return f"{path}?{query({f'${name}': value for name, value in options.items()})}" if options else path

    def read(self, request: Request, *, is_attempt: bool = False) -> Answer:
        """
        A request that changes nothing: asked again when the connection breaks.

        With an attempt the service's own trouble is an answer, too.
        """
        while True:
            try:
                answer = self.once(request)
                if is_passing(answer) and not is_attempt:
                    raise self.trouble(answer)
            except (ThrottledError, AwayError, TooLargeError):
                raise
            except ServerUnavailableError as error:
                self.again(error)
            else:
                return answer

    def once(self, request: Request) -> Answer:
        """
        A request that is made again only where it was refused, so that nothing was done.

        Raises ThrottledError where the server wants to be left alone for longer than can be waited for.
        """
        while True:
            answer = self._signed_in(request)
            if not is_busy(answer):
                return answer
            self.pause(self.throttled(answer.wait))

    def batch(self, requests: Sequence[Request], *, is_attempt: bool = False) -> list[Answer]:
        """
        Requests that change nothing, of any number; what is refused for now is asked again.

        One that fails again and again while others are answered is a message that the service cannot cope with: its
        failure is its answer, and stops no other. With an attempt that holds also where there are no others.
        """
        found: dict[int, Answer] = {}
        failures: Counter[int] = Counter()
        waiting = list(range(len(requests)))
        while waiting:
            part, waiting = waiting[: self._gate.many], waiting[self._gate.many :]
            answers = dict(zip(part, self._read_batch([requests[number] for number in part]), strict=True))
            later = [number for number in part if is_untold(answers[number])]
            found |= {number: answers[number] for number in part if number not in later}
            failures.update(number for number in later if not is_busy(answers[number]))
            hopeless = [n for n in later if failures[n] > RETRIES and (found or is_attempt)]
            found |= {number: answers[number] for number in hopeless}
            later = [number for number in later if number not in hopeless]
            if later:
                self._after([answers[number] for number in later], is_alone=not found)
            waiting = later + waiting
        return [found[number] for number in range(len(requests))]

    def _read_batch(self, requests: Sequence[Request]) -> list[Answer]:
        while True:
            try:
                answers = self.batch_once(requests)
                if self.unsigned is not None and any(answer.status == 401 for answer in answers):
                    raise self.unsigned
            except (ThrottledError, AwayError, TooLargeError):
                raise
            except ServerUnavailableError as error:
                self.again(error)
            else:
                return answers

    def _after(self, untold: Sequence[Answer], *, is_alone: bool) -> None:
        """Waits before those are asked again that were not answered."""
        busy = [answer for answer in untold if is_busy(answer)]
        if busy:
            waits = [answer.wait for answer in busy if answer.wait is not None]
            self.pause(self.throttled(max(waits) if waits else None))
        elif is_alone or not self._patience.nap(self._patience.guess()):
            self.again(self.trouble(untold[0]) if untold[0].status else self.silent())

    def batch_once(self, requests: Sequence[Request]) -> list[Answer]:
        """
        A batch that is made again only where it was refused as a whole.

        One request alone goes alone. An answer of status 0 stands for one that is missing; of status 401 for one that
        no token could be had for while others were done: `unsigned` says why.
        """
        if len(requests) == 1:
            return [self._signed_in(requests[0])]
        answers = self._batch(requests)
        refused = [number for number, answer in enumerate(answers) if answer.status == 401]
        if refused:
            # The token ran out between two of them: what was refused for that was not done.
            try:
                renewed = self._batch([requests[number] for number in refused], renew=True)
            except CleanerError as error:
                self.unsigned = error
                return answers
            answers = [dict(zip(refused, renewed, strict=True)).get(n, a) for n, a in enumerate(answers)]
            still = next((answer for answer in answers if answer.status == 401), None)
            self.unsigned = None if still is None else self.trouble(still)
        return answers

    def _batch(self, requests: Sequence[Request], *, renew: bool = False) -> list[Answer]:
        items = [_item(number, request) for number, request in enumerate(requests)]
        whole = Request("POST", "/$batch", {"requests": items})
        while True:
            answer = self._signed_in(whole, renew=renew)
            if not is_busy(answer):
                break
            self.pause(self.throttled(answer.wait))
        if not answer.is_ok:
            raise self.trouble(answer)
        answers = _answers(answer, len(requests))
        self._gate.note(len(answers), sum(map(is_busy, answers)))
        log.debug("%s: a batch of %d", self.address, len(requests))
        return answers

    @property
    def many(self) -> int:
        return self._gate.many

    def again(self, error: CleanerError) -> None:
        """Waits a moment, or as long as was told; raises the error when that was done often enough."""
        self._tries -= 1
        if not isinstance(error, ServerUnavailableError) or self._tries < 0:
            raise error
        if not self._patience.nap(self._patience.guess() if error.again_in is None else error.again_in):
            raise error
        log.info("%s: %s Asking again.", self.address, error)

    @property
    def backoff(self) -> Backoff:
        return self._gate.backoff

    def throttled(self, seconds: float | None) -> ThrottledError:
        return ThrottledError(self.place, seconds)

    def silent(self) -> ServerUnavailableError:
        return ServerUnavailableError(self.place, "it does not answer all of a batch")

    def _signed_in(self, request: Request, *, renew: bool = False) -> Answer:
        """The answer; after a refusal of the token with another one. Raises SignInRefusedError."""
        answer = self._send(request, renew=renew)
        if answer.status == 401 and not renew:
            answer = self._send(request, renew=True)
        if answer.status == 401:
            raise self.trouble(answer)
        return answer

    def _send(self, request: Request, *, renew: bool) -> Answer:
        self.wait_for_turn()
        token = access_token(self._configured, self.mailbox, renew=renew)
        with self._gate.lock:
            answer = self.endpoint.wire.send(request, token)
        log.debug("%s: %s, HTTP %d", self.address, request.method, answer.status)
        return answer

    def trouble(self, answer: Answer) -> CleanerError:
        """What an answer means that speaks of more than its item."""
        return of_answer(answer, self.server, self.mailbox)

    # --- folders

    def read_folders(self) -> Folders:
        return read_folders(self)


def is_untold(answer: Answer) -> bool:
    """Whether an item of a batch may be answered when it is asked again."""
    return answer.status in (0, 424) or is_busy(answer) or is_passing(answer)


def _item(number: int, request: Request) -> Mapping[str, object]:
    headers = {"Prefer": request.preferences}
    item: dict[str, object] = {
        "id": str(number),
        "method": request.method,
        "url": request.path,
        "headers": headers,
    }
    if request.body is not None:
        headers["Content-Type"] = "application/json"
        item["body"] = request.body
    return item


def _answers(whole: Answer, count: int) -> list[Answer]:
    found: dict[str, Answer] = {}
    told = whole.body.get("responses") if isinstance(whole.body, dict) else None
    for one in told if isinstance(told, list) else ():
        if isinstance(one, dict) and isinstance(one.get("status"), int):
            headers = one.get("headers")
            items = headers.items() if isinstance(headers, dict) else ()
            told_headers = {str(name).lower(): str(value) for name, value in items}
            found[str(one.get("id"))] = Answer(one["status"], _unpacked(one.get("body")), told_headers)
    return [found.get(str(number), Answer(0)) for number in range(count)]


def _unpacked(body: Any) -> Any:
    """
    What is no JSON comes in base64 ([JSON batching]); a message as it is has a colon, which base64 never has.

    [JSON batching]: https://learn.microsoft.com/graph/json-batching
    """
    if not isinstance(body, str):
        return {} if body is None else body
    if ":" in body:
        return body.encode("utf-8", "surrogateescape")
    try:
        flat = "".join(body.split())
        return base64.b64decode(flat + "=" * (-len(flat) % 4), validate=True)
    except (binascii.Error, ValueError):
        return body.encode("utf-8", "replace")
