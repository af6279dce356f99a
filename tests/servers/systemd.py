"""
Stands in for systemd's commands where no systemd runs: what docs/service.md types, with what the unit asks for.

`python systemd.py NAME ARG…`; `places` writes one script for each NAME. State lies in $SYSTEMD_STATE.
"""

from __future__ import annotations

import configparser
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

PATIENCE = 60.0
NAMES = ("systemd-run", "systemctl", "journalctl")


def places(folder: Path) -> None:
    """Puts the commands into a folder for $PATH."""
    for name in NAMES:
        script = folder / name
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{__file__}" {name} "$@"\n')
        script.chmod(0o755)


def state() -> Path:
    return Path(os.environ["SYSTEMD_STATE"])


def credentials(loaded: Iterable[str]) -> dict[str, str]:
    """As LoadCredential= hands them over."""
    folder = state() / "credentials"
    folder.mkdir(mode=0o700, exist_ok=True)
    for one in loaded:
        name, _, path = one.partition(":")
        shutil.copy(path, folder / name)
    return {**os.environ, "CREDENTIALS_DIRECTORY": str(folder)}


def run(arguments: list[str]) -> int:
    properties = []
    while arguments and arguments[0].startswith("-"):
        option = arguments.pop(0)
        if option == "-p":
            properties.append(arguments.pop(0))
    loaded = [one.removeprefix("LoadCredential=") for one in properties if one.startswith("LoadCredential=")]
    return subprocess.run(arguments, env=credentials(loaded), check=False).returncode


def start(unit: str) -> int:
    """Until it says that it is ready, as Type=notify is waited for."""
    parser = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(state() / "units" / f"{unit}.service")
    service = parser["Service"]
    path = state() / "notify"
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager, (state() / "journal").open("ab") as log:
        manager.bind(str(path))
        manager.settimeout(PATIENCE)
        environment = {**credentials([service["LoadCredential"]]), "NOTIFY_SOCKET": str(path)}
        process = subprocess.Popen(
            service["ExecStart"].split(), stdout=log, stderr=log, env=environment, start_new_session=True
        )
        (state() / "pid").write_text(str(process.pid))
        while not manager.recv(4096).startswith(b"READY=1"):
            pass
    return 0


def stop() -> None:
    pid = int((state() / "pid").read_text())
    os.kill(pid, signal.SIGTERM)
    until = time.monotonic() + PATIENCE
    while is_alive(pid):
        assert time.monotonic() < until
        time.sleep(0.05)
    (state() / "pid").unlink()


def is_alive(pid: int) -> bool:
    """One that nobody has waited for yet is no more, either."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def main(name: str, arguments: list[str]) -> int:
    match name, arguments:
        case "systemd-run", _:
            return run(arguments)
        case "systemctl", ["enable", "--now", unit]:
            return start(unit)
        case "systemctl", ["restart", unit]:
            stop()
            return start(unit)
        case "systemctl", ["stop", _]:
            stop()
            return 0
        case "journalctl", _:
            sys.stdout.write((state() / "journal").read_text())
            return 0
    sys.stderr.write(f"{name} {arguments}: not known here\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
