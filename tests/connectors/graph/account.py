"""A mailbox on the Graph of the tests, opened by the connector and by its owner."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from cleaner.config import MailboxSettings, Secret, Server
from cleaner.config.oauth import SignIn
from cleaner.connectors.graph import open_changing, open_reading
from cleaner.connectors.graph.changing import ChangingGraph
from cleaner.connectors.graph.reading import ReadingGraph
from cleaner.values import Policy
from tests.servers.graph import CLIENT, SECRET, Box, GraphServer

ADDRESS = "ann@harbor.example"


@dataclass(frozen=True)
class Account:
    """One mailbox, and how the program is configured to reach it."""

    graph: GraphServer
    box: Box
    server: Server
    mailbox: MailboxSettings

    def changed(self, **values: object) -> Account:
        return replace(self, server=replace(self.server, **values))  # type: ignore[arg-type]

    def under(self, **values: object) -> Account:
        """With another policy."""
        policy = replace(self.mailbox.policy, **values)  # type: ignore[arg-type]
        return replace(self, mailbox=replace(self.mailbox, policy=policy))

    @contextmanager
    def reading(self) -> Iterator[ReadingGraph]:
        with closing(open_reading(self.server, self.mailbox)) as mailbox:
            yield mailbox

    @contextmanager
    def changing(self) -> Iterator[ChangingGraph]:
        with closing(open_changing(self.server, self.mailbox)) as mailbox:
            yield mailbox


def account_on(graph: GraphServer, ca_file: Path, base: Path) -> Account:
    (base / "secret").write_text(SECRET)
    sign_in = SignIn(
        "microsoft",
        "client_credentials",
        scope="https://graph.microsoft.com/.default",
        client_id=CLIENT,
        client_secret=Secret("file:secret", base),
        authority=graph.authority,
        ca_file=ca_file,
    )
    server = Server(
        "microsoft",
        "graph",
        host="127.0.0.1",
        auth="application",
        endpoint=graph.endpoint,
        ca_file=ca_file,
        timeout=timedelta(seconds=20),
        oauth=sign_in,
    )
    mailbox = MailboxSettings(ADDRESS, "microsoft", "harbor", Policy(), user=ADDRESS)
    return Account(graph, graph.add_mailbox(ADDRESS), server, mailbox)
