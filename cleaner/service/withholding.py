"""
What an installation may lack: pieces of what is known of an organisation, left out to see what they are worth.

Nobody's is complete: here the keys were never entered, there a relay was forgotten or mistyped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_network
from typing import Final

from cleaner.values import Organisation

Withhold = Callable[[Organisation], Organisation]

ELSEWHERE: Final = ip_network("203.0.113.250/32")
"""An address that no mail of ours ever comes from."""


def everything(organisation: Organisation) -> Organisation:
    return organisation


def without_keys(organisation: Organisation) -> Organisation:
    return replace(organisation, dkim_keys=())


def relays_by_name(organisation: Organisation) -> Organisation:
    return replace(organisation, relay_networks=())


def one_relay(organisation: Organisation) -> Organisation:
    return replace(organisation, relay_networks=organisation.relay_networks[:1])


def wrong_addresses(organisation: Organisation) -> Organisation:
    """Mistyped or outdated, the relays' names still right."""
    return replace(organisation, relay_networks=(ELSEWHERE,))


def wrong_relays(organisation: Organisation) -> Organisation:
    """Wrong addresses and nothing beside them: the worst that an administrator can do to us."""
    return replace(wrong_addresses(organisation), relay_names=frozenset(), client_networks=())


def wrong_networks(organisation: Organisation) -> Organisation:
    return replace(organisation, client_networks=(ELSEWHERE,))


def one_domain(organisation: Organisation) -> Organisation:
    return replace(organisation, domains=frozenset(sorted(organisation.domains)[:1]))


def nothing(organisation: Organisation) -> Organisation:
    return replace(organisation, relay_names=frozenset(), relay_networks=(), client_networks=(), dkim_keys=())
