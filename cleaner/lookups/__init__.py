"""
Lookups: what judging needs from outside of mailboxes and store, cached and limited in time.

Nothing here ever raises because of the network: what cannot be had is unknown.
"""

from __future__ import annotations

from cleaner.lookups.dns import Dns, Resolver
from cleaner.lookups.hosts import KnownHosts
from cleaner.lookups.keys import KnownKeys
from cleaner.lookups.recorded import RecordedDns
from cleaner.lookups.remembered import RememberedDns

__all__ = ["Dns", "KnownHosts", "KnownKeys", "RecordedDns", "RememberedDns", "Resolver"]
