"""
Invitations: an administrator asks, and only the owner's answer is consent.

The letter holds a code that stands nowhere else; who gives it back has read the letter. Put into the mailbox it is
seen by its owner alone, so the code proves that he was asked.
"""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import make_msgid
from typing import Final

from cleaner.config import MailboxSettings
from cleaner.errors import UsageError
from cleaner.service.consent import OWNER, ConsentRow, NewMailbox, mailbox_of, row_of
from cleaner.service.context import Context
from cleaner.service.invite.letter import Letter, raw
from cleaner.store.records import Consent, ConsentState
from cleaner.values import domain_of

CODE_BYTES: Final = 10
"""Nobody guesses 80 random bits."""
PARTS: Final = 4
VALID: Final = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Invited:
    """An owner was asked."""

    address: str
    letter: Letter


def invite(
    context: Context, new: NewMailbox, *, valid: timedelta = VALID, into_mailbox: bool = False
) -> Invited:
    """
    Records that the owner was asked, and makes the letter; `into_mailbox` puts it there, which is recorded.

    Raises UsageError where there is nothing to ask: he has agreed, or has stepped back.
    """
    mailbox, _ = mailbox_of(context, new)
    refuse(context, mailbox)
    now = context.clock()
    letter = Letter(
        address=mailbox.address,
        language=mailbox.policy.language,
        quarantine=mailbox.policy.quarantine,
        by=new.by or context.actor,
        code=new_code(),
        now=now,
        until=now + valid,
        zone=context.settings.service.zone,
    )
    if into_mailbox:
        put(context, mailbox, letter)
    context.store.consent.record(
        Consent(mailbox.address, now, ConsentState.INVITED, by=letter.by, basis="", note=new.note)
    )
    context.store.invitations.open(mailbox.address, plain(letter.code), letter.until)
    return Invited(mailbox.address, letter)


def refuse(context: Context, mailbox: MailboxSettings) -> None:
    step = context.store.consent.current(mailbox.address)
    if step is None or step.state is ConsentState.INVITED:
        return
    if step.state is ConsentState.OPTED_IN:
        raise UsageError(f"{mailbox.address} has opted in already, so there is nothing to ask")
    did = "paused" if step.state is ConsentState.PAUSED else "withdrew"
    raise UsageError(
        f"{mailbox.address} {did} on {step.at.astimezone():%Y-%m-%d}, and is not asked again. "
        f"When its owner agrees: bounce-cleaner optin add {mailbox.address}"
    )


def put(context: Context, mailbox: MailboxSettings, letter: Letter) -> None:
    """Appends the letter to the first watched folder."""
    with context.store.lock(mailbox.address), context.mailboxes.changing(mailbox) as changing:
        context.note_access(mailbox, "invitation")
        message = raw(letter, make_msgid("invitation", domain_of(mailbox.address)))
        changing.append(mailbox.policy.folders[0], message, (), letter.now)


def confirm(context: Context, code: str) -> ConsentRow:
    """The owner agrees: he gave back the code. Raises UsageError for one that is not open."""
    found = context.store.invitations.find(plain(code))
    if found is None:
        raise UsageError(
            "no open invitation has this code: it was mistyped, answered already, or replaced by a later one"
        )
    now = context.clock()
    if found.until < now:
        raise UsageError(
            f"the invitation of {found.mailbox} was open until {found.until.astimezone():%Y-%m-%d %H:%M}; "
            f"ask again: bounce-cleaner optin invite {found.mailbox}"
        )
    mailbox = context.settings.mailbox(found.mailbox)
    asked = context.store.consent.current(mailbox.address)
    if asked is None or asked.state is not ConsentState.INVITED:
        raise UsageError(f"{mailbox.address} is not asked any more; 'optin show' tells what happened since")
    context.store.consent.record(agreed(context, mailbox, asked, now))
    context.store.invitations.close(mailbox.address)
    return row_of(context, mailbox)


def agreed(context: Context, mailbox: MailboxSettings, asked: Consent, now: datetime) -> Consent:
    return Consent(
        mailbox=mailbox.address,
        at=now,
        state=ConsentState.OPTED_IN,
        by=context.actor,
        basis=OWNER,
        note=f"with the code of the invitation of {asked.at.astimezone():%Y-%m-%d} by {asked.by}",
        preview_until=now + mailbox.policy.preview,
    )


def new_code() -> str:
    """In groups, without letters and digits that are taken for each other (RFC 4648, base32)."""
    code = base64.b32encode(secrets.token_bytes(CODE_BYTES)).decode().lower()
    return "-".join(code[at : at + PARTS] for at in range(0, len(code), PARTS))


def plain(code: str) -> str:
    """However it was typed: capitals, spaces, without its dashes."""
    return "".join(c for c in code.lower() if c.isalnum())
