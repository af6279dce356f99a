"""
isbg, the peer that scans IMAP mailboxes with SpamAssassin, as its users run it: with spamd and its defaults.

It is fetched for the time of the benchmark (PyPI and Debian), SpamAssassin without tests over the network.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.servers import debian
from tests.servers.process import PATIENCE, Account, free_port, kill, remove, start

RELEASE: Final = "isbg==2.3.1"
PACKAGES: Final = ("spamassassin", "spamd", "spamc")
RULES: Final = 120
"""Seconds that spamd may need to read its rules."""


class Isbg:
    """An installed isbg whose spamd is running."""

    def __init__(self, folder: Path, path: str) -> None:
        self.folder = folder
        self.environment = {"PATH": path, "HOME": str(folder), "LANG": "C.UTF-8"}

    def command(self, port: int, user: str, password: str) -> list[str]:
        """Scans the inbox; what it takes for spam is copied, and the original stays."""
        return [
            str(self.folder / "venv" / "bin" / "isbg"),
            *("--imaphost", "127.0.0.1", "--imapport", str(port), "--nossl"),
            *("--imapuser", user, "--imappasswd", password),
            *("--spaminbox", "Spam", "--spamc", "--noninteractive", "--partialrun", "0"),
        ]


@contextmanager
def installed() -> Iterator[Isbg]:
    # Where spamd, which is nobody in particular, may enter.
    folder = Path(tempfile.mkdtemp(prefix="isbg", dir="/tmp"))
    folder.chmod(0o755)
    try:
        with installed_in(folder) as found:
            yield found
    finally:
        remove(folder)


@contextmanager
def installed_in(folder: Path) -> Iterator[Isbg]:
    system = debian.unpack(PACKAGES, folder / "system")
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    subprocess.run([folder / "venv" / "bin" / "pip", "install", "-q", RELEASE], check=True)
    account = Account.unprivileged()
    account.own(folder)
    port = free_port()
    modules = sorted((system / "usr" / "lib").glob("*/perl5/5.*"))
    perl = ["perl", "-T", *(f"-I{path}" for path in (system / "usr/share/perl5", *modules))]
    log = folder / "spamd.log"
    spamd = start(
        [
            *perl,
            system / "usr/sbin/spamd",
            *("--local", "--nouser-config", "--max-children", "2"),
            *("--listen", "127.0.0.1", "--port", str(port)),
            *("--configpath", system / "usr/share/spamassassin"),
            *("--siteconfigpath", system / "etc/spamassassin"),
        ],
        account,
        log,
    )
    try:
        wait_until_ready(log, spamd)
        spamc = folder / "bin" / "spamc"
        spamc.parent.mkdir()
        spamc.write_text(f'#!/bin/sh\nexec {system}/usr/bin/spamc -p {port} "$@"\n')
        spamc.chmod(0o755)
        yield Isbg(folder, f"{spamc.parent}:{os.environ['PATH']}")
    finally:
        kill(spamd)


def wait_until_ready(log: Path, spamd: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + RULES + PATIENCE
    while "child states: I" not in log.read_text(errors="replace"):
        if spamd.poll() is not None or time.monotonic() > until:
            raise SystemExit(f"spamd did not start: {log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.1)
