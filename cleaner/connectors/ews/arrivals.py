"""
Whether anything came into a mailbox, at the price of two requests.

Exchange keeps with each folder the time of the last change to any of its messages ([MS-OXPROPS]
PidTagLocalCommitTimeMax), which tells all there is to know. An open server keeps it, too, but was seen not to
set it when mail arrives; so the newest message and the number of messages are asked for beside it. What those two
miss alone (older mail is put in while other mail is taken out) is found when the mailbox is next looked through.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any, Final

from cleaner.config import MailboxSettings, Server
from cleaner.connectors.ews import calls
from cleaner.connectors.ews.calls import Answer, T
from cleaner.connectors.ews.errors import NO_FOLDER, NO_ITEM
from cleaner.connectors.ews.items import extended_of, item_of
from cleaner.connectors.ews.session import Session
from cleaner.connectors.roles import INBOX

CHANGED: Final = "0x670a SystemTime"
MISSING: Final = "missing"


def pulse(server: Server, mailbox: MailboxSettings, folders: Sequence[str]) -> str | None:
    """
    A text that changes when a message comes into one of the folders.

    Raises what connecting raises. None where the server does not answer for each of them.
    """
    session = Session(server, mailbox)
    places = [_place(session, folder) for folder in folders]
    asked = [place for place in places if place is not None]
    told = [MISSING] * (len(places) - len(asked))
    if asked:
        states = session.read("GetFolder", calls.get_folders(asked, ("folder:TotalCount", CHANGED)))
        newest = session.read("FindItem", calls.newest_items(asked))
        if not len(states) == len(newest) == len(asked):
            return None
        for state, last in zip(states, newest, strict=True):
            told += [*_told(session, state, _folder), *_told(session, last, _newest)]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:32]


def _place(session: Session, folder: str) -> Any:
    """By far the most common one needs no look at the others."""
    if folder == INBOX:
        return session.distinguished("inbox")
    id = session.folder(folder)
    return None if id is None else calls.folder_id(id)


def _told(session: Session, answer: Answer, read: Any) -> Iterator[str]:
    if answer.is_ok:
        yield from read(answer)
    elif answer.code in NO_FOLDER or answer.code in NO_ITEM:
        yield MISSING
    else:
        raise session.trouble(answer)


def _folder(answer: Answer) -> Iterator[str]:
    for element in answer.all("Folders"):
        yield element.findtext(f"{T}TotalCount") or ""
        yield extended_of(element).get(0x670A, "")


def _newest(answer: Answer) -> Iterator[str]:
    items, _ = answer.page("Items")
    yield from (item.id for item in map(item_of, items) if item is not None)
