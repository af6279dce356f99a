"""
The hands of a mailbox's owner, and of the server that delivers to him, over the standard library's IMAP.

What tests do to a mailbox beside the connector goes through here, on any server: another library and
another connection, so that a mistake of the connector cannot hide itself.
"""

from __future__ import annotations

import base64
import hashlib
import imaplib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

AT_ONCE: Final = 500
"""Messages asked for with one command."""

_ITEM: Final = re.compile(rb"UID (\d+)")
_FLAGS: Final = re.compile(rb"FLAGS \(([^)]*)\)")
_DATE: Final = re.compile(rb'INTERNALDATE "([^"]*)"')
_LISTED: Final = re.compile(rb'\(([^)]*)\) (?:"(.+?)"|NIL) (.*)', re.DOTALL)


@dataclass(frozen=True)
class Item:
    """One message as the server shows it."""

    uid: str
    flags: tuple[str, ...]
    """Sorted, without `\\Recent`, which a session has rather than a message."""
    received: datetime
    digest: str
    """A hash of its bytes, line ends aside."""


class Owner:
    """One connection of the owner; folders are named with `/`, in Unicode, without the server's prefix."""

    def __init__(self, host: str, port: int, user: str, password: str, prefix: str = "") -> None:
        self.user = user
        self.prefix = prefix
        self.imap = imaplib.IMAP4(host, port, timeout=60)
        try:
            self.imap.login(user, password)
            ((_, self.separator, _),) = self._listed("")
        except BaseException:
            self.imap.shutdown()
            raise

    def close(self) -> None:
        try:
            self.imap.logout()
        except (imaplib.IMAP4.error, OSError):
            self.imap.shutdown()

    # --- names

    def name_of(self, folder: str) -> str:
        """As the server calls it, encoded and quoted for a command."""
        own = folder if folder == "INBOX" else self.prefix + folder.replace("/", self.separator)
        return _quoted(_modified_utf7(own))

    # --- what the server does

    def deliver(
        self, folder: str, raw: bytes, received: datetime | None = None, flags: Sequence[str] = ()
    ) -> str:
        """Puts new mail there; returns its UID."""
        before = self._next_uid(folder)
        date = imaplib.Time2Internaldate(received) if received is not None else ""
        # The standard library turns bare line feeds into CRLF, as the protocol wants them.
        self._ok(self.imap.append(self.name_of(folder), f"({' '.join(flags)})", date, raw))
        return self._since(folder, before)

    # --- what the owner does

    def make(self, folder: str) -> None:
        self._ok(self.imap.create(self.name_of(folder)))

    def drop(self, folder: str) -> None:
        self._ok(self.imap.delete(self.name_of(folder)))

    def mark(self, folder: str, uid: str, *flags: str) -> None:
        """Adds flags: `\\Seen` is what a mail program does when its user opens the message."""
        self._select(folder)
        self._ok(self.imap.uid("STORE", uid, "+FLAGS", f"({' '.join(flags)})"))
        self._leave()

    def delete(self, folder: str, uid: str) -> None:
        """Removes this message for good, and no other that is marked as deleted."""
        marked = [item.uid for item in self.items(folder) if "\\Deleted" in item.flags and item.uid != uid]
        self._select(folder)
        if marked:
            self._ok(self.imap.uid("STORE", ",".join(marked), "-FLAGS", "(\\Deleted)"))
        self._ok(self.imap.uid("STORE", uid, "+FLAGS", "(\\Deleted)"))
        self._ok(self.imap.expunge())
        if marked:
            self._ok(self.imap.uid("STORE", ",".join(marked), "+FLAGS", "(\\Deleted)"))
        self._leave()

    def move(self, folder: str, uid: str, target: str) -> None:
        """As with a mouse."""
        self._select(folder)
        self._ok(self.imap.uid("COPY", uid, self.name_of(target)))
        self._leave()
        self.delete(folder, uid)

    # --- what there is

    def folders(self) -> tuple[str, ...]:
        """Those that can hold mail, the server's prefix left out."""
        names = (
            name.removeprefix(self.prefix).replace(self.separator, "/")
            for flags, _, name in self._listed("*")
            if not {"\\noselect", "\\nonexistent"} & set(flags)
        )
        return tuple(sorted(names))

    def items(self, folder: str) -> tuple[Item, ...]:
        """The messages of a folder by UID. Looking changes nothing."""
        return tuple(item for item, _ in self._look(folder))

    def raw(self, folder: str, uid: str) -> bytes:
        (raw,) = [raw for item, raw in self._look(folder) if item.uid == uid]
        return raw

    def snapshot(self) -> dict[str, tuple[object, ...]]:
        """Every folder with its UIDVALIDITY and all that a reader could have changed in it."""
        return {
            folder: (self._status(folder, "UIDVALIDITY"), self._status(folder, "RECENT"), *self.items(folder))
            for folder in self.folders()
        }

    def messages(self) -> dict[str, Counter[tuple[str, tuple[str, ...], datetime]]]:
        """Every folder with its messages by bytes, flags and date: UIDs aside, which moving back renews."""
        return {
            folder: Counter((item.digest, item.flags, item.received) for item in self.items(folder))
            for folder in self.folders()
        }

    def contents(self) -> Counter[str]:
        """How often each message exists, wherever it lies."""
        return Counter(item.digest for folder in self.folders() for item in self.items(folder))

    # --- the protocol

    def _look(self, folder: str) -> Iterator[tuple[Item, bytes]]:
        self._ok(self.imap.select(self.name_of(folder), readonly=True))
        found = self._ok(self.imap.uid("SEARCH", "ALL"))
        uids = b" ".join(part for part in found if part).split()
        for start in range(0, len(uids), AT_ONCE):
            wanted = b",".join(uids[start : start + AT_ONCE]).decode()
            answer = self._ok(self.imap.uid("FETCH", wanted, "(UID FLAGS INTERNALDATE BODY.PEEK[])"))
            for at, part in enumerate(answer):
                if not isinstance(part, tuple):
                    continue
                # What did not fit before the literal stands after it.
                after = answer[at + 1] if at + 1 < len(answer) else b""
                told = part[0] + b" " + (after if isinstance(after, bytes) else b"")
                yield _item(told, part[1]), part[1]
        self._leave()

    def _listed(self, pattern: str) -> Iterator[tuple[tuple[str, ...], str, str]]:
        for line in self._ok(self.imap.list('""', f'"{pattern}"')):
            if line is None:
                continue
            told = b" ".join(line) if isinstance(line, tuple) else line
            found = _LISTED.fullmatch(told)
            assert found is not None, line
            flags = tuple(found[1].decode().lower().split())
            name = found[3]
            if name.startswith(b"{"):
                name = name.partition(b" ")[2]
            elif name.startswith(b'"'):
                name = re.sub(rb"\\(.)", rb"\1", name[1:-1])
            yield flags, (found[2] or b"/").decode().replace("\\\\", "\\"), _from_modified_utf7(name.decode())

    def _select(self, folder: str) -> None:
        self._ok(self.imap.select(self.name_of(folder)))

    def _leave(self) -> None:
        """Back to no folder at all, and without the EXPUNGE that CLOSE would bring: EXAMINE first."""
        self._ok(self.imap.select("INBOX", readonly=True))
        self._ok(self.imap.close())

    def _status(self, folder: str, what: str) -> int:
        (line,) = self._ok(self.imap.status(self.name_of(folder), f"({what})"))
        found = re.search(rb"%s (\d+)" % what.encode(), line)
        assert found is not None, line
        return int(found[1])

    def _next_uid(self, folder: str) -> int:
        return self._status(folder, "UIDNEXT")

    def _since(self, folder: str, before: int) -> str:
        self._ok(self.imap.select(self.name_of(folder), readonly=True))
        (found,) = self._ok(self.imap.uid("SEARCH", "UID", f"{before}:*"))
        self._leave()
        (uid,) = [int(uid) for uid in found.split() if int(uid) >= before]
        return str(uid)

    def _ok(self, answer: tuple[str, Sequence[Any]]) -> Sequence[Any]:
        kind, data = answer
        if kind != "OK":
            raise RuntimeError(f"the server refused: {data}")
        return data


def digest_of(raw: bytes) -> str:
    return hashlib.sha256(raw.replace(b"\r\n", b"\n")).hexdigest()


def _item(told: bytes, raw: bytes) -> Item:
    uid, flags, date = _ITEM.search(told), _FLAGS.search(told), _DATE.search(told)
    assert uid is not None, told
    assert flags is not None, told
    assert date is not None, told
    return Item(
        uid=uid[1].decode(),
        flags=tuple(sorted(flag for flag in flags[1].decode().split() if flag.lower() != "\\recent")),
        received=datetime.strptime(date[1].decode().strip(), "%d-%b-%Y %H:%M:%S %z").astimezone(UTC),
        digest=digest_of(raw),
    )


def _quoted(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _modified_utf7(name: str) -> str:
    """RFC 3501 section 5.1.3."""

    def shifted(found: re.Match[str]) -> str:
        text = found[0]
        if text == "&":
            return "&-"
        coded = base64.b64encode(text.encode("utf-16-be")).decode().rstrip("=").replace("/", ",")
        return f"&{coded}-"

    return re.sub(r"&|[^\x20-\x7e]+", shifted, name)


def _from_modified_utf7(name: str) -> str:
    def plain(found: re.Match[str]) -> str:
        coded = found[1].replace(",", "/")
        if not coded:
            return "&"
        return base64.b64decode(coded + "=" * (-len(coded) % 4)).decode("utf-16-be")

    return re.sub(r"&([^-]*)-", plain, name)
