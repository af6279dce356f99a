"""
The folders that messages are moved into, and whether they may be.

Moved into Sent, a spurious notice would count as mail that its owner sent; moved into the inbox or a watched
folder, it would be found again. What a folder is for only the mailbox can tell, by its flag or name, so that
this is asked when it is open.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from cleaner.connectors.roles import role_of
from cleaner.errors import AskPersonError
from cleaner.values import ActionName, Folder, FolderRole, Policy

_FOR_MAIL_OF_THEIR_OWN: Final = {
    FolderRole.INBOX: "is the inbox",
    FolderRole.SENT: "holds the mail that was sent",
    FolderRole.DRAFTS: "holds drafts",
}


def targets_of(policy: Policy) -> Iterator[tuple[str, str]]:
    """The folders that this policy moves messages into, each with its key in the configuration."""
    if policy.action is ActionName.MOVE:
        yield "quarantine", policy.quarantine
    if policy.action is ActionName.DELETE:
        yield "trash", policy.trash or "Trash"
    if policy.review_unsure:
        yield "review", policy.review


def with_trash(policy: Policy, folders: Sequence[Folder]) -> Policy:
    """The policy with the mailbox's own folder for what is deleted, where none is named: by flag or known name."""
    if policy.trash is not None:
        return policy
    own = (f.name for f in folders if f.role is FolderRole.TRASH and f.name not in policy.folders)
    return replace(policy, trash=next(own, None))


def unfit_targets(policy: Policy, folders: Sequence[Folder]) -> Iterator[tuple[str, str]]:
    """What is wrong with a folder that messages would be moved into, and what to do about it."""
    roles = {folder.name: folder.role for folder in folders}
    for key, name in targets_of(policy):
        role = roles.get(name, role_of(name))
        why = _FOR_MAIL_OF_THEIR_OWN.get(role)
        if name in policy.sent:
            why = _FOR_MAIL_OF_THEIR_OWN[FolderRole.SENT]
        elif name in policy.folders:
            why = "is watched"
        if why is not None:
            yield f"nothing may be moved to {name!r}, which {why}", f"name another folder in policy.{key}"


def require_fit(address: str, policy: Policy, folders: Sequence[Folder]) -> None:
    """Raises AskPersonError where messages would be moved into a folder for mail of another kind."""
    for what, remedy in unfit_targets(policy, folders):
        raise AskPersonError(f"{address}: {what}; {remedy}")
