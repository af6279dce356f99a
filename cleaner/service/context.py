"""What every use case is given: settings, store, mailboxes, clock, and who asks."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Protocol

from cleaner.classifier.shelf import Shelf
from cleaner.config import MailboxSettings, Settings
from cleaner.errors import NotOptedInError
from cleaner.lookups import Dns, KnownHosts, KnownKeys
from cleaner.ports import ChangeableMailbox, Hosts, Keys, Mailbox, Sources
from cleaner.store import Store
from cleaner.store.records import Access
from cleaner.store.seen import SeenBook
from cleaner.values import HostQuestion, domain_of

LEARNED: Final = 10
"""So many more proven notices teach enough that unsure ones are looked at again …"""
STEPS: Final = 5
"""… and so often."""


class Openers(Protocol):
    """Opens mailboxes: for reading, which cannot change anything, or for changing."""

    def reading(self, mailbox: MailboxSettings) -> AbstractContextManager[Mailbox]: ...

    def changing(self, mailbox: MailboxSettings) -> AbstractContextManager[ChangeableMailbox]: ...

    def pulse(self, mailbox: MailboxSettings) -> str | None:
        """A text that changes when a message comes into a watched folder; None: it is not told."""

    def wait_for_mail(
        self, mailbox: MailboxSettings, stopping: Callable[[], bool], came: Callable[[], None]
    ) -> bool:
        """Calls `came` whenever something came in, until asked to stop; false where nobody tells."""


@dataclass(frozen=True, slots=True)
class Context:
    """The surroundings of a use case; made by `cleaner.app` alone."""

    settings: Settings
    store: Store
    mailboxes: Openers
    clock: Callable[[], datetime]
    scratch: Callable[[], Store]
    """An empty store in memory, for what must leave no trace."""
    actor: str
    """Who gave the command: the account it runs under."""
    shelf: Shelf = field(default_factory=Shelf)
    """The models that came with the program."""
    dns: Dns | None = None
    """None where nothing may be asked of the outside."""

    def with_stored(self) -> Context:
        """With the mailboxes that the store has now. Raises ConfigurationError."""
        in_file = replace(self.settings, mailboxes=tuple(m for m in self.settings.mailboxes if not m.stored))
        stored = self.store.mailboxes.all()
        return replace(self, settings=in_file.with_stored(one.fields() for one in stored))

    def consent_state(self, mailbox: MailboxSettings) -> str:
        consent = self.store.consent.current(mailbox.address)
        return consent.state.value if consent is not None else ""

    def is_opted_in(self, mailbox: MailboxSettings) -> bool:
        return self.consent_state(mailbox) == "opted-in"

    def require_consent(self, mailbox: MailboxSettings) -> None:
        """Raises NotOptedInError unless the mailbox's owner agreed (DESIGN.md, decision 9)."""
        if not self.is_opted_in(mailbox):
            raise NotOptedInError(mailbox.address, self.consent_state(mailbox))

    def note_access(self, mailbox: MailboxSettings, purpose: str, run: str | None = None) -> None:
        """Every opening of a mailbox is recorded, and its owner can have the list."""
        self.store.accesses.record(Access(mailbox.address, self.clock(), self.actor, purpose, run))

    def keys(self, *, asks: bool, remembers: bool = False) -> Keys:
        """DKIM keys beside the configured ones: of the archive, and where it is allowed to ask, of DNS."""
        return KnownKeys(self.store.keys, self.clock, self.dns if asks else None, remembers=remembers)

    def memory(self, mailbox: MailboxSettings) -> SeenBook:
        """What was judged here, and what proven notices taught here and, where it is one house, its colleagues."""
        organisation = self.settings.organisation(mailbox.organisation)
        shared_with = "" if organisation.shared else organisation.name
        return self.store.seen(mailbox.address, shared_with, counts_for=organisation.name)

    def hosts(self, *, asks: bool, remembers: bool = False) -> Hosts:
        """What is remembered of who sends for us, and where it is allowed to ask, what the outside says of hosts."""
        wanted = self.settings.lookups
        dns = self.dns if asks else None
        return KnownHosts(
            dns,
            wanted.blocklists,
            spf=wanted.spf,
            strangers=dns.strangers if dns is not None and wanted.sites else None,
            archive=self.store.dns,
            clock=self.clock,
            own=frozenset(domain for found in self.settings.organisations for domain in found.domains),
            remembers=remembers,
            may_ask=wanted.dns and wanted.spf,
        )

    def sources(self, organisation: str, *, asks: bool, remembers: bool = False) -> Sources:
        """What judging an organisation's notices asks beside the sent record."""
        return Sources(
            keys=self.keys(asks=asks, remembers=remembers),
            hosts=self.hosts(asks=asks, remembers=remembers),
            teachings=self.store.labels.teachings(organisation),
            outside_senders=self.store.outside.of(organisation),
            observed=self.store.observed.of(organisation),
        )

    def expire_samples(self) -> None:
        """Erases the raw mail of labels that was kept for as long as it may be."""
        self.store.labels.expire_samples(self.clock() - self.settings.labels.keep_samples)

    def record_begins(self) -> datetime | None:
        """Mails sent before then are not kept in the sent record; None: all are."""
        keep = self.settings.store.keep_sent
        return self.clock() - keep if keep else None

    def knowledge(self, mailbox: MailboxSettings, model: str | None = None) -> str:
        """A stamp of what judging this mailbox's notices knows beside the sent record, and of the model."""
        organisation = self.settings.organisation(mailbox.organisation)
        addresses = mailbox.owner().addresses
        domains = frozenset(map(domain_of, addresses)) & organisation.domains
        policies = self.hosts(asks=False).find(HostQuestion(domains=domains)).policies
        facts = (
            organisation.name,
            sorted(organisation.domains),
            sorted(organisation.relay_names),
            [str(network) for network in organisation.relay_networks],
            [str(network) for network in organisation.client_networks],
            sorted(organisation.authserv_ids),
            organisation.always_signs,
            organisation.senders_complete,
            sorted((policy.domain, policy.is_closed) for policy in policies.values()),
            self.store.outside.of(organisation.name),
            self.store.labels.stamp(organisation.name),
            self.memory(mailbox).is_in_campaign(self.clock()),
            organisation.shared,
            [(key.domain, key.selector, key.record) for key in organisation.dkim_keys],
            [(key.selector, key.record) for key in self.store.keys.of(organisation.domains)],
            organisation.always_tags,
            [secret.reference for secret in self.settings.keys_of(organisation.name).all()],
            sorted(addresses),
            min(self.memory(mailbox).proven() // LEARNED, STEPS),
            model,
        )
        return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]
