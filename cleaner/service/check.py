"""
Whether everything is in place: the use case behind `check`.

Each finding is one line, and what fails says what to do; a fault ends only what needs the thing at fault.
Mailboxes are opened read-only, also before their owners agreed, and each opening is recorded: where there is no
store to record it in, none is opened. No message is read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from ipaddress import ip_address
from typing import Final

from cleaner.config import MailboxSettings
from cleaner.errors import (
    CleanerError,
    MasterKeyError,
    SecretUnavailableError,
    ServerUnavailableError,
    StoreError,
)
from cleaner.ports import Mailbox
from cleaner.service.context import Context
from cleaner.service.drift import Drift, drift
from cleaner.service.models import model_for, rows
from cleaner.service.senders import closures, describe_closure, remedy_for
from cleaner.steps.observe import INBOX
from cleaner.steps.targets import unfit_targets, with_trash
from cleaner.values import UNKNOWN, ActionName, Folder, FolderRole, Organisation

SCHEDULED: Final = timedelta(seconds=30)
"""Without a tick for so long, nobody is the scheduler."""


class Level(Enum):
    OK = "ok"
    NOTE = "note"
    """Works, but not as well as it could."""
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of `check`."""

    level: Level
    subject: str
    text: str
    remedy: str = ""


def check(context: Context, trouble: CleanerError | None = None) -> Iterator[Finding]:
    """All findings, as they are made; `trouble` is what keeps the store from being opened."""
    yield Finding(Level.OK, "configuration", f"{context.settings.path} is valid")
    yield from check_key(context, trouble)
    yield store_finding(context, trouble)
    if trouble is None and context.store.is_shared:
        yield queue_finding(context)
    yield from check_organisations(context)
    yield from check_lookups(context)
    yield from check_servers(context)
    yield from check_secrets(context)
    if trouble is None:
        yield from check_senders(context)
        yield from check_observed(context)
        yield from check_models(context)
        yield from check_mailboxes(context)
    else:
        yield Finding(
            Level.NOTE, "mailboxes", "not opened: without the store nobody could see later that they were"
        )


def store_finding(context: Context, trouble: CleanerError | None) -> Finding:
    if isinstance(trouble, SecretUnavailableError | MasterKeyError):
        return Finding(Level.NOTE, "store", "not opened, since that needs the master key")
    if trouble is not None:
        return Finding(Level.FAIL, "store", str(trouble))
    store, where = context.store, context.store.where
    if store.is_new:
        return Finding(
            Level.NOTE,
            "store",
            f"{where} was not there and is made now",
            "if there was one before, put it back from its backup: consent, history and undo stand in it",
        )
    if store.is_ahead:
        return Finding(
            Level.NOTE,
            "store",
            f"{where} was upgraded by a newer version (revision {store.revision}); this one can still use it",
            "upgrade the program on this machine, too",
        )
    if store.upgraded_from is None:
        return Finding(Level.OK, "store", f"{where} is open and up to date (revision {store.revision})")
    return Finding(
        Level.NOTE,
        "store",
        f"{where} was older than this program (revision {store.upgraded_from}) and has been upgraded to "
        f"{store.revision}",
        "an older program refuses it now; keep the backup from before until you are content",
    )


def queue_finding(context: Context) -> Finding:
    """On PostgreSQL, where a queue (procrastinate) carries the mailboxes to the workers."""
    from cleaner.store.queue import QueueState

    try:
        fleet = context.store.fleet()
        state, office = fleet.queue.state(), fleet.office()
    except StoreError as error:
        return Finding(Level.FAIL, "queue", str(error))
    match state:
        case QueueState.ABSENT:
            return Finding(
                Level.NOTE, "queue", "its tables are not there yet", "serve makes them when it starts"
            )
        case QueueState.OLDER:
            text = "its tables are older than the procrastinate that is installed"
            return Finding(Level.NOTE, "queue", text, "serve or worker upgrade them when they start")
        case QueueState.FOREIGN:
            text = "there is the queue (procrastinate) of another program in this database"
            return Finding(
                Level.FAIL, "queue", text, "give bounce-cleaner a database of its own in store.url"
            )
    if office is None or context.clock() - office.at > SCHEDULED:
        text = "its tables are up to date, and nothing is given out now"
        return Finding(Level.NOTE, "queue", text, "start bounce-cleaner serve on one machine or more")
    return Finding(Level.OK, "queue", f"up to date; {office.holder} is the scheduler")


def check_key(context: Context, trouble: CleanerError | None) -> Iterator[Finding]:
    if isinstance(trouble, SecretUnavailableError | MasterKeyError):
        yield Finding(Level.FAIL, "master key", str(trouble))
        return
    exposure = context.settings.store.key.exposure()
    if exposure is None:
        yield Finding(Level.OK, "master key", "present and private")
    else:
        text, _, remedy = exposure.partition("; ")
        yield Finding(Level.FAIL, "master key", text, remedy)


def named(domains: Collection[str]) -> str:
    first = ", ".join(sorted(domains)[:3])
    return f"{first} and {len(domains) - 3} more" if len(domains) > 3 else first


def check_organisations(context: Context) -> Iterator[Finding]:
    for organisation in context.settings.organisations:
        subject = f"organisation {organisation.name}"
        if not organisation.relay_names and not organisation.relay_networks:
            yield Finding(
                Level.NOTE,
                subject,
                "no relays are named, so that a returned mail can hardly be told from a forgery",
                "name every host that sends your mail to the outside, by name and address: relays = [...]",
            )
        elif not organisation.relay_networks:
            yield Finding(
                Level.NOTE,
                subject,
                "its relays are given by name only; names in returned mail are easily forged",
                "add their addresses or networks to relays",
            )
        else:
            yield Finding(Level.OK, subject, f"{named(organisation.domains)}; relays named")
        if not organisation.dkim_keys and not context.settings.lookups.dns:
            yield Finding(
                Level.NOTE,
                subject,
                "no DKIM keys are given or looked up, so your own signatures in returned mail prove nothing",
                "copy the DNS records of your selectors into [[organisation.dkim]], or set lookups.dns = true",
            )
        yield from check_secret_keys(context, organisation.name)


def check_senders(context: Context) -> Iterator[Finding]:
    """Whether a stranger tells anything: only while those who send for a domain are a closed set."""
    for organisation in context.settings.organisations:
        if organisation.shared:
            continue
        for found in closures(context, organisation.name, asks=True):
            level = Level.OK if found.is_closed else Level.NOTE
            remedy = "" if found.is_closed else remedy_for(organisation.name, found)
            yield Finding(level, f"senders of {found.domain}", describe_closure(found), remedy)


def check_observed(context: Context) -> Iterator[Finding]:
    """Which machines our own mail was seen coming from, and whether DMARC reports can be read."""
    for organisation in context.settings.organisations:
        subject = f"organisation {organisation.name}"
        if organisation.dmarc_reports:
            yield reports_finding(context, organisation)
        seen = dict.fromkeys(str(one) for one in context.store.observed.of(organisation.name))
        if seen:
            first = ", ".join(list(seen)[:3])
            more = f" and {len(seen) - 3} more" if len(seen) > 3 else ""
            text = f"mail of yours was seen coming from {first}{more}; they are no strangers"
            yield Finding(Level.OK, subject, text)


def reports_finding(context: Context, organisation: Organisation) -> Finding:
    """Whether the mailbox that is named for DMARC reports is read."""
    subject, address = f"organisation {organisation.name}", organisation.dmarc_reports
    if not organisation.authserv_ids or organisation.shared:
        text = "DMARC reports are not read, since no server is named that tells which are authentic"
        remedy = "name yours in authserv_ids, as they write their names in Authentication-Results"
        if organisation.shared:
            text, remedy = (
                "DMARC reports are not read, since the domains are shared",
                "take dmarc_reports out",
            )
        return Finding(Level.NOTE, subject, text, remedy)
    if address not in context.settings:
        text = f"DMARC reports are not read, since there is no mailbox {address}"
        return Finding(Level.NOTE, subject, text, f"bounce-cleaner optin add {address}")
    mailbox = context.settings.mailbox(address)
    if not context.is_opted_in(mailbox):
        text = f"DMARC reports are not read, since {address} has not opted in"
        return Finding(
            Level.NOTE, subject, text, f"when its owner agrees: bounce-cleaner optin add {address}"
        )
    if INBOX not in mailbox.policy.folders:
        text = f"DMARC reports are not read, since the inbox of {address} is not watched"
        return Finding(Level.NOTE, subject, text, f"add {INBOX} to its policy.folders")
    return Finding(Level.OK, subject, f"DMARC reports are read from {address}")


def check_secret_keys(context: Context, organisation: str) -> Iterator[Finding]:
    """The keys that prove mail ours: without one of them its mailboxes are not judged at all."""
    for secret in context.settings.keys_of(organisation).all():
        subject = f"key {secret.reference}"
        try:
            secret.reveal()
        except SecretUnavailableError as error:
            yield Finding(Level.FAIL, subject, str(error))
            continue
        text, _, remedy = (secret.exposure() or "").partition("; ")
        if text:
            yield Finding(Level.FAIL, subject, text, remedy)
        else:
            yield Finding(Level.OK, subject, "present and private")


def check_servers(context: Context) -> Iterator[Finding]:
    for server in context.settings.servers:
        if server.host is not None and server.tls == "none" and not is_here(server.host):
            yield Finding(
                Level.NOTE,
                f"server {server.name}",
                f"passwords and mail go to {server.host} in the clear",
                'write tls = "implicit" or "starttls"; only a tunnel, or this very machine, needs neither',
            )


def check_secrets(context: Context) -> Iterator[Finding]:
    """The secrets that mailboxes are opened with, each once."""
    settings = context.settings
    secrets = [
        secret
        for server in settings.servers
        for secret in (server.password, server.client_secret)
        if secret is not None
    ]
    secrets += [s for server in settings.servers if server.oauth is not None for s in server.oauth.secrets()]
    secrets += [mailbox.password for mailbox in settings.mailboxes if mailbox.password is not None]
    for secret in dict.fromkeys(secrets):
        subject = f"secret {secret.reference}"
        try:
            secret.reveal()
        except SecretUnavailableError as error:
            yield Finding(Level.FAIL, subject, str(error))
            continue
        text, _, remedy = (secret.exposure() or "present").partition("; ")
        yield Finding(Level.NOTE if remedy else Level.OK, subject, text, remedy)


def check_models(context: Context) -> Iterator[Finding]:
    """Which model judges; what is refused is passed over by scans, and told here."""
    if not context.settings.models.use:
        yield Finding(Level.OK, "model", "none is used; proofs and rules alone decide")
        return
    for row in rows(context):
        if row.refused and row.own:
            yield Finding(
                Level.FAIL, "model", f"{row.name} is refused: {row.refused}", "train it anew, or remove it"
            )
    for organisation in context.settings.organisations:
        model = model_for(context, organisation.name)
        told = f"{model.name} judges" if model is not None else "none yet; proofs and rules alone decide"
        yield Finding(Level.OK, "model", f"{told} for {organisation.name}")
        yield from check_drift(drift(context, organisation.name))


def check_drift(found: Drift) -> Iterator[Finding]:
    """Whether the model still fits what arrives; a warning keeps nobody from cleaning."""
    for measure in found.warnings:
        yield Finding(Level.NOTE, "model", f"{found.organisation}: {measure.warning}", measure.remedy)
    if found.model is not None and found.is_telling and not found.warnings:
        told = f"{found.model} fits the {found.notices:,} notices of the last week for {found.organisation}"
        yield Finding(Level.OK, "model", told)


def is_here(host: str) -> bool:
    """Whether what is sent to that host stays on this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def check_lookups(context: Context) -> Iterator[Finding]:
    """Whether somebody answers; without it cleaning goes on with the keys that are known."""
    if context.dns is None:
        return
    domain = min(context.settings.organisations[0].domains)
    if context.dns.texts(f"_domainkey.{domain}") is UNKNOWN:
        yield Finding(
            Level.NOTE,
            "lookups",
            "no name server answers, so only DKIM keys of this file and of the archive are known",
            "name servers that answer in lookups.nameservers, or set lookups.dns = false",
        )
    else:
        yield Finding(Level.OK, "lookups", "DNS answers")


def check_mailboxes(context: Context) -> Iterator[Finding]:
    if not context.settings.mailboxes:
        yield Finding(
            Level.FAIL,
            "mailboxes",
            "none is configured",
            f"add a [[mailbox]] to {context.settings.path}, or: bounce-cleaner optin add ADDRESS",
        )
    silent: set[str] = set()
    for mailbox in context.settings.mailboxes:
        if mailbox.server in silent:
            text = f"not opened, since server {mailbox.server} does not answer"
            yield Finding(Level.NOTE, mailbox.address, text)
            yield consent_finding(context, mailbox)
        else:
            yield from check_mailbox(context, mailbox, silent)


def check_mailbox(context: Context, mailbox: MailboxSettings, silent: set[str]) -> Iterator[Finding]:
    """`silent` takes the servers that were found not to answer, so that each is told once."""
    try:
        context.note_access(mailbox, "check")
        with context.mailboxes.reading(mailbox) as reading:
            folders = reading.folders()
            yield Finding(Level.OK, mailbox.address, f"opened on {mailbox.server}, {len(folders)} folders")
            yield from check_folders(mailbox, folders)
            yield from check_reading(context, mailbox, reading, folders)
            yield from check_changes(mailbox, reading)
    except SecretUnavailableError as error:
        yield Finding(Level.NOTE, mailbox.address, f"not opened, for want of the secret {error.reference}")
    except ServerUnavailableError as error:
        silent.add(mailbox.server)
        yield Finding(Level.FAIL, mailbox.address, told(mailbox, error))
    except CleanerError as error:
        yield Finding(Level.FAIL, mailbox.address, told(mailbox, error))
    yield consent_finding(context, mailbox)


def told(mailbox: MailboxSettings, error: CleanerError) -> str:
    """The error's sentence, without the address that the line begins with."""
    return str(error).removeprefix(f"{mailbox.address}: ")


def check_folders(mailbox: MailboxSettings, folders: tuple[Folder, ...]) -> Iterator[Finding]:
    names = {folder.name for folder in folders}
    for name in mailbox.policy.folders:
        if name not in names:
            yield Finding(
                Level.FAIL,
                mailbox.address,
                f"the watched folder {name!r} does not exist",
                f"correct policy.folders; there are: {', '.join(sorted(names))}",
            )
    sent = [f.name for f in folders if f.role is FolderRole.SENT or f.name in mailbox.policy.sent]
    if sent:
        yield Finding(Level.OK, mailbox.address, f"sent mail in {', '.join(sent)}")
    else:
        yield Finding(
            Level.NOTE,
            mailbox.address,
            "there is no Sent folder, so no returned mail can be recognised as sent from here",
            f"name it in policy.sent; there are: {', '.join(sorted(names))}",
        )
    for name in mailbox.policy.sent:
        if name not in names:
            yield Finding(
                Level.FAIL,
                mailbox.address,
                f"the folder {name!r} of policy.sent does not exist",
                f"correct it; there are: {', '.join(sorted(names))}",
            )
    unfit = tuple(unfit_targets(with_trash(mailbox.policy, folders), folders))
    for what, remedy in unfit:
        yield Finding(Level.FAIL, mailbox.address, what, remedy)
    if not unfit and mailbox.policy.action is ActionName.MOVE and mailbox.policy.quarantine not in names:
        yield Finding(
            Level.OK,
            mailbox.address,
            f"the quarantine {mailbox.policy.quarantine!r} will be made when it is needed",
        )


def check_reading(
    context: Context, mailbox: MailboxSettings, reading: Mailbox, folders: tuple[Folder, ...]
) -> Iterator[Finding]:
    """Lists the folders that scans read: that a folder is there does not say that it can be read."""
    policy = mailbox.policy
    for folder in folders:
        is_sent = folder.role is FolderRole.SENT or folder.name in policy.sent
        is_quarantine = folder.name == policy.quarantine
        if not (is_sent or is_quarantine or folder.name in policy.folders):
            continue
        try:
            total = reading.list(folder.name).total
        except ServerUnavailableError:
            raise
        except CleanerError as error:
            yield Finding(
                Level.FAIL, mailbox.address, f"{folder.name!r} cannot be read: {told(mailbox, error)}"
            )
            continue
        if is_quarantine and total and not context.store.entries(mailbox=mailbox.address, limit=1):
            yield Finding(
                Level.NOTE,
                mailbox.address,
                f"{total:,} messages are in the quarantine, and this store knows of no move",
                "if its store was lost, put it back from its backup, so that undo can take them back",
            )


def check_changes(mailbox: MailboxSettings, reading: Mailbox) -> Iterator[Finding]:
    for obstacle in reading.obstacles():
        fails = obstacle.blocks and mailbox.policy.action.changes_mailbox
        yield Finding(
            Level.FAIL if fails else Level.NOTE,
            mailbox.address,
            f"messages cannot be moved: {obstacle.what}" if obstacle.blocks else obstacle.what,
            obstacle.remedy,
        )


def consent_finding(context: Context, mailbox: MailboxSettings) -> Finding:
    state = context.consent_state(mailbox)
    if state == "opted-in":
        return Finding(Level.OK, mailbox.address, "opted in")
    now = f"consent: {state}" if state else "has not opted in"
    return Finding(
        Level.NOTE,
        mailbox.address,
        f"{now}, so scans leave it alone",
        f"when its owner agrees: bounce-cleaner optin add {mailbox.address}",
    )
