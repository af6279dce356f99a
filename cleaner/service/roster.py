"""
A list of mailboxes, from a file or from a directory: what an administrator opts in or invites at once.

It is CSV, its first line naming the columns, or LDIF as `ldapsearch` prints it (RFC 2849), of which the attribute `mail`
counts. A command that prints it is run without a shell.
"""

from __future__ import annotations

import base64
import binascii
import csv
import io
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Final

from cleaner.errors import CleanerError, UsageError
from cleaner.service.consent import ConsentRow, NewMailbox, checked, only_server, opt_in
from cleaner.service.context import Context
from cleaner.store.records import ConsentState, StoredMailbox
from cleaner.values import address_key

COLUMNS: Final = ("address", "server", "user", "password", "aliases", "sent_from", "basis", "note")
COMMAND: Final = "command:"
COMMAND_SECONDS: Final = 300
LARGEST: Final = 64 * 1024 * 1024
"""Bytes of a list: far more than a million mailboxes."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of a list."""

    rows: tuple[ConsentRow, ...]
    """Who is opted in now."""
    left_alone: tuple[str, ...] = ()
    """Who paused or withdrew: no list speaks for them."""


def opt_in_many(
    context: Context, source: str, basis: str, by: str | None, preview: timedelta | None = None
) -> Imported:
    """
    Opts in the mailboxes of a list; all of its faults are reported together, and then none is taken.

    Who paused or withdrew stays so: it is for him to agree again.
    """
    listed = tuple(
        replace(one, basis=one.basis or basis, by=by, preview=preview) for one in read(context, source)
    )
    rows: list[ConsentRow] = []
    left_alone: list[str] = []
    for one in listed:
        if has_stepped_back(context, one.address):
            left_alone.append(one.address)
        else:
            rows.append(opt_in(context, one))
    return Imported(tuple(rows), tuple(left_alone))


def has_stepped_back(context: Context, address: str) -> bool:
    step = context.store.consent.current(address)
    return step is not None and step.state in (ConsentState.PAUSED, ConsentState.OPTED_OUT)


def read(context: Context, source: str) -> tuple[NewMailbox, ...]:
    """
    The mailboxes of a list, of which each may be opted in; their basis is empty where the list has none.

    `source` is a file, `-` for standard input, or `command:PROGRAM ARG…`. Raises UsageError with all faults.
    """
    new: dict[str, NewMailbox] = {}
    faults: list[str] = []
    name, text = text_of(context, source)
    for line, row in read_ldif(name, text) if is_ldif(text) else read_csv(name, text):
        try:
            mailbox = described(row)
            if address_key(mailbox.address) in new:
                raise UsageError(f"{mailbox.address} stands in it twice")
            check_new(context, mailbox)
            new[address_key(mailbox.address)] = mailbox
        except CleanerError as error:
            faults.append(f"line {line}: {error}")
    if faults:
        raise UsageError(f"{name}: nothing was imported\n" + "\n".join(f"  - {f}" for f in faults))
    return tuple(new.values())


def check_new(context: Context, new: NewMailbox) -> None:
    if new.address in context.settings:
        return
    server = new.server or only_server(context, new.address)
    stored = StoredMailbox(
        address=new.address,
        server=server,
        user=new.user,
        password=new.password,
        aliases=new.aliases,
        sent_from=new.sent_from,
    )
    checked(context, stored)


def text_of(context: Context, source: str) -> tuple[str, str]:
    """What the list is called, and what stands in it."""
    if source.startswith(COMMAND):
        try:
            words = shlex.split(source.removeprefix(COMMAND))
        except ValueError as error:
            raise UsageError(f"{source}: is no command line ({error})") from error
        if not words:
            raise UsageError("command: names no program; write for example command:/usr/local/bin/mailboxes")
        return words[0], decoded(words[0], printed_by(context, words))
    if source == "-":
        return "standard input", decoded("standard input", sys.stdin.buffer.read(LARGEST))
    try:
        return source, decoded(source, Path(source).read_bytes())
    except OSError as error:
        raise UsageError(f"{source} cannot be read ({error.strerror})") from error


def printed_by(context: Context, words: list[str]) -> bytes:
    """What it says to standard error goes to ours: the one who called it wants to know."""
    try:
        done = subprocess.run(  # noqa: S603 - the administrator's own command, run without a shell
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            timeout=COMMAND_SECONDS,
            cwd=context.settings.path.parent,
            check=True,
        )
    except subprocess.TimeoutExpired:
        why = f"did not end within {COMMAND_SECONDS} seconds"
    except subprocess.CalledProcessError as error:
        why = f"failed with status {error.returncode}"
    except OSError as error:
        why = f"cannot be started ({error.strerror})"
    else:
        return done.stdout
    raise UsageError(f"{words[0]} {why}; nothing was imported")


def decoded(name: str, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{name} is not UTF-8 text at byte {error.start}; save it as CSV in UTF-8"
        ) from error


def is_ldif(text: str) -> bool:
    first = next((line for line in text.splitlines() if line and not line.startswith("#")), "")
    return first.startswith(("dn:", "version:"))


def read_ldif(name: str, text: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Of each entry the first `mail`; entries without one are no mailboxes."""
    has_one = True
    # A line that begins with a space goes on with the one before it (RFC 2849, note 2).
    for number, line in enumerate(text.replace("\r\n", "\n").replace("\n ", "").split("\n"), start=1):
        attribute, _, value = line.partition(":")
        if attribute.lower() == "dn":
            has_one = False
        elif attribute.lower() == "mail" and not has_one:
            has_one = True
            if value.startswith(":"):
                try:
                    value = base64.b64decode(value[1:].strip(), validate=True).decode()
                except (binascii.Error, UnicodeDecodeError) as error:
                    raise UsageError(f"{name}: line {number} is no LDIF ({error})") from error
            yield number, {"address": value.strip()}


def read_csv(name: str, text: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Each row that is not empty, with the number of its line. Raises UsageError."""
    first = text.partition("\n")[0]
    # What spreadsheets write where the comma stands in numbers.
    delimiter = ";" if ";" in first and "," not in first else ","
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    try:
        names = [one.strip().lower() for one in next(rows, [])]
        while names and not names[-1]:
            names.pop()
        unknown = [one for one in names if one not in COLUMNS]
        if "address" not in names or unknown:
            raise UsageError(
                f"{name}: the first line must name the columns: 'address', and of "
                f"{', '.join(COLUMNS[1:])} those that are wanted"
                + (f"; unknown: {', '.join(unknown)}" if unknown else "")
            )
        for row in rows:
            if any(row[len(names) :]):
                raise UsageError(
                    f"{name}: line {rows.line_num} has more fields than the first line names; put a field that "
                    f"holds a {delimiter!r} in quotation marks"
                )
            if any(row):
                yield rows.line_num, dict(zip(names, (field.strip() for field in row), strict=False))
    except csv.Error as error:
        raise UsageError(f"{name}: line {rows.line_num} is no CSV ({error})") from error


def described(row: Mapping[str, str]) -> NewMailbox:
    return NewMailbox(
        address=row.get("address", ""),
        server=row.get("server") or None,
        user=row.get("user") or None,
        password=row.get("password") or None,
        aliases=tuple(row.get("aliases", "").split()),
        sent_from=tuple(row.get("sent_from", "").split()),
        basis=row.get("basis", ""),
        note=row.get("note", ""),
    )
