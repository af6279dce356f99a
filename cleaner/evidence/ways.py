"""
Whether the machine that handed a returned mail over is one of ours, a stranger, or not to be told.

What the configuration lists is ours; so is what proven mail was handed over by (`habits.py`). Anybody else is
a stranger only where our own machines are known, by address or by having been seen often enough, and where
nothing honest may have put him there: a forwarder, a filtering service, a server of ours that nobody listed.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from cleaner.evidence import mentions, ours, trail
from cleaner.values import ABSENT, Habits, IPAddress, Known, Machine, Notice, Organisation

ENOUGH: Final = 10
"""Proven mails whose way is known before it says something that others came another way."""
TWICE: Final = 2
"""Days with proven mail from which on a machine is ours: whoever replays one mail of ours has one."""
REGULAR_DAYS: Final = 3
REGULAR_SPAN: Final = timedelta(days=6)


def is_listed(peer: trail.Peer, organisation: Organisation) -> bool:
    """A relay or client of the configuration, or somebody who signed in at our own server."""
    if ours.is_relay(peer.ip, organisation) or ours.is_client(peer.ip, organisation):
        return True
    return peer.at_us and peer.hop.authenticated


def days_proven(ip: IPAddress, habits: Habits) -> int:
    """On how many days the machine handed over mail that is proven ours."""
    return len(habits.machines.get(str(ip), Machine()).proven)


def stranger(notice: Notice, known: Known) -> trail.Peer | None:
    """The machine that handed the mail over, if it is surely none of ours."""
    organisation = known.organisation
    peer = trail.sender_of(notice, organisation)
    if peer is None or organisation.shared or is_listed(peer, organisation):
        return None
    if not is_known_where_we_send_from(peer.ip, known):
        return None
    if may_be_ours(peer, known) or trail.may_be_filter(peer, organisation):
        return None
    if peer.is_told:
        # The lines that would show a forwarder, a filtering service or a server of the reporter's are lost.
        return None
    return None if may_be_forwarded(notice, peer) or says_for_whom(notice, peer) else peer


def may_be_forwarded(notice: Notice, peer: trail.Peer) -> bool:
    """Whether the peer may have passed on, for a recipient of ours, what he had from us."""
    if notice.returned.headers.get("resent-from") is not ABSENT:
        return True
    if not notice.returned.to_addresses and peer.machine is trail.Machine.LINE:
        return False  # nobody's mailbox is behind a customer's line
    return mentions.is_forwarded_before(notice, peer.hop)


def says_for_whom(notice: Notice, peer: trail.Peer) -> bool:
    """
    Whether the mail openly names the peer as its sender on the author's behalf (RFC 5322 section 3.6.2).

    Calendars, signing and survey services send invitations so: From is the user, Sender and the machine are theirs.
    """
    sender = notice.returned.headers.get("sender")
    if not isinstance(sender, str) or peer.machine is not trail.Machine.SERVER or not peer.hop.peer:
        return False
    domain = sender.strip().rstrip(">").rpartition("@")[2].strip()
    return ours.is_same_side(domain.lower(), peer.hop.peer)


def is_known_where_we_send_from(ip: IPAddress, known: Known) -> bool:
    """Relays listed by address, or seen often enough, of the same IP version."""
    learned = known.habits.ways.get(ip.version)
    return ours.knows_addresses_like(ip, known.organisation) or (
        learned is not None and learned.total >= ENOUGH
    )


def may_be_ours(peer: trail.Peer, known: Known) -> bool:
    """Next to a machine of ours, of a name of ours that was looked up, or one that sends for us regularly."""
    if ours.is_neighbour(peer.ip, known.organisation) or is_near_proven(peer.ip, known.habits):
        return True
    if ours.is_own_host(peer.hop.peer, known.organisation) and not trail.is_unnamed(peer.hop):
        return True
    return peer.machine is trail.Machine.SERVER and is_regular(peer.ip, known.habits)


def is_near_proven(ip: IPAddress, habits: Habits) -> bool:
    """The same machine as one that handed over proven mail, or one beside it."""
    return str(ours.surroundings(ip)) in habits.networks


def is_regular(ip: IPAddress, habits: Habits) -> bool:
    """
    Whether the machine handed over mail in our name on several days of more than a week.

    A service that sends for us and that nobody listed does so; a campaign is over within days.
    """
    days = habits.machines.get(str(ip), Machine()).seen
    return len(days) >= REGULAR_DAYS and max(days) - min(days) >= REGULAR_SPAN
