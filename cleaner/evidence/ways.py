"""
What the machine that handed a returned mail over is to us: one of ours, somebody between, or a stranger.

Who may send for us is positive knowledge: the configuration, what our domains publish, machines that proven mail
came from. A machine that none of these names is a stranger only where nothing honest may have put it there: a
forwarder of a recipient, a filter in front of the failed one, a server beside ours. And a stranger by itself is no
ground for anything: an honest new service looks the same.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Final

from cleaner.evidence import mentions, observed, ours, trail
from cleaner.values import (
    Habits,
    HostQuestion,
    HostsView,
    IPAddress,
    Kind,
    Known,
    Machine,
    Notice,
    Organisation,
    domain_of,
)

ENOUGH: Final = 10
"""Proven mails whose way is known before it says something that others came another way."""
TWICE: Final = 2
"""Days with proven mail from which on a machine is ours: whoever replays one mail of ours has one."""
REGULAR_DAYS: Final = 3
REGULAR_SPAN: Final = timedelta(days=6)
ANSWERS: Final = (Kind.AUTOREPLY, Kind.CHALLENGE, Kind.MDN)
"""Kinds that answer the author; all others come to the envelope sender (RFC 3464 section 2)."""
MAX_GATEWAYS: Final = 2
MAX_SITES: Final = 6
"""Domains of one mail's recipients that a machine is compared with."""


_last: tuple[Notice, Organisation, HostsView, trail.Peer | None] | None = None
"""A dozen rules ask about one notice, one after another."""


class Standing(enum.Enum):
    """What a machine is to us."""

    LISTED = "listed"
    """A relay or client of the configuration, or somebody who signed in at our own server."""
    ALLOWED = "allowed"
    """Our domain's published policy names it."""
    PROVIDER = "provider"
    """Our domain's published policy names a provider that many share, and it is one of that provider's."""
    PROVEN = "proven"
    """It handed over mail that is proven ours."""
    NEAR = "near"
    """Beside a machine of ours, of a name of ours, regular, or openly named as the sender on our behalf."""
    GATEWAY = "gateway"
    """A filter or gateway in front of the failed recipient, or one that had the mail from our server."""
    FORWARDER = "forwarder"
    """Of the site of another recipient, who passes mail on."""
    OBSERVED = "observed"
    """Nothing else tells what it is, but mail of ours was seen coming from there, authentic (`evidence.observed`)."""
    STRANGER = "stranger"


def sender_of(notice: Notice, known: Known) -> trail.Peer | None:
    """
    The machine that handed the returned mail over to the recipient's side; None where the trace does not tell.

    What stands in front of the failed recipient by its MX records belongs to the recipient's side, too: its own line
    is as good as the reporter's, and names the machine that is meant.
    """
    global _last
    last = _last  # another thread may replace it meanwhile
    if (
        last is None
        or last[0] is not notice
        or last[1] is not known.organisation
        or last[2] is not known.hosts
    ):
        last = _last = (notice, known.organisation, known.hosts, _sender_of(notice, known))
    return last[3]


def _sender_of(notice: Notice, known: Known) -> trail.Peer | None:
    peer = trail.sender_of(notice, known.organisation)
    for _ in range(MAX_GATEWAYS):
        if peer is None or peer.at_us or not is_exchanger(notice, peer, known):
            return peer
        before = trail.through(notice, peer, known.organisation)
        if before is None:
            return peer
        peer = before
    return peer


def is_exchanger(notice: Notice, peer: trail.Peer, known: Known) -> bool:
    """Whether the machine takes mail for the failed recipient, by the MX records of its domain."""
    about = mentions.domains(mentions.failed(notice))
    return any(known.hosts.sites.get((str(peer.ip), domain)) == "mx" for domain in about)


def standing(notice: Notice, peer: trail.Peer, known: Known) -> Standing:
    """The first that applies: what speaks for us before what excuses."""
    organisation = known.organisation
    if is_listed(peer, organisation):
        return Standing.LISTED
    policy = allowed(notice, peer.ip, known)
    if policy == "pass":
        return Standing.ALLOWED
    if days_proven(peer.ip, known.habits):
        return Standing.PROVEN
    if policy == "provider":
        return Standing.PROVIDER
    if may_be_ours(peer, known) or says_for_whom(notice, peer):
        return Standing.NEAR
    if is_gateway(notice, peer, known):
        return Standing.GATEWAY
    if is_forwarder(notice, peer, known):
        return Standing.FORWARDER
    if observed.is_at(peer, known.observed):
        return Standing.OBSERVED
    return Standing.STRANGER


def stranger(notice: Notice, known: Known) -> trail.Peer | None:
    """The machine that handed the mail over, if nothing makes it one of ours or somebody between."""
    peer = sender_of(notice, known)
    if peer is None or known.organisation.shared or standing(notice, peer, known) is not Standing.STRANGER:
        return None
    # Told in words alone, the lines are lost that would show a forwarder or a filter.
    return None if peer.is_told or not is_addressed_to_us(notice, known) else peer


def surely_stranger(notice: Notice, known: Known) -> trail.Peer | None:
    """The same, where our own machines are known by address or from proven mail: what contradicts a proof."""
    peer = stranger(notice, known)
    return peer if peer is not None and is_known_where_we_send_from(peer.ip, known) else None


# --- who sends for us ----------------------------------------------------------------------------


def is_listed(peer: trail.Peer, organisation: Organisation) -> bool:
    """A relay or client of the configuration, or somebody who signed in at our own server."""
    if ours.is_relay(peer.ip, organisation) or ours.is_client(peer.ip, organisation):
        return True
    return peer.at_us and peer.hop.authenticated


def allowed(notice: Notice, ip: IPAddress, known: Known) -> str:
    """
    What our published policies say of the address: `pass`, `provider`, `fail`, or nothing where it is not known.

    Any of the mail's domains will do: a host that may send for one of ours is no stranger to the others.
    """
    found = {
        known.hosts.spf.get((str(ip), domain), "") for domain in policy_domains(notice, known.organisation)
    }
    return next((word for word in ("pass", "provider") if word in found), "fail" if found == {"fail"} else "")


def policy_domains(notice: Notice, organisation: Organisation) -> frozenset[str]:
    """Domains of ours in whose name the mail was sent: of the envelope, as far as it is told, and of the authors."""
    addresses = (*addressed(notice), *notice.returned.from_addresses)
    return frozenset(d for d in map(domain_of, addresses) if ours.is_own_domain(d, organisation))


def policy_domain(notice: Notice, organisation: Organisation) -> str:
    """
    The domain of ours whose published policy decides; empty if none is.

    Reports come to the envelope sender, and SPF is about that one. Answers come to the author, whom DMARC aligns.
    """
    envelope, authors = addressed(notice), notice.returned.from_addresses
    first = (*authors, *envelope) if notice.kind in ANSWERS else (*envelope, *authors)
    return next((d for d in map(domain_of, first) if ours.is_own_domain(d, organisation)), "")


def addressed(notice: Notice) -> tuple[str, ...]:
    """The addresses that the notice was sent to: those of its To, else those that it was delivered for."""
    to = tuple(
        address for address in notice.delivered_to if address.lower() in notice.headers.text("to").lower()
    )
    return to or notice.delivered_to


def is_addressed_to_us(notice: Notice, known: Known) -> bool:
    """
    Whether the notice came to an address at one of our domains.

    What came to another account and was forwarded here is about mail that another system sent: nothing that is known
    of our senders says anything about it. Where no address is told at all, it came here.
    """
    to = addressed(notice)
    return not to or any(ours.is_own_address(address, known.organisation) for address in to)


def days_proven(ip: IPAddress, habits: Habits) -> int:
    """On how many days the machine handed over mail that is proven ours."""
    return len(habits.machines.get(str(ip), Machine()).proven)


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


# --- who is between ------------------------------------------------------------------------------


def is_gateway(notice: Notice, peer: trail.Peer, known: Known) -> bool:
    """A filter or gateway in front of the failed recipient: by its MX, or since it had the mail from our server."""
    if trail.may_be_filter(
        peer, lambda ip: ours.is_relay(ip, known.organisation) or is_ours_below(notice, ip, known)
    ):
        return True
    about = mentions.domains(mentions.failed(notice))
    found = {known.hosts.sites.get((str(peer.ip), domain)) for domain in about}
    # Where nobody tells, a server with a name may be the gateway; a machine without one is none.
    return "mx" in found or (None in found and may_be_between(peer, known))


def may_be_between(peer: trail.Peer, known: Known) -> bool:
    """Whether the machine may be somebody's gateway or forwarder, as long as nobody tells."""
    return not peer.is_behind_gateway and not trail.is_nameless(peer, known.organisation)


def is_ours_below(notice: Notice, ip: IPAddress, known: Known) -> bool:
    return allowed(notice, ip, known) in ("pass", "provider") or days_proven(ip, known.habits) > 0


def is_forwarder(notice: Notice, peer: trail.Peer, known: Known) -> bool:
    """
    Whether the machine belongs to the site of somebody that the mail was written to, and may have passed it on.

    By what no forger writes: the name that the taking-in server looked up, or the MX and SPF records of the
    recipient's domain. What a machine calls itself counts where no name was noted, and only if it is not
    the site that reports anyway: forgers greet with the name of whom they send to.
    """
    if peer.at_us:
        return False
    if not notice.returned.hops and not notice.returned.to_addresses and peer.machine is trail.Machine.SERVER:
        return (
            True  # told in words alone, and not whom the mail was written to: who knows where it went first
        )
    told = peer.hop.peer if not trail.is_unnamed(peer.hop) else ""
    about = mentions.domains(mentions.failed(notice))
    for domain in recipient_domains(notice, known):
        site = known.hosts.sites.get((str(peer.ip), domain))
        if site or (site is None and domain not in about and may_be_between(peer, known)):
            return True
        if told and peer.machine is trail.Machine.SERVER and ours.is_same_side(told, domain):
            return True
        is_quiet = not peer.hop.peer and peer.hop.helo
        if is_quiet and domain not in about and ours.is_same_side(peer.hop.helo, domain):
            return True
    return False


def recipient_domains(notice: Notice, known: Known) -> tuple[str, ...]:
    """Domains of others that the mail was written to: To, Cc, and blind copies that the sent record knows."""
    mails = (known.sent.by_message_id.get(id) for id in mentions.main_ids(notice))
    blind = (domain for mail in mails if mail is not None for domain in sorted(mail.domains))
    written = (*map(domain_of, notice.returned.to_addresses), *blind)
    others = (d for d in written if d and not ours.is_own_domain(d, known.organisation))
    return tuple(dict.fromkeys(others))[:MAX_SITES]


# --- what is asked -------------------------------------------------------------------------------


def wanted_hosts(notices: Iterable[Notice], known: Known) -> HostQuestion:
    """
    The hosts that reported, those that handed returned mail over, and what is to be known of them.

    Asked of our own domains: what they publish, and whether it names the host; of domains that the mail was
    written to: whether the host is theirs; of the author of what looks like a fake: whether the host that handed it in
    is his, or an exchanger of ours.
    """
    organisation = known.organisation
    ips: set[str] = set()
    senders: set[tuple[str, str]] = {(one.ip, one.domain) for one in known.outside_senders}
    named: dict[tuple[str, str], None] = {}
    bare: dict[tuple[str, str], None] = {}
    fakes: dict[tuple[str, str], None] = {}
    domains = {one.domain for one in known.outside_senders}
    names: dict[str, str] = {}
    for notice in notices:
        hop = trail.entry(notice, organisation)
        own = policy_domains(notice, organisation)
        domains |= own
        if hop is not None and hop.ip is not None and not ours.is_inside(hop.ip, organisation):
            ips.add(str(hop.ip))
            senders |= {(str(hop.ip), domain) for domain in own}
            names[str(hop.ip)] = hop.peer
            author = domain_of(notice.sender)
            if ours.is_own_domain(author, organisation):
                senders.add((str(hop.ip), author))
            if notice.kind is Kind.NDR_PHISH:
                ours_named = trail.own_domains(notice, organisation)
                senders |= {(str(hop.ip), domain) for domain in ours_named}
                fakes.update(dict.fromkeys((str(hop.ip), d) for d in sorted({author, *ours_named}) if d))
        peer = trail.sender_of(notice, organisation)
        if peer is None or ours.is_inside(peer.ip, organisation):
            continue
        ips.add(str(peer.ip))
        names[str(peer.ip)] = peer.hop.peer if not trail.is_unnamed(peer.hop) else ""
        senders |= {(ip, domain) for ip in (str(peer.ip), *_handed_to(peer)) for domain in own}
        about = sorted(mentions.domains(mentions.failed(notice)))[:MAX_SITES]
        pairs = ((str(peer.ip), domain) for domain in (*about, *recipient_domains(notice, known)))
        (bare if trail.is_nameless(peer, organisation) else named).update(dict.fromkeys(pairs))
    return HostQuestion(
        frozenset(ips),
        frozenset(senders),
        (*(pair for pair in (*named, *bare) if not ours.is_own_domain(pair[1], organisation)), *fakes),
        frozenset(domains),
        {ip: name for ip, name in names.items() if name},
    )


def _handed_to(peer: trail.Peer) -> Iterator[str]:
    """The hosts that the peer says it had the mail from, as far as a filter's own lines reach."""
    outside = (hop.ip for hop in peer.below if hop.ip is not None and not ours.is_internal(hop.ip))
    return (str(ip) for ip, _ in zip(outside, range(3), strict=False))
