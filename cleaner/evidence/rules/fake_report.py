"""
The notice wants something for a third party, and nobody sent it whom the policy of its author's domain lets send.

A fake is a fake by what it wants: a link to be followed to a stranger's site, a file to be opened that runs or shows a
form, a code to be scanned. Whom it names as its author, and that it returns no mail, say nothing: colleagues, desks,
list programs, filters and hosters write so by services of their own. So it is none where our own server found
that our domain or the author's own sent it, where our published policy lets its machine send, or where what it wants
leads home: to us, to who is proven to have sent it, to the site of the machine that handed it in. By form alone it
is weak; it is sure where it also speaks as a mail system, or as an office of ours, that it is not.

Source: observed: phishing in the form of reports on held or undelivered mail; RFC 7208, RFC 7489 and RFC 8601 on who
may send for a domain.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from cleaner.evidence import authres, lures, mentions, ours, trail, ways
from cleaner.evidence.authres import AuthenticationResult
from cleaner.evidence.closure import closure
from cleaner.evidence.lures import Lures
from cleaner.values import (
    Completeness,
    Evidence,
    Ground,
    Hop,
    IPAddress,
    Kind,
    Known,
    Notice,
    Organisation,
    Side,
    domain_of,
)

SIDE = Side.BACKSCATTER
LEARNS = True

SURE: Final = 1.0
BY_FORM: Final = 0.5
"""Not enough alone: form and wording must never suffice."""

A_NAME: Final = 5
"""Letters from which on the name of a domain, within an author's name, says whose he is."""

_SYSTEM: Final = re.compile(
    r"daemon|(?:mail|message|delivery)[ -]?(?:delivery )?(?:sub)?system|mail ?delivery|delivery software|mail ?zustell"
    r"|post ?office|système de (?:messagerie|distribution|livraison)|sistema (?:de correio|di posta|de correo)"
    r"|почтовая система|メール(?:配信|配送)?システム|邮件系统|郵件系統|메일 ?시스템"
)
"""What delivers mail, in a name or an address."""
_DAEMON: Final = re.compile(r"(?i)(?:mailer-?|mail-?)?daemon@")
_POSTMASTER: Final = re.compile(r"(?i)(?:(?:mailer-?|mail-?)?daemon|post-?master)@")
"""Addresses that a mail system has by right, at its own domain."""
_OFFICE: Final = frozenset(
    "a account admin administrator box center centre department dept desk email help helpdesk i ict it mail mailbox "
    "mailserver master postmaster server service support t team the web webmail webmaster your".split()
)
"""An author whose name holds no other words is an office, and does not say whose."""
_VAGUE: Final = frozenset(
    "account admin administrator center centre department desk help helpdesk service support team the your".split()
)
"""Of these words, what the offices of shops and services are called, too."""
MAX_NAME: Final = 200
_WORD: Final = re.compile(r"\w+")
_SENDS: Final = re.compile(
    r"(?:^|[.-])(?:e?smtp|e?mail|mx|mta|outbound|out|relay|mout|mailout|mailer|sender)\d{0,4}(?=[.-])"
)
"""Words in the names of machines that send mail."""
_TO: Final = re.compile(r"[^\s<>,;:\"()]{1,64}@[^\s<>,;:\"()]{1,255}")


@dataclass(frozen=True, slots=True)
class Origin:
    """What our own servers found about where a notice comes from."""

    results: tuple[AuthenticationResult, ...] = ()

    @property
    def proven(self) -> frozenset[str]:
        """The domains that signed, or whose policy lets the machine send."""
        return frozenset(one.domain for one in self.results if one.result == "pass" and one.domain)

    @property
    def refuted(self) -> frozenset[str]:
        """The authors' domains that did not send it, by their own word (DMARC)."""
        return frozenset(one.domain for one in self.results if one.method == "dmarc" and one.result == "fail")


def check(notice: Notice, known: Known) -> tuple[Evidence, ...]:
    organisation = known.organisation
    if notice.kind is not Kind.NDR_PHISH or notice.returned.completeness is not Completeness.NONE:
        return ()
    hop = trail.entry(notice, organisation)
    if organisation.shared or hop is None or hop.ip is None or hop.authenticated:
        return ()
    if may_be_ours(hop, hop.ip, known) or is_for_somebody_else(notice, organisation):
        return ()
    found = Origin(authres.authenticated(notice.headers, notice.hops, organisation))
    if is_let(notice, hop.ip, found, known):
        return ()
    is_stranger = ways.is_known_where_we_send_from(hop.ip, known)
    if not is_stranger and not (is_closed(notice, known) and is_refused(notice, hop, found, known)):
        return ()
    wanted = lures.lures(notice, homes(notice, hop, found, known))
    strength = strength_of(notice, hop, found, wanted, known)
    if not strength:
        return ()
    return (
        Evidence(
            "fake_report",
            side=SIDE,
            seen=mentions.shown(
                f"{notice.sender} from {hop.peer or hop.helo} [{hop.ip}] wants {wanted.first}"
            ),
            reason="It pretends to be about your mail, leads to a third party, and a stranger sent it.",
            strength=strength,
            ground=Ground.FALSE if strength == SURE else None,
        ),
    )


# --- where it comes from -------------------------------------------------------------------------


def may_be_ours(hop: Hop, ip: IPAddress, known: Known) -> bool:
    if ours.is_neighbour(ip, known.organisation) or ways.is_near_proven(ip, known.habits):
        return True
    return ours.is_own_host(hop.peer, known.organisation) and not trail.is_unnamed(hop)


def is_for_somebody_else(notice: Notice, organisation: Organisation) -> bool:
    """It names addressees, and none of ours: a second account hands it on, and who sends for us says nothing."""
    written_to = _TO.findall(notice.headers.text("to")[:2_000])
    return bool(written_to) and not any(ours.is_own_address(one, organisation) for one in written_to)


def is_let(notice: Notice, ip: IPAddress, found: Origin, known: Known) -> bool:
    """Whether our domain is proven to have sent it, or our published policy lets the machine send."""
    if any(ours.is_own_domain(domain, known.organisation) for domain in found.proven):
        return True
    return any(
        known.hosts.spf.get((str(ip), domain)) in ("pass", "provider")
        for domain in trail.own_domains(notice, known.organisation)
    )


def is_refused(notice: Notice, hop: Hop, found: Origin, known: Known) -> bool:
    """
    Whether it names us as its author, and by our policy, or the administrator's word, the machine does not send for us.

    Neither counts once a proof contradicts it.
    """
    author = domain_of(notice.sender)
    if not ours.is_own_domain(author, known.organisation):
        return False
    senders = closure(author, known)
    if senders.outside_senders:
        return False
    return senders.by_word or author in found.refuted or known.hosts.spf.get((str(hop.ip), author)) == "fail"


def is_closed(notice: Notice, known: Known) -> bool:
    """Whether the senders of the author's domain are a closed set."""
    return closure(domain_of(notice.sender), known).is_closed


def is_of_the_author(notice: Notice, hop: Hop, found: Origin, known: Known) -> bool:
    """Whether the author's own domain, none of ours, sent it: it is proven to have, or the machine bears its name."""
    author = domain_of(notice.sender)
    if not author or ours.is_own_domain(author, known.organisation):
        return False
    if any(ours.is_same_side(author, domain) for domain in found.proven):
        return True
    if not is_no_server(hop) and ours.is_same_side(author, hop.peer or hop.helo):
        return True
    return bool(known.hosts.sites.get((str(hop.ip), author)))


def is_no_server(hop: Hop) -> bool:
    """
    A customer's line, or a machine whose address has no name that leads back to it.

    Services that send for thousands name their machines after their addresses, too: `a7-21.smtp-out.…` [….7.21].
    """
    if trail.is_unnamed(hop):
        return True
    if not hop.peer or hop.ip is None or _SENDS.search(hop.peer):
        return False
    return trail.is_line_name(hop.peer, hop.ip)


def may_be_passed_on(notice: Notice, hop: Hop, known: Known) -> bool:
    """
    Whether the machine may be a filtering service before our own server, which had the notice from somebody else.

    It is the mail exchanger of a domain of ours, or it wrote the line below, about a peer with a public address that
    did not sign in.
    """
    own = trail.own_domains(notice, known.organisation)
    if any(known.hosts.sites.get((str(hop.ip), domain)) == "mx" for domain in own):
        return True
    below = notice.hops[notice.hops.index(hop) + 1 :]
    name = hop.peer or hop.helo
    for line in below:
        if not ours.is_same_side(line.by, name):
            return False
        if line.ip is not None and not ours.is_internal(line.ip) and not ours.is_same_side(line.peer, name):
            return not line.authenticated
    return False


def homes(notice: Notice, hop: Hop, found: Origin, known: Known) -> frozenset[str]:
    """
    Where no link is a lure: our domains, those proven to have sent it, the site of the machine, and that where its
    header says that one may unsubscribe.
    """
    machine = () if is_no_server(hop) else (hop.peer or hop.helo,)
    leave = lures.hosts_in(notice.headers.text("list-unsubscribe"))
    let = (domain for (ip, domain), way in known.hosts.sites.items() if way and ip == str(hop.ip))
    return frozenset((*known.organisation.domains, *found.proven, *machine, *leave, *let)) - {""}


# --- what it wants -------------------------------------------------------------------------------


def strength_of(notice: Notice, hop: Hop, found: Origin, wanted: Lures, known: Known) -> float:
    """How surely it is a fake; nothing where it wants nothing of a third party."""
    if not wanted.first:
        return 0.0
    if is_of_the_author(notice, hop, found, known):
        return BY_FORM
    if is_no_server(hop):
        return SURE if is_strange_office(notice, hop, found, wanted, known) else BY_FORM
    if wanted.is_a_list or may_be_passed_on(notice, hop, known):
        return BY_FORM
    return SURE if is_posing(notice, hop, found, wanted, known) else BY_FORM


def is_strange_office(notice: Notice, hop: Hop, found: Origin, wanted: Lures, known: Known) -> bool:
    """Whether what is no server speaks as a mail system or office; if it only links, as a mail system of ours."""
    poses = names_us(notice, known.organisation) or is_system(notice)
    if wanted.baited:
        return poses or is_office(notice)
    if wanted.files or wanted.codes:
        return poses
    return names_us(notice, known.organisation) and (
        is_system(notice) or is_refused(notice, hop, found, known)
    )


def is_posing(notice: Notice, hop: Hop, found: Origin, wanted: Lures, known: Known) -> bool:
    """
    Whether, from a server, it speaks as a mail system or office that it is not, and what it wants does not fit that.

    Services that nobody listed write in our name, too, and small ones have offices that are called no better. So a fake
    in our name speaks as a mail system, or our policy refuses it; and one that leads to its author's own site comes from
    a host that is, by DNS, none of the author's.
    """
    organisation = known.organisation
    if ours.is_own_address(notice.sender, organisation):
        if wanted.baited or wanted.files or wanted.codes:
            return is_system(notice) or is_refused(notice, hop, found, known)
        return is_refused(notice, hop, found, known) and is_closed(notice, known)
    if not wanted.baited:
        return bool(wanted.files or wanted.codes) and (names_us(notice, organisation) or is_system(notice))
    home = {domain_of(notice.sender)}
    if not all(lures.leads_home(link, home) for link in wanted.baited):
        return names_us(notice, organisation) or is_system(notice) or is_office(notice)
    if (
        _POSTMASTER.match(notice.sender)
        or known.hosts.sites.get((str(hop.ip), domain_of(notice.sender))) != ""
    ):
        return False
    return is_system(notice) or (is_office(notice) and not words_of(notice) <= _VAGUE)


def words_of(notice: Notice) -> frozenset[str]:
    return frozenset(_WORD.findall(notice.sender_name[:MAX_NAME]))


def is_office(notice: Notice) -> bool:
    """Its author bears the name of an office without saying whose."""
    words = words_of(notice)
    return bool(words) and words <= _OFFICE


def names_us(notice: Notice, organisation: Organisation) -> bool:
    """Its author is one of ours, or so is called."""
    if ours.is_own_address(notice.sender, organisation):
        return True
    called = (*organisation.domains, *mentions.domains(notice.delivered_to))
    return any(name in notice.sender_name for name in called if ours.is_own_domain(name, organisation))


def is_system(notice: Notice) -> bool:
    """Whether it speaks as what delivers mail, and not under the name of its own domain: a post has offices, too."""
    name = notice.sender_name[:MAX_NAME]
    own = ours.registered_domain(domain_of(notice.sender)).partition(".")[0]
    if len(own) >= A_NAME and own in "".join(filter(str.isalnum, name)):
        return False
    return bool(_SYSTEM.search(name) or _DAEMON.match(notice.sender))
