"""
The configuration as the program sees it: frozen, complete, checked.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from cleaner.config import mailboxes as reading
from cleaner.config.places import (
    AlarmSettings,
    LookupSettings,
    MailboxSettings,
    ModelSettings,
    SecretKeys,
    Server,
    StoreSettings,
)
from cleaner.config.service import ServiceSettings
from cleaner.config.table import Table
from cleaner.errors import ConfigurationError, UsageError
from cleaner.values import LabelPolicy, Organisation, Owner, Policy, Safety, address_key, domain_of

SLIP: Final = 0.65
"""Likeness of names that differ by a slip: `an` and `ann` have 0.8, `bem` and `ben` 0.67, `ida` and `ann` 0.33."""


@dataclass(frozen=True, slots=True)
class Settings:
    """
    The whole configuration, made by `cleaner.config.load`.

    Every server and organisation that a mailbox names is there.
    """

    path: Path
    store: StoreSettings
    organisations: tuple[Organisation, ...]
    servers: tuple[Server, ...] = ()
    policy: Policy = field(default_factory=Policy)
    safety: Safety = field(default_factory=Safety)
    mailboxes: tuple[MailboxSettings, ...] = ()
    secret_keys: tuple[SecretKeys, ...] = ()
    """Of each organisation."""
    models: ModelSettings = field(default_factory=ModelSettings)
    lookups: LookupSettings = field(default_factory=LookupSettings)
    labels: LabelPolicy = field(default_factory=LabelPolicy)
    alarms: AlarmSettings = field(default_factory=AlarmSettings)
    service: ServiceSettings = field(default_factory=ServiceSettings)
    _by_address: Mapping[str, MailboxSettings] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        index = {address_key(mailbox.address): mailbox for mailbox in self.mailboxes}
        object.__setattr__(self, "_by_address", index)

    def __contains__(self, address: str) -> bool:
        """Whether there is a mailbox of that address."""
        return address_key(address) in self._by_address

    def mailbox(self, address: str) -> MailboxSettings:
        """The mailbox of that address. Raises UsageError."""
        if (found := self._by_address.get(address_key(address))) is not None:
            return found
        near = self.near(address)
        hint = f"did you mean {near}? Else " if near else ""
        raise UsageError(
            f"there is no mailbox {address}; {hint}add it to {self.path} as a [[mailbox]], "
            f"or run: bounce-cleaner optin add {address}"
        )

    def near(self, address: str) -> str | None:
        """
        The other mailbox whose address this one may be a slip of.

        The part before the @ is compared by itself, too: in a long domain everybody's addresses look alike.
        """
        key = address_key(address)
        others = [other for other in self._by_address if other != key]
        for near in difflib.get_close_matches(key, others, n=3, cutoff=0.8):
            local, other_local = key.rpartition("@")[0], near.rpartition("@")[0]
            if difflib.SequenceMatcher(None, local, other_local).ratio() >= SLIP:
                return near
        return None

    def server(self, name: str) -> Server:
        return next(server for server in self.servers if server.name == name)

    def organisation(self, name: str) -> Organisation:
        return next(organisation for organisation in self.organisations if organisation.name == name)

    def keys_of(self, organisation: str) -> SecretKeys:
        """Where the secret keys of an organisation stand."""
        return next((k for k in self.secret_keys if k.organisation == organisation), SecretKeys(organisation))

    def judging(self, name: str) -> Organisation:
        """
        The organisation as mail is judged by it: with its secret keys.

        Raises SecretUnavailableError: without a proof that could be had, nothing is judged.
        """
        return self.keys_of(name).given_to(self.organisation(name))

    def everybody(self, organisation: str) -> Owner:
        """All the addresses of an organisation's mailboxes, as if they were one person's."""
        members = [m for m in self.mailboxes if m.organisation == organisation]
        return Owner("", frozenset(address for m in members for address in m.owner().addresses))

    def organisation_of(self, address: str) -> Organisation | None:
        """The organisation that an address belongs to: its mailbox's, else the one with its domain."""
        if (mailbox := self._by_address.get(address_key(address))) is not None:
            return self.organisation(mailbox.organisation)
        domain = domain_of(address)
        return next((found for found in self.organisations if domain in found.domains), None)

    def with_stored(self, mailboxes: Iterable[Mapping[str, object]]) -> Settings:
        """
        These settings with the mailboxes that are kept in the store.

        Each is given by the keys and plain values of a `[[mailbox]]` table and checked like one. Where
        the file has a mailbox of the same address, the file's counts. Raises ConfigurationError.
        """
        faults: list[str] = []
        tables = [
            Table(fields, f"stored mailbox[{place}]", faults)
            for place, fields in enumerate(mailboxes)
            if str(fields.get("address", "")) not in self
        ]
        frame = reading.Frame(self.path.parent, self.organisations, self.servers, self.policy)
        found = reading.read(tables, frame, stored=True)
        if faults:
            raise ConfigurationError(str(self.path), faults)
        return replace(self, mailboxes=self.mailboxes + found)
