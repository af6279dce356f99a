"""Whose certificates are believed."""

from __future__ import annotations

import ssl
from pathlib import Path

from cleaner.errors import AskPersonError


def trust(ca_file: Path | None) -> ssl.SSLContext:
    """Verifies name and certificate; a `ca_file` replaces the authorities that this machine trusts."""
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        reason = "holds no certificate" if isinstance(error, ssl.SSLError) else error.strerror
        raise AskPersonError(f"alarms: ca_file {ca_file} cannot be used ({reason}); correct it") from error
