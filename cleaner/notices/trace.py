"""
Received fields, read.

RFC 5321 section 4.4 gives the grammar, servers write what they like. Sighted and read: Postfix, Sendmail,
Exim, OpenSMTPD, Haraka, Exchange and its SMTP service, Gmail, qmail, Courier, CommuniGate, and local
deliveries of these. What the peer claims (its HELO) and what the recording server saw (address, looked-up
name) are kept strictly apart, because anyone can claim anything; a field that could be read in
two ways is left empty.
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
_BARE_ADDRESS: Final = re.compile(r"(?:[^\s@()]{0,64}@)?([0-9a-fA-F.:]{3,45})")
_CLAIM: Final = re.compile(r"(?i)\b(?:helo|ehlo|ident)[= ]\s?(\S{1,255})")
_QMAIL_HELO: Final = re.compile(r"(?i)(?:HELO|EHLO)\s+(\S{1,255})$")
_ACCOUNT_HELO: Final = re.compile(r"(?i)account\s.{0,300}\bHELO\s+(\S{1,255})$")
_ENVELOPE: Final = re.compile(r"(?i)envelope-from\s+<?([^\s<>]{1,320})>?")
_AUTHENTICATED_PROTOCOL: Final = re.compile(r"(?:utf8)?(?:e?smtp|lmtp)s?a\b|asmtp\b")
_AUTHENTICATED: Final = re.compile(r"(?i)authenticated(?: sender:| user:| bits=|$|\))|AUTH: |account ")
_NAME: Final = re.compile(r"[a-zA-Z0-9_.-]{1,255}")


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
    protocol = clauses.get("with", "").lower()
    said = [aside for spoken in asides.values() for aside in spoken]
    by_exim = any(aside.startswith("Exim") for aside in said)
    helo, peer, ip = _peer(source, before_by, by_exim)
    return Hop(
        helo=_host(helo),
        peer=_host(peer),
        ip=ip,
        by=_host(clauses.get("by", "")),
        protocol=protocol,
        id=clauses.get("id", ""),
        recipient=clauses.get("for", "").strip("<>"),
        envelope_from=_envelope_from(clauses, said),
        authenticated=_is_authenticated(protocol, said),
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


def _peer(source: str, asides: list[str], by_exim: bool) -> tuple[str, str, IPAddress | None]:
    """What the peer called itself, its looked-up name and its address."""
    helo, peer, claimed = source, "", ""
    seen: list[IPAddress] = []
    bare: list[IPAddress] = []
    for aside in asides:
        if claim := (_QMAIL_HELO.match(aside) or _ACCOUNT_HELO.match(aside)):
            claimed = claim[1]
            continue
        if claim := _CLAIM.search(aside):
            claimed = claim[1] if claim[0].lower().startswith(("helo", "ehlo")) else claimed
        rest = _CLAIM.sub("", aside) if "=" in aside else aside
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


@lru_cache(maxsize=4096)
def _ip(text: str) -> IPAddress | None:
    text = text.strip().removeprefix("IPv6:").removeprefix("ipv6:")
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
