"""
What can go wrong, by what the caller does next.

    CleanerError
    ├── StopError                 nothing more can be done until somebody acts
    │   ├── ConfigurationError    the file is wrong: every fault, with its key and the remedy
    │   ├── UsageError            the command is wrong
    │   └── StoreError            the database cannot be used
    │       ├── MasterKeyError    not with this key
    │       └── NewerStoreError   not by this version
    ├── RetryLaterError           the next run may succeed
    │   ├── ServerUnavailableError
    │   └── MailboxBusyError      another process is cleaning it
    ├── SkipMessageError          this message only; the run goes on
    │   ├── MessageGoneError
    │   └── UnreadableMessageError
    └── AskPersonError            this mailbox only; a person must decide or grant something
        ├── NotOptedInError
        ├── SafetyStopError
        ├── SignInRefusedError
        ├── SecretUnavailableError
        ├── FolderMissingError
        └── ChangeRefusedError    read-only, no right, no space

Each takes facts and writes its own sentence, and that sentence says what to do.
"""

from __future__ import annotations

from collections.abc import Sequence


class CleanerError(Exception):
    """Anything that this program raises on purpose."""


class StopError(CleanerError):
    """Nothing more can be done until somebody acts."""


class ConfigurationError(StopError):
    """The configuration is wrong. `faults` are all of them, each naming its key and what to write instead."""

    def __init__(self, path: str, faults: Sequence[str]) -> None:
        self.path = path
        self.faults = tuple(faults)
        count = "1 fault" if len(self.faults) == 1 else f"{len(self.faults)} faults"
        super().__init__(f"{path}: {count}\n" + "\n".join(f"  - {fault}" for fault in self.faults))


class UsageError(StopError):
    """The command was given something it cannot take."""


class StoreError(StopError):
    """The database cannot be read or written."""


class MasterKeyError(StoreError):
    """The master key is none, or not the one that the database was written with: the configuration is wrong."""


class NewerStoreError(StoreError):
    """A newer program changed the database so that this one cannot work with it."""


class RetryLaterError(CleanerError):
    """The next run may succeed."""


class ServerUnavailableError(RetryLaterError):
    """The mail system did not answer, or broke off. `again_in`: the seconds after which it wants to be asked again."""

    is_for_all = True
    """Whether that holds for all mailboxes of the server."""

    def __init__(self, server: str, why: str, again_in: float | None = None) -> None:
        self.server = server
        self.again_in = again_in
        super().__init__(f"{server} cannot be reached now ({why}); the next run tries again.")


class MailboxBusyError(RetryLaterError):
    """Another process is at work on this mailbox."""

    def __init__(self, mailbox: str) -> None:
        self.mailbox = mailbox
        super().__init__(f"{mailbox} is being cleaned by another process; left to it.")


class SkipMessageError(CleanerError):
    """This message only; the run goes on."""


class MessageGoneError(SkipMessageError):
    """The message is not where it was: its owner, or another program, took it."""

    def __init__(self, folder: str, id: str) -> None:
        self.folder = folder
        self.id = id
        super().__init__(f"message {id} is no longer in {folder}.")


class UnreadableMessageError(SkipMessageError):
    """The message cannot be read; it is left alone and counted."""

    def __init__(self, folder: str, id: str, why: str) -> None:
        self.folder = folder
        self.id = id
        super().__init__(f"message {id} in {folder} cannot be read ({why}); left alone.")


class AskPersonError(CleanerError):
    """This mailbox only: a person must decide, correct or grant something."""


class NotOptedInError(AskPersonError):
    """The owner of the mailbox has not agreed."""

    def __init__(self, mailbox: str, state: str = "") -> None:
        self.mailbox = mailbox
        now = f" (consent: {state})" if state else ""
        super().__init__(
            f"{mailbox} has not opted in{now}, so it is not opened. "
            f"When its owner agrees: bounce-cleaner optin add {mailbox}"
        )


class SafetyStopError(AskPersonError):
    """A run would have moved more than the limits allow: the surest were moved, the rest waits for an answer."""

    def __init__(self, run: str, mailbox: str, moved: int, held: int, limit: str) -> None:
        self.run = run
        self.mailbox = mailbox
        self.held = held
        what = "1 message was moved" if moved == 1 else f"{moved:,} messages were moved, the surest first"
        rest = "1 message is" if held == 1 else f"{held:,} messages are"
        super().__init__(
            f"{mailbox}: {what if moved else 'nothing was moved'}; {rest} held back by the safety limit "
            f"({limit}). Look at what waits with 'bounce-cleaner scan --dry-run --mailbox {mailbox}'; "
            f"if it should go: bounce-cleaner scan --confirm {run}"
        )


class SignInRefusedError(AskPersonError):
    """The server does not accept the user name or secret."""


class SecretUnavailableError(AskPersonError):
    """A secret is not where the configuration says that it is."""

    def __init__(self, reference: str, remedy: str) -> None:
        self.reference = reference
        super().__init__(f"the secret {reference} cannot be read: {remedy}.")


class FolderMissingError(AskPersonError):
    """A folder that is needed does not exist."""

    def __init__(self, mailbox: str, folder: str) -> None:
        self.folder = folder
        super().__init__(f"{mailbox}: there is no folder {folder!r}.")


class ChangeRefusedError(AskPersonError):
    """The mailbox does not let itself be changed."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__(f"{what}: {why}.")
