"""
Changing a mailbox over Graph.

With immutable ids a message keeps its id when it is moved, wherever its owner puts it meanwhile; so it is asked where
it is right before: only what is still in its folder is moved. Moves go in batches, and each answers by itself: an
error with one takes nothing from the others, what was refused for now is asked again, and what is known is told
before anything is raised. When the connection breaks while messages are being moved, their places tell which were.
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from cleaner.connectors.exchange.changing import levels_of, target_gone, told_together
from cleaner.connectors.exchange.item import Item
from cleaner.connectors.graph.errors import (
    AWAY,
    NO_MAILBOX,
    NO_SPACE,
    ThrottledError,
    change_refused,
    is_busy,
    is_gone,
    is_passing,
    said,
)
from cleaner.connectors.graph.items import DELIVERED, SENT_NOT_DRAFT, STATUS, changes
from cleaner.connectors.graph.reading import ReadingGraph
from cleaner.connectors.graph.session import is_untold
from cleaner.connectors.graph.wire import Answer, Request, text_of
from cleaner.connectors.roles import INBOX
from cleaner.errors import (
    ChangeRefusedError,
    CleanerError,
    MessageGoneError,
    ServerUnavailableError,
)
from cleaner.ports import BegunMove, InFlight, Moved

ROUNDS: Final = 20
"""How often what is left of one group is asked for again."""


@dataclass(slots=True)
class Moves:
    """What became of the messages of one request, and what ended it."""

    done: dict[str, Moved] = field(default_factory=dict)
    untried: list[str] = field(default_factory=list)
    pause: ThrottledError | None = None
    broke: ServerUnavailableError | None = None
    trouble: CleanerError | None = None


class ChangingGraph(ReadingGraph):
    """One mailbox that may be changed."""

    # --- folders

    def create(self, folder: str) -> None:
        for level in levels_of(self.address, folder):
            self._create(level)

    def _create(self, folder: str) -> None:
        if folder == INBOX or self._session.folder(folder) is not None:
            return
        above, _, name = folder.rpartition("/")
        path = (
            ("mailFolders", self._session.folders().ids[above], "childFolders") if above else ("mailFolders",)
        )
        answer = self._session.once(
            Request("POST", self._session.path(*path), {"displayName": name, "isHidden": False})
        )
        self._session.forget_folders()
        if not answer.is_ok and folder not in self._session.folders().ids:
            what = f"the folder {folder!r} cannot be made"
            if answer.code == "ErrorFolderExists":
                raise ChangeRefusedError(
                    f"{self.address}: {what}",
                    "there is one whose name differs in case only, that is hidden, or not for mail; choose another name",
                )
            raise self._refused(what, answer)

    # --- moving

    def move(self, folder: str, ids: Sequence[str], target: str) -> Iterator[Moved]:
        """The first message alone, since what meets it meets the others too; the rest in batches."""
        where = self._require(target)
        if folder == target:
            yield from (Moved(id, id) for id in ids)
            return
        source = self._session.folder(folder)
        left = list(dict.fromkeys(ids))
        size, rounds = 1, 0
        asked: set[str] = set()
        while left:
            group, left = left[:size], left[size:]
            moves = self._move(group, source, where, folder, target, asked)
            asked.update(moves.untried)
            told = [moves.done[id] for id in group if id in moves.done]
            yield from told_together(told)
            self._wait_after(moves)
            rounds = 0 if told else rounds + 1
            if rounds > ROUNDS:
                raise self._session.silent()
            left = moves.untried + left
            size = self._session.many
        for id in (source, where):
            if id is not None:
                self._session.forget_total(id)

    def _wait_after(self, moves: Moves) -> None:
        """When all is told that is known: raises what ended it, or waits as long as the service wants."""
        if moves.trouble is not None:
            raise moves.trouble
        if moves.pause is not None:
            self._session.pause(moves.pause)
        elif moves.broke is not None:
            self._session.again(moves.broke)

    def _move(
        self,
        ids: Sequence[str],
        source: str | None,
        where: str,
        folder: str,
        target: str,
        before: Collection[str],
    ) -> Moves:
        """
        Moves those that are still in their folder.

        One of `before` was asked for already: if it is in the target now, that request was carried out late, after
        nobody waited for its answer any more.
        """
        moves = Moves()
        try:
            places = self.places_of(ids) if source is not None else {}
        except CleanerError as error:
            moves.trouble = error
            return moves
        asked = [id for id in ids if source is not None and places.get(id) == source]
        for id in ids:
            if id in before and places.get(id) == where:
                moves.done[id] = Moved(id, id)
            elif id not in asked:
                moves.done[id] = Moved(id, gone=True)
        requests = [
            Request("POST", self._session.path("messages", id, "move"), {"destinationId": where})
            for id in asked
        ]
        try:
            answers = self._session.batch_once(requests) if requests else []
        except ThrottledError as error:
            moves.trouble = error
        except ServerUnavailableError as error:
            self._after_break(moves, asked, source, where, error)
        except CleanerError as error:
            moves.trouble = error
        else:
            self._note_all(moves, asked, answers, source, where, folder, target)
        return moves

    def _note_all(
        self,
        moves: Moves,
        ids: Sequence[str],
        answers: Sequence[Answer],
        source: str | None,
        where: str,
        folder: str,
        target: str,
    ) -> None:
        what = f"messages of {folder!r} cannot be moved to {target!r}"
        broken: list[str] = []
        unheard: ServerUnavailableError | None = None
        for id, answer in zip(ids, answers, strict=True):
            if answer.is_ok:
                moves.done[id] = Moved(id, text_of(answer.body, "id") or id)
            elif is_gone(answer):
                moves.done[id] = Moved(id, gone=True)
            elif is_busy(answer):
                moves.untried.append(id)
                moves.pause = _longer(moves.pause, self._session.throttled(answer.wait))
            elif answer.status == 401:
                unheard = self._unsigned(moves, answer)
                broken += [id] if unheard else []
            elif is_untold(answer) or is_passing(answer):
                broken.append(id)
            elif answer.code in AWAY or answer.code in NO_MAILBOX:
                moves.trouble = moves.trouble or self._session.trouble(answer)
            elif answer.code in NO_SPACE or answer.status == 507 or (len(ids) == 1 and answer.status == 403):
                moves.trouble = moves.trouble or self._refused(what, answer)
            else:
                moves.done[id] = Moved(id, error=said(answer))
        if (
            any(moved.gone for moved in moves.done.values())
            and (gone := target_gone(self._session, target)) is not None
        ):
            # What was told to be missing was the folder, not the message.
            moves.trouble = gone
            moves.done = {id: moved for id, moved in moves.done.items() if not moved.gone}
        if broken:
            self._after_break(moves, broken, source, where, unheard or self._session.silent())

    def _unsigned(self, moves: Moves, answer: Answer) -> ServerUnavailableError | None:
        """Why there was no token for a message; returned where nobody knows whether its move was heard."""
        why = self._session.unsigned or self._session.trouble(answer)
        if isinstance(why, ServerUnavailableError) and not isinstance(why, ThrottledError):
            return why
        moves.trouble = moves.trouble or why
        return None

    def _after_break(
        self,
        moves: Moves,
        ids: Sequence[str],
        source: str | None,
        where: str,
        error: ServerUnavailableError,
    ) -> None:
        """Nobody knows what was done: where each message is now tells it."""
        try:
            places = self.places_of(ids)
        except CleanerError:
            moves.trouble = error
            return
        for id in ids:
            if places.get(id) == where:
                moves.done[id] = Moved(id, id)
            elif places.get(id) == source:
                moves.untried.append(id)
            else:
                moves.done[id] = Moved(id, gone=True)
        if moves.untried:
            moves.broke = error

    def in_flight(self, moves: Sequence[BegunMove]) -> InFlight | None:  # noqa: ARG002
        """A message is moved in one step, by the server."""
        return None

    # --- flags, new messages

    def set_flags(self, folder: str, id: str, flags: Sequence[str]) -> str:
        (item, *_) = (*self._items(folder, (id,)), None)
        if not isinstance(item, Item):
            raise MessageGoneError(folder, id)
        body = changes(item.flags, flags)
        if body:
            answer = self._session.once(Request("PATCH", self._session.path("messages", id), body))
            if is_gone(answer):
                raise MessageGoneError(folder, id)
            if not answer.is_ok:
                raise self._refused(f"flags in {folder!r} cannot be changed", answer)
        return id

    def append(self, folder: str, raw: bytes, flags: Sequence[str], received: datetime) -> str:
        """
        Puts a new message into a folder.

        What is made from MIME is a draft ([create message]). That it is none any more, and when it came, is asked for
        with properties 0x0E07 and 0x0E06, which others report to work for a message that is made from JSON; where
        the service does not take them it stays a draft of today, which shows in Outlook and harms nothing.

        [create message]: https://learn.microsoft.com/graph/api/user-post-messages
        """
        where = self._require(folder)
        path = self._session.path("mailFolders", where, "messages")
        answer = self._session.once(Request("POST", path, base64.b64encode(raw)))
        self._session.forget_total(where)
        id = text_of(answer.body, "id")
        if not answer.is_ok or not id:
            raise self._refused(f"nothing can be put into {folder!r}", answer)
        body = changes((), flags)
        body["isRead"] = "\\Seen" in flags
        extended = body.get("singleValueExtendedProperties")
        delivered = received.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        body["singleValueExtendedProperties"] = [
            *(extended if isinstance(extended, list) else ()),
            {"id": STATUS, "value": SENT_NOT_DRAFT},
            {"id": DELIVERED, "value": delivered},
        ]
        told = self._session.once(Request("PATCH", self._session.path("messages", id), body))
        if told.status in (400, 403, 501):
            del body["singleValueExtendedProperties"]
            self._session.once(Request("PATCH", self._session.path("messages", id), body))
        return id

    def _refused(self, what: str, answer: Answer) -> CleanerError:
        return change_refused(what, answer, self._session.server, self._settings)


def _longer(one: ThrottledError | None, other: ThrottledError) -> ThrottledError:
    if one is None or (other.told or 0) > (one.told or 0):
        return other
    return one
