"""
Consent: who agreed to have which mailbox cleaned (DESIGN.md, decision 9).

Every change is kept as history, with who made it and on what legal basis. Opting out erases what is
known about the mailbox's owner at once; journal and consent history stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from operator import attrgetter
from pathlib import Path

from cleaner.config import MailboxSettings
from cleaner.errors import CleanerError, ConfigurationError, StoreError, UsageError
from cleaner.service.context import Context
from cleaner.steps.lines import iso
from cleaner.store.records import Access, Consent, ConsentState, StoredMailbox
from cleaner.values import address_key

OWNER = "owner"
"""The legal basis where the mailbox's owner himself agreed."""


@dataclass(frozen=True, slots=True)
class NewMailbox:
    """A mailbox to be opted in; what is beside its address is needed only if the file lacks it."""

    address: str
    server: str | None = None
    user: str | None = None
    password: str | None = None
    """A reference such as `env:NAME`, never the secret."""
    aliases: tuple[str, ...] = ()
    sent_from: tuple[str, ...] = ()
    policy: Mapping[str, str] = field(default_factory=dict)
    basis: str = OWNER
    by: str | None = None
    note: str = ""
    preview: timedelta | None = None


@dataclass(frozen=True, slots=True)
class ConsentRow:
    """One mailbox as `optin list` shows it."""

    address: str
    organisation: str
    server: str
    stored: bool
    state: str
    at: datetime | None = None
    by: str = ""
    basis: str = ""
    preview_until: datetime | None = None

    def as_json(self) -> dict[str, object]:
        return {
            "mailbox": self.address,
            "organisation": self.organisation,
            "server": self.server,
            "stored": self.stored,
            "state": self.state,
            "at": iso(self.at),
            "by": self.by or None,
            "basis": self.basis or None,
            "preview_until": iso(self.preview_until),
        }


@dataclass(frozen=True, slots=True)
class ConsentRecord:
    """All that is on record about one mailbox's consent: its owner has a right to this list."""

    now: ConsentRow
    steps: tuple[Consent, ...]
    accesses: tuple[Access, ...]
    """Every time the mailbox was opened, by whom and what for."""

    def as_json(self) -> Iterator[dict[str, object]]:
        """One object for each step and each access, by time."""
        events: list[Consent | Access] = [*self.steps, *self.accesses]
        return (event.as_json() for event in sorted(events, key=attrgetter("at")))


def opt_in(context: Context, new: NewMailbox) -> ConsentRow:
    """
    Records that the owner agreed, and keeps the mailbox if the configuration file does not have it.

    Of one that has opted in already, only what is said anew is recorded, and its preview is not begun again.
    """
    mailbox, is_changed = mailbox_of(context, new)
    if context.is_opted_in(mailbox) and not is_changed and not says_more(context, mailbox, new):
        return row_of(context, mailbox)
    now = context.clock()
    preview = preview_left(context, mailbox) if new.preview is None else new.preview
    consent = Consent(
        mailbox=mailbox.address,
        at=now,
        state=ConsentState.OPTED_IN,
        by=new.by or context.actor,
        basis=new.basis,
        note=new.note,
        preview_until=now + preview,
    )
    context.store.consent.record(consent)
    context.store.invitations.close(mailbox.address)
    return row_of(context, mailbox)


def mailbox_of(context: Context, new: NewMailbox) -> tuple[MailboxSettings, bool]:
    """
    That of the file, or of the store, which keeps it from now on; and whether it was not known so before.

    Raises UsageError.
    """
    mailbox = context.settings.mailbox(new.address) if new.address in context.settings else None
    if mailbox is not None and describes(new) and not mailbox.stored:
        raise UsageError(
            f"{new.address} stands in {context.settings.path}: change it there, and give only its "
            "address here"
        )
    if mailbox is not None and not describes(new):
        return mailbox, False
    kept = keep(context, new)
    return kept, kept != mailbox


def says_more(context: Context, mailbox: MailboxSettings, new: NewMailbox) -> bool:
    """Whether it is more than what is on record: a list that is imported every day is no news every day."""
    if new.preview is not None:
        return True
    step = context.store.consent.current(mailbox.address)
    on_record = (step.by, step.basis, step.note) if step is not None else ("", OWNER, "")
    said = (new.by or on_record[0], new.basis, new.note or on_record[2])
    return said != on_record and (bool(new.by or new.note) or new.basis != OWNER)


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of opening a mailbox that has just opted in."""

    address: str
    obstacle: str | None = None
    """Why it cannot be opened now."""
    meant: str | None = None
    """The mailbox that was meant, perhaps: the address of one that is new, and cannot be opened, is like its."""


def try_to_open(context: Context, addresses: Iterable[str]) -> Iterator[Trial]:
    """Opens each mailbox that has opted in, so that a slip is told now and not by tonight's scan. It is recorded."""
    context = context.with_stored()
    for address in addresses:
        mailbox = context.settings.mailbox(address)
        try:
            context.note_access(mailbox, "opt-in")
            with context.mailboxes.reading(mailbox):
                yield Trial(mailbox.address)
        except StoreError:
            raise
        except CleanerError as error:
            why = str(error).removeprefix(f"{mailbox.address}: ").rstrip(".")
            near = context.settings.near(mailbox.address) if mailbox.stored else None
            yield Trial(mailbox.address, why, near)


def preview_left(context: Context, mailbox: MailboxSettings) -> timedelta:
    """
    How long a mailbox is still only reported on, where nobody says: one that has opted in, or was paused, goes
    on with what was left of its preview, any other begins anew.
    """
    steps = context.store.consent.history(mailbox.address)
    if steps and steps[-1].state is ConsentState.OPTED_IN and steps[-1].preview_until is not None:
        return max(steps[-1].preview_until - context.clock(), timedelta())
    if len(steps) < 2 or steps[-1].state is not ConsentState.PAUSED:
        return mailbox.policy.preview
    agreed, paused = steps[-2:]
    if agreed.preview_until is None:
        return timedelta()
    return max(agreed.preview_until - paused.at, timedelta())


def describes(new: NewMailbox) -> bool:
    return bool(new.server or new.user or new.password or new.aliases or new.sent_from or new.policy)


def keep(context: Context, new: NewMailbox) -> MailboxSettings:
    """Checks the mailbox as the configuration file would be checked, then stores it."""
    stored = StoredMailbox(
        address=new.address,
        server=new.server or only_server(context, new.address),
        user=new.user,
        password=new.password,
        aliases=new.aliases,
        sent_from=new.sent_from,
        policy=dict(new.policy),
    )
    mailbox = checked(context, stored)
    context.store.mailboxes.add(stored)
    return mailbox


def checked(context: Context, stored: StoredMailbox) -> MailboxSettings:
    """
    The mailbox as the configuration would have it. Raises UsageError.

    An address mistyped, on a server whose path is one folder, would clean somebody else's mail under
    that name; so a folder that another mailbox has is refused.
    """
    try:
        alone = replace(context.settings, mailboxes=()).with_stored((stored.fields(),))
    except ConfigurationError as error:
        # What was typed is wrong here, not the file, and the faults speak of the file's keys.
        raise UsageError(
            f"{stored.address} cannot be opted in: " + "; ".join(refused(context, stored.address, error))
        ) from error
    mailbox = alone.mailbox(stored.address)
    server = context.settings.server(mailbox.server)
    for other in context.settings.mailboxes if server.path else ():
        same_person = address_key(other.address) == address_key(mailbox.address)
        if not same_person and folder_of(context, other) == server.path_of(mailbox.address):
            raise UsageError(
                f"{mailbox.address} would lie in the same folder as {other.address}; "
                "correct the address, or put {address} into the path of its server"
            )
    return mailbox


def refused(context: Context, address: str, error: ConfigurationError) -> Iterator[str]:
    """The faults of a mailbox given on the command line, without their place in a file."""
    for fault in error.faults:
        text = fault.removeprefix("stored mailbox[0].").removeprefix(f'stored mailbox "{address}".')
        if "is no organisation's domain" in text:
            text = (
                text.partition(";")[0]
                + f"; correct the address, or add its domain in {context.settings.path}"
            )
        yield text


def folder_of(context: Context, mailbox: MailboxSettings) -> Path | None:
    server = context.settings.server(mailbox.server)
    return server.path_of(mailbox.address) if server.path else None


def only_server(context: Context, address: str) -> str:
    servers = [server.name for server in context.settings.servers]
    if len(servers) == 1:
        return servers[0]
    listed = ", ".join(servers) or "none"
    raise UsageError(
        f"{address} is not in {context.settings.path}: say on which server it lives, "
        f"--server NAME (configured: {listed})"
    )


def pause(context: Context, address: str, note: str = "") -> ConsentRow:
    """Stops cleaning until the mailbox is opted in again; nothing is erased."""
    mailbox = context.settings.mailbox(address)
    context.require_consent(mailbox)
    step_back(context, mailbox, ConsentState.PAUSED, note)
    return row_of(context, mailbox)


def opt_out(context: Context, address: str, note: str = "") -> ConsentRow:
    """
    Withdraws consent and erases what is known about the owner.

    A running scan notices before its next message; `undo` still takes back what was moved.
    """
    mailbox = context.settings.mailbox(address)
    if context.consent_state(mailbox) in ("", ConsentState.OPTED_OUT.value):
        raise UsageError(f"{mailbox.address} has not opted in, so there is nothing to withdraw")
    step_back(context, mailbox, ConsentState.OPTED_OUT, note)
    context.store.erase(mailbox.address)
    return row_of(context, mailbox)


def opt_out_and_forget(context: Context, address: str, note: str = "") -> ConsentRow:
    """
    Opts out, where that is not done yet, and forgets how to open a mailbox that only the store has.

    Journal and consent history stay. Raises UsageError for a mailbox that stands in the file.
    """
    mailbox = context.settings.mailbox(address)
    if not mailbox.stored:
        raise UsageError(
            f"{mailbox.address} stands in {context.settings.path}: take its [[mailbox]] out there to forget it"
        )
    if context.consent_state(mailbox) not in ("", ConsentState.OPTED_OUT.value):
        opt_out(context, address, note)
    row = row_of(context, mailbox)
    context.store.mailboxes.remove(mailbox.address)
    return row


def step_back(context: Context, mailbox: MailboxSettings, state: ConsentState, note: str) -> None:
    """Records that consent was paused or withdrawn; neither needs a legal basis."""
    context.store.consent.record(
        Consent(mailbox.address, context.clock(), state, by=context.actor, basis="", note=note)
    )


def consents(context: Context) -> tuple[ConsentRow, ...]:
    """All mailboxes with their state."""
    return tuple(row_of(context, mailbox) for mailbox in context.settings.mailboxes)


def record_of(context: Context, address: str) -> ConsentRecord:
    mailbox = context.settings.mailbox(address)
    return ConsentRecord(
        row_of(context, mailbox),
        context.store.consent.history(mailbox.address),
        context.store.accesses.list(mailbox.address),
    )


def row_of(context: Context, mailbox: MailboxSettings) -> ConsentRow:
    consent = context.store.consent.current(mailbox.address)
    return ConsentRow(
        address=mailbox.address,
        organisation=mailbox.organisation,
        server=mailbox.server,
        stored=mailbox.stored,
        state=consent.state.value if consent else "not asked",
        at=consent.at if consent else None,
        by=consent.by if consent else "",
        basis=consent.basis if consent else "",
        preview_until=consent.preview_until if consent else None,
    )
