"""
An Exchange of our own: a stateful EWS server on a free port of this machine, for as long as the tests need it.

    with EwsServer() as server:
        box = server.add_mailbox("ann@harbor.example")
        id = box.deliver(raw, received=when)             # into the Inbox; `folder="sentitems"`, `"Inbox/Old"`
        box.deliver(raw, "sentitems", composed=True)     # sent from Outlook: no header as received (0x007D)
        server.add_account("cleaner@harbor.example", impersonates=None)   # ApplicationImpersonation over all
        server.grant("bob@harbor.example", box)          # delegate access
        server.fault(busy(back_off=1000, share=0.02, times=None))         # 2 % of all requests, see `faults`
        server.fault(item_fails(2, "ErrorAccessDenied", operation="MoveItem"))
        ...                                              # a client at `server.endpoint`
        box.listing("Backscatter")                       # what is there: bytes as delivered, flags, dates
        server.requests(mailbox=box.address, operation="GetItem")

Whoever owns a mailbox signs in with its address and PASSWORD, basic or by a bearer token of `server.token_url`
(`authentication=("basic", "bearer")`); `certificate` makes it https. `Box` has what owner and administrator do beside
the client: read, move, delete, rename, deny rights, invalidate sync states, set a quota or a hold.

Answers are those of the recorded server (`Ways.RECORDED`), or where Exchange is documented to differ, of Exchange
(`Ways.EXCHANGE`: Recoverable Items, faults with details, sync states checked, attached messages by GetAttachment
alone with the properties asked for, batches that stop, short properties in lists).

The MIME handed out is rebuilt from what was delivered as in the recorded pairs (`content`, `rebuilding`, `reports`);
with `renews` its boundaries are others each time, as they were there. How near both come is tested in
`test_ews_recorded` and `test_ews_rebuilt`, which need ../shared/ews.

Streaming notifications go on until `server.subscriptions.hang_up()` ends them, or `forget()` as a failover does.

Items are made when asked for: delivering is cheap, and a mailbox may hold 20,000 messages.
"""

from tests.servers.ews.box import Box, Stored
from tests.servers.ews.faults import (
    Fault,
    Kind,
    busy,
    busy_inside,
    busy_message,
    cut,
    cut_after,
    http,
    item_fails,
    meanwhile,
    refuses,
    refuses_all,
    stall,
    too_many_connections,
)
from tests.servers.ews.server import EXCHANGE_2010, EXCHANGE_2019, EwsServer
from tests.servers.ews.soap import Version, Ways
from tests.servers.ews.state import PASSWORD

__all__ = [
    "EXCHANGE_2010",
    "EXCHANGE_2019",
    "PASSWORD",
    "Box",
    "EwsServer",
    "Fault",
    "Kind",
    "Stored",
    "Version",
    "Ways",
    "busy",
    "busy_inside",
    "busy_message",
    "cut",
    "cut_after",
    "http",
    "item_fails",
    "meanwhile",
    "refuses",
    "refuses_all",
    "stall",
    "too_many_connections",
]
