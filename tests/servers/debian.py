"""
Debian packages unpacked beside the system: for servers that cannot be installed next to each other.

Debian lets only one IMAP server be installed. Unpacked, with the libraries that they need, they run all the same.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

from tests.servers.process import missing

MINUTES: Final = 5


def unpack(packages: Sequence[str], folder: Path) -> Path:
    """Downloads the packages, and the libraries that the system lacks, and unpacks them in that folder."""
    for tool in ("apt-get", "apt-cache", "dpkg"):
        if shutil.which(tool) is None:
            pytest.skip("needs Debian, or a system made from it")
    wanted = (*packages, *_libraries(packages))
    archives = folder / "archives"
    archives.mkdir(parents=True)
    got = _run("apt-get", "download", *wanted, cwd=archives)
    if got.returncode:
        missing(", ".join(packages), f"apt-get download said: {got.stderr.strip()[-300:]}")
    for archive in sorted(archives.iterdir()):
        _run("dpkg", "-x", str(archive), str(folder)).check_returncode()
    return folder


def environment(folder: Path) -> dict[str, str]:
    """What a program of that folder needs to find its libraries."""
    libraries = {path.parent for path in folder.rglob("*.so*")}
    return {"PATH": os.environ["PATH"], "LD_LIBRARY_PATH": ":".join(sorted(map(str, libraries)))}


def _libraries(packages: Sequence[str]) -> tuple[str, ...]:
    """What they depend on, and what that does, as far as it is not installed."""
    installed = set(_run("dpkg-query", "-W", "-f", "${Package}\n").stdout.split())
    found: dict[str, None] = {}
    todo = list(packages)
    while todo:
        depends = _run("apt-cache", "depends", *todo).stdout
        libraries = re.findall(r"^ *[|]?Depends: (lib[a-z0-9.+-]+)$", depends, re.MULTILINE)
        todo = sorted(set(libraries) - installed - found.keys())
        found |= dict.fromkeys(todo)
    return tuple(found)


def _run(*command: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, timeout=MINUTES * 60)
