"""A real PostgreSQL of our own, on a free port of this machine, for as long as the tests need it."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NOT_DURABLE = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


def programs() -> Path | None:
    """The folder of initdb and pg_ctl, which Debian does not put on the path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    on_path = shutil.which("pg_ctl")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


@contextmanager
def server(base: Path, programs: Path) -> Iterator[str]:
    """Runs a server in that folder; the URL of its first database."""
    account = _account()
    if account is not None:
        os.chown(base, account, -1)
    port = _free_port()
    options = [f"port={port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={base}", *NOT_DURABLE]

    def run(program: str, *arguments: str) -> None:
        # Its own log file and no pipe: the server would hold the pipe open.
        with (base / f"{program}.out").open("ab") as out:
            subprocess.run(
                [programs / program, "-D", base / "data", *arguments],
                check=True,
                user=account,
                cwd=base,
                stdout=out,
                stderr=out,
                timeout=120,
            )

    run("initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
    run("pg_ctl", "-w", "-l", str(base / "log"), "-o", " ".join(f"-c {o}" for o in options), "start")
    try:
        yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
    finally:
        run("pg_ctl", "-w", "-m", "immediate", "stop")


def _account() -> int | None:
    """PostgreSQL refuses to run as root."""
    return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
