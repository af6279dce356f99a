"""
What stands in the way of moving messages: rights over folders, and holds that keep what is removed.

What a folder lets this account do is told with it (EffectiveRights). A hold shows in the Recoverable Items: the
folder DiscoveryHolds is there for an in-place hold, and Versions and Purges fill under litigation hold, or where
single items can be recovered: from outside the two look alike, and where in doubt it counts as a hold. A retention hold
stands beside the retention tags. That is known from documentation, and not tried on Exchange.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from cleaner.connectors.ews import calls
from cleaner.connectors.ews.calls import Answer, M, T
from cleaner.connectors.ews.errors import (
    BareFaultError,
    account_of,
    grant,
    quoted,
)
from cleaner.connectors.ews.folders import found_of
from cleaner.connectors.ews.items import decoded
from cleaner.connectors.exchange.errors import AwayError, ThrottledError
from cleaner.errors import AskPersonError, ServerUnavailableError
from cleaner.ports import Obstacle
from cleaner.values import ActionName, FolderRole, Policy

if TYPE_CHECKING:
    from cleaner.connectors.ews.session import Session

HOLDS: Final = frozenset(("discoveryholds", "substrateholds", "versions", "purges"))
"""Folders of the Recoverable Items whose messages nobody can remove."""

_ON_HOLD: Final = re.compile(rb"<RetentionHold\b[^<>]{0,4000}?\bEnabled\s?=\s?[\"']true[\"']", re.IGNORECASE)

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
    """What keeps mail where it is: reported, and nothing is then put away from the quarantine."""
    yield from _recoverable(session)
    yield from _retention_hold(session)


def _recoverable(session: Session) -> Iterator[Obstacle]:
    asked = calls.find_folders(
        session.distinguished("recoverableitemsroot"),
        ("folder:DisplayName", "folder:TotalCount"),
        0,
        100,
        deep=False,
    )
    answer = _told(session, "FindFolder", asked)
    found = map(found_of, answer.page("Folders")[0]) if answer is not None else ()
    held = [one for one in found if one is not None and one.name.casefold() in HOLDS and one.total]
    if held:
        which = ", ".join(f"{one.name} ({one.total})" for one in held)
        yield Obstacle(
            f"the server keeps removed messages of this mailbox: {which} among its Recoverable Items; it is on hold, or "
            "single items can be recovered",
            "nothing has to be done: messages are moved to the quarantine and stay there. To see why: "
            f"Get-Mailbox {quoted(session.address)} | Format-List LitigationHoldEnabled,InPlaceHolds,"
            "SingleItemRecoveryEnabled",
            blocks=False,
            holds=True,
        )


def _retention_hold(session: Session) -> Iterator[Obstacle]:
    """Told with the retention tags, for Outlook ([MS-OXOCFG] section 2.2.5.2.3)."""
    asked = calls.get_user_configuration(session.distinguished("inbox"), "MRM")
    answer = _told(session, "GetUserConfiguration", asked)
    data = answer.element.findtext(f"{M}UserConfiguration/{T}XmlData") if answer is not None else None
    if data and _ON_HOLD.search(decoded(data)):
        yield Obstacle(
            "the mailbox is on retention hold: its policies are suspended, while its owner is away or for good",
            "nothing has to be done: messages are moved to the quarantine and stay there until the hold ends. To see "
            f"why: Get-Mailbox {quoted(session.address)} | Format-List RetentionHoldEnabled,RetentionComment",
            blocks=False,
            holds=True,
        )


def _told(session: Session, name: str, asked: Any) -> Answer | None:
    """None where a server has no such thing, or does not let this account look there."""
    while True:
        try:
            answers = session.once(name, asked)
        except (AskPersonError, BareFaultError):
            return None
        except (ThrottledError, AwayError):
            raise
        except ServerUnavailableError as error:
            session.again(error)
            continue
        return answers[0] if answers and answers[0].is_ok else None
