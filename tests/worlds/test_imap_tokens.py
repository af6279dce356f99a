"""
A world over IMAP whose owners signed in once: tokens end while a scan is at work, and nothing is lost.

Every token is said to be at its end as soon as it is given, so that each connection needs a new one, for a refresh
token that was replaced; and connections are cut off in the middle.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cleaner.app import App
from cleaner.connectors.imap import connecting, session
from cleaner.connectors.oauth import person_signs_in
from cleaner.connectors.oauth.tokens import forget_all
from tests.connectors.oauth.signing import person
from tests.servers import signin
from tests.servers.certificates import Authority
from tests.servers.dovecot import Dovecot, Options, running
from tests.servers.proxy import Fault, Proxy, between
from tests.servers.signin import SECRET, SignInServer
from tests.worlds.imap_world import ImapWorld, clean, install, opt_in_all

WORLD = "harborline"
EVERY = 40
CUTS = (4_000, 2_000, 1_000)
"""Bytes into each scan; the first has the most to say."""

pytestmark = pytest.mark.corpus


@pytest.fixture
def provider(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Iterator[SignInServer]:
    for module in (connecting, session):
        monkeypatch.setattr(module, "PAUSES", tuple(0.0 for _ in module.PAUSES))
    with signin.running(authority) as server:
        server.add_client()
        yield server
    forget_all()


@pytest.fixture
def server(provider: SignInServer) -> Iterator[Dovecot]:
    with running(Options(tokens=provider.tokeninfo_url, tokens_ca=provider.ca_file)) as server:
        yield server


def with_tokens(world: ImapWorld, provider: SignInServer) -> None:
    (world.root / "secret").write_text(SECRET)
    keys = f"""tls = "none"
auth = "oauth2"
provider = "other"
grant = "code"
client_id = "cleaner"
client_secret = "file:secret"
scope = "mail"
token_url = "{provider.url}/token"
authorize_url = "{provider.url}/authorize"
ca_file = "{provider.ca_file}"
"""
    written = world.configuration.read_text()
    assert 'tls = "none"\n' in written
    world.configuration.write_text(written.replace('tls = "none"\n', keys))


def sign_in_all(app: App, world: ImapWorld, provider: SignInServer) -> None:
    for user in world.users:
        mailbox = app.context.settings.mailbox(user)
        server = app.context.settings.server(mailbox.server)
        grant = person_signs_in(server, mailbox, person(provider, user))
        assert app.context.store.grants.keep(server.name, user, grant)


def test_tokens_that_end_at_once_and_connections_that_break(
    corpus: Path, tmp_path: Path, server: Dovecot, provider: SignInServer
) -> None:
    with between(server.port) as proxy:
        world = install(corpus / "worlds" / WORLD, tmp_path, server, door=proxy, every=EVERY)
        with_tokens(world, provider)
        with App.open(world.configuration) as app:
            opt_in_all(app, world.users)
            sign_in_all(app, world, provider)
            before = world.contents()
            provider.life, provider.longer = 0, 3600
            scan_while_all_ends(app, world, provider, proxy)
            assert world.contents() == before
            world.journal_agrees(app)
            assert world.moved()
            assert all(label["truth"] == "backscatter" for label in world.moved())
        assert provider.counted("refresh_token") > len(world.users)
        assert not any(grant.is_revoked for grant in provider.grants.values())


def scan_while_all_ends(app: App, world: ImapWorld, provider: SignInServer, proxy: Proxy) -> None:
    for after in CUTS:
        proxy.arm(Fault(after))
        provider.expire()
        clean(app)
        assert proxy.struck
        proxy.heal()
    assert [result.error for result in clean(app)] == [None] * len(world.users)


def test_who_took_it_back_is_left_alone_and_the_others_are_cleaned(
    corpus: Path, tmp_path: Path, server: Dovecot, provider: SignInServer
) -> None:
    world = install(corpus / "worlds" / WORLD, tmp_path, server, every=EVERY)
    with_tokens(world, provider)
    with App.open(world.configuration) as app:
        opt_in_all(app, world.users)
        sign_in_all(app, world, provider)
        gone, *others = world.users
        provider.revoke(gone)
        found = {result.address: result.error for result in clean(app)}
    assert f"bounce-cleaner login dovecot {gone}" in str(found[gone])
    assert [found[user] for user in others] == [None] * len(others)
    assert gone not in {label["user"] for label in world.moved()}
    assert world.moved()
