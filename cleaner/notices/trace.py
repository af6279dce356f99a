"""
Received fields, read.

RFC 5321 section 4.4 gives the grammar, servers write what they like. Sighted and read: Postfix, Sendmail,
Exim, OpenSMTPD, Haraka, Exchange and its SMTP service, Gmail, qmail, Courier, CommuniGate, IMail, and local
deliveries of these. Submissions on the recording host itself are told apart, by these servers and by sSMTP,
nullmailer, the DragonFly Mail Agent, mini_sendmail, masqmail and web mail. What the peer claims (its HELO) and
what the recording server saw (address, looked-up name) are kept strictly apart, because anyone can claim
anything; a field that could be read in two ways is left empty.
"""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Final

from cleaner.notices.fields import date
from cleaner.notices.limits import MAX_HOPS, MAX_RECEIVED
from cleaner.values import Headers, Hop, IPAddress

_CLAUSES: Final = frozenset({"from", "by", "via", "with", "id", "for", "envelope-from"})
_CLAUSE_LENGTHS: Final = frozenset(map(len, _CLAUSES))
_BRACKET: Final = re.compile(r"[()]")
_BRACKETED: Final = re.compile(r"\[([^\[\]\s]{2,60})\]")
_BARE_ADDRESS: Final = re.compile(r"(?:[^\s@()]{0,64}@)?((?:[iI][pP][vV]6:)?[0-9a-fA-F.:]{3,45})")
_BEHIND_THE_NAME: Final = re.compile(
    r"\s{0,80}from\s{1,80}[^\s()\[\]]{1,255}\s{1,80}(\[[^\[\]\s]{2,60}\])(?=[\s(]|$)"
)
"""`from relay.example [192.0.2.7] by …`, as IMail and some gateways write."""
_IPV6: Final = re.compile(r"(?i)IPv6:")
_CLAIM: Final = re.compile(r"(?i)\b(?:helo|ehlo|ident)[= ]\s?(\S{1,255})")
_HELO_AND_AFTER: Final = re.compile(r"(?i)\bhelo=.{0,1000}$", re.DOTALL)
_QMAIL_HELO: Final = re.compile(r"(?i)(?:HELO|EHLO|LHLO)\s+(\S{1,255})")
_ACCOUNT_HELO: Final = re.compile(r"(?i)account\s.{0,300}\bHELO\s+(\S{1,255})$")
_ENVELOPE: Final = re.compile(r"(?i)envelope-from\s+<?([^\s<>]{1,320})>?")
_AUTHENTICATED_PROTOCOL: Final = re.compile(r"(?:utf8)?(?:e?smtp|lmtp)s?a\b|asmtp\b")
_AUTHENTICATED: Final = re.compile(r"(?i)authenticated(?: sender:| user:| bits=|$|\))|AUTH: |account ")
_NAME: Final = re.compile(r"[a-zA-Z0-9_.-]{1,255}")
_WITHOUT_HELO: Final = re.compile(r"\s{0,80}\(from ([^()]{1,400}\[[^()\[\]]{2,60}\])\)\s{1,80}by\s")
"""Sendmail, of a peer that did not say HELO."""
_FETCHED: Final = ("pop", "imap", "apop", "kpop", "etrn", "odmr")
"""Protocols by which a client fetched the mail: the host behind `from` is where it lay."""

_INVOKED: Final = re.compile(
    r"\s{0,80}(?:\((?:qmail|nullmailer|EYOU MTA SYSTEM|Haraka)[^()]{0,60}\binvoked (?:by (?!network)|for )"
    r"|[a-z]{1,40}-mta queue [^()]{1,300}\(invoked (?:by (?!network)|for ))"
)
"""qmail and its descendants, nullmailer: who called the queueing program."""
_QUEUE: Final = re.compile(r"\s{0,80}[a-z]{1,40}-mta queue \d{1,20} by host (\S{1,255})")
_BY_USER_AT_HOST: Final = re.compile(r"\s{0,80}\(from [^\s()\[\]@]{1,128}@[^\s()\[\]@]{1,255}\)\s{1,80}by\s")
"""Sendmail called as a command: `(from ann@localhost) by …`. What spoke SMTP without HELO has an address there."""
_PICKED_UP: Final = re.compile(r"\s{0,80}from mail pickup service by\s")
"""Microsoft's SMTP service, from its pickup folder."""
_SAYS_LOCAL: Final = re.compile(
    r".{0,200}, from userid \d{1,20}|sSMTP sendmail emulation|mini_sendmail\b.{0,200}", re.DOTALL
)
"""In the comment behind `by`: Postfix (with any name that it was given), and programs that only submit."""
_LOCAL_PEER: Final = re.compile(r"[^\s()\[\]]{1,255} \[local\]|[^\s()\[\]@]{1,128}@localhost|uid \d{1,20}")
"""In the comment behind `from`: OpenSMTPD, Sendmail spoken to by a local program, Courier and DragonFly."""
_LOCAL_PROTOCOLS: Final = re.compile(r"local(?:-[a-z-]{1,40})?|stdio|pipe|https?")
"""Exim, masqmail, Courier, mxlogic; Smail; CommuniGate; web mail. Exchange's `mapi` stands apart."""

_OWN_NAMES: Final = ("localhost", "localhost.localdomain", "[127.0.0.1]", "[::1]")
"""Of a proxy before web mail. Exchange Online hands on with HTTPS from server to server, and writes `(::1)`."""


def hops(headers: Headers) -> tuple[Hop, ...]:
    """The Received chain of a mail, topmost (latest) first."""
    return tuple(hop(value) for value in headers.all("received")[:MAX_HOPS])


def hop(value: str) -> Hop:
    """One unfolded Received field."""
    value = value[:MAX_RECEIVED]
    text, semicolon, stamp = value.rpartition(";")
    time = date(stamp) if semicolon else None
    clauses, asides = _read(text if semicolon else value)
    source = clauses.get("from", "")
    before_by = asides.get("from", [])
    if not source and (unnamed := _WITHOUT_HELO.match(text)):
        before_by = [unnamed[1]]
    protocol = clauses.get("with", "").lower()
    said = [aside for spoken in asides.values() for aside in spoken]
    by_exim = any(aside.startswith("Exim") for aside in said)
    text = text if semicolon else value
    behind = "" if protocol.startswith(_FETCHED) else _behind_the_name(text)
    helo, peer, ip = _peer(source, before_by, by_exim, behind)
    local = _is_local(text, clauses, asides, ip)
    if local:
        helo, peer, ip = "", "", None
    return Hop(
        helo=_host(helo),
        peer=_host(peer),
        ip=ip,
        by=_host(by[1] if (by := _QUEUE.match(text)) else clauses.get("by", "")),
        protocol=protocol,
        id=clauses.get("id", ""),
        recipient=clauses.get("for", "").strip("<>"),
        envelope_from=_envelope_from(clauses, said),
        authenticated=_is_authenticated(protocol, said),
        local=local,
        time=time,
        raw=value,
    )


def _read(text: str) -> tuple[dict[str, str], dict[str, list[str]]]:
    """The clauses by their keyword, and the comments by the clause that they stand in."""
    words: dict[str, list[str]] = {}
    asides: dict[str, list[str]] = {}
    clause = ""
    depth = start = 0
    for bracket in _BRACKET.finditer(text):
        position = bracket.start()
        if text[position] == "(":
            if depth == 0:
                clause = _add_words(text[start:position], words, clause)
                start = position + 1
            depth += 1
        elif depth:
            depth -= 1
            if depth == 0:
                asides.setdefault(clause, []).append(text[start:position].strip())
                start = position + 1
    if depth == 0:
        _add_words(text[start:], words, clause)
    return {name: " ".join(found) for name, found in words.items()}, asides


def _add_words(text: str, words: dict[str, list[str]], clause: str) -> str:
    """Puts each word into the clause that it belongs to; the clause that the text ends in."""
    said = words.get(clause)
    for word in text.split():
        keyword = word.lower() if len(word) in _CLAUSE_LENGTHS else ""
        if keyword in _CLAUSES and keyword not in words and (keyword != "from" or not words):
            clause = keyword
            said = words[clause] = []
        elif said is not None and (not said or said[0] == "Microsoft"):
            said.append(word)
    return clause


def _behind_the_name(text: str) -> str:
    found = _BEHIND_THE_NAME.match(text)
    return found[1] if found else ""


def _peer(source: str, asides: list[str], by_exim: bool, behind: str) -> tuple[str, str, IPAddress | None]:
    """What the peer called itself, its looked-up name and its address, which may stand `behind` the name."""
    helo, peer, claimed = source, "", ""
    seen: list[IPAddress] = []
    bare: list[IPAddress] = []
    for aside in asides:
        if claim := (_QMAIL_HELO.match(aside) or _ACCOUNT_HELO.match(aside)):
            claimed = claim[1]
            continue
        if claim := _CLAIM.search(aside):
            claimed = claim[1] if claim[0].lower().startswith(("helo", "ehlo")) else claimed
        rest = _CLAIM.sub("", _HELO_AND_AFTER.sub("", aside)) if "=" in aside else aside
        addresses = [ip for text in _BRACKETED.findall(rest) if (ip := _ip(text))]
        if addresses and not seen:
            peer = _looked_up(rest)
        seen += addresses
        if (only := _BARE_ADDRESS.fullmatch(rest.strip())) and (ip := _ip(only[1])):
            bare.append(ip)
    addresses = seen or bare
    if not addresses and (own := _BRACKETED.fullmatch(source.partition("]:")[0].rstrip("]") + "]")):
        addresses = [ip] if (ip := _ip(own[1])) else []
        return claimed, "", addresses[0] if addresses else None
    if not addresses and behind and (ip := _ip(behind[1:-1])):
        addresses = [ip]
    if len(set(addresses)) > 1:
        return claimed or helo, "", None
    if claimed:
        # Exim and qmail: the word after `from` is the looked-up name, the HELO stands aside
        peer = peer or ("" if source.startswith("[") else source)
        helo = claimed
    elif by_exim and seen and not source.startswith("["):
        peer = source
    return helo, peer, addresses[0] if addresses else None


def _looked_up(aside: str) -> str:
    """The name before the address, `PEER [IP]`; none where Sendmail says that it may be forged."""
    name = aside.partition("[")[0].strip().rpartition("@")[2]
    return name if _NAME.fullmatch(name) and "may be forged" not in aside else ""


def _is_local(text: str, clauses: dict[str, str], asides: dict[str, list[str]], ip: IPAddress | None) -> bool:
    """
    Whether the recording server says that no other machine handed the mail over.

    Its own words must say so, and nothing in the field may tell of a peer: a HELO can hold whole clauses.
    """
    protocol = clauses.get("with", "").lower()
    if protocol == "mapi" and clauses.get("from", "").lower() in ("", clauses.get("by", "").lower()):
        return not _tells_of_a_peer(text, asides, within=("from", "by"))
    if (ip is not None and not ip.is_loopback) or _tells_of_a_peer(text, asides):
        return False
    if _INVOKED.match(text) or _BY_USER_AT_HOST.match(text) or _PICKED_UP.match(text):
        return True
    if _LOCAL_PROTOCOLS.fullmatch(protocol):
        return ip is None or clauses.get("from", "") in _OWN_NAMES or "http" not in protocol
    if any(_LOCAL_PEER.fullmatch(aside) for aside in asides.get("from", ())):
        return True
    return "from" not in clauses and any(_SAYS_LOCAL.fullmatch(aside) for aside in asides.get("by", ()))


def _tells_of_a_peer(text: str, asides: dict[str, list[str]], within: tuple[str, ...] = ()) -> bool:
    """A HELO, or another address than the machine's own; `within` are the clauses that name the machine itself."""
    if text.count("(") != text.count(")"):
        return True
    for clause, spoken in asides.items():
        for aside in spoken:
            if _CLAIM.search(aside) or _QMAIL_HELO.match(aside):
                return True
            found = [_ip(text) for text in _BRACKETED.findall(aside)]
            if only := _BARE_ADDRESS.fullmatch(aside):
                found.append(_ip(only[1]))
            if clause not in within and any(ip is not None and not ip.is_loopback for ip in found):
                return True
    return False


@lru_cache(maxsize=4096)
def _ip(text: str) -> IPAddress | None:
    text = text.strip()
    if _IPV6.match(text):
        text = text[len("IPv6:") :]
    if text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text)
    except ValueError:
        return None
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        return found.ipv4_mapped
    return found


def _host(name: str) -> str:
    return name.strip().rstrip(".,").lower()


def _envelope_from(clauses: dict[str, str], asides: list[str]) -> str:
    if stated := clauses.get("envelope-from"):
        return stated.strip("<>")
    for aside in asides:
        if found := _ENVELOPE.match(aside):
            return found[1]
    return ""


def _is_authenticated(protocol: str, asides: list[str]) -> bool:
    return bool(_AUTHENTICATED_PROTOCOL.match(protocol)) or any(
        _AUTHENTICATED.match(aside) for aside in asides
    )
