"""
Commands and responses over one connection.

The library opens the connection; what is said over it is said here. Literals are read within bounds, commands
are sent ahead of the answers to earlier ones where that saves waiting, and FETCH responses, of which there are
tens of thousands, are handed out while they come in. An answer that nobody reads to its end is read before
the next command.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from imaplib import IMAP4
from itertools import count
from typing import Final, Protocol, TypeAlias

from cleaner.connectors.imap.errors import shown
from cleaner.connectors.imap.grammar import quoted
from cleaner.errors import CleanerError, ServerUnavailableError

MAX_LITERAL: Final = 64 * 1024 * 1024
"""Bytes of one literal that are kept; what is longer is read and thrown away."""

MAX_PARTS: Final = 10_000
"""Literals in one response: no server needs so many."""

BLOCK: Final = 256 * 1024

_LITERAL: Final = re.compile(rb"\{(\d{1,18})\+?\}\r\n$")
_STATUS: Final = re.compile(
    rb"(OK|NO|BAD|BYE|PREAUTH)(?: +\[([^\] ]*) ?([^\]]*)\])?(?:(?<=\]) *| +|$)(.*)", re.IGNORECASE | re.DOTALL
)

Parts: TypeAlias = list[bytes]
"""One response: text and literals by turns, the text without what is the same for all."""


class Transport(Protocol):
    """What imaplib calls its overridable methods."""

    def send(self, data: bytes) -> None: ...

    def readline(self) -> bytes: ...

    def read(self, size: int) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Literal:
    """Part of a command that no quoted string can hold."""

    raw: bytes


Word: TypeAlias = bytes | Literal


def string(text: bytes) -> Word:
    """A string as a command takes it."""
    short = quoted(text)
    return Literal(text) if short is None else short


@dataclass(frozen=True, slots=True)
class Status:
    """How a command ended, or what an untagged OK says: kind, response code with its arguments, words."""

    kind: bytes
    code: bytes = b""
    arguments: bytes = b""
    text: bytes = b""

    @classmethod
    def parse(cls, line: bytes) -> Status | None:
        match = _STATUS.fullmatch(line)
        if match is None:
            return None
        kind, code, arguments, text = (group or b"" for group in match.groups())
        return cls(kind.upper(), code.upper(), arguments, text)

    @property
    def is_ok(self) -> bool:
        return self.kind == b"OK"


@dataclass(slots=True)
class Answer:
    """What came in reply to one command."""

    status: Status
    responses: list[Parts] = field(default_factory=list)
    remarks: list[Status] = field(default_factory=list)
    """The untagged OK, NO and BAD."""

    @property
    def is_ok(self) -> bool:
        return self.status.is_ok

    def code(self, name: bytes) -> bytes | None:
        """The arguments of a response code, tagged or untagged; None where it was not given."""
        for status in (self.status, *self.remarks):
            if status.code == name:
                return status.arguments
        return None

    def named(self, name: bytes) -> list[Parts]:
        """The untagged responses of that name, without it."""
        found: list[Parts] = []
        for first, *rest in self.responses:
            word, _, text = first.partition(b" ")
            if word.upper() == name:
                found.append([text, *rest])
        return found

    def counted(self, name: bytes) -> int | None:
        """The number before the last untagged response of that name (`* 23 EXISTS`)."""
        found = None
        for first, *_ in self.responses:
            digits, _, word = first.partition(b" ")
            if digits.isdigit() and word.strip().upper() == name:
                found = int(digits)
        return found


class Stream:
    """Untagged responses to one or more commands, as they come in."""

    def __init__(self, wire: Wire, tags: Sequence[bytes]) -> None:
        self._wire = wire
        self._tags = set(tags)
        self._ahead: deque[Parts] = deque()
        self.ended: list[Status] = []
        """How each command ended, as far as they have."""

    def __iter__(self) -> Stream:
        return self

    def __next__(self) -> Parts:
        if self._ahead:
            return self._ahead.popleft()
        found = self._read()
        if found is None:
            raise StopIteration
        return found

    def drain(self) -> None:
        """Reads all that is to come, so that the connection is free again."""
        while (found := self._read()) is not None:
            self._ahead.append(found)

    @property
    def trouble(self) -> Status | None:
        """The first command's end that was not OK."""
        return next((status for status in self.ended if not status.is_ok), None)

    def _read(self) -> Parts | None:
        while self._tags:
            tag, parts = self._wire.response()
            if tag is None:
                return parts
            if tag not in self._tags:
                raise self._wire.broken("it answered what nobody asked")
            self._tags.remove(tag)
            self.ended.append(self._wire.ending(parts))
        self._wire.release(self)
        return None


class RefusedLiteralError(Exception):
    """The server does not want the rest of a command."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer


class Wire:
    """One connection, signed in or about to be; not for use by several threads at once."""

    def __init__(
        self, transport: Transport, place: str, translate: Callable[[Exception], CleanerError]
    ) -> None:
        self._transport = transport
        self._place = place
        self._translate = translate
        self._tags = count(1)
        self._open: Stream | None = None
        self.free_literal = 0
        """Bytes of a literal that may be sent without waiting for leave (RFC 7888)."""

    # --- asking

    def command(self, *words: Word) -> Answer:
        """Sends one command and reads all that answers it."""
        self.settle()
        try:
            return self._answers([self._send(words)])[0]
        except RefusedLiteralError as refused:
            return refused.answer

    def dialogue(self, command: bytes, reply: bytes) -> Answer:
        """A command whose rest the server asks for (AUTHENTICATE without SASL-IR, RFC 4959)."""
        tag = self._send((command,))
        try:
            self._await_leave()
        except RefusedLiteralError as refused:
            return refused.answer
        self._write(reply + b"\r\n")
        return self._answers([tag])[0]

    def authenticate(
        self, mechanism: bytes, message: bytes, *, at_once: bool, farewell: bytes
    ) -> tuple[Answer, bytes]:
        """
        A SASL exchange of one message, sent along with the command where that is allowed (RFC 4959).

        Also returns what a server says that is not content with it; that is answered with the farewell.
        """
        self.settle()
        tag = self._send(
            (b"AUTHENTICATE " + mechanism, message) if at_once else (b"AUTHENTICATE " + mechanism,)
        )
        challenges: list[bytes] = []
        answer = Answer(Status(b""))
        to_say = [farewell] if at_once else [message, farewell]
        while True:
            found, parts = self.response()
            remark = Status.parse(parts[0]) if found is None else None
            if found == tag:
                answer.status = self.ending(parts)
                # Without its message being sent along, the first challenge was no more than leave to send it.
                return answer, b"".join(challenges if at_once else challenges[1:])
            if found == b"+" and to_say:
                challenges.append(parts[0])
                self._write(to_say.pop(0) + b"\r\n")
            elif found is not None:
                raise self.broken("it answered what nobody asked")
            elif remark is not None:
                answer.remarks.append(remark)
            else:
                answer.responses.append(parts)

    def idle(self, wait: Callable[[], object]) -> Answer:
        """IDLE (RFC 2177), from the server's leave until `wait` returns; what it told meanwhile is in the answer."""
        self.settle()
        tag = self._send((b"IDLE",))
        early: list[Parts] = []
        while True:
            found, parts = self.response()
            if found == b"+":
                break
            if found is not None:
                return Answer(self.ending(parts), early)
            early.append(parts)
        if not early:
            wait()
        self._write(b"DONE\r\n")
        (answer,) = self._answers([tag])
        answer.responses[:0] = early
        return answer

    def commands(self, several: Iterable[Sequence[bytes]]) -> list[Answer]:
        """Sends commands that do not depend on each other, then reads their answers."""
        self.settle()
        return self._answers([self._send(words) for words in several])

    def stream(self, several: Iterable[Sequence[bytes]]) -> Stream:
        """The same, with the untagged responses one by one."""
        self.settle()
        stream = Stream(self, [self._send(words) for words in several])
        self._open = stream
        return stream

    def settle(self) -> None:
        """Reads what is still to come of an answer that was begun."""
        if self._open is not None:
            self._open.drain()

    def release(self, stream: Stream) -> None:
        if self._open is stream:
            self._open = None

    # --- responses

    def response(self) -> tuple[bytes | None, Parts]:
        """The next response: its tag, None for an untagged one, and its parts."""
        head, _, rest = self._line().partition(b" ")
        if head != b"*":
            # Some write `+` without the space that belongs behind it.
            return head.rstrip(b"\r\n"), [rest.rstrip(b"\r\n")]
        parts: Parts = []
        while (match := _LITERAL.search(rest, max(0, len(rest) - 24))) is not None:
            if len(parts) > MAX_PARTS:
                raise self.broken("it sent a response without end")
            parts += (rest[:-2], self._literal(int(match[1])))
            rest = self._line()
        parts.append(rest.rstrip(b"\r\n"))
        if parts[0][:3].upper() == b"BYE":
            raise self.broken("it ended the connection", self.ending(parts).text)
        return None, parts

    def ending(self, parts: Parts) -> Status:
        status = Status.parse(parts[0])
        if status is None:
            raise self.broken("it answered what is no answer")
        return status

    def broken(self, why: str, said: bytes = b"") -> ServerUnavailableError:
        return ServerUnavailableError(self._place, f"{why}: {shown(said)}" if said else why)

    def _answers(self, tags: Sequence[bytes]) -> list[Answer]:
        """
        Their answers, which may end in any order (RFC 9051 section 5.5).

        What is untagged belongs to all of them: nothing says to which.
        """
        responses: list[Parts] = []
        remarks: list[Status] = []
        ends: dict[bytes, Status] = {}
        while len(ends) < len(tags):
            tag, parts = self.response()
            remark = Status.parse(parts[0]) if tag is None else None
            if tag in tags:
                ends[tag or b""] = self.ending(parts)
            elif tag is not None:
                raise self.broken("it answered what nobody asked")
            elif remark is not None:
                remarks.append(remark)
            else:
                responses.append(parts)
        return [Answer(ends[tag], responses, remarks) for tag in tags]

    # --- bytes

    def _send(self, words: Sequence[Word]) -> bytes:
        tag = b"b%d" % next(self._tags)
        line = bytearray(tag)
        for word in words:
            line += b" "
            if not isinstance(word, Literal):
                line += word
            elif len(word.raw) <= self.free_literal:
                line += b"{%d+}\r\n%b" % (len(word.raw), word.raw)
            else:
                self._write(bytes(line) + b"{%d}\r\n" % len(word.raw))
                self._await_leave()
                line = bytearray(word.raw)
        self._write(bytes(line) + b"\r\n")
        return tag

    def _await_leave(self) -> None:
        while True:
            found, parts = self.response()
            if found == b"+":
                return
            if found is not None:
                raise RefusedLiteralError(Answer(self.ending(parts)))

    def _write(self, data: bytes) -> None:
        try:
            self._transport.send(data)
        except (OSError, IMAP4.error) as error:
            raise self._translate(error) from error

    def _line(self) -> bytes:
        try:
            line = self._transport.readline()
        except (OSError, IMAP4.error) as error:
            raise self._translate(error) from error
        if not line.endswith(b"\n"):
            raise self.broken("the connection broke")
        return line

    def _literal(self, size: int) -> bytes:
        try:
            kept = self._transport.read(min(size, MAX_LITERAL))
            left = size - len(kept)
            while left > 0:
                thrown = self._transport.read(min(left, BLOCK))
                if not thrown:
                    raise self.broken("the connection broke")
                left -= len(thrown)
        except (OSError, IMAP4.error) as error:
            raise self._translate(error) from error
        return kept
