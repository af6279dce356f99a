"""
What stands in the way of moving messages: rights over folders, and holds that keep what is removed.

What a folder lets this account do is told with it (EffectiveRights). A hold shows in the Recoverable Items: the
folder DiscoveryHolds is there for an in-place hold, and Versions and Purges fill under litigation hold, or where
single items can be recovered. That is known from documentation, and not tried on Exchange.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from cleaner.connectors.ews import calls
from cleaner.connectors.ews.calls import T
from cleaner.connectors.ews.errors import account_of, grant, quoted
from cleaner.connectors.ews.folders import found_of
from cleaner.errors import AskPersonError
from cleaner.ports import Obstacle
from cleaner.values import ActionName, FolderRole, Policy

if TYPE_CHECKING:
    from cleaner.connectors.ews.session import Session

HOLDS: Final = frozenset(("discoveryholds", "versions", "purges"))
"""Folders of the Recoverable Items whose messages nobody can remove."""

_RIGHTS: Final = ("folder:EffectiveRights",)
_READ: Final = {"Read": "read it"}
_INTO: Final = {"Read": "read it", "CreateContents": "put messages into it"}
_MAKE: Final = {"CreateHierarchy": "make folders in it"}


def obstacles(session: Session, policy: Policy) -> tuple[Obstacle, ...]:
    return (*_rights(session, policy), *_holds(session))


def _rights(session: Session, policy: Policy) -> Iterator[Obstacle]:
    wanted = dict(_wanted(session, policy))
    if not wanted:
        return
    asked = [calls.folder_id(id) for id, _ in wanted]
    answers = session.read("GetFolder", calls.get_folders(asked, _RIGHTS))
    for (_, name), needed, answer in zip(wanted, wanted.values(), answers, strict=False):
        elements = answer.all("Folders")
        rights = elements[0].find(f"{T}EffectiveRights") if answer.is_ok and elements else None
        if rights is None:
            continue
        lacking = [what for right, what in needed.items() if not _has(rights, right)]
        if lacking:
            where = repr(name) if name else "the top of the mailbox"
            yield Obstacle(
                f"this account has no right over {where} to {', nor to '.join(lacking)}", _remedy(session)
            )


def _wanted(session: Session, policy: Policy) -> Iterator[tuple[tuple[str, str], dict[str, str]]]:
    """Folders by id and name, and what we need to do there."""
    folders = session.folders()
    for name in policy.folders:
        if name in folders.ids:
            yield (folders.ids[name], name), _READ
    trash = next((f.name for f in folders.all if f.role is FolderRole.TRASH), "")
    target = policy.quarantine if policy.action is ActionName.MOVE else policy.trash or trash
    if target in folders.ids:
        yield (folders.ids[target], target), _INTO
        return
    above = target.rpartition("/")[0]
    while above and above not in folders.ids:
        above = above.rpartition("/")[0]
    yield (folders.ids.get(above, folders.top), above), _MAKE


def _has(rights: Any, right: str) -> bool:
    """A right that is not told of is not missed."""
    return str(rights.findtext(f"{T}{right}") or "true").strip().lower() not in ("false", "0")


def _remedy(session: Session) -> str:
    if session.server.access == "impersonation":
        return "the mailbox's owner lacks it himself; in the Exchange Management Shell: Get-MailboxFolderPermission"
    account, mailbox = quoted(account_of(session.server, session.mailbox)), quoted(session.address)
    return (
        f"in the Exchange Management Shell: {grant(session.server, session.mailbox)} "
        f"(or, for folders one by one: Add-MailboxFolderPermission -Identity {mailbox} -User {account} "
        "-AccessRights Editor)"
    )


def _holds(session: Session) -> Iterator[Obstacle]:
    asked = calls.find_folders(
        session.distinguished("recoverableitemsroot"),
        ("folder:DisplayName", "folder:TotalCount"),
        0,
        100,
        deep=False,
    )
    try:
        answers = session.read("FindFolder", asked)
    except AskPersonError:
        # A server without Recoverable Items, or one that does not let this account look there.
        return
    if not answers or not answers[0].is_ok:
        return
    found = map(found_of, answers[0].page("Folders")[0])
    held = [one for one in found if one is not None and one.name.casefold() in HOLDS and one.total]
    if held:
        which = ", ".join(f"{one.name} ({one.total})" for one in held)
        yield Obstacle(
            f"the server keeps removed messages of this mailbox: {which} among its Recoverable Items; it is on hold, or "
            "single items can be recovered",
            "nothing has to be done: messages are moved and never purged. To see why: "
            f"Get-Mailbox {quoted(session.address)} | Format-List LitigationHoldEnabled,InPlaceHolds,"
            "SingleItemRecoveryEnabled",
            blocks=False,
        )
