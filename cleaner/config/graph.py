"""
A `[[server]]` of Microsoft 365, reached over Microsoft Graph.

Where that is follows from the cloud ([national clouds]); how it is signed in to stands in `config.oauth`.

[national clouds]: https://learn.microsoft.com/graph/deployments
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from cleaner.config import forms, oauth
from cleaner.config.places import Server
from cleaner.config.table import Table


def server(table: Table, name: str, base: Path) -> Server:
    usual = Server(name, "graph")
    cloud = oauth.cloud_of(table)
    endpoint = table.one("endpoint", forms.web_address, None) or cloud.graph
    if endpoint.startswith("http:"):
        table.fault("endpoint", "tokens would go over plain HTTP; write https://…, or leave it out")
    sign_in = oauth.for_graph(table, base, cloud)
    return Server(
        name,
        "graph",
        host=urlsplit(endpoint).hostname,
        ca_file=table.one("ca_file", forms.file(base), None),
        auth="device" if sign_in.asks_person else "application",
        timeout=table.one("timeout", forms.some_time, usual.timeout),
        connections=table.one("connections", forms.whole(2, 1000), usual.connections),
        endpoint=endpoint,
        oauth=sign_in,
    )
