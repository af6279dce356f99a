"""A real PostgreSQL of our own, on a free port of this machine, for as long as the tests need it."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

NOT_DURABLE = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


def programs() -> Path | None:
    """The folder of initdb and pg_ctl, which Debian does not put on the path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    on_path = shutil.which("pg_ctl")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


@dataclass(frozen=True)
class Cluster:
    """A server with its data in one folder, which may be stopped and started again on the same port."""

    base: Path
    programs: Path
    port: int

    @property
    def url(self) -> str:
        """Of its first database."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def init(self) -> None:
        account = _account()
        if account is not None:
            os.chown(self.base, account, -1)
        self._run("initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")

    def start(self) -> None:
        options = [f"port={self.port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={self.base}"]
        given = " ".join(f"-c {option}" for option in (*options, *NOT_DURABLE))
        self._run("pg_ctl", "-w", "-l", str(self.base / "log"), "-o", given, "start")

    def stop(self) -> None:
        """As in a crash."""
        self._run("pg_ctl", "-w", "-m", "immediate", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        # Its own log file and no pipe: the server would hold the pipe open.
        with (self.base / f"{program}.out").open("ab") as out:
            subprocess.run(
                [self.programs / program, "-D", self.base / "data", *arguments],
                check=True,
                user=_account(),
                cwd=self.base,
                stdout=out,
                stderr=out,
                timeout=120,
            )


@contextmanager
def cluster(base: Path, programs: Path) -> Iterator[Cluster]:
    """Runs a server in that folder."""
    made = Cluster(base, programs, _free_port())
    made.init()
    made.start()
    try:
        yield made
    finally:
        made.stop()


@contextmanager
def server(base: Path, programs: Path) -> Iterator[str]:
    """Runs a server in that folder; the URL of its first database."""
    with cluster(base, programs) as made:
        yield made.url


def _account() -> int | None:
    """PostgreSQL refuses to run as root."""
    return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
