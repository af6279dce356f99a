"""
Who handed the returned mail over to the system that reports.

Whoever forges a mail writes the trace fields that leave his hands, as many as he likes: whole consistent
chains through our relay are common. The line above them is out of his reach: it was written by the
reporter's own side when the mail came in, and names the peer's true address (RFC 5321 section 4.4). So the
chain is walked from the top, past the hops inside the reporter's own site, to the first peer outside it;
nothing below that peer is believed.

Two things may put an honest stranger there: a forwarder before the reporter, and a filtering service in
front of it. Both are mail servers with a name, so what kind of machine the peer is matters too.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final, TypeAlias

from cleaner.evidence import mentions, ours
from cleaner.values import UNKNOWN, Hop, IPAddress, Kind, Notice, Organisation, domain_of

_LOCAL_PROTOCOLS: Final = ("lmtp", "local", "mapi", "uucp", "pipe", "dkim", "spam-scanned")
_ACCESS_WORDS: Final = frozenset(
    """
    adsl broadband cable catv client cpe cust customer customers dhcp dial dialin dialup dip dsl dyn dynamic
    dynamicip fiber fibre fttb ftth gprs gpon home hsd ip kabel lte mob mobile modem node nat pool pools pppoe
    ppp public res residential sdsl umts user users vdsl wifi wimax wireless
    """.split()
)
"""Words in the names that access providers give their customers' lines (SpamAssassin, 20_dynrdns.cf)."""
_UPSTREAM: Final = re.compile(
    r"(?m)^First upstream SMTP client IP address: \[([0-9A-Fa-f.:]{3,45}|IPv6:[0-9A-Fa-f:.]{3,45})\][ \t]*(\S{0,255})"
)
"""amavisd-new, templates for notices to senders: the peer as the scanning side's server recorded it."""
_RECEIVED_FROM: Final = re.compile(
    r"(?m)^[ \t]{0,4}The original message was received at [^\n]{1,80}\n[ \t]{0,4}from ([A-Za-z0-9._-]{1,255}) "
    r"\[([0-9A-Fa-f.:]{3,45}|IPv6:[0-9A-Fa-f:.]{3,45})\]( \(may be forged\))?[ \t\r]{0,4}$"
)
"""Sendmail, savemail.c: name and address of the peer as in the Received line that it wrote itself."""
_TOLD_WITHIN: Final = 4_000
_LABELS: Final = re.compile(r"[a-z]+|\d+")


class Machine(enum.Enum):
    """What kind of machine a peer is, as far as the recording server saw."""

    LINE = "line"
    """A customer's line of an access provider, or an address without a confirmed name."""
    SERVER = "server"
    """It has a name of its own, or the recording server notes no names."""


@dataclass(frozen=True, slots=True)
class Peer:
    """The first machine outside the reporter's site, as the reporter's own side recorded it."""

    hop: Hop
    ip: IPAddress
    machine: Machine
    at_us: bool
    """The recording server is ours."""
    below: tuple[Hop, ...] = ()
    """The hops under it: claims of the peer."""
    is_behind_gateway: bool = False
    """It was recorded by a gateway of the recipient's, by its MX: no other one stands between."""
    is_told: bool = False
    """Known from the reporter's words alone, the trace being lost: neither its HELO nor what is below is known."""


_Answer: TypeAlias = tuple[Notice, Organisation, Peer | None]
_last: _Answer | None = None
"""Eight rules ask about one notice, one after another."""


def sender_of(notice: Notice, organisation: Organisation) -> Peer | None:
    """The peer that handed the returned mail over; None where the trace does not tell."""
    global _last
    last = _last  # another thread may replace it meanwhile
    if last is None or last[0] is not notice or last[1] is not organisation:
        last = _last = (notice, organisation, _sender_of(notice, organisation))
    return last[2]


def _sender_of(notice: Notice, organisation: Organisation) -> Peer | None:
    at_us = is_own_report(notice, organisation)
    site = _site(notice, organisation, at_us=at_us)
    in_words = _received_from(notice)
    hops = notice.returned.hops or _told(notice) or in_words
    for position, hop in enumerate(hops):
        if not _is_recorded_at(hop.by, site, organisation, at_us=at_us, first=position == 0):
            return None
        if (hop.local and position == len(hops) - 1) or (hop.authenticated and not at_us):
            return _reporting_host(notice, organisation, at_us=at_us)
        if hop.is_helo_only and not any(ours.is_same_side(hop.helo, host) for host in site):
            return None  # a machine of which nothing but its own greeting is known; below are its claims
        if hop.ip is None or _is_inside(hop, site):
            continue
        machine = _machine(hop, site, organisation)
        return Peer(hop, hop.ip, machine, at_us, hops[position + 1 :], is_told=hops is in_words)
    return None


def _reporting_host(notice: Notice, organisation: Organisation, *, at_us: bool) -> Peer | None:
    """
    The host that reports, where the mail began there: submitted by a local user (a web form, a null client, a
    script), or by somebody who signed in.

    Known is it by the line that our own server wrote when the report came in.
    """
    hop = entry(notice, organisation)
    if at_us or hop is None or hop.ip is None:
        return None
    return Peer(hop, hop.ip, _machine(hop, frozenset(), organisation), at_us=False)


def _told(notice: Notice) -> tuple[Hop, ...]:
    """The hop that a virus filter tells of in words, where it returns no trace."""
    if notice.kind is not Kind.AV_NOTICE:
        return ()
    match = _UPSTREAM.search(notice.text[:_TOLD_WITHIN])
    ip = address(match[1]) if match is not None else None
    if match is None or ip is None:
        return ()
    # It notes the name wherever its server found one.
    return (Hop(peer=match[2].lower() or "unknown", ip=ip, raw=match[0]),)


def _received_from(notice: Notice) -> tuple[Hop, ...]:
    """The hop that Sendmail tells of in words, where a connector lost the trace of what it returned."""
    if notice.family != "sendmail" or notice.returned.headers.get("received") is not UNKNOWN:
        return ()
    match = _RECEIVED_FROM.search(notice.text[:_TOLD_WITHIN])
    ip = address(match[2]) if match is not None else None
    if match is None or ip is None:
        return ()
    return (Hop(peer=match[1].lower().rstrip("."), ip=ip, by=notice.reporter.lower(), raw=match[0]),)


def address(text: str) -> IPAddress | None:
    try:
        ip = ip_address(text.removeprefix("IPv6:"))
    except ValueError:
        return None
    return getattr(ip, "ipv4_mapped", None) or ip


def site(notice: Notice) -> str:
    """Whose machine handed the notice in: the registered domain of its looked-up name, else its network."""
    for hop in notice.hops:
        if hop.ip is not None and not ours.is_internal(hop.ip):
            return ours.registered_domain(hop.peer) or str(ours.surroundings(hop.ip))
    return ""


def through(notice: Notice, peer: Peer, organisation: Organisation) -> Peer | None:
    """
    The machine that handed the mail over to this gateway of the recipient's site, as the gateway itself recorded it.

    The line under a gateway was written by it. None where the lines do not tell: one by a host of ours, or about
    somebody who signed in, shows that the gateway wrote none.
    """
    site = _site(notice, organisation, at_us=False) | frozenset(hop.by for hop in peer.below[:1])
    for position, hop in enumerate(peer.below):
        if ours.is_own_host(hop.by, organisation) or hop.authenticated:
            return None
        if not hop.by or not any(ours.is_same_side(hop.by, host) for host in site):
            return None
        if hop.ip is None or _is_inside(hop, site):
            continue
        machine = _machine(hop, site, organisation)
        below = peer.below[position + 1 :]
        return Peer(hop, hop.ip, machine, at_us=False, below=below, is_behind_gateway=True)
    return None


def operator_of(peer: Peer) -> str:
    """
    Who runs the peer, so that hosts of one operator count as one.

    The registered domain of its looked-up name, or of its greeting where no name was noted; else the addresses around.
    """
    name = peer.hop.peer or peer.hop.helo
    if is_unnamed(peer.hop):
        name = ""
    return ours.registered_domain(name) or str(ours.surroundings(peer.ip))


def is_nameless(peer: Peer, organisation: Organisation) -> bool:
    """
    Whether nothing shows that the peer is anybody's mail server: a customer's line, or a machine without a name.

    Where the recorder notes no looked-up names, the greeting must be a public name of its own: not an address, a bare
    word, our own name, or that of the site that it greets. Where it notes neither, nothing says that it had none.
    """
    hop = peer.hop
    if not hop.peer and not hop.helo:
        return False
    if is_unnamed(hop) or peer.machine is Machine.LINE:
        return True
    name = hop.peer or hop.helo
    if not hop.peer and ours.is_own_host(name, organisation):
        return True
    return not ours.registered_domain(name) or is_line_name(name, peer.ip)


def is_within_one_machine(hop: Hop) -> bool:
    """Handed on to the mailbox store: `from localhost (unknown [127.0.0.1]) by localhost with LMTP` was sighted."""
    return hop.by == "localhost" and hop.ip is not None and hop.ip.is_loopback


def entry(notice: Notice, organisation: Organisation) -> Hop | None:
    """The line of our own server that took the notice in from outside."""
    for hop in notice.hops:
        if is_within_one_machine(hop):
            continue
        if hop.by and not ours.is_own_host(hop.by, organisation):
            return None
        if hop.ip is not None and not ours.is_internal(hop.ip):
            return hop
    return None


def own_domains(notice: Notice, organisation: Organisation) -> frozenset[str]:
    """The domains of ours that a notice comes from, by its author and its envelope, or goes to."""
    path = notice.return_path if isinstance(notice.return_path, str) else ""
    named = mentions.domains((notice.sender, path, *notice.delivered_to))
    return frozenset(domain for domain in named if ours.is_own_domain(domain, organisation))


def shown(peer: Peer) -> str:
    """The peer as it is quoted."""
    return mentions.shown(f"{peer.hop.peer or peer.hop.helo} [{peer.ip}] → {peer.hop.by}")


def is_own_report(notice: Notice, organisation: Organisation) -> bool:
    """Whether the reporting system is, by its name, a server of ours."""
    return ours.is_own_host(notice.reporter.lower(), organisation)


def may_be_filter(peer: Peer, is_ours: Callable[[IPAddress], bool]) -> bool:
    """
    Whether the peer may be a filtering service in front of the reporter that had the mail from our server.

    Then the line under it was written by the peer itself, and names a host of ours.
    """
    name = peer.hop.peer or peer.hop.helo
    for hop in peer.below:
        if not ours.is_same_side(hop.by, name):
            return False
        if hop.ip is not None and is_ours(hop.ip):
            return True
        if hop.ip is not None and not ours.is_internal(hop.ip):
            name = hop.peer or hop.helo
    return False


# --- the reporter's own site ---------------------------------------------------------------------


def _site(notice: Notice, organisation: Organisation, *, at_us: bool) -> frozenset[str]:
    """Hosts and domains that are the reporter's, none of ours unless we report ourselves."""
    names = {notice.reporter.lower(), domain_of(notice.sender)}
    for recipient in notice.recipients:
        names.add((recipient.reporter or "").lower())
        names.add(domain_of(recipient.address))
        names.add(domain_of(recipient.original or ""))
    for hop in notice.hops:
        names.update((hop.by, hop.peer))
    return frozenset(name for name in names if name and (at_us or not ours.is_own_host(name, organisation)))


def _is_recorded_at(
    by: str, site: frozenset[str], organisation: Organisation, *, at_us: bool, first: bool
) -> bool:
    """Whether a hop was recorded within the site. A bare word (`by localhost`) is as good as its neighbours."""
    if not by:
        return True
    if ours.is_own_host(by, organisation):
        return at_us
    if "." not in by:
        return True
    return any(ours.is_same_side(by, name) for name in site) or (first and not site)


def _is_inside(hop: Hop, site: frozenset[str]) -> bool:
    """Whether the peer of a hop is of the reporter's own site."""
    if hop.ip is not None and ours.is_internal(hop.ip):
        return True
    if hop.protocol.startswith(_LOCAL_PROTOCOLS):
        return True
    if is_unnamed(hop):
        return False
    # Where the recorder notes no looked-up name, what the peer calls itself is all there is.
    name = hop.peer or hop.helo
    return any(ours.is_same_side(name, host) for host in site)


# --- what kind of machine ------------------------------------------------------------------------


def is_unnamed(hop: Hop) -> bool:
    """
    Whether the recording server looked for the peer's name and found none that holds.

    Postfix writes `unknown`, OpenSMTPD `<unknown>`, Sendmail `may be forged`, Exim the bare address.
    """
    if hop.peer == "unknown" or "may be forged" in hop.raw or "<unknown>" in hop.raw:
        return True
    return not hop.peer and hop.raw.startswith("from [") and "(Exim" in hop.raw


def is_line_name(name: str, ip: IPAddress) -> bool:
    """
    Whether the name is one that a provider gives all its lines: the address within, or its words.

    `198-51-100-7.dyn.isp.example`, `ip100007.cable.isp.example`, `cC63364.pool.isp.example`.
    """
    labels = [label for label in name.split(".")[:-2] if label]
    words = {word for label in labels for word in _LABELS.findall(label)}
    if words & _ACCESS_WORDS:
        return True
    if ip.version != 4:
        return False
    octets = ip.packed
    spelled = ("{}.{}", "{:03}{:03}", "{}-{}", "{:02x}{:02x}")
    pairs = [(octets[2], octets[3]), (octets[3], octets[2])]
    hidden = name.replace("_", "-").replace(".", "-")
    return any(form.replace(".", "-").format(*pair) in hidden for form in spelled for pair in pairs)


def _machine(hop: Hop, site: frozenset[str], organisation: Organisation) -> Machine:
    if ours.is_own_host(hop.helo, organisation):
        # A host of ours that nobody listed, at a cloud provider, looks like this; a forger's too.
        return Machine.SERVER
    if is_unnamed(hop):
        return Machine.LINE
    if not hop.peer:
        return Machine.SERVER
    if hop.ip is not None and is_line_name(hop.peer, hop.ip):
        return Machine.LINE
    disguised = any(ours.is_same_side(hop.helo, host) for host in site)
    return Machine.LINE if disguised else Machine.SERVER
