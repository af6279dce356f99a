"""What the servers of the tests have in common: an account to run as, a free port, an end."""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

import pytest

PATIENCE: Final = 20
"""Seconds for a server to come up or go down; it takes a small part of one."""


@dataclass(frozen=True)
class Account:
    """Who the server runs as: mail servers do not serve root's mail, so root's tests use `nobody`."""

    user: str
    uid: int
    group: str
    gid: int

    @classmethod
    def unprivileged(cls) -> Account:
        entry = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        return cls(entry.pw_name, entry.pw_uid, grp.getgrgid(entry.pw_gid).gr_name, entry.pw_gid)

    @property
    def is_another(self) -> bool:
        """Whether this is not who runs the tests."""
        return self.uid != os.geteuid()

    def own(self, *paths: Path) -> None:
        """Gives these files, and all below them, to the account."""
        if not self.is_another:
            return
        for path in paths:
            for each in (path, *path.rglob("*")):
                os.chown(each, self.uid, self.gid, follow_symlinks=False)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def missing(what: str, remedy: str) -> NoReturn:
    """Skips the test for want of a server; where nothing may be missing, fails it."""
    reason = f"needs {what}: {remedy}"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def start(
    command: Sequence[str | Path], account: Account, log: Path, environment: dict[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Starts a server that ends with the tests, even when they are killed."""
    with log.open("ab") as out:
        return subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", *command],
            user=account.uid if account.is_another else None,
            group=account.gid if account.is_another else None,
            extra_groups=[] if account.is_another else None,
            cwd="/",
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )


def wait_for_greeting(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until the server on that port greets."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as connection:
                if connection.recv(1):
                    return
        except OSError:
            pass
        if process.poll() is not None or time.monotonic() > until:
            stop(process)
            raise RuntimeError(f"the server did not start: {log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.01)


def stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def kill(process: subprocess.Popen[bytes]) -> None:
    """Ends a server and all that it started at once, where nobody needs what it would still write."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
