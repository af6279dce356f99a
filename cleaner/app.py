"""
The composition root: Settings → adapters → use cases.

The one place that knows every adapter. Commands get an `App`, call one of its use cases, and print.
"""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from cleaner import config, connectors
from cleaner.classifier import Model
from cleaner.classifier.shelf import Shelf
from cleaner.config import MailboxSettings, Settings
from cleaner.connectors import oauth
from cleaner.errors import CleanerError, ConfigurationError, SecretUnavailableError, StoreError, UsageError
from cleaner.lookups import Dns
from cleaner.ports import ChangeableMailbox, Grant, Invitation, Mailbox
from cleaner.service.classify import NOBODY, Judge
from cleaner.service.context import Context
from cleaner.service.explain import judge_for
from cleaner.service.login import SignedIn, login
from cleaner.store import Store
from cleaner.values import Organisation, Owner, Policy

Clock = Callable[[], datetime]


def now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Connections:
    """Opens the mailboxes of the configuration through their connectors."""

    settings: Settings

    @contextmanager
    def reading(self, mailbox: MailboxSettings) -> Iterator[Mailbox]:
        opened = connectors.open_reading(self.settings.server(mailbox.server), mailbox)
        try:
            yield opened
        finally:
            opened.close()

    @contextmanager
    def changing(self, mailbox: MailboxSettings) -> Iterator[ChangeableMailbox]:
        opened = connectors.open_changing(self.settings.server(mailbox.server), mailbox)
        try:
            yield opened
        finally:
            opened.close()

    def pulse(self, mailbox: MailboxSettings) -> str | None:
        return connectors.pulse(self.settings.server(mailbox.server), mailbox)

    def wait_for_mail(
        self, mailbox: MailboxSettings, stopping: Callable[[], bool], came: Callable[[], None]
    ) -> bool:
        server = self.settings.server(mailbox.server)
        return connectors.wait_for_mail(server, mailbox, stopping, came)


class App:
    """The program with its configuration and its store open; a context manager."""

    def __init__(self, context: Context) -> None:
        self.context = context

    @classmethod
    def open(cls, path: Path | None = None, *, clock: Clock = now) -> App:
        """Opens configuration and store. Raises ConfigurationError, UsageError, StoreError."""
        settings = config.load(config.find(path))
        key = settings.store.key.reveal().encode()
        store = Store.open(settings.store.url, key)
        try:
            return cls(surroundings(settings, store, key, clock))
        except BaseException:
            store.close()
            raise

    def login(
        self, server: str, mailbox: str | None, tell: Callable[[Invitation], None], port: int = 0
    ) -> SignedIn:
        """A person signs in; `tell` shows him where."""
        settings = self.context.settings

        def signs_in(chosen: MailboxSettings) -> Grant:
            return oauth.person_signs_in(settings.server(chosen.server), chosen, tell, port)

        return login(self.context, signs_in, server, mailbox)

    def again(self) -> Context:
        """
        The surroundings by the configuration as it is now, with the store that is open.

        Raises ConfigurationError, also where it names another store.
        """
        context = self.context
        settings = config.load(context.settings.path)
        if settings.store != context.settings.store:
            fault = "store: it cannot change while the program runs; end it and start it again"
            raise ConfigurationError(str(settings.path), [fault])
        key = settings.store.key.reveal().encode()
        return surroundings(settings, context.store, key, context.clock)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.context.store.close()


def surroundings(settings: Settings, store: Store, key: bytes, clock: Clock) -> Context:
    """What use cases are given, the mailboxes that the store has among the settings."""
    settings = settings.with_stored(stored.fields() for stored in store.mailboxes.all())
    oauth.keep_in(store.grants)
    return Context(
        settings=settings,
        store=store,
        mailboxes=Connections(settings),
        clock=clock,
        scratch=lambda: scratch_store(key),
        actor=account(),
        dns=dns_of(settings),
    )


def scratch_store(key: bytes = bytes(32)) -> Store:
    """An empty store in memory: for what must leave no trace, and where there is no configuration."""
    return Store.open("sqlite://", key)


@contextmanager
def examining(
    path: Path | None = None, *, clock: Clock = now
) -> Iterator[tuple[Context, CleanerError | None]]:
    """
    The surroundings for `check`, also where master key or store are in the way: then with what is wrong.

    An empty store in memory serves instead. Raises ConfigurationError and UsageError for the file itself.
    """
    settings = config.load(config.find(path))
    try:
        app = App.open(path, clock=clock)
    except (ConfigurationError, SecretUnavailableError, StoreError) as error:
        with scratch_store() as store:
            yield surroundings(settings, store, bytes(32), clock), error
        return
    with app:
        yield app.context, None


@contextmanager
def judging(
    path: Path | None, mailbox: str | None, *, asks: bool = False, clock: Clock = now
) -> Iterator[Judge]:
    """
    Somebody to judge files for: a mailbox of the configuration, else its first organisation; `asks`: DNS, too.

    Nothing is written: without a store an empty one in memory serves. Without any configuration nothing is
    known of anybody, and honest verdicts are `unsure`.
    """
    settings = configured(path)
    if settings is not None and mailbox is not None and store_exists(settings):
        with App.open(path, clock=clock) as app:
            yield judge_for(app.context, app.context.settings.mailbox(mailbox), asks=asks)
        return
    with scratch_store() as store:
        if settings is None:
            yield Judge(Organisation(""), Owner(""), Policy(), store.sent_record(NOBODY), clock())
            return
        context = Context(
            settings, store, Connections(settings), clock, scratch_store, account(), dns=dns_of(settings)
        )
        if mailbox is None:
            yield judge_of_first(context, asks=asks)
        else:
            yield judge_for(context, settings.mailbox(mailbox), asks=asks)


def configured(path: Path | None) -> Settings | None:
    """The settings, or None where no file was named and none lies in the usual places."""
    try:
        found = config.find(path)
    except UsageError:
        return None
    return config.load(found)


def dns_of(settings: Settings) -> Dns | None:
    """Who asks the name servers; None where the configuration forbids it."""
    lookups = settings.lookups
    return Dns(lookups.timeout, lookups.nameservers) if lookups.dns else None


def judge_of_first(context: Context, *, asks: bool) -> Judge:
    """For the first organisation as a whole: all the addresses of its mailboxes, and no sent record."""
    settings = context.settings
    organisation = settings.judging(settings.organisations[0].name)
    return Judge(
        organisation=organisation,
        owner=settings.everybody(organisation.name),
        policy=settings.policy,
        sent=context.store.sent_record(NOBODY),
        now=context.clock(),
        model=released_model() if settings.models.use else None,
        sources=context.sources(organisation.name, asks=asks),
    )


def released_model(name: str | None = None) -> Model | None:
    """
    One that came with the program, unnamed the newest, for judging without a store.

    Raises UsageError for one that is not there or is refused.
    """
    shelf = Shelf()
    name = name or shelf.newest_released()
    return shelf.load(name) if name is not None else None


def store_exists(settings: Settings) -> bool:
    """Whether there is a store already; a file of SQLite is not made just to look into it."""
    prefix = "sqlite:///"
    url = settings.store.url
    if not url.startswith(prefix):
        return True
    return Path(url.removeprefix(prefix)).exists()


def account() -> str:
    """Who gives the command, for the record of accesses and consents."""
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (OSError, KeyError):
        return str(os.getuid())
