"""
A real Dovecot of our own, on free ports of this machine, for as long as the tests need it.

Any name signs in with PASSWORD and has a mailbox then; `NAME*admin` signs in with MASTER_PASSWORD. Tests that
share a server keep apart by using names of their own (`Dovecot.new_user`).
"""

from __future__ import annotations

import itertools
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.servers.certificates import Certificate
from tests.servers.owner import Owner
from tests.servers.process import (
    PATIENCE,
    Account,
    free_port,
    kill,
    missing,
    remove,
    start,
    stop,
    wait_for_greeting,
)

PASSWORD: Final = "correct-horse"  # noqa: S105
MASTER: Final = "admin"
MASTER_PASSWORD: Final = "staple-battery"  # noqa: S105

SPECIAL_USE: Final = (("Sent", "\\Sent"), ("Trash", "\\Trash"), ("Junk", "\\Junk"), ("Drafts", "\\Drafts"))

STORES: Final = {"maildir": "maildir:~/Maildir", "sdbox": "sdbox:~/sdbox"}


@dataclass(frozen=True)
class Options:
    """What may differ from server to server."""

    store: str = "maildir"
    """`maildir`: Maildir++ in the user's `Maildir`; `sdbox`: Dovecot's own format."""
    separator: str = "/"
    prefix: str = ""
    """Of the user's own folders, with the separator at its end: `INBOX.`, as Courier does."""
    special_use: tuple[tuple[str, str], ...] = SPECIAL_USE
    """Folders that the server marks once they exist; empty: none."""
    certificate: Certificate | None = None
    """With one, `tls_port` speaks TLS and `port` offers STARTTLS."""
    acl: bool = False
    """Rights may be set, and `Users/NAME/…` holds what others share."""
    quota: str = ""
    """Of each user, as `16M`."""
    tokens: str = ""
    """Where it asks about tokens (`https://…/tokeninfo?access_token=`); empty: it takes none."""
    tokens_ca: Path | None = None
    tokens_scope: str = ""
    """What a token must be for."""
    connections: int = 1000
    """How many one user may have."""


def _not_beyond(until: float, what: str) -> None:
    if time.monotonic() > until:
        raise RuntimeError(what)
    time.sleep(0.01)


class Dovecot:
    """One running server."""

    def __init__(self, base: Path, account: Account, options: Options) -> None:
        self.base = base
        self.account = account
        self.options = options
        self.port = free_port()
        self.tls_port = free_port()
        self.configuration = base / "dovecot.conf"
        self._numbers = itertools.count(1)
        self._process: subprocess.Popen[bytes] | None = None
        for name in ("run", "state", "mail"):
            (base / name).mkdir()
        (base / "masters").write_text(f"{MASTER}:{{PLAIN}}{MASTER_PASSWORD}\n")
        if options.certificate is not None:
            shutil.copy(options.certificate.certificate, base / "certificate.pem")
            shutil.copy(options.certificate.key, base / "key.pem")
        if options.tokens:
            _write_tokens(self)
        self.configuration.write_text(_configuration(self))
        account.own(base)

    # --- the server's administrator

    def start(self) -> None:
        log = self.base / "log"
        self._process = start(["dovecot", "-F", "-c", self.configuration], self.account, log)
        wait_for_greeting(self.port, self._process, log)

    def stop(self) -> None:
        if self._process is not None:
            stop(self._process)
            self._process = None

    def kill(self) -> None:
        if self._process is not None:
            kill(self._process)
            self._process = None

    def doveadm(self, *arguments: str) -> str:
        """Dovecot's tool for administrators."""
        command = ("doveadm", "-c", str(self.configuration), *arguments)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"doveadm {' '.join(arguments)}: {done.stderr}")
        return done.stdout

    def kick(self, user: str) -> None:
        """Ends every connection of that user; returns when the last one is gone.

        The order to end reaches a session as a signal: without waiting, one more command may still be answered.
        """
        until = time.monotonic() + PATIENCE
        while user not in self.doveadm("kick", user):
            _not_beyond(until, f"no session of {user} to end")
        while user in self.doveadm("who", user):
            _not_beyond(until, f"a session of {user} does not end")

    def set_rights(self, user: str, folder: str, *rights: str, who: str = "owner") -> None:
        """Gives exactly these rights (`lookup read insert …`) over a folder; only with `acl`."""
        self.doveadm("acl", "set", "-u", user, folder, who, *rights)

    def log(self) -> str:
        return (self.base / "log").read_text(errors="replace")

    # --- mailboxes

    def new_user(self) -> str:
        return f"user{next(self._numbers)}@harbor.example"

    def home(self, user: str) -> Path:
        return self.base / "mail" / user

    def owner(self, user: str) -> Owner:
        """The hands of the mailbox's owner; `Owner.close` when done."""
        return Owner("127.0.0.1", self.port, user, PASSWORD, self.options.prefix)

    def give_maildir(self, user: str, source: Path) -> None:
        """Makes a copy of that Maildir the user's mailbox, dates kept."""
        shutil.copytree(source, self.home(user) / "Maildir")
        self.account.own(self.home(user))


@contextmanager
def running(options: Options | None = None) -> Iterator[Dovecot]:
    """A server from here to the end of the block. Skips the test where Dovecot is not installed."""
    require()
    # Below /tmp itself: the path of a socket has at most 107 bytes, and pytest's own folders, which
    # only their owner may enter, are longer.
    base = Path(tempfile.mkdtemp(prefix="dc", dir="/tmp"))
    base.chmod(0o755)
    server = Dovecot(base, Account.unprivileged(), options or Options())
    try:
        server.start()
        yield server
    finally:
        server.kill()
        remove(base)


def require() -> None:
    """Skips the test, or in CI fails it, where there is no Dovecot that this file can configure."""
    if not shutil.which("dovecot") or not shutil.which("doveadm"):
        missing("Dovecot", "apt-get install dovecot-imapd")
    found = subprocess.run(["dovecot", "--version"], capture_output=True, text=True, check=True).stdout
    if not found.startswith("2.3."):
        missing("Dovecot 2.3", f"this one is {found.split()[0]}, whose configuration is written otherwise")


def _configuration(server: Dovecot) -> str:
    options = server.options
    plugins = ["acl"] * options.acl + ["quota"] * bool(options.quota)
    lines = [
        f"base_dir = {server.base}/run",
        f"state_dir = {server.base}/state",
        "log_path = /dev/stderr",
        "protocols = imap",
        "listen = 127.0.0.1",
        "disable_plaintext_auth = no",
        f"default_internal_user = {server.account.user}",
        f"default_internal_group = {server.account.group}",
        f"default_login_user = {server.account.user}",
        "first_valid_uid = 1",
        f"mail_location = {STORES[options.store]}",
        # Nothing outlives the tests, so nothing needs to reach the disk.
        "mail_fsync = never",
        "auth_failure_delay = 0",
        "auth_master_user_separator = *",
        # An address may be a name, and worlds have non-ASCII ones.
        "auth_username_chars =",
        f"mail_max_userip_connections = {options.connections}",
        f"mail_plugins = {' '.join(plugins)}",
        _block("protocol imap", f"mail_plugins = {' '.join(plugins + [f'imap_{name}' for name in plugins])}"),
        # Other servers' jails need root; failed log-ins would make the next ones wait.
        _block(
            "service anvil", "chroot =", *_block("unix_listener anvil-auth-penalty", "mode = 0").split("\n")
        ),
        _block("service stats", "chroot ="),
        _block(
            "service imap-login",
            "chroot =",
            "service_count = 0",
            *_block("inet_listener imap", f"port = {server.port}").split("\n"),
            *_block(
                "inet_listener imaps",
                f"port = {server.tls_port if options.certificate else 0}",
                *["ssl = yes"] * bool(options.certificate),
            ).split("\n"),
        ),
        _block(
            "passdb",
            "driver = passwd-file",
            f"args = {server.base}/masters",
            "master = yes",
            "result_success = continue",
        ),
        *_tokens(server),
        _block(
            "passdb",
            "driver = static",
            f"args = password={PASSWORD}",
            *["mechanisms = plain login"] * bool(options.tokens),
        ),
        _block(
            "userdb",
            "driver = static",
            f"args = uid={server.account.user} gid={server.account.group} home={server.base}/mail/%u",
        ),
        _block(
            "namespace inbox",
            "inbox = yes",
            f"separator = {options.separator}",
            f"prefix = {options.prefix}",
            *_special_use(options),
        ),
        *_tls(server),
        *_shared(server),
        *_plugin(server),
    ]
    return "\n".join(lines) + "\n"


def _block(head: str, *lines: str) -> str:
    return "\n".join((f"{head} {{", *(f"  {line}" for line in lines), "}"))


def _special_use(options: Options) -> list[str]:
    return [
        line
        for name, flag in options.special_use
        for line in _block(f'mailbox "{name}"', f"special_use = {flag}").split("\n")
    ]


def _tls(server: Dovecot) -> list[str]:
    if server.options.certificate is None:
        return ["ssl = no"]
    return [
        "ssl = yes",
        f"ssl_cert = <{server.base}/certificate.pem",
        f"ssl_key = <{server.base}/key.pem",
        "ssl_min_protocol = TLSv1.2",
    ]


def _tokens(server: Dovecot) -> list[str]:
    if not server.options.tokens:
        return []
    return [
        "auth_mechanisms = plain xoauth2 oauthbearer",
        _block(
            "passdb",
            "driver = oauth2",
            "mechanisms = xoauth2 oauthbearer",
            f"args = {server.base}/tokens.conf",
        ),
    ]


def _write_tokens(server: Dovecot) -> None:
    options = server.options
    lines = [f"tokeninfo_url = {options.tokens}", "username_attribute = email"]
    if options.tokens_scope:
        lines.append(f"scope = {options.tokens_scope}")
    if options.tokens_ca is not None:
        shutil.copy(options.tokens_ca, server.base / "tokens-ca.pem")
        lines.append(f"tls_ca_cert_file = {server.base}/tokens-ca.pem")
    (server.base / "tokens.conf").write_text("\n".join(lines) + "\n")


def _shared(server: Dovecot) -> list[str]:
    """What other users share stands below `Users/NAME/`."""
    if not server.options.acl:
        return []
    separator = server.options.separator
    store = STORES[server.options.store].replace("~", "%%h")
    return [
        _block(
            "namespace shared",
            "type = shared",
            f"separator = {separator}",
            f"prefix = Users{separator}%%u{separator}",
            f"location = {store}",
            "subscriptions = no",
            "list = children",
        )
    ]


def _plugin(server: Dovecot) -> list[str]:
    lines = []
    if server.options.acl:
        # Without acl_user a master user would have rights of his own, which are none.
        # What is set counts at once, also in a session that is open.
        lines += [
            "acl = vfile::cache_secs=0",
            "acl_user = %u",
            f"acl_shared_dict = file:{server.base}/state/shared",
        ]
    if server.options.quota:
        lines += ["quota = count:User quota", "quota_vsizes = yes"]
        lines += [f"quota_rule = *:storage={server.options.quota}"]
    return [_block("plugin", *lines)] if lines else []
