"""
Judging files: the use case behind `classify`, and the judging part of `explain`.

Nothing is written, no mailbox is opened, no network is asked, and no consent is needed: whoever has the
file may ask what it is.
"""

from __future__ import annotations

import mailbox as mbox_format
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

from cleaner import notices, policy
from cleaner.classifier import Model
from cleaner.errors import UsageError
from cleaner.pipeline import Lessons, judge_together, look_up
from cleaner.ports import Keys, SentRecord
from cleaner.steps.lines import Line, line_of
from cleaner.values import (
    Arrival,
    Kind,
    Known,
    Message,
    Notice,
    Organisation,
    Owner,
    Plan,
    Policy,
    Verdict,
)

BATCH = 200
NOBODY = "nobody@invalid"
"""Whose sent record is asked where nobody's is meant: it is empty."""
MAX_FILE = 64 * 1024 * 1024
"""Larger files are named as unreadable rather than read: no notice comes near it."""


NOT_MAIL = frozenset((".csv", ".html", ".json", ".jsonl", ".log", ".md", ".py", ".toml", ".zip"))
"""What lies beside samples in a folder; a file named on the command line is read whatever it is called."""


@dataclass(frozen=True, slots=True)
class Judge:
    """For whom is judged: identities, organisation, policy and sent record."""

    organisation: Organisation
    owner: Owner
    policy: Policy
    sent: SentRecord
    now: datetime
    mailbox: str | None = None
    arrivals: tuple[Arrival, ...] = ()
    model: Model | None = None
    keys: Keys | None = None
    lessons: Lessons = lambda _: ()
    """What is remembered of proven notices."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One message with all that was found out about it."""

    message: Message
    notice: Notice
    verdict: Verdict
    plan: Plan
    known: Known


def classify(judge: Judge, paths: Sequence[Path], *, all_messages: bool = False) -> Iterator[Line]:
    """One line for each notice in files, mbox files and folders; with `all_messages` for every message."""
    messages = (message for path in paths for message in messages_of(path))
    while batch := tuple(islice(messages, BATCH)):
        for judged in judge_batch(judge, batch):
            if all_messages or judged.notice.kind.value != "not-a-bounce" or judged.notice.doubt:
                yield line(judge, judged)


def judge_batch(by: Judge, messages: Sequence[Message]) -> Iterator[Judged]:
    """Judges messages as the pipeline does, as if they came now."""
    read = [(message, read_file(message)) for message in messages]
    known = look_up(
        [notice for _, notice in read], by.organisation, by.owner, by.sent, by.arrivals, by.now, by.keys
    )
    verdicts = judge_together([notice for _, notice in read], known, by.lessons, by.model)
    for (message, notice), verdict in zip(read, verdicts, strict=True):
        # As asked for by hand: neither the age of the message nor the grace period holds it back.
        when = policy.Situation(now=by.now, since=datetime.min.replace(tzinfo=by.now.tzinfo), by_hand=True)
        yield Judged(message, notice, verdict, policy.decide(notice, verdict, by.policy, when), known)


def read_file(message: Message) -> Notice:
    if message.unreadable:
        return Notice(Kind.NOT_A_BOUNCE, doubt=f"it cannot be read ({message.unreadable})")
    if len(message.raw) > MAX_FILE:
        return Notice(Kind.NOT_A_BOUNCE, doubt=f"larger than {MAX_FILE // 2**20} MB: left alone")
    return notices.read(message)


def line(by: Judge, judged: Judged) -> Line:
    notice = judged.notice
    return line_of(
        notice,
        judged.verdict,
        judged.plan,
        mailbox=by.mailbox,
        folder=None,
        id=judged.message.id,
        fingerprint=notice.fingerprint,
        error=notice.doubt or None,
    )


# --- files ---------------------------------------------------------------------------------------


def messages_of(path: Path) -> Iterator[Message]:
    """
    The messages of a file, an mbox file, a Maildir or a folder of files, in the order of their names.

    `id` is the path as given; in an mbox `PATH#N`, from 1. Raises UsageError for a path that is not there.
    """
    if path.is_dir():
        yield from folder_messages(path)
    elif path.is_file():
        yield from file_messages(path)
    else:
        raise UsageError(f"{path}: there is no such file or folder")


def folder_messages(folder: Path) -> Iterator[Message]:
    if is_maildir(folder):
        for sub in ("new", "cur"):
            for path in sorted((folder / sub).iterdir()):
                if path.is_file():
                    yield one_message(path)
        return
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir():
            yield from folder_messages(path)
        elif (path.is_file() or path.is_symlink()) and path.suffix.lower() not in NOT_MAIL:
            # A link that leads nowhere gives a line with the error rather than silence.
            yield from file_messages(path)


def is_maildir(folder: Path) -> bool:
    return (folder / "cur").is_dir() and (folder / "new").is_dir()


def file_messages(path: Path) -> Iterator[Message]:
    try:
        with path.open("rb") as file:
            start = file.read(5)
    except OSError as error:
        yield unreadable(path, error)
        return
    if start == b"From " and path.suffix.lower() != ".eml":
        box = mbox_format.mbox(path, create=False)
        try:
            for number, key in enumerate(box.iterkeys(), start=1):
                yield Message("", f"{path}#{number}", box.get_bytes(key))
        finally:
            box.close()
    else:
        yield one_message(path)


def one_message(path: Path) -> Message:
    try:
        with path.open("rb") as file:
            return Message("", str(path), file.read(MAX_FILE + 1))
    except OSError as error:
        return unreadable(path, error)


def unreadable(path: Path, error: OSError) -> Message:
    return Message("", str(path), b"", unreadable=error.strerror or str(error))
