"""
A Microsoft 365 of our own: Graph mail and the sign-in behind it, on a free port of this machine.

    with GraphServer(authority.good()) as server:           # of tests.servers.certificates; always https
        box = server.add_mailbox("ann@harbor.example")
        id = box.deliver(raw, received=when)                # into the Inbox; `folder="sentitems"`, `"Inbox/Old"`
        box.deliver(raw, "sentitems", composed=True)        # sent from Outlook: no header as received
        server.app.roles = {"Mail.Read"}                    # the application CLIENT, with SECRET; it has Mail.ReadWrite
        server.app.scoped["Mail.ReadWrite"] = frozenset({"ann@harbor.example"})      # RBAC for Applications
        server.fault(throttled(2, operation="value", inside=True, every=3, times=None))   # a third of a batch
        server.entra.expire_tokens(), .revoke_tokens(), .revoke_grants(), .approve(user_code, address)
        ...                                                 # a client at `server.endpoint`, `server.authority`
        box.listing("Backscatter")                          # what is there: bytes as delivered, flags, dates
        server.requests(operation="delta"), server.stepped(operation="move")     # HTTP requests; those in batches

Graph is served under `/v1.0`, Microsoft's sign-in under `/{TENANT}` (or its DOMAIN): client credentials by secret or
certificate (`make_certificate`), device code, refresh tokens. Every Graph request's token is checked.

What the documentation allows is served, all else refused: unknown query options, preferences, properties, content
types. Where observation and documentation differ, the module says whence. `Box` has what owner and administrator do
beside the client. The MIME handed out is rebuilt as tests.servers.ews does it, which knows recorded pairs.
"""

from tests.servers.graph.box import Box, Stored
from tests.servers.graph.faults import (
    Fault,
    Kind,
    broken,
    cut,
    cut_after,
    cut_middle,
    meanwhile,
    refused,
    slow,
    stall,
    throttled,
    unavailable,
)
from tests.servers.graph.server import CLIENT, SECRET, GraphServer
from tests.servers.graph.signin import DOMAIN, TENANT, Application, make_certificate

__all__ = [
    "CLIENT",
    "DOMAIN",
    "SECRET",
    "TENANT",
    "Application",
    "Box",
    "Fault",
    "GraphServer",
    "Kind",
    "Stored",
    "broken",
    "cut",
    "cut_after",
    "cut_middle",
    "make_certificate",
    "meanwhile",
    "refused",
    "slow",
    "stall",
    "throttled",
    "unavailable",
]
