from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from cleaner.connectors.imap import connecting, session
from tests.connectors.imap.account import Account, Accounts, settings_of
from tests.servers.dovecot import Dovecot


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many tries as ever, without the waiting."""
    monkeypatch.setattr(connecting, "PAUSES", tuple(0.0 for _ in connecting.PAUSES))
    monkeypatch.setattr(session, "PAUSES", tuple(0.0 for _ in session.PAUSES))


@pytest.fixture
def accounts(tmp_path: Path) -> Iterator[Accounts]:
    """Makes a new account on a server."""
    with ExitStack() as stack:

        def make(server: Dovecot) -> Account:
            user = server.new_user()
            owner = stack.enter_context(closing(server.owner(user)))
            return Account(owner, *settings_of(server, user, tmp_path))

        yield make


@pytest.fixture
def account(accounts: Accounts, dovecot: Dovecot) -> Account:
    return accounts(dovecot)
