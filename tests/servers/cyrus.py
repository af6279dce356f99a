"""
A Cyrus of our own, unpacked beside the system: another store, other limits and other habits than Dovecot's.

Every password is right. User names have no domain; their folders stand beside the inbox.
"""

from __future__ import annotations

import itertools
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers import debian
from tests.servers.dovecot import PASSWORD
from tests.servers.owner import Owner
from tests.servers.process import Account, free_port, kill, remove, start, wait_for_greeting

PACKAGES = ("cyrus-imapd", "cyrus-common")


class Cyrus:
    """One running server."""

    def __init__(self, base: Path, account: Account) -> None:
        self.base = base
        self.port = free_port()
        self._account = account
        self._numbers = itertools.count(1)
        self._process: subprocess.Popen[bytes] | None = None
        self._programs = debian.unpack(PACKAGES, base / "system") / "usr" / "lib" / "cyrus" / "bin"
        for folder in ("conf/db", "conf/socket", "spool", "run"):
            (base / folder).mkdir(parents=True)
        (base / "imapd.conf").write_text(self._settings())
        (base / "cyrus.conf").write_text(self._services())
        account.own(base)

    def start(self) -> None:
        log = self.base / "log"
        self._process = start(
            [
                self._programs / "master",
                "-D",
                "-M",
                self.base / "cyrus.conf",
                "-C",
                self.base / "imapd.conf",
                "-p",
                self.base / "run" / "pid",
            ],
            self._account,
            log,
            {**debian.environment(self.base / "system"), "CYRUS_USER": self._account.user},
        )
        wait_for_greeting(self.port, self._process, log)

    def kill(self) -> None:
        if self._process is not None:
            kill(self._process)

    def new_user(self) -> str:
        return f"user{next(self._numbers)}"

    def owner(self, user: str) -> Owner:
        return Owner("127.0.0.1", self.port, user, PASSWORD)

    def _settings(self) -> str:
        settings = {
            "configdirectory": self.base / "conf",
            "partition-default": self.base / "spool",
            "defaultpartition": "default",
            "cyrus_user": self._account.user,
            "proc_path": self.base / "run" / "proc",
            "mboxname_lockpath": self.base / "run" / "lock",
            "lmtpsocket": self.base / "run" / "lmtp",
            "idlesocket": self.base / "run" / "idle",
            "notifysocket": self.base / "run" / "notify",
            "admins": "admin",
            "allowplaintext": "yes",
            "sasl_mech_list": "PLAIN",
            "sasl_pwcheck_method": "alwaystrue",
            "altnamespace": "yes",
            "unixhierarchysep": "yes",
            # Whoever signs in has an inbox, of any size.
            "autocreate_quota": 0,
            # Nothing outlives the tests, so nothing needs to reach the disk.
            "skiplist_unsafe": "yes",
        }
        return "".join(f"{name}: {value}\n" for name, value in settings.items())

    def _services(self) -> str:
        configured = f"-C {self.base}/imapd.conf"
        return "\n".join(
            (
                "START {",
                f'  recover cmd="{self._programs}/ctl_cyrusdb {configured} -r"',
                "}",
                "SERVICES {",
                f'  imap cmd="{self._programs}/imapd {configured}" listen="127.0.0.1:{self.port}" prefork=1',
                "}",
                "EVENTS {",
                "}",
                "",
            )
        )


@contextmanager
def running() -> Iterator[Cyrus]:
    """A server from here to the end of the block. Skips the test where there is no Debian."""
    base = Path(tempfile.mkdtemp(prefix="cy", dir="/tmp"))
    base.chmod(0o755)
    server = None
    try:
        server = Cyrus(base, Account.unprivileged())
        server.start()
        yield server
    finally:
        if server is not None:
            server.kill()
        remove(base)
