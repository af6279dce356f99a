"""
Waiting for new mail with IDLE (RFC 2177).

It only wakes the service; that mail is found does not depend on it. A connection that died without a word is
noticed when it does not answer DONE, which it is asked for every few minutes: mail systems and the networks on the way
drop what is silent for longer (Gmail after 10 minutes; the RFC allows 29).
"""

from __future__ import annotations

import select
import ssl
import time
from collections.abc import Callable
from typing import Any, Final

from cleaner.config import MailboxSettings, Server
from cleaner.connectors.imap.connecting import Connection, connect
from cleaner.connectors.imap.session import Session
from cleaner.connectors.imap.wire import Answer
from cleaner.connectors.roles import INBOX
from cleaner.errors import AskPersonError

RENEWED: Final = 240.0
"""Seconds after which the server has to show that it is still there."""
SLICE: Final = 0.5
"""Seconds between looks at whether to go on."""


def wait_for_mail(
    server: Server, mailbox: MailboxSettings, stopping: Callable[[], bool], came: Callable[[], None]
) -> bool:
    """
    Calls `came` whenever something comes into the first watched folder, until asked to stop.

    False where the server knows no IDLE. Raises what connecting raises, and ServerUnavailableError when the
    connection breaks or does not answer any more.
    """
    opened: list[Connection] = []

    def connected() -> Connection:
        opened.append(connect(server, mailbox))
        return opened[-1]

    session = Session(mailbox.address, connected)
    try:
        if not session.has(b"IDLE"):
            return False
        folder = mailbox.policy.folders[0] if mailbox.policy.folders else INBOX
        session.examine(folder)
        sock = opened[-1].client.socket()
        while not stopping():
            answer = session.wire.idle(lambda: _until_something_moves(sock, stopping))
            if not answer.is_ok:
                raise AskPersonError(f"{mailbox.address}: {server.name} refuses IDLE")
            if _tells_of_mail(answer):
                came()
        return True
    finally:
        session.close()


def _tells_of_mail(answer: Answer) -> bool:
    return answer.counted(b"EXISTS") is not None


def _until_something_moves(sock: Any, stopping: Callable[[], bool]) -> None:
    until = time.monotonic() + RENEWED
    while not stopping() and time.monotonic() < until:
        if isinstance(sock, ssl.SSLSocket) and sock.pending():
            return
        if select.select([sock], [], [], SLICE)[0]:
            return
