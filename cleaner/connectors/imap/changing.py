"""
Changing a mailbox over IMAP.

A move is one MOVE (RFC 6851), or COPY, a look whether the copies are there, `\\Deleted`, and UID EXPUNGE of
just these messages (RFC 4315). A plain EXPUNGE, or CLOSE, would take along what the owner marked as deleted,
so a server with neither is told apart beforehand and nothing is moved there. The new ids come from COPYUID;
where the server does not tell, the messages are looked for in the target.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Final

from cleaner.config import MailboxSettings
from cleaner.connectors.imap.copying import GROUP, Copying, States, copied
from cleaner.connectors.imap.errors import REFUSALS
from cleaner.connectors.imap.fetching import RECENT, fetched
from cleaner.connectors.imap.grammar import date_time, number, sets
from cleaner.connectors.imap.inflight import in_flight
from cleaner.connectors.imap.obstacles import NO_WAY, can_move
from cleaner.connectors.imap.reading import ReadingImap, uids_of, why_not
from cleaner.connectors.imap.session import MISSING, Session
from cleaner.connectors.imap.wire import Literal, Status, string
from cleaner.connectors.roles import INBOX
from cleaner.errors import ChangeRefusedError, CleanerError, FolderMissingError, MessageGoneError
from cleaner.ports import BegunMove, InFlight, Moved

_FLAG: Final = frozenset('(){ %*"]')
"""What no flag may have in it (RFC 9051 section 9, `atom`)."""


class ChangingImap(ReadingImap):
    """One mailbox that may be changed."""

    def __init__(self, settings: MailboxSettings, session: Session) -> None:
        super().__init__(settings, session)
        self._copying = Copying(session)
        self._group = 1

    # --- folders

    def create(self, folder: str) -> None:
        levels = folder.split("/")
        for depth in range(1, len(levels) + 1):
            self._create("/".join(levels[:depth]))

    def _create(self, folder: str) -> None:
        folders = self._session.folders()
        if folder == INBOX or folder in folders.raw:
            return
        what = f"the folder {folder!r} cannot be made"
        raw = folders.raw_of(folder)
        if raw is None:
            raise ChangeRefusedError(
                f"{self.address}: {what}", "the server cannot have a folder of that name; choose another one"
            )
        answer = self._session.wire.command(b"CREATE", string(raw))
        self._session.forget_folders()
        if not answer.is_ok and folder not in self._session.folders().raw:
            raise self._session.change_refused(what, answer.status)
        if answer.is_ok:
            # Mail programs show only what is subscribed to; that the server knows no subscriptions is no harm.
            self._session.wire.command(b"SUBSCRIBE", string(raw))

    # --- moving

    def move(self, folder: str, ids: Sequence[str], target: str) -> Iterator[Moved]:
        """
        The first message alone, since what meets it meets the others too; the rest in groups.

        Raises ChangeRefusedError for what would meet every message alike.
        """
        self._require(target)
        known = {str(uid): uid for uid in uids_of(ids)}
        if folder == target:
            yield from (Moved(id, id) for id in ids)
            return
        if not can_move(self._session):
            raise ChangeRefusedError(
                f"{self.address}: messages cannot be moved", f"{NO_WAY.what}; {NO_WAY.remedy}"
            )
        left = list(dict.fromkeys(ids))
        while left:
            group, left = left[: self._group], left[self._group :]
            uids = [known[id] for id in group if id in known]
            try:
                results = self._move_group(folder, uids, target) if uids else {}
            except FolderMissingError as error:
                if error.folder != folder:
                    raise
                results = {}
            if len(uids) > 1:
                # What the server refused to many may go one by one.
                for uid in [uid for uid, result in results.items() if result.error is not None]:
                    results |= self._move_group(folder, [uid], target)
            self._group = GROUP
            for id in group:
                result = results.get(known.get(id, 0)) or Moved(id, gone=True)
                yield replace(result, id=id, more=id != group[-1])

    def in_flight(self, moves: Sequence[BegunMove]) -> InFlight | None:
        return in_flight(self._session, moves)

    def _require(self, folder: str) -> None:
        if folder not in self._session.folders().raw:
            self._session.forget_folders()
        if folder not in self._session.folders().raw:
            raise FolderMissingError(self.address, folder)

    def _move_group(self, folder: str, uids: Sequence[int], target: str) -> dict[int, Moved]:
        """What became of each message; those gone are left out."""
        self._session.select(folder)
        if not self._session.has(b"MOVE"):
            return self._copying.move(folder, uids, target)
        before = None if self._session.has(b"UIDPLUS") else self._copying.before(uids, target)
        answers = [
            self._session.wire.command(b"UID MOVE", s, self._session.name_of(target)) for s in sets(uids)
        ]
        pairs: dict[int, int] = {}
        for answer in answers:
            pairs |= copied(answer)
        missing = [uid for uid in uids if uid not in pairs]
        found = {uid: Moved(str(uid), str(new)) for uid, new in pairs.items() if uid in uids}
        if not missing:
            return found
        still = self._session.still(missing)
        trouble = next((answer.status for answer in answers if not answer.is_ok), None)
        if before is not None:
            there = {
                uid: state for uid, state in before.states.items() if uid in missing and uid not in still
            }
            found |= self._told(there, self._copying.arrived(there, target, before.next_uid))
        if still and trouble is not None:
            self._refuse(folder, target, trouble)
        words = "the server did not move it" if trouble is None else why_not(trouble)
        return found | {uid: Moved(str(uid), error=words) for uid in still}

    def _told(self, there: States, arrived: Mapping[int, int]) -> dict[int, Moved]:
        return {uid: Moved(str(uid), str(arrived[uid]) if uid in arrived else None) for uid in there}

    def _refuse(self, folder: str, target: str, status: Status) -> None:
        """Raises for a refusal that every message would meet."""
        if status.code in MISSING:
            raise FolderMissingError(self.address, target)
        if status.code in REFUSALS or status.kind == b"BAD":
            raise self._session.change_refused(
                f"messages of {folder!r} cannot be moved to {target!r}", status
            )

    # --- flags, new messages

    def set_flags(self, folder: str, id: str, flags: Sequence[str]) -> str:
        uids = uids_of((id,))
        with suppress(FolderMissingError):
            if uids:
                self._session.select(folder)
                return self._set_flags(folder, id, flags)
        raise MessageGoneError(folder, id)

    def _set_flags(self, folder: str, id: str, flags: Sequence[str]) -> str:
        written = " ".join(flag for flag in flags if is_flag(flag)).encode()
        answer = self._session.wire.command(b"UID STORE", id.encode(), b"FLAGS (%b)" % written)
        if not answer.is_ok:
            raise self._session.change_refused(f"flags in {folder!r} cannot be changed", answer.status)
        told = (fetched(parts, bare=True) for parts in answer.responses)
        if any(found is not None and str(found.uid) == id for found in told):
            return id
        # Some servers say nothing of flags that were right already.
        if int(id) not in self._session.still((int(id),)):
            raise MessageGoneError(folder, id)
        return id

    def append(self, folder: str, raw: bytes, flags: Sequence[str], received: datetime) -> str:
        self._require(folder)
        next_uid = self._copying.next_uid(folder)
        answer = self._session.wire.command(
            b"APPEND",
            self._session.name_of(folder),
            b"(%b)" % " ".join(flag for flag in flags if is_flag(flag)).encode(),
            date_time(received),
            Literal(raw),
        )
        if not answer.is_ok:
            raise self._session.change_refused(f"nothing can be put into {folder!r}", answer.status)
        told = (answer.code(b"APPENDUID") or b"").split()
        if len(told) == 2 and number(told[1]) is not None:
            return told[1].decode()
        self._session.examine(folder, anew=True)
        fresh = self._session.search(b"UID %d:*" % next_uid)
        if not fresh:
            raise CleanerError(f"{self.address}: what was put into {folder!r} is not there")
        return str(fresh[-1])


def is_flag(flag: str) -> bool:
    """Whether a flag can be written: none that belongs to a session, and nothing that is no atom."""
    name = flag.removeprefix("\\")
    return (
        flag.lower() != RECENT
        and name.isascii()
        and name.isprintable()
        and bool(name)
        and not _FLAG & set(name)
    )
