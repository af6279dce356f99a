"""
What traces look like elsewhere: other clocks, address families, servers that drop fields or rebuild mail.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from ipaddress import ip_network
from typing import Final
from zlib import crc32

from cleaner.evidence import ours
from cleaner.lab.changes import LISTS, Where, genuine, passing, returned, unsigned_fields
from cleaner.lab.rewriting import Field, Fields, Place, edit_headers, edit_unsigned, rewrite
from cleaner.lab.scene import Box, Letter, Scene, Step
from cleaner.lab.ways import DKIM, Choice, Machine, is_ours, with_peer
from cleaner.notices import trace
from cleaner.values import Hop, Message, OutgoingMail

# --- dates ----------------------------------------------------------------------------------------

DATE: Final = re.compile(
    r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), +)?\d{1,2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) "
    r"\d{4} \d\d:\d\d:\d\d [+-]\d{4}"
)


def redated(text: str, change: Callable[[datetime], datetime]) -> str:
    """The text with every date in it changed."""
    return DATE.sub(lambda found: format_datetime(change(parsedate_to_datetime(found[0]))), text)


def strange_clocks(scene: Scene) -> Scene:
    """The clocks of the reporting servers are wrong by hours, each by its own."""

    def change(_: Scene, __: Box, letter: Letter, fields: Fields) -> Sequence[Field]:
        hours = (-31, -7, 5, 26)[crc32(letter.notice.reporter.encode()) % 4]
        return [
            Field(field.name, redated(field.value, lambda time: time + timedelta(hours=hours)))
            if field.key == "received" and not ours.is_own_host(_by(field), scene.organisation)
            else field
            for field in fields
        ]

    return returned(noticed, change)(scene)


def local_zones(scene: Scene) -> Scene:
    """Reporting servers write their local time and call it UTC."""

    def change(_: Scene, __: Box, ___: Letter, fields: Fields) -> Sequence[Field]:
        return [
            Field(
                field.name,
                re.sub(r"(\d\d:\d\d:\d\d) [+-]\d{4}(?: \([A-Z]{2,5}\))?", r"\1 +0000", field.value),
            )
            if field.key == "received" and not ours.is_own_host(_by(field), scene.organisation)
            else field
            for field in fields
        ]

    return returned(noticed, change)(scene)


def noticed(_: Scene, __: Box, letter: Letter) -> bool:
    return letter.is_genuine or letter.is_spurious


def _by(field: Field) -> str:
    return trace.hop(field.unfolded).by


# --- who handed over, as the reporter wrote it down -------------------------------------------------


def handed_over(
    where: Where, change: Callable[[Scene, Letter, Field, Hop], Field], *, signed: bool = False
) -> Step:
    """The line in which the reporter's side names our server, written in another way."""

    def written(scene: Scene, _: Box, letter: Letter, fields: Fields) -> Sequence[Field]:
        found: list[Field] = []
        done = False
        for field in fields:
            if field.key == "received" and not done:
                hop = trace.hop(field.unfolded)
                if not ours.is_own_host(hop.by, scene.organisation) and is_ours(hop, scene.organisation):
                    found.append(change(scene, letter, field, hop))
                    done = True
                    continue
            found.append(field)
        return found if signed else unsigned_fields(scene, tuple(found))

    return returned(where, written)


def by_ipv6(*, listed: bool) -> Step:
    """Our server hands over by IPv6; `listed`: the address is among the relays, which else are IPv4 alone."""

    def step(scene: Scene) -> Scene:
        def change(_: Scene, __: Letter, field: Field, hop: Hop) -> Field:
            name = hop.peer if ours.is_own_host(hop.peer, scene.organisation) else scene.relay
            return with_peer(field, hop, Machine(name, ipv6(scene), name, 0))

        scene = handed_over(genuine(), change)(scene)
        if not listed:
            return scene
        organisation = scene.organisation
        networks = (*organisation.relay_networks, ip_network(ipv6(scene)))
        return scene.with_organisation(replace(organisation, relay_networks=networks))

    return step


def ipv6(scene: Scene) -> str:
    return f"2001:db8:{crc32(scene.name.encode()) % 0xFFFF:x}::25"


def ipv6_terms(scene: Scene) -> tuple[str, ...]:
    return (f"ip6:{ipv6(scene)}",)


def nat_terms(scene: Scene) -> tuple[str, ...]:
    return (f"ip4:{public(scene)}",)


def behind_nat(scene: Scene) -> Scene:
    """Our server stands behind address translation: others see an address that nobody listed, and its own is private."""
    address = public(scene)

    def change(_: Scene, __: Letter, field: Field, hop: Hop) -> Field:
        name = f"static-{address.replace('.', '-')}.business.regio-net.example"
        helo = hop.helo if ours.is_own_host(hop.helo, scene.organisation) else scene.relay
        return with_peer(field, hop, Machine(name, address, helo, 0))

    return handed_over(genuine(), change)(scene)


def public(scene: Scene) -> str:
    return f"{scene.network('regio-net.example')}.77"


def by_name_alone(scene: Scene) -> Scene:
    """Reporting servers note only what the peer called itself, no address: of ours and of forgers alike."""

    def change(_: Scene, __: Box, ___: Letter, fields: Fields) -> Sequence[Field]:
        written: list[Field] = []
        done = False
        for field in fields:
            hop = trace.hop(field.unfolded) if field.key == "received" and not done else None
            if hop is None or hop.ip is None or ours.is_internal(hop.ip):
                written.append(field)
                continue
            done = True
            rest = re.search(r"\s+by\s.*", field.value, re.DOTALL)
            name = hop.helo or hop.peer or "unknown"
            written.append(Field(field.name, f" from {name}{rest[0] if rest else ''}"))
        return unsigned_fields(scene, tuple(written))

    return returned(noticed, change)(scene)


# --- mail that a server wrote anew ----------------------------------------------------------------


def rebuilt(scene: Scene) -> Scene:
    """The mailbox server rebuilds mail (EWS): of a mail that is attached every trace line and signature is lost."""

    def stripped(place: Place, text: str) -> str:
        if place is not Place.ATTACHED:
            return text
        return edit_headers(text, lambda fields: [f for f in fields if f.key not in ("received", DKIM)])

    def change(_: Box, letter: Letter) -> Message:
        if not letter.notice.kind.is_judged:
            return letter.message
        raw = letter.message.raw
        header = raw.partition(b"\n\n")[0] + b"\n"
        return replace(letter.message, raw=rewrite(raw, stripped), rebuilt=True, header=header)

    return scene.with_letters(change)


def without_trace(scene: Scene) -> Scene:
    """Reporting servers return a header without trace lines, as some Exchange servers do; ours is unsigned."""

    def change(_: Scene, __: Box, ___: Letter, fields: Fields) -> Sequence[Field]:
        return unsigned_fields(scene, tuple(field for field in fields if field.key != "received"))

    return returned(noticed, change)(scene)


# --- other recipients -----------------------------------------------------------------------------

LIST: Final = f"crew@{LISTS.domain}"


def expanded_by_list(choice: Choice) -> Step:
    """Some genuine mail went to a list, whose members' servers report to the author."""

    def change(scene: Scene, _: Box, __: Letter, fields: Fields) -> Sequence[Field]:
        kept = [f for f in fields if f.key != "cc"]
        written = [Field(f.name, f" <{LIST}>") if f.key == "to" else f for f in kept]
        at = next((n for n, f in enumerate(written) if f.key == "from"), len(written))
        written.insert(at, Field("List-Id", f" <crew.{LISTS.domain}>"))
        return unsigned_fields(scene, tuple(written))

    def step(scene: Scene) -> Scene:
        ids = {
            one.notice.returned.message_id
            for _, one in scene.letters
            if one.is_genuine and choice(scene, one)
        }
        scene = passing(LISTS, genuine(choice))(scene)
        scene = returned(genuine(choice), change)(scene)
        return scene.with_sent(
            lambda box: (replace(m, recipients=(LIST,)) if m.message_id in ids else m for m in box.sent)
        )

    return step


def readdressed(choice: Choice, form: Callable[[str], str], *, in_to: bool = False) -> Step:
    """
    The report of some genuine mail names another recipient than the mail does.

    `in_to`: the mail names that one, too, and so does the copy in Sent.
    """

    def step(scene: Scene) -> Scene:
        def change(_: Box, letter: Letter) -> bytes:
            people = sorted(
                {r.address for r in letter.notice.recipients if "@" in r.address}, key=len, reverse=True
            )
            if not letter.is_genuine or not choice(scene, letter) or not people:
                return letter.message.raw
            old = re.compile(rf"(?i)(?<![\w.+@-])({'|'.join(map(re.escape, people))})(?![\w-])")

            def other(text: str) -> str:
                return old.sub(lambda found: form(found[1]), text)

            def edit(place: Place, text: str) -> str:
                if in_to:
                    return other(text)
                if place is Place.HEADER:
                    return edit_unsigned(text, other)
                text = edit_headers(text, lambda fields: _for_other(fields, other))
                return edit_unsigned(text, other, frozenset(("received", "delivered-to", "x-original-to")))

            return rewrite(letter.message.raw, edit)

        scene = scene.with_raw(change)
        if not in_to:
            return scene
        scene = returned(genuine(choice), lambda s, _, __, fields: unsigned_fields(s, fields))(scene)
        return scene.with_sent(lambda box: map(renamed, box.sent))

    def renamed(mail: OutgoingMail) -> OutgoingMail:
        return replace(
            mail,
            recipients=(
                *mail.recipients,
                *(
                    form(one).encode("latin-1", "replace").decode("utf-8", "replace")
                    for one in mail.recipients
                ),
            ),
        )

    return step


def _for_other(fields: Fields, other: Callable[[str], str]) -> Sequence[Field]:
    """The reporter's own line, the topmost, is for the other recipient."""
    at = next((n for n, field in enumerate(fields) if field.key == "received"), None)
    if at is None:
        return fields
    return [*fields[:at], Field(fields[at].name, other(fields[at].value)), *fields[at + 1 :]]


def to_archive(_: str) -> str:
    return "archive@journal-vault.example"


def moved_on(address: str) -> str:
    """Where a recipient has mail forwarded to."""
    return f"{address.partition('@')[0]}.private@freemail.example"


def in_utf8(address: str) -> str:
    """An internationalised address (RFC 6531), its UTF-8 as Latin-1."""
    local, _, domain = address.partition("@")
    return f"{local}-grüße@{domain}".encode().decode("latin-1")


def blind(choice: Choice) -> Step:
    """Some genuine mail went to a blind copy: `To:` names somebody else, and only the copy in Sent knows."""

    def change(scene: Scene, _: Box, letter: Letter, fields: Fields) -> Sequence[Field]:
        other = f"team{letter.share(9)}@{scene.domain}"
        kept = [f for f in fields if f.key != "cc"]
        written = tuple(Field(f.name, f" <{other}>") if f.key == "to" else f for f in kept)
        return unsigned_fields(scene, written)

    return returned(genuine(choice), change)
