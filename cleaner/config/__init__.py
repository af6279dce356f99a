"""
The configuration: one file, one frozen `Settings`, one loader.

Written in TOML, with every option shown at its default in `config/cleaner.toml`.
"""

from cleaner.config.loader import find, load
from cleaner.config.places import (
    AlarmSettings,
    LookupSettings,
    MailboxSettings,
    ModelSettings,
    Server,
    StoreSettings,
)
from cleaner.config.secret import Secret, make_key
from cleaner.config.service import ServiceSettings
from cleaner.config.settings import Settings

__all__ = [
    "AlarmSettings",
    "LookupSettings",
    "MailboxSettings",
    "ModelSettings",
    "Secret",
    "Server",
    "ServiceSettings",
    "Settings",
    "StoreSettings",
    "find",
    "load",
    "make_key",
]
