"""
What stands in the way of moving messages: rights, and holds that keep what is removed.

No request tells which rights an application has over a mailbox: those granted in Exchange (RBAC for Applications) are in
no token. So a move is asked for that cannot be made, of a message that there is not, and the way of refusing it tells.
A hold shows in the Recoverable Items: what is kept for it lies in the folder DiscoveryHolds ([recoverable items]).

[recoverable items]: https://learn.microsoft.com/exchange/security-and-compliance/recoverable-items-folder/recoverable-items-folder
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from cleaner.connectors.graph.errors import grant, quoted, said, who
from cleaner.connectors.graph.wire import Answer, Request, text_of
from cleaner.ports import Obstacle
from cleaner.values import ActionName, Policy

if TYPE_CHECKING:
    from cleaner.connectors.graph.session import Session

NOBODY: Final = "AAkALgAAAAAAHYQDEapmEc2byACqAC-EWg0AbounceCleanerAsksForNothing"
"""An id that no message has."""

HELD: Final = "discoveryholds"


def obstacles(session: Session, policy: Policy) -> tuple[Obstacle, ...]:
    kept = session.path("mailFolders", "recoverableitemsdeletions", select="parentFolderId")
    requests = [Request("GET", kept)]
    if policy.action is not ActionName.REPORT:
        path = session.path("messages", NOBODY, "move")
        requests.append(Request("POST", path, {"destinationId": "inbox"}))
    answers = session.batch(requests)
    return (*_rights(session, answers[1:]), *_holds(session, answers[0]))


def _rights(session: Session, answers: list[Answer]) -> Iterator[Obstacle]:
    for answer in answers:
        if answer.status == 403:
            yield Obstacle(
                f"{who(session.server)} may read this mailbox, but not move messages ({said(answer)})",
                grant(session.server, session.mailbox),
            )


def _holds(session: Session, answer: Answer) -> Iterator[Obstacle]:
    root = text_of(answer.body, "parentFolderId") if answer.is_ok else ""
    if not root:
        return
    path = session.path("mailFolders", root, "childFolders", select="displayName,totalItemCount", top="100")
    below = session.read(Request("GET", path), is_attempt=True)
    for one in below.values():
        if text_of(one, "displayName").casefold() == HELD and one.get("totalItemCount"):
            yield Obstacle(
                f"this mailbox is on hold: {one['totalItemCount']} removed messages are kept (Recoverable Items)",
                "nothing has to be done: messages are moved, and what is in the quarantine stays there. To see why: "
                f"Get-Mailbox {quoted(session.mailbox.user)} | Format-List InPlaceHolds,LitigationHoldEnabled,"
                "ComplianceTagHoldApplied",
                blocks=False,
                holds=True,
            )
