"""A labelled world in the cloud: one application opens its mailboxes over Microsoft Graph."""

from __future__ import annotations

from pathlib import Path

from tests.servers.graph import CLIENT, SECRET, TENANT, GraphServer
from tests.worlds.ews_world import ExchangeWorld, filled


def install(source: Path, root: Path, server: GraphServer, ca_file: Path, *, every: int = 1) -> ExchangeWorld:
    """Gives a world's mailboxes, or every so-manieth message, to a tenant's users."""
    root.mkdir(exist_ok=True)
    return filled(source, root, server.add_mailbox, lines(server, root, ca_file), every)


def lines(server: GraphServer, root: Path, ca_file: Path) -> tuple[str, ...]:
    """The section of the server: one application for all mailboxes. Its secret lies beside the configuration."""
    (root / "secret").write_text(SECRET)
    return (
        'name = "microsoft"',
        'connector = "graph"',
        f'tenant = "{TENANT}"',
        f'client_id = "{CLIENT}"',
        'client_secret = "file:secret"',
        f'endpoint = "{server.endpoint}"',
        f'authority = "{server.authority}"',
        f'ca_file = "{ca_file}"',
    )
