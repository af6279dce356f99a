"""
What else is different elsewhere: copies, dates, accounts, filters, lists, and what forgers write.

Each function makes a step: a change of a world that says one thing. Steps are put together in the catalogue.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Final
from zlib import crc32

from cleaner import evidence
from cleaner.evidence import ours
from cleaner.lab.policies import known_to_dns
from cleaner.lab.rewriting import Field, Fields, Place, edit_headers, rewrite
from cleaner.lab.scene import Box, Letter, Scene, Step, merged
from cleaner.lab.strangers import exchangers
from cleaner.lab.ways import (
    DKIM,
    Choice,
    Service,
    is_from_within,
    is_ours,
    is_signature_of,
    machine,
    machines,
    with_peer,
)
from cleaner.notices import trace
from cleaner.values import (
    Kind,
    Message,
    Organisation,
    OutgoingMail,
    domain_of,
)

# --- which letters --------------------------------------------------------------------------------


def everyone(_: Scene, __: Letter) -> bool:
    return True


def late(scene: Scene, letter: Letter) -> bool:
    """The later half of the time."""
    time = letter.notice.received
    return time is not None and scene.middle is not None and time >= scene.middle


def one_in(parts: int, salt: str = "") -> Choice:
    return lambda _, letter: letter.share(parts, salt) == 0


def from_beside(scene: Scene, letter: Letter) -> bool:
    """Mail of a web site or an application, whose host is not the main server."""
    for hop in letter.notice.returned.hops:
        for name in (hop.helo, hop.peer, hop.by):
            if name != scene.relay and name in scene.organisation.relay_names:
                return True
    return False


# --- copies of sent mail --------------------------------------------------------------------------


def half_the_copies(scene: Scene) -> Scene:
    """Every other mail left no copy in Sent."""
    return scene.with_sent(
        lambda box: (m for m in box.sent if crc32((m.message_id or m.subject).encode()) % 2)
    )


def no_copies(scene: Scene) -> Scene:
    return scene.with_sent(lambda _: ())


def no_copies_since(scene: Scene) -> Scene:
    """From the middle of the time on nothing was copied."""
    middle = scene.middle
    return scene if middle is None else scene.with_sent(lambda box: (m for m in box.sent if m.time < middle))


def no_copies_of(choice: Choice, *, but_one: bool = False, in_one_mailbox: bool = False) -> Step:
    """
    The mail that some genuine notices are about left no copy.

    `but_one`: of one a mailbox it did, or, `in_one_mailbox`, of one in all of them together.
    """

    def step(scene: Scene) -> Scene:
        witnesses: list[Box] = []

        def kept(box: Box) -> Iterator[OutgoingMail]:
            chosen = [one for one in box.letters if one.is_genuine and choice(scene, one)]
            gone = frozenset().union(*(evidence.question([one.notice]).message_ids for one in chosen))
            yield from (mail for mail in box.sent if mail.message_id not in gone)
            witness = next((one for one in chosen if but_one and _can_prove(scene, one)), None)
            if witness is not None and not (in_one_mailbox and witnesses):
                witnesses.append(box)
                yield copy_of(witness)

        return scene.with_sent(kept)

    return step


def copy_of(letter: Letter) -> OutgoingMail:
    """The copy that the mail which a genuine notice returns would have left in Sent."""
    notice = letter.notice
    mail = notice.returned
    addresses = (*mail.to_addresses, *(one.original or one.address for one in notice.recipients))
    return OutgoingMail(
        mail.message_id,
        mail.date or notice.received or datetime(2026, 9, 1, tzinfo=UTC),
        tuple(dict.fromkeys(addresses)),
        mail.subject or "",
    )


def _can_prove(scene: Scene, letter: Letter) -> bool:
    """Whether a copy of its mail would show that a host outside sent it."""
    notice = letter.notice
    if is_from_within(letter, scene.organisation) or letter.label.tags & HARD_TO_PROVE:
        return False
    first = next((hop for hop in notice.returned.hops if hop.ip is not None), None)
    return (
        notice.kind is Kind.NDR
        and notice.returned.message_id is not None
        and first is not None
        and is_ours(first, scene.organisation)
    )


HARD_TO_PROVE: Final = frozenset(("forwarded-rcpt", "no-original", "truncated", "smtputf8"))


def migrated(scene: Scene) -> Scene:
    """Another program brought the mailbox over: every message has the day of the move, and no trace of its own."""
    times = [n.received for _, one in scene.letters if (n := one.notice).received is not None]
    day = max(times, default=None)

    def change(_: Box, letter: Letter) -> Message:
        header, empty, body = letter.message.raw.partition(b"\n\n")
        gone = re.compile(rb"(?im)^(?:received|delivery-date|return-path)[ \t]*:[^\n]*(?:\n[ \t][^\n]*)*\n")
        return replace(letter.message, raw=gone.sub(b"", header + b"\n")[:-1] + empty + body, received=day)

    return scene.with_letters(change)


# --- the returned header --------------------------------------------------------------------------


Where = Callable[[Scene, Box, Letter], bool]
"""Which letters of which mailbox."""


def returned(
    choice: Where,
    change: Callable[[Scene, Box, Letter, Fields], Sequence[Field]],
) -> Step:
    """Changes the returned headers of some letters."""

    def step(scene: Scene) -> Scene:
        def written(box: Box, letter: Letter) -> bytes:
            if not choice(scene, box, letter):
                return letter.message.raw

            def edit(place: Place, text: str) -> str:
                if place is Place.HEADER:
                    return text
                return edit_headers(text, lambda fields: change(scene, box, letter, fields))

            return rewrite(letter.message.raw, edit)

        return scene.with_raw(written)

    return step


def genuine(choice: Choice = everyone) -> Where:
    return lambda scene, _, letter: letter.is_genuine and choice(scene, letter)


def spurious(_: Scene, __: Box, letter: Letter) -> bool:
    return letter.is_spurious


def unsigned_fields(scene: Scene, fields: Fields) -> Fields:
    return tuple(f for f in fields if f.key != DKIM or not is_signature_of(f, scene.organisation))


def unsigned(choice: Choice = everyone) -> Step:
    """Genuine mail bears no signature of ours."""
    return returned(genuine(choice), lambda scene, _, __, fields: unsigned_fields(scene, fields))


ELSEWHERE: Final = (
    "paula.reinholt@larkspur-trading.example",
    "info@kiefernweg-verlag.example",
    "m.okafor@delta-nine.example",
    "undisclosed.friend@puddlejump.example",
)


def forged_to_others(scene: Scene) -> Scene:
    """What is forged names somebody else in `To:`, as most spam does."""

    def change(_: Scene, __: Box, letter: Letter, fields: Fields) -> Sequence[Field]:
        other = ELSEWHERE[letter.share(len(ELSEWHERE))]
        kept = [f for f in fields if f.key != "cc"]
        return [Field(f.name, f" <{other}>") if f.key == "to" else f for f in kept]

    return returned(spurious, change)(scene)


def forged_without_to(scene: Scene) -> Scene:
    """What is forged has neither `To:` nor `Cc:`."""
    return returned(spurious, lambda _, __, ___, fields: [f for f in fields if f.key not in ("to", "cc")])(
        scene
    )


def forged_resent(scene: Scene) -> Scene:
    """What is forged bears `Resent-From:`."""

    def change(_: Scene, __: Box, letter: Letter, fields: Fields) -> Sequence[Field]:
        other = ELSEWHERE[letter.share(len(ELSEWHERE))]
        at = next((n for n, f in enumerate(fields) if f.key == "from"), None)
        if at is None:
            return fields
        return [*fields[:at], Field("Resent-From", f" <{other}>"), *fields[at:]]

    return returned(spurious, change)(scene)


def forged_selectors(count: int) -> Step:
    """What is forged bears signatures in our name, of selectors that somebody made up."""

    def change(scene: Scene, _: Box, letter: Letter, fields: Fields) -> Sequence[Field]:
        at = next((n for n, f in enumerate(fields) if f.key in ("from", "to", "subject")), None)
        if at is None:
            return fields
        filler = f"{crc32(letter.label.path.name.encode()):08x}" * 8
        made = [
            Field(
                "DKIM-Signature",
                f" v=1; a=rsa-sha256; c=relaxed/relaxed; d={scene.domain}; s=a{letter.share(900_000, str(n)):06d};\n"
                f"\th=from:to:subject:date:message-id; bh={filler[:43]}=;\n\tb={filler}{filler}",
            )
            for n in range(count)
        ]
        return [*fields[:at], *made, *fields[at:]]

    return returned(spurious, change)


# --- in front of the recipient --------------------------------------------------------------------


def passing(service: Service, choice: Where, *, breaks: bool = False) -> Step:
    """Returned mail went through a third party's machine before the reporter had it; `breaks`: it changed it."""

    def change(scene: Scene, _: Box, letter: Letter, fields: Fields) -> Sequence[Field]:
        by = machine(scene, service, letter.share(10_000, service.domain))
        written: list[Field] = []
        done = False
        for field in fields:
            hop = trace.hop(field.unfolded) if field.key == "received" else None
            if hop is None or done or hop.ip is None or ours.is_internal(hop.ip):
                written.append(field)
                continue
            done = True
            if ours.is_own_host(hop.by, scene.organisation):
                written.append(field)
                continue
            name = hop.peer or hop.helo
            peer = f"{hop.helo or name} ({name or 'unknown'} [{hop.ip}])"
            time = f"; {format_datetime(hop.time - timedelta(seconds=2))}" if hop.time is not None else ""
            written.append(with_peer(field, hop, by))
            written.append(
                Field(
                    "Received",
                    f" from {peer}\n\tby {by.host} (Postfix) with ESMTPS id {letter.share(10**8):08X}\n"
                    f"\tfor <{hop.recipient or 'someone'}>{time}",
                )
            )
        return unsigned_fields(scene, tuple(written)) if breaks and done else written

    return returned(choice, change)


FILTER: Final = Service("mailsieve.example", "cluster{n}.eu.mailsieve.example", pool=12)
FORWARDER: Final = Service("alumni-forward.example", "fwd{n}.alumni-forward.example", pool=3)
LISTS: Final = Service("listhub.example", "lists{n}.listhub.example", pool=2)


def taking_in(service: Service, choice: Choice) -> Step:
    """A forwarder takes the mail in of the domains that some genuine mail was written to: it is their MX, too."""

    def step(scene: Scene) -> Scene:
        if scene.dns is None:
            return scene
        scene = known_to_dns(scene, (service,))
        domains = {
            domain_of(address)
            for _, one in scene.letters
            if one.is_genuine and choice(scene, one)
            for address in one.notice.returned.to_addresses
        }
        hosts = tuple(f"10 {one.host}" for one in machines(scene, service))
        found = {
            domain: {"MX": (*hosts, *exchangers_of(scene, domain))}
            for domain in sorted(domains)
            if domain and not ours.is_own_domain(domain, scene.organisation)
        }
        return scene.with_dns(merged(scene.dns, found))

    return step


def exchangers_of(scene: Scene, domain: str) -> tuple[str, ...]:
    kinds = (scene.dns or {}).get(domain, ())
    return tuple(kinds.get("MX", ())) if isinstance(kinds, Mapping) else ()


def filtered(scene: Scene) -> Scene:
    """Every recipient's site has a filter in front, which is its MX."""
    scene = passing(FILTER, lambda _, __, letter: letter.is_genuine or letter.is_spurious)(scene)
    if scene.dns is None:
        return scene
    scene = known_to_dns(scene, (FILTER,))
    hosts = tuple(f"10 {one.host}" for one in machines(scene, FILTER))
    return scene.with_dns(merged(scene.dns, {domain: {"MX": hosts} for domain in exchangers(scene)}))


def correspondents_filtered(scene: Scene) -> Scene:
    """The sites that our people write to have a filter in front; those that forgers write to have none."""
    written_to = {
        domain_of(r.address) for _, one in scene.letters if one.is_genuine for r in one.notice.recipients
    }
    scene = passing(FILTER, lambda _, __, letter: letter.is_genuine)(scene)
    if scene.dns is None:
        return scene
    hosts = tuple(f"10 {one.host}" for one in machines(scene, FILTER))
    filtered_sites = written_to & exchangers(scene).keys()
    scene = known_to_dns(scene, (FILTER,))
    return scene.with_dns(merged(scene.dns, {name: {"MX": hosts} for name in filtered_sites}))


# --- the configuration ----------------------------------------------------------------------------


def configured(change: Callable[[Organisation], Organisation]) -> Step:
    return lambda scene: scene.with_organisation(change(scene.organisation))
