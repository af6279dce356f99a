"""
Changing a mailbox over EWS.

A move is one MoveItem of several messages, and its answer tells of each by itself: the new id, or why not. An error
of one takes nothing from the others, and what is known is told before anything is raised. When the connection breaks
while messages are being moved, those that still stand where they were are moved again; if any does not, the run ends,
and the next one finds out where it is.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from cleaner.connectors.ews import calls
from cleaner.connectors.ews.calls import Answer
from cleaner.connectors.ews.errors import (
    AWAY,
    NO_FOLDER,
    NO_ITEM,
    NO_RIGHT,
    NO_SPACE,
    PASSING,
    STOPPED,
    THROTTLED,
    change_refused,
    said,
)
from cleaner.connectors.ews.items import (
    DELIVERED,
    FLAG,
    FOLLOW_UP,
    ICON,
    SENT_NOT_DRAFT,
    STATE,
    STATUS,
    VERB,
    item_of,
)
from cleaner.connectors.ews.reading import ReadingEws
from cleaner.connectors.exchange.changing import levels_of, target_gone, told_together
from cleaner.connectors.exchange.errors import ThrottledError
from cleaner.connectors.exchange.item import FORWARDED, Item
from cleaner.connectors.roles import INBOX
from cleaner.errors import (
    ChangeRefusedError,
    CleanerError,
    MessageGoneError,
    ServerUnavailableError,
)
from cleaner.ports import BegunMove, InFlight, Moved

GROUP: Final = 50
"""Messages moved with one request."""

_ICONS: Final = {"102": "261", "103": "261", "104": "262"}
"""What Outlook shows beside a message that was answered or forwarded ([MS-OXPROPS] PidTagIconIndex)."""


@dataclass(slots=True)
class Moves:
    """What became of the messages of one request, and what ended it."""

    done: dict[str, Moved] = field(default_factory=dict)
    untried: list[str] = field(default_factory=list)
    unclear: dict[str, Answer] = field(default_factory=dict)
    """With these the server had trouble of its own."""
    trouble: CleanerError | None = None


class ChangingEws(ReadingEws):
    """One mailbox that may be changed."""

    # --- folders

    def create(self, folder: str) -> None:
        for level in levels_of(self.address, folder):
            self._create(level)

    def _create(self, folder: str) -> None:
        if folder == INBOX or self._session.folder(folder) is not None:
            return
        above, _, name = folder.rpartition("/")
        parent = self._session.folders().ids[above] if above else self._session.folders().top
        answer = self._session.one_once("CreateFolder", calls.create_folder(calls.folder_id(parent), name))
        self._session.forget_folders()
        if not answer.is_ok and folder not in self._session.folders().ids:
            what = f"the folder {folder!r} cannot be made"
            if answer.code == "ErrorFolderExists":
                raise ChangeRefusedError(
                    f"{self.address}: {what}",
                    "there is one whose name differs in case only, or that is not for mail; choose another name",
                )
            raise self._refused(what, answer)

    # --- moving

    def move(self, folder: str, ids: Sequence[str], target: str) -> Iterator[Moved]:
        """The first message alone, since what meets it meets the others too; the rest in groups."""
        where = self._require(target)
        if folder == target:
            yield from (Moved(id, id) for id in ids)
            return
        left = list(dict.fromkeys(ids))
        size = 1
        while left:
            group, left = left[:size], left[size:]
            moves = self._move(group, where, folder, target)
            told = [moves.done[id] for id in group if id in moves.done]
            yield from told_together(told)
            if moves.trouble is not None:
                raise moves.trouble
            if not moves.done and moves.untried:
                self._session.again(self._session.silent("MoveItem"))
            left = moves.untried + left
            size = GROUP

    def _move(self, ids: Sequence[str], where: str, folder: str, target: str) -> Moves:
        moves = Moves()
        try:
            answers = self._session.once("MoveItem", calls.move_items(ids, where))
        except ThrottledError as error:
            moves.trouble = error
            return moves
        except ServerUnavailableError as error:
            return self._after_break(ids, folder, target, error)
        except CleanerError as error:
            moves.trouble = target_gone(self._session, target) or error
            return moves
        for id, answer in zip(ids, answers, strict=False):
            self._note(moves, id, answer, folder, target, alone=len(ids) == 1)
        if moves.unclear:
            is_single = len(ids) == 1 or len(moves.unclear) < len(answers)
            self._clear_up(moves, folder, target, is_single=is_single)
        moves.untried += [id for id in ids[len(answers) :] if moves.trouble is None]
        return moves

    def _note(self, moves: Moves, id: str, answer: Answer, folder: str, target: str, *, alone: bool) -> None:
        what = f"messages of {folder!r} cannot be moved to {target!r}"
        if answer.is_ok:
            found = [item for item in map(item_of, answer.all("Items")) if item is not None]
            moves.done[id] = Moved(id, found[0].id if found else None)
        elif answer.code in NO_ITEM:
            moves.done[id] = Moved(id, gone=True)
        elif answer.code in NO_FOLDER:
            moves.trouble = target_gone(self._session, target)
            if moves.trouble is None:
                moves.done[id] = Moved(id, gone=True)
        elif answer.code in THROTTLED or answer.code in STOPPED:
            # Some of the request were moved: the rest is asked for again, after the pause it asks for.
            moves.untried.append(id)
            if answer.wait is not None:
                self._session.endpoint.backoff.hold(answer.wait)
        elif answer.code in PASSING:
            moves.unclear[id] = answer
        elif answer.code in AWAY or answer.code in NO_SPACE:
            moves.trouble = moves.trouble or self._refused(what, answer)
        elif alone and answer.code in NO_RIGHT:
            moves.trouble = self._refused(what, answer)
        else:
            moves.done[id] = Moved(id, error=said(answer.code, answer.text))

    def _clear_up(self, moves: Moves, folder: str, target: str, *, is_single: bool) -> None:
        """
        Whether the server is in trouble, or with single messages that it cannot move: these would stop every run.

        One that stands where it was is told as that. Where one does not, or the server had trouble with all of
        many, the run ends.
        """
        try:
            still = self.present(folder, tuple(moves.unclear))
        except CleanerError as error:
            moves.trouble = moves.trouble or error
            return
        if is_single and len(still) == len(moves.unclear):
            for id, answer in moves.unclear.items():
                moves.done[id] = Moved(id, error=said(answer.code, answer.text))
        else:
            what = f"messages of {folder!r} cannot be moved to {target!r}"
            moves.trouble = moves.trouble or self._refused(what, next(iter(moves.unclear.values())))

    def _after_break(
        self, ids: Sequence[str], folder: str, target: str, error: ServerUnavailableError
    ) -> Moves:
        """Nobody knows what the server did: those that still stand in the folder can be moved again."""
        self._session.again(error)
        if (missing := target_gone(self._session, target)) is not None:
            return Moves(trouble=missing)
        still = self.present(folder, ids)
        untried = [id for id in ids if id in still]
        return Moves(untried=untried, trouble=None if len(untried) == len(ids) else error)

    def in_flight(self, moves: Sequence[BegunMove]) -> InFlight | None:  # noqa: ARG002
        """A message is moved in one step, by the server."""
        return None

    # --- flags, new messages

    def set_flags(self, folder: str, id: str, flags: Sequence[str]) -> str:
        wanted = frozenset(flags)
        (item, *_) = (*self._items(folder, (id,), STATE), None)
        if not isinstance(item, Item):
            raise MessageGoneError(folder, id)
        changes = list(_changes(frozenset(item.flags), wanted))
        if changes:
            asked = calls.update_item(id, item.change_key, changes)
            answer = self._session.one_once("UpdateItem", asked)
            if answer.code in NO_ITEM:
                raise MessageGoneError(folder, id)
            if not answer.is_ok:
                raise self._refused(f"flags in {folder!r} cannot be changed", answer)
        return id

    def append(self, folder: str, raw: bytes, flags: Sequence[str], received: datetime) -> str:
        where = self._require(folder)
        delivered = received.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        properties = [calls.extended(STATUS, SENT_NOT_DRAFT), calls.extended(DELIVERED, delivered)]
        properties += [calls.extended(name, value) for name, value in _properties(frozenset(flags)) if value]
        mime = base64.b64encode(raw).decode("ascii")
        answer = self._session.one_once(
            "CreateItem", calls.create_item(where, mime, properties, is_read="\\Seen" in flags)
        )
        if not answer.is_ok:
            raise self._refused(f"nothing can be put into {folder!r}", answer)
        with suppress(IndexError):
            found = [item for item in map(item_of, answer.all("Items")) if item is not None]
            return found[0].id
        raise CleanerError(f"{self.address}: what was put into {folder!r} is not there")

    def _refused(self, what: str, answer: Answer) -> CleanerError:
        return change_refused(what, answer.code, answer.text, self._session.server, self._settings)


def _properties(flags: frozenset[str]) -> Iterator[tuple[str, str | None]]:
    """MAPI properties and their values; None: there is none."""
    verb = "102" if "\\Answered" in flags else str(FORWARDED) if "$Forwarded" in flags else None
    yield FLAG, FOLLOW_UP if "\\Flagged" in flags else None
    yield VERB, verb
    yield ICON, _ICONS.get(verb or "")


def _changes(before: frozenset[str], wanted: frozenset[str]) -> Iterator[Any]:
    """What has to change for a message to have these flags; of unknown ones nothing."""
    if ("\\Seen" in before) != ("\\Seen" in wanted):
        yield calls.set_read("\\Seen" in wanted)
    had = dict(_properties(before))
    for name, value in _properties(wanted):
        if value != had[name]:
            yield calls.set_property(name, value)
