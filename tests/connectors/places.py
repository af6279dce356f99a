"""
Mailboxes to try connectors on, one class for each connector.

A place can do by other means than the connector what users and servers do: deliver, read, delete.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Protocol

import pytest

from cleaner import connectors
from cleaner.config import MailboxSettings, Secret, Server
from cleaner.config.oauth import SignIn
from cleaner.connectors.ews.connecting import close_all
from cleaner.connectors.graph.connecting import close_all as forget_graph
from cleaner.connectors.maildir.names import directory_of, name_with
from cleaner.connectors.oauth.tokens import forget_all
from cleaner.connectors.roles import role_of
from cleaner.ports import ChangeableMailbox, Mailbox
from cleaner.values import FolderRole, Policy
from tests.connectors.oauth.signing import server_of
from tests.servers.certificates import Authority
from tests.servers.courier import Courier
from tests.servers.cyrus import Cyrus
from tests.servers.dovecot import PASSWORD, Dovecot, Options
from tests.servers.dovecot import running as running_dovecot
from tests.servers.ews import PASSWORD as EWS_PASSWORD
from tests.servers.ews import EwsServer, Ways
from tests.servers.graph import CLIENT, GraphServer
from tests.servers.graph import SECRET as GRAPH_SECRET
from tests.servers.owner import Owner
from tests.servers.proxy import NEEDED, between
from tests.servers.signin import running as running_provider

ADDRESS = "ann@harbor.example"


def mail(number: int, *, body: str = "Hello.\r\n", message_id: bool = True) -> bytes:
    """A small mail of its own kind."""
    lines = [
        f"From: sender{number}@far.example",
        f"To: {ADDRESS}",
        f"Subject: Mail {number} =?utf-8?q?gr=C3=BCn?=",
        *([f"Message-ID: <{number}@far.example>"] if message_id else []),
        "",
        body,
    ]
    return "\r\n".join(lines).encode()


class Place(Protocol):
    """A mailbox on a real mail system, and the hands of its owner and its server."""

    counts_arrivals: bool
    """Which message is older is told by its number, not by its date."""

    widest: str
    """The highest character that a folder's name may have."""

    def kept(self, raw: bytes) -> bytes:
        """What the mail system makes of these bytes."""

    def size(self, raw: bytes) -> int:
        """How large it says that is."""

    def reading(self) -> Mailbox: ...

    def changing(self) -> ChangeableMailbox: ...

    def deliver(self, folder: str, raw: bytes, received: datetime | None = None) -> str:
        """What the server does with new mail; returns its id."""

    def make(self, folder: str) -> None: ...

    def drop(self, folder: str) -> None: ...

    def mark_read(self, folder: str, id: str) -> None:
        """What a mail program does when its user opens the message."""

    def delete(self, folder: str, id: str) -> None: ...

    def snapshot(self) -> object:
        """Everything that a reader could have changed."""


class MaildirPlace:
    """Maildir and Maildir++ in a temporary directory."""

    counts_arrivals = False
    widest = chr(sys.maxunicode)

    def kept(self, raw: bytes) -> bytes:
        return raw

    def size(self, raw: bytes) -> int:
        return len(raw)

    def __init__(self, base: Path) -> None:
        self.root = base / "Maildir"
        self._count = 0
        self.make("INBOX")
        server = Server("here", "maildir", path=str(self.root))
        self._open = server, MailboxSettings(ADDRESS, "here", "harbor", Policy())

    def reading(self) -> Mailbox:
        return connectors.open_reading(*self._open)

    def changing(self) -> ChangeableMailbox:
        return connectors.open_changing(*self._open)

    def deliver(self, folder: str, raw: bytes, received: datetime | None = None) -> str:
        self._count += 1
        id = f"17950000{self._count:02}.M{self._count}P1.mx"
        path = self.directory(folder) / "new" / id
        path.write_bytes(raw)
        if received is not None:
            os.utime(path, (received.timestamp(), received.timestamp()))
        return id

    def make(self, folder: str) -> None:
        for sub in ("cur", "new", "tmp"):
            (self.directory(folder) / sub).mkdir(parents=True)

    def drop(self, folder: str) -> None:
        shutil.rmtree(self.directory(folder))

    def mark_read(self, folder: str, id: str) -> None:
        path = self.file(folder, id)
        path.rename(path.parent.parent / "cur" / name_with(id, ("\\Seen",)))

    def delete(self, folder: str, id: str) -> None:
        self.file(folder, id).unlink()

    def snapshot(self) -> object:
        return {
            str(path.relative_to(self.root)): (
                path.lstat().st_mtime_ns,
                hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
            )
            for path in (self.root, *self.root.rglob("*"))
        }

    def directory(self, folder: str) -> Path:
        return self.root / (directory_of(folder) or "")

    def file(self, folder: str, id: str) -> Path:
        (path,) = [
            path
            for sub in ("new", "cur")
            for path in (self.directory(folder) / sub).iterdir()
            if path.name.partition(":")[0] == id
        ]
        return path


class ImapPlace:
    """A mailbox on any IMAP server, with its owner at another connection."""

    counts_arrivals = True
    widest = chr(sys.maxunicode)

    def kept(self, raw: bytes) -> bytes:
        """No string over IMAP may hold a zero byte (RFC 9051 section 4.3); Dovecot writes 0x80 for it."""
        return raw.replace(b"\0", b"\x80")

    def size(self, raw: bytes) -> int:
        return len(raw)

    def __init__(self, owner: Owner, port: int, base: Path, signs_in: Server | None = None) -> None:
        self.owner = owner
        (base / "password").write_text(PASSWORD)
        self._open = (
            replace(signs_in or Server("here", "imap"), host="127.0.0.1", port=port, tls="none"),
            MailboxSettings(
                ADDRESS,
                "here",
                "harbor",
                Policy(),
                user=owner.user,
                password=Secret("file:password", base),
            ),
        )

    def reading(self) -> Mailbox:
        return connectors.open_reading(*self._open)

    def changing(self) -> ChangeableMailbox:
        return connectors.open_changing(*self._open)

    def deliver(self, folder: str, raw: bytes, received: datetime | None = None) -> str:
        if not raw:
            pytest.skip("an IMAP server takes no empty message")
        return self.owner.deliver(folder, raw, received)

    def make(self, folder: str) -> None:
        self.owner.make(folder)

    def drop(self, folder: str) -> None:
        self.owner.drop(folder)

    def mark_read(self, folder: str, id: str) -> None:
        self.owner.mark(folder, id, "\\Seen")

    def delete(self, folder: str, id: str) -> None:
        self.owner.delete(folder, id)

    def snapshot(self) -> object:
        return self.owner.snapshot()


class CyrusPlace(ImapPlace):
    """Cyrus refuses what no mail server should accept."""

    def deliver(self, folder: str, raw: bytes, received: datetime | None = None) -> str:
        try:
            return super().deliver(folder, raw, received)
        except RuntimeError as refused:
            if "Message contains" in str(refused):
                pytest.skip(str(refused))
            raise


class CourierPlace(ImapPlace):
    """Courier ends every message with a line, keeps zero bytes, and knows no folders beyond 16 bits of Unicode."""

    widest = "\uffff"

    def kept(self, raw: bytes) -> bytes:
        return raw if raw.endswith(b"\n") else raw + b"\n"


class EwsPlace:
    """A mailbox on Exchange, with its owner in Outlook."""

    counts_arrivals = False
    widest = chr(sys.maxunicode)

    def __init__(self, server: EwsServer, base: Path) -> None:
        self.box = server.add_mailbox(ADDRESS)
        (base / "password").write_text(EWS_PASSWORD)
        self._open = (
            Server("here", "ews", endpoint=server.endpoint, tls="none", auth="basic", access="delegate"),
            MailboxSettings(
                ADDRESS, "here", "harbor", Policy(), user=ADDRESS, password=Secret("file:password", base)
            ),
        )

    def kept(self, raw: bytes) -> bytes:
        """What Exchange writes for it, dated by when it came where it says no date itself."""
        found = [
            item.content.mime
            for folder in self.box.mailbox.folders.values()
            for item in folder.items.values()
            if item.content.raw == raw
        ]
        return found[0] if found else raw

    def size(self, raw: bytes) -> int:
        """An estimate of its own."""
        return len(raw) + 1024

    def reading(self) -> Mailbox:
        return connectors.open_reading(*self._open)

    def changing(self) -> ChangeableMailbox:
        return connectors.open_changing(*self._open)

    def deliver(self, folder: str, raw: bytes, received: datetime | None = None) -> str:
        return self.box.deliver(raw, self.name(folder), received=received)

    def make(self, folder: str) -> None:
        """The folder with that role has the name, as on an Exchange in that language; else it is a new one."""
        distinguished = OWN.get(role_of(folder))
        if distinguished is not None:
            self.box.rename(distinguished, folder)
        else:
            self.box.make(folder)

    def drop(self, folder: str) -> None:
        self.box.drop(folder)

    def mark_read(self, folder: str, id: str) -> None:
        """An id is one in the whole mailbox."""
        assert self.box.item(id).folder is self.box.folder(self.name(folder))
        self.box.mark_read(id)

    def delete(self, folder: str, id: str) -> None:
        assert self.box.item(id).folder is self.box.folder(self.name(folder))
        self.box.delete(id)

    def snapshot(self) -> object:
        folders = {folder.id: (folder.name, folder.sequence) for folder in self.box.mailbox.folders.values()}
        return folders, self.box.everything()

    def name(self, folder: str) -> str:
        return "inbox" if folder == "INBOX" else folder


class GraphPlace:
    """A mailbox in Microsoft 365, with its owner in Outlook."""

    counts_arrivals = False
    widest = chr(sys.maxunicode)

    def __init__(self, server: GraphServer, ca_file: Path, base: Path) -> None:
        self.box = server.add_mailbox(ADDRESS)
        self._open = (
            graph_server(server, ca_file, base),
            MailboxSettings(ADDRESS, "here", "harbor", Policy(), user=ADDRESS),
        )

    def kept(self, raw: bytes) -> bytes:
        """What Exchange writes for it, dated by when it came where it says no date itself."""
        found = [item.content.mime for item in self.box.mailbox.items.values() if item.content.raw == raw]
        return found[0] if found else raw

    def size(self, raw: bytes) -> int:
        """An estimate of its own."""
        return len(raw) + 1024

    def reading(self) -> Mailbox:
        return connectors.open_reading(*self._open)

    def changing(self) -> ChangeableMailbox:
        return connectors.open_changing(*self._open)

    def deliver(self, folder: str, raw: bytes, received: datetime | None = None) -> str:
        return self.box.deliver(raw, self.name(folder), received=received)

    def make(self, folder: str) -> None:
        """The folder with that role has the name, as in a mailbox of that language; else it is a new one."""
        known = OWN.get(role_of(folder))
        if known is not None:
            self.box.rename(known, folder)
        elif not self.box.has(folder):
            self.box.make(folder)

    def drop(self, folder: str) -> None:
        self.box.drop(folder)

    def mark_read(self, folder: str, id: str) -> None:
        """An id is one in the whole mailbox."""
        assert self.box.item(id).folder is self.box.folder(self.name(folder))
        self.box.mark_read(id)

    def delete(self, folder: str, id: str) -> None:
        assert self.box.item(id).folder is self.box.folder(self.name(folder))
        self.box.delete(id)

    def snapshot(self) -> object:
        mailbox = self.box.mailbox
        folders = {folder.id: (folder.name, folder.changed) for folder in mailbox.folders.values()}
        return folders, {item.id: item.changed for item in mailbox.items.values()}, self.box.everything()

    def name(self, folder: str) -> str:
        return "inbox" if folder == "INBOX" else folder


def graph_server(server: GraphServer, ca_file: Path, base: Path) -> Server:
    """How an administrator would write it, with the application's secret in a file."""
    (base / "secret").write_text(GRAPH_SECRET)
    sign_in = SignIn(
        "microsoft",
        "client_credentials",
        scope="https://graph.microsoft.com/.default",
        client_id=CLIENT,
        client_secret=Secret("file:secret", base),
        authority=server.authority,
        ca_file=ca_file,
    )
    return Server(
        "here", "graph", endpoint=server.endpoint, auth="application", ca_file=ca_file, oauth=sign_in
    )


OWN = {FolderRole.SENT: "sentitems", FolderRole.TRASH: "deleteditems"}

OpenPlace = Callable[[pytest.FixtureRequest, Path], AbstractContextManager[Place]]


@contextmanager
def maildir(request: pytest.FixtureRequest, base: Path) -> Iterator[Place]:
    yield MaildirPlace(base)


@contextmanager
def on_dovecot(
    request: pytest.FixtureRequest, base: Path, options: Options, without: Collection[str] = ()
) -> Iterator[Place]:
    """A new user's mailbox; `without` are capabilities that his server lacks."""
    dovecots: Callable[[Options], Dovecot] = request.getfixturevalue("dovecots")
    server = dovecots(options)
    with (
        closing(server.owner(server.new_user())) as owner,
        between(server.port, without=without) as proxy,
    ):
        yield ImapPlace(owner, proxy.port if without else server.port, base)


@contextmanager
def by_token(request: pytest.FixtureRequest, base: Path) -> Iterator[Place]:
    """A new user's mailbox on a Dovecot that takes tokens of a provider, by XOAUTH2 as at Gmail and Exchange."""
    with (
        running_provider(request.getfixturevalue("authority")) as provider,
        running_dovecot(Options(tokens=provider.tokeninfo_url, tokens_ca=provider.ca_file)) as server,
        closing(server.owner(server.new_user())) as owner,
        between(server.port, without=("AUTH=OAUTHBEARER",)) as proxy,
    ):
        forget_all()
        provider.add_client()
        provider.application_opens = owner.user
        signs_in = server_of(provider, base, "other", "client_credentials")
        yield ImapPlace(owner, proxy.port, base, replace(signs_in, auth="oauth2"))


@contextmanager
def on_cyrus(request: pytest.FixtureRequest, base: Path) -> Iterator[Place]:
    server: Cyrus = request.getfixturevalue("cyrus")
    with closing(server.owner(server.new_user())) as owner:
        yield CyrusPlace(owner, server.port, base)


@contextmanager
def on_courier(request: pytest.FixtureRequest, base: Path) -> Iterator[Place]:
    server: Courier = request.getfixturevalue("courier")
    with closing(server.owner(server.new_user())) as owner:
        yield CourierPlace(owner, server.port, base)


@contextmanager
def on_exchange(request: pytest.FixtureRequest, base: Path, ways: Ways) -> Iterator[Place]:
    with EwsServer(ways=ways) as server:
        try:
            yield EwsPlace(server, base)
        finally:
            close_all()


@contextmanager
def on_graph(request: pytest.FixtureRequest, base: Path, has_delta: bool = True) -> Iterator[Place]:
    authority: Authority = request.getfixturevalue("authority")
    with GraphServer(authority.good(), has_delta=has_delta) as server:
        try:
            yield GraphPlace(server, authority.ca_file, base)
        finally:
            forget_graph()
            forget_all()


PLACES: dict[str, OpenPlace] = {
    "maildir": maildir,
    "dovecot": partial(on_dovecot, options=Options()),
    "dovecot dbox": partial(on_dovecot, options=Options(store="sdbox")),
    "dovecot prefix": partial(on_dovecot, options=Options(separator=".", prefix="INBOX.")),
    "without MOVE": partial(on_dovecot, options=Options(), without=("MOVE",)),
    "without UIDPLUS": partial(on_dovecot, options=Options(), without=("UIDPLUS",)),
    "without CONDSTORE": partial(on_dovecot, options=Options(), without=("CONDSTORE", "QRESYNC")),
    "without SPECIAL-USE": partial(on_dovecot, options=Options(), without=("SPECIAL-USE",)),
    "by token": by_token,
    "with next to nothing": partial(on_dovecot, options=Options(), without=set(NEEDED) - {"UIDPLUS"}),
    "ews": partial(on_exchange, ways=Ways.RECORDED),
    "ews exchange": partial(on_exchange, ways=Ways.EXCHANGE),
    "graph": on_graph,
    "graph without rounds": partial(on_graph, has_delta=False),
    "cyrus": on_cyrus,
    "courier": on_courier,
}
"""The contract suite runs once for each: a new connector adds its lines here."""

NIGHTLY: Collection[str] = ("cyrus", "courier")
"""Those whose server must be fetched first."""
