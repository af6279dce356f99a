"""
Connectors: vendor protocols behind our `Mailbox`.

Each stands in one file, imported when a mailbox of its kind is opened; a new one is its file, one line in
`CONNECTORS`, and its name in the contract suite (docs/add-a-connector.md).
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Final, Protocol, cast

from cleaner.config import MailboxSettings, Server
from cleaner.errors import AskPersonError
from cleaner.ports import ChangeableMailbox, Mailbox

CONNECTORS: Final = {
    "maildir": "cleaner.connectors.maildir",
    "imap": "cleaner.connectors.imap",
    "ews": "cleaner.connectors.ews",
    "graph": "cleaner.connectors.graph",
}
"""Name in the configuration → module, which has `open_reading` and `open_changing`."""


class Connector(Protocol):
    """What a connector's module offers."""

    open_reading: Callable[[Server, MailboxSettings], Mailbox]
    open_changing: Callable[[Server, MailboxSettings], ChangeableMailbox]


def open_reading(server: Server, mailbox: MailboxSettings) -> Mailbox:
    """Opens a mailbox so that nothing in it can be changed."""
    return connector_of(server, mailbox).open_reading(server, mailbox)


def open_changing(server: Server, mailbox: MailboxSettings) -> ChangeableMailbox:
    """Opens a mailbox so that messages can be moved."""
    return connector_of(server, mailbox).open_changing(server, mailbox)


def pulse(server: Server, mailbox: MailboxSettings) -> str | None:
    """
    What the watched folders look like from outside: a text that changes when a message comes into one.

    None where the connector, or the server, does not tell; then the mailbox has to be opened to know.
    """
    module = connector_of(server, mailbox)
    told = getattr(module, "pulse", None)
    return told(server, mailbox, mailbox.policy.folders) if told is not None else None


def wait_for_mail(
    server: Server, mailbox: MailboxSettings, stopping: Callable[[], bool], came: Callable[[], None]
) -> bool:
    """Calls `came` whenever something came in, until asked to stop; false where nobody tells."""
    module = connector_of(server, mailbox)
    wait = getattr(module, "wait_for_mail", None)
    return wait(server, mailbox, stopping, came) if wait is not None else False


def connector_of(server: Server, mailbox: MailboxSettings) -> Connector:
    module = CONNECTORS.get(server.connector)
    if module is None:
        raise AskPersonError(
            f"{mailbox.address}: this release cannot open {server.connector} mailboxes yet, only "
            f"{', '.join(CONNECTORS)} ones"
        )
    return cast("Connector", import_module(module))
