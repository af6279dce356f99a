"""The servers beside Dovecot work as their owners expect."""

from __future__ import annotations

from contextlib import closing

import pytest

from tests.servers.courier import Courier
from tests.servers.cyrus import Cyrus
from tests.servers.working import work

pytestmark = pytest.mark.nightly


@pytest.mark.parametrize("name", ["cyrus", "courier"])
def test_an_owner_at_work(name: str, request: pytest.FixtureRequest) -> None:
    server: Cyrus | Courier = request.getfixturevalue(name)
    with closing(server.owner(server.new_user())) as owner:
        work(owner)
