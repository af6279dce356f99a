"""
The address that the notice came to carries a tag that only our own mail server makes (BATV).

A valid one proves that a mail left us under this address within the last days. Whoever received that mail knows the
tag and can send under it until it expires, so what came back must fit: a From of ours, a date of about the day on
which the tag was made, and no stranger who handed it over. No tag says nothing, unless everything that we send is
tagged.

Source: draft-levine-smtp-batv; observed: Exim (`prvs`, made anew at each try of a delivery), batv-milter, and
the makes of Cisco, Barracuda and SparkPost, which nobody else can verify.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from cleaner.evidence import mentions, ours, tags, trail, ways
from cleaner.values import Evidence, Force, Kind, Known, Notice, Organisation, Side, address_key

LONGEST_QUEUE: Final = timedelta(days=6)
"""A mail may wait in the queue and be tagged when it leaves at last."""
SKEW: Final = timedelta(days=1)
TO_THE_ENVELOPE: Final = (Kind.NDR, Kind.DELAY, Kind.SUCCESS)
"""Kinds that are sent to the envelope sender (RFC 3464 section 2), not to the author."""
WRONG: Final = 0.5
"""What a tag that is not ours counts beside none: keys change, and gateways of ours may tag, too."""

SIDE = Side.GENUINE


def check(notice: Notice, known: Known) -> tuple[Evidence, ...]:
    organisation = known.organisation
    if organisation.shared:
        return ()
    at = notice.received or known.now
    found = tuple(own_tags(notice, organisation))
    if not found:
        return untagged(notice, organisation)
    if at is None:
        return ()
    findings = [judged(notice, known, tag, at) for tag in found]
    return (min(findings, key=_rank),)


def own_tags(notice: Notice, organisation: Organisation) -> Iterator[tags.Tag]:
    """The tagged addresses of ours that the notice came to, or that the returned mail was sent under."""
    for address in dict.fromkeys(_places(notice)):
        tag = tags.read(address)
        if tag is not None and ours.is_own_address(tag.address, organisation):
            yield tag


def _places(notice: Notice) -> Iterator[str]:
    yield from notice.delivered_to
    # A server that takes the tag off on delivery names the address as it came in its trace line.
    yield from (hop.recipient for hop in notice.hops)
    yield notice.returned.headers.text("return-path").strip("<> ")
    yield from (hop.envelope_from for hop in notice.returned.hops)


def judged(notice: Notice, known: Known, tag: tags.Tag, at: datetime) -> Evidence:
    organisation = known.organisation
    keys = [key for key in organisation.batv_keys if key.number == tag.number]
    key = next((key for key in keys if tag.is_signed_by(key)), None)
    if tag.number is None:
        return finding(tag, Side.NEUTRAL, "The address bears a tag of a make that cannot be verified here.")
    if not keys:
        return finding(tag, Side.NEUTRAL, "The address bears a tag, and its key is not known here.")
    if key is None:
        return finding(
            tag, Side.BACKSCATTER, "The tag in the address was not made by your mail server.", WRONG
        )
    if tag.days_left(at) > key.days:
        return finding(tag, Side.NEUTRAL, "The tag in the address is your mail server's, but it has expired.")
    doubt = contradiction(notice, known, tag.issued(key, at))
    if doubt:
        return finding(tag, Side.NEUTRAL, doubt, force=Force.SUSPICION)
    return finding(
        tag,
        Side.GENUINE,
        "The report came to an address with a tag that only your own mail server makes.",
        force=Force.PROOF,
    )


def contradiction(notice: Notice, known: Known, issued: datetime) -> str:
    """What about the returned mail does not fit a tag of that day; empty if nothing."""
    returned = notice.returned
    authors = returned.from_addresses
    if authors and not any(is_of_ours(author, known) for author in authors):
        return "The tag in the address is valid, but the mail that came back has another author."
    if returned.date is not None and not (
        issued - LONGEST_QUEUE - SKEW <= returned.date <= issued + timedelta(days=1) + SKEW
    ):
        return "The tag in the address is valid, but it is not of the day of the mail that came back."
    if ways.surely_stranger(notice, known) is not None:
        return "The tag in the address is valid, but a stranger's computer handed the mail over."
    return ""


def is_of_ours(author: str, known: Known) -> bool:
    return address_key(author) in known.owner.addresses or ours.is_own_address(author, known.organisation)


def untagged(notice: Notice, organisation: Organisation) -> tuple[Evidence, ...]:
    """What a missing tag says, where everything leaves tagged."""
    if not organisation.always_tags or notice.kind not in TO_THE_ENVELOPE or notice.return_path != "":
        return ()
    # Our own server reports to us before the mail would have been tagged.
    if trail.is_own_report(notice, organisation):
        return ()
    addressed = notice.headers.text("to").casefold()
    for address in notice.delivered_to:
        if ours.is_own_address(address, organisation) and address_key(address) in addressed:
            return (
                Evidence(
                    "batv",
                    side=Side.BACKSCATTER,
                    seen=mentions.shown(address),
                    reason="Your mail server tags every sender address; this report came to one without a tag.",
                ),
            )
    return ()


def finding(
    tag: tags.Tag, side: Side, reason: str, strength: float = 1.0, *, force: Force = Force.WEIGHED
) -> Evidence:
    shown = "" if tag.number is None else f" (prvs={tag.number}{tag.day:03}…)"
    seen = mentions.shown(f"{tag.address}{shown}")
    return Evidence("batv", side=side, seen=seen, reason=reason, force=force, strength=strength)


_RANKS: Final = {Force.PROOF: 0, Force.SUSPICION: 1, Force.WEIGHED: 2}


def _rank(evidence: Evidence) -> tuple[int, bool]:
    """The one that counts of several tags: a proof before a suspicion before what only says something."""
    return _RANKS[evidence.force], evidence.side is Side.BACKSCATTER
