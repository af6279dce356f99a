"""
The returned mail bears a proof of our own: a field that our mail server writes into everything it sends.

It covers Message-ID, From and the time, not the recipients; so whoever received the mail can send it on to
strangers. What came back must fit: a time of about its Date, no stranger who handed it over, and the failed recipient
among its own or somebody that it was passed on to.

Source: docs/own-header.md; HMAC: RFC 2104; HMAC-SHA1 because Exim's `${hmac}` knows nothing better, and it is unbroken
(RFC 6194 section 3.3).
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from cleaner.evidence import mentions, ours, trail, ways
from cleaner.values import Evidence, Force, HmacKey, Known, Notice, Side, address_key

FIELD: Final = "x-bounce-proof"
ALGORITHMS: Final = {"sha256": 64, "sha1": 40}
"""Each with the length of its value in hexadecimal."""
MAX_FIELDS: Final = 5
LONGEST: Final = timedelta(days=30)
"""Queues give up after five days; people answer, and read, weeks later."""
LONGEST_QUEUE: Final = timedelta(days=6)
"""A mail may be written, or wait, for days before it is stamped."""
SKEW: Final = timedelta(days=1)

_TAG: Final = re.compile(r"\s*([a-z]{1,10})\s*=\s*([^;\s]{1,200})\s*")

SIDE = Side.GENUINE


@dataclass(frozen=True, slots=True)
class Stamp:
    """One field, read."""

    algorithm: str
    key: str
    time: datetime
    seconds: str
    """The time as it was written: so it was signed."""
    value: str

    def is_signed_by(self, key: HmacKey, message_id: str, author: str) -> bool:
        text = canonical(self.key, self.seconds, message_id, author)
        return hmac.compare_digest(hmac.digest(key.key, text, self.algorithm).hex(), self.value)


def canonical(key: str, seconds: str, message_id: str, author: str) -> bytes:
    """What is signed: version, key, time, Message-ID without brackets and white space, author in lower case."""
    bare = "".join(message_id.split()).replace("<", "").replace(">", "")
    return "\n".join(("1", key, seconds, bare, author.strip().lower())).encode("utf-8", "surrogatepass")


def read(value: str) -> Stamp | None:
    """A field of version 1; None for anything else."""
    tags = {m[1]: m[2] for part in value[:1_000].split(";") if (m := _TAG.fullmatch(part)) is not None}
    algorithm = tags.get("a", "sha256").lower()
    seconds, signed = tags.get("t", ""), tags.get("h", "").lower()
    if tags.get("v") != "1" or len(signed) != ALGORITHMS.get(algorithm) or not signed.isascii():
        return None
    if not ("k" in tags and seconds.isascii() and seconds.isdigit() and len(seconds) <= 11):
        return None
    return Stamp(algorithm, tags["k"], datetime.fromtimestamp(int(seconds), UTC), seconds, signed)


def check(notice: Notice, known: Known) -> tuple[Evidence, ...]:
    if not known.organisation.hmac_keys or known.organisation.shared:
        return ()
    values = notice.returned.headers.all(FIELD)[:MAX_FIELDS]
    findings = [judged(notice, known, stamp) for stamp in map(read, values) if stamp is not None]
    return tuple(sorted(findings, key=lambda found: found.force is Force.WEIGHED)[:1])


def judged(notice: Notice, known: Known, stamp: Stamp) -> Evidence:
    key = next((key for key in known.organisation.hmac_keys if key.id == stamp.key), None)
    if key is None:
        return finding(
            stamp, "The mail bears a proof of the kind that yours do, and its key is not known here."
        )
    message_id = notice.returned.message_id or ""
    if not message_id or not any(
        stamp.is_signed_by(key, message_id, author) for author in own_authors(notice, known)
    ):
        return finding(
            stamp,
            "The proof in the mail does not fit its author and id: forged, or they were rewritten on the way.",
        )
    doubt = contradiction(notice, known, stamp)
    if doubt:
        return finding(stamp, doubt, force=Force.SUSPICION)
    return finding(
        stamp,
        "The returned mail bears a proof that only your own mail server writes.",
        side=Side.GENUINE,
        force=Force.PROOF,
    )


def own_authors(notice: Notice, known: Known) -> Iterator[str]:
    """The authors that are ours."""
    for author in notice.returned.from_addresses:
        if address_key(author) in known.owner.addresses or ours.is_own_address(author, known.organisation):
            yield author


def contradiction(notice: Notice, known: Known, stamp: Stamp) -> str:
    """What about the notice does not fit a mail that left us at that time; empty if nothing."""
    written, came = notice.returned.date, notice.received or known.now
    if written is not None and not (written - SKEW <= stamp.time <= written + LONGEST_QUEUE):
        return "The proof in the mail is yours, but it is not of the day of this mail."
    if came is not None and not (stamp.time - SKEW <= came <= stamp.time + LONGEST):
        return "The proof in the mail is yours, but its time does not fit this report."
    # The recipients are not covered, so a replayer may put his own there: then the trace tells.
    if ways.surely_stranger(notice, known) is not None:
        return "The proof in the mail is yours, but a stranger's computer handed the mail over."
    peer = ways.sender_of(notice, known)
    if peer is None or ways.is_listed(peer, known.organisation) or is_for_its_own(notice, peer):
        return ""
    return "The proof in the mail is yours, but the mail went to other people: it may have been replayed."


def is_for_its_own(notice: Notice, peer: trail.Peer) -> bool:
    """The recipient is one of the mail's own, or the peer is the mail system of one of them and passed it on."""
    about, written_to = mentions.failed(notice), notice.returned.to_addresses
    if not about or mentions.meet(about, written_to) is not None:
        return True
    homes = {ours.registered_domain(domain) for domain in mentions.domains(written_to)}
    peers = {ours.registered_domain(name) for name in (peer.hop.peer, peer.hop.helo)}
    return bool((homes & peers) - {""})


def finding(
    stamp: Stamp, reason: str, *, side: Side = Side.NEUTRAL, force: Force = Force.WEIGHED
) -> Evidence:
    seen = mentions.shown(f"X-Bounce-Proof: k={stamp.key}; t={stamp.seconds}")
    return Evidence("own_header", side=side, seen=seen, reason=reason, force=force)
