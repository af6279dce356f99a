"""
The digest: a short message that tells a mailbox's owner what was done there, or would have been.

It is put into the mailbox by the connector; nothing is sent. `wording.py` has it in several languages, `letter.py`
makes the message.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime

from cleaner import notices
from cleaner.config import MailboxSettings
from cleaner.ports import ChangeableMailbox
from cleaner.service.context import Context
from cleaner.service.digest.letter import Item, Letter, raw
from cleaner.values import ActionName, EntryState, Headers, Kind, Opinion, Outcome, SeenNotice, domain_of

STILL_AWAY = (EntryState.DONE, EntryState.PURGED)


def items(context: Context, mailbox: MailboxSettings, since: datetime) -> tuple[Item, ...]:
    """What was moved since then and is not back, and what would have been; the oldest first."""
    store, policy = context.store, mailbox.policy
    memory = store.seen(mailbox.address)
    entries = store.entries(mailbox=mailbox.address, since=since, states=STILL_AWAY)
    away = [entry for entry in entries if entry.action in (ActionName.MOVE, ActionName.DELETE)]
    seen = memory.known([entry.fingerprint for entry in away])
    told: list[Item] = []
    for entry in away:
        at = entry.settled_at or entry.intended_at or since
        is_quarantined = entry.action is ActionName.MOVE and policy.retention
        until = at + policy.retention if is_quarantined else None
        told.append(
            replace(_item(seen.get(entry.fingerprint), entry.received or at), is_moved=True, until=until)
        )
    told += [_item(notice, notice.judged_at) for notice in memory.would_have_moved(since)]
    return tuple(sorted(told, key=lambda item: item.at))


def _item(notice: SeenNotice | None, at: datetime) -> Item:
    """A run that was killed may have moved a message, and not got to remembering what it was."""
    if notice is None:
        return Item(at)
    return Item.of(notice.report or {}, notice.received or at, notice.kind)


def write(
    context: Context,
    mailbox: MailboxSettings,
    changing: ChangeableMailbox,
    told: tuple[Item, ...],
    since: datetime,
) -> bool:
    """
    Puts the digest into the mailbox; false if it is there already.

    Its Message-ID is made of what it tells about, so that one that was begun and not noted down does not
    come twice. The caller holds the mailbox's lock.
    """
    now = context.clock()
    folder = mailbox.policy.folders[0]
    secret = f"{mailbox.address} {since.isoformat()} {len(told)} {told[-1].at.isoformat()}"
    name = hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()[:24]
    message_id = f"<digest.{name}@{domain_of(mailbox.address)}>"
    context.note_access(mailbox, "digest")
    if changing.find(folder, message_id):
        return False
    letter = Letter(
        address=mailbox.address,
        language=mailbox.policy.language,
        quarantine=mailbox.policy.quarantine if mailbox.policy.action is ActionName.MOVE else "",
        items=told,
        since=since,
        now=now,
        zone=context.settings.service.zone,
        message_id=message_id,
    )
    message = raw(letter)
    remember(context, mailbox, folder, message)
    changing.append(folder, message, (), now)
    return True


def remember(context: Context, mailbox: MailboxSettings, folder: str, message: bytes) -> None:
    """That it is ours, before it is there: whatever others write into it, no scan takes it for a notice."""
    seen = SeenNotice(
        fingerprint=notices.fingerprint(Headers.parse(message)),
        folder=folder,
        id="",
        kind=Kind.NOT_A_BOUNCE,
        opinion=Opinion.NOT_A_BOUNCE,
        action=ActionName.NONE,
        outcome=Outcome.NONE,
        judged_at=context.clock(),
    )
    context.store.seen(mailbox.address).record((seen,), {})
