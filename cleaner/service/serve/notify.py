"""
What systemd is told (sd_notify(3)): a datagram to the socket it named, nothing where there is none.
"""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress
from typing import Final

PATIENCE: Final = 0.5
"""Seconds."""


class Systemd:
    """The service manager, as far as it listens."""

    def __init__(self) -> None:
        self._address = os.environ.pop("NOTIFY_SOCKET", "")
        micros = os.environ.pop("WATCHDOG_USEC", "")
        pid = os.environ.pop("WATCHDOG_PID", "")
        is_ours = not pid or pid == str(os.getpid())
        self.watchdog = int(micros) / 1_000_000 if is_ours and micros.isdigit() else None
        """Seconds within which it wants to hear that we live."""

    def ready(self, status: str) -> None:
        self.tell(f"READY=1\nSTATUS={status}")

    def reloading(self) -> None:
        # It tells by the clock which answer belongs to which request (Type=notify-reload).
        self.tell(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def alive(self, status: str) -> None:
        self.tell(f"WATCHDOG=1\nSTATUS={status}")

    def stopping(self, patience: float) -> None:
        self.tell(f"STOPPING=1\nEXTEND_TIMEOUT_USEC={int(patience * 1_000_000)}")

    def tell(self, message: str) -> None:
        if not self._address:
            return
        # An address that begins with @ has no file (an abstract socket).
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        # That nobody listens, or nobody reads any more, is no reason to fail or to wait.
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as to:
            to.settimeout(PATIENCE)
            to.sendto(message.encode(), address)
