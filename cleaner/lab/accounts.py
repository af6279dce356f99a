"""
Whose mail it is elsewhere: second accounts, further domains, tagged addresses, delegates, a provider's server.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from ipaddress import ip_network
from typing import Final

from cleaner.lab.changes import genuine, no_copies_of, returned, unsigned_fields
from cleaner.lab.policies import known_to_dns
from cleaner.lab.rewriting import Field, Fields, Place, edit_headers, edit_unsigned, rewrite
from cleaner.lab.scene import Box, Letter, Scene, Step
from cleaner.lab.ways import Choice, Machine, Service, is_from_within, machine, way_out, with_peer
from cleaner.notices import trace
from cleaner.values import Owner, address_key

POSTBOX: Final = Service(
    "postfach.example",
    "mx-out-{n}.postfach.example",
    pool=9,
    networks=9,
    inside=(
        "from [10.3.0.{n}] (helo=webmail) by mx-out-{n}.postfach.example with esmtpa id {id} for <{to}>",
    ),
    signs_as="postfach.example",
    policy="_spf.postfach.example",
)


def second_account(choice: Choice, *, listed: bool) -> Step:
    """
    The owner has an account at a mailbox provider, which forwards what comes there into this mailbox.

    Some genuine notices are about mail from there. `listed`: the address is among the owner's identities.
    """

    def step(scene: Scene) -> Scene:
        def change(box: Box, letter: Letter) -> bytes:
            if (
                not letter.is_genuine
                or not choice(scene, letter)
                or is_from_within(letter, scene.organisation)
            ):
                return letter.message.raw
            return _of_second_account(scene, box, letter)

        scene = known_to_dns(scene, (POSTBOX,)) if scene.dns is not None else scene
        changed = no_copies_of(lambda s, one: choice(s, one) and not is_from_within(one, s.organisation))(
            scene
        )
        changed = changed.with_raw(change)
        if listed:
            changed = changed.with_owners(
                lambda owner: replace(owner, addresses=owner.addresses | {address_key(second(owner))})
            )
        return changed

    return step


def second(owner: Owner) -> str:
    """The owner's address elsewhere."""
    return f"{owner.address.partition('@')[0].replace('.', '')}@{POSTBOX.domain}"


def _of_second_account(scene: Scene, box: Box, letter: Letter) -> bytes:
    by = machine(scene, POSTBOX, letter.share(10_000, "second"))
    other = second(box.owner)
    domains = "|".join(
        re.escape(domain) for domain in sorted(scene.organisation.domains, key=len, reverse=True)
    )
    people = "|".join(re.escape(a) for a in sorted(box.owner.addresses, key=len, reverse=True))
    mine = re.compile(rf"(?i)(?<![\w.+-])(?:{people})(?![\w-])")
    ids = re.compile(rf"(?i)@(?:[\w.-]{{1,60}}\.)?(?:{domains})>")

    def moved(text: str) -> str:
        return ids.sub(f"@{POSTBOX.domain}>", mine.sub(other, text))

    def edit(place: Place, text: str) -> str:
        if place is Place.HEADER:
            return _forwarded_in(letter, by, other, text, moved)
        return moved(edit_headers(text, lambda fields: _by_postbox(scene, fields, by)))

    return rewrite(letter.message.raw, edit)


def _by_postbox(scene: Scene, fields: Fields, by: Machine) -> Sequence[Field]:
    return way_out(scene, fields, POSTBOX, by, signed=False)


_KEPT_HERE: Final = re.compile(
    r"(?i)(?:delivered-to|x-original-to|envelope-to|authentication-results|delivery-date)[ \t]*:"
)


def _forwarded_in(letter: Letter, by: Machine, other: str, text: str, moved: Callable[[str], str]) -> str:
    """The notice came to the other account first: its server's line stands under ours."""
    head: list[str] = []
    lines = text.split("\n")
    at = 0
    while at < len(lines) and not lines[at].lower().startswith("received:"):
        continued = bool(head) and lines[at][:1] in (" ", "\t")
        kept = _KEPT_HERE.match(lines[at]) or continued
        head.append(lines[at] if kept else moved(lines[at]))
        at += 1
    end = at + 1
    while end < len(lines) and lines[end][:1] in (" ", "\t"):
        end += 1
    if at >= len(lines):
        return moved(text)
    top = Field("Received", "\n".join(lines[at:end])[len("received:") :])
    hop = trace.hop(top.unfolded)
    time = hop.time or datetime(2026, 9, 1, tzinfo=UTC)
    below = (
        f"Received: from {hop.helo or hop.peer or 'unknown'} ({hop.peer or hop.helo or 'unknown'} [{hop.ip}])\n"
        f"\tby {by.host} (Postfix) with ESMTPS id {letter.share(10**8):08X}\n"
        f"\tfor <{other}>; {format_datetime(time - timedelta(seconds=3))}"
    )
    above = with_peer(top, hop, by)
    rest = [moved(line) for line in lines[end:]]
    return "\n".join((*head, f"Received:{above.value}", f"X-Forwarded-To: {hop.recipient}", below, *rest))


def back_through(service: Service, choice: Choice) -> Step:
    """Some notices come back by the forwarder that their mail went by: it had rewritten the sender (SRS)."""

    def step(scene: Scene) -> Scene:
        def change(_: Box, letter: Letter) -> bytes:
            within = is_from_within(letter, scene.organisation)
            if not letter.is_genuine or not choice(scene, letter) or within:
                return letter.message.raw
            header, empty, body = letter.message.raw.partition(b"\n\n")
            by = machine(scene, service, letter.share(10_000, service.domain))
            owner = next(iter(letter.notice.delivered_to), "").replace("@", "=")
            srs = f"SRS0=x4Tk=7A={'='.join(owner.split('=')[::-1])}@{service.domain}"
            text = header.decode("latin-1")
            written = _forwarded_in(letter, by, srs, text, lambda line: line).encode("latin-1")
            return written + empty + body

        return scene.with_raw(change)

    return step


# --- other forms of our own addresses -------------------------------------------------------------


def sent_as(choice: Choice, form: Callable[[Scene, str, str], str]) -> Step:
    """Some genuine mail was sent under another form of the owner's address, unsigned: `form` of local part, domain."""

    def step(scene: Scene) -> Scene:
        def change(box: Box, letter: Letter) -> bytes:
            if not letter.is_genuine or not choice(scene, letter):
                return letter.message.raw
            people = "|".join(re.escape(a) for a in sorted(box.owner.addresses, key=len, reverse=True))
            mine = re.compile(rf"(?i)(?<![\w.+@-])({people})(?![\w-])")

            def other(text: str) -> str:
                return mine.sub(lambda found: form(scene, *found[1].rsplit("@", 1)), text)

            def edit(place: Place, text: str) -> str:
                if place is Place.HEADER:
                    return other(text)
                return other(edit_headers(text, lambda fields: unsigned_fields(scene, fields)))

            return rewrite(letter.message.raw, edit)

        return scene.with_raw(change)

    return step


def tagged(choice: Choice) -> Step:
    """Under plus addresses: `ann+shop@`."""
    return sent_as(choice, lambda _, local, domain: f"{local}+shop@{domain}")


def of_subdomain(choice: Choice) -> Step:
    return sent_as(choice, lambda _, local, domain: f"{local}@news.{domain}")


def of_new_domain(choice: Choice) -> Step:
    """Under a domain that the organisation has for a few days; it is configured, and publishes nothing yet."""

    def step(scene: Scene) -> Scene:
        scene = sent_as(choice, lambda s, local, _: f"{local}@{new_domain(s)}")(scene)
        name = new_domain(scene)
        scene = scene.with_organisation(
            replace(scene.organisation, domains=scene.organisation.domains | {name})
        )
        return scene.with_owners(
            lambda owner: replace(
                owner,
                addresses=owner.addresses
                | {f"{address.partition('@')[0]}@{name}" for address in owner.addresses},
            )
        )

    return step


def new_domain(scene: Scene) -> str:
    return f"neu-{scene.domain.partition('.')[0]}.example"


def by_delegate(choice: Choice) -> Step:
    """A colleague sends in the owner's name: `Sender:` is theirs, and the copies are in their mailbox."""

    def step(scene: Scene) -> Scene:
        people = [box.owner.address for box in scene.boxes]

        def change(_: Scene, box: Box, __: Letter, fields: Fields) -> Sequence[Field]:
            others = [address for address in people if address != box.owner.address]
            at = next((n for n, field in enumerate(fields) if field.key == "from"), None)
            if at is None or not others:
                return fields
            written = [*fields[: at + 1], Field("Sender", f" <{others[0]}>"), *fields[at + 1 :]]
            return unsigned_fields(scene, tuple(written))

        return no_copies_of(choice)(returned(genuine(choice), change)(scene))

    return step


# --- a provider's server in the place of ours -----------------------------------------------------


def hosted(service: Service) -> Step:
    """The organisation's mail server is a provider's: it has the provider's name and address, for mail in and out."""

    def step(scene: Scene) -> Scene:
        by = machine(scene, service, 0)
        relay = re.compile(rf"(?i)(?<![\w.@-]){re.escape(scene.relay)}(?![\w-])")
        addresses = main_addresses(scene)
        numbers = re.compile(
            r"(?<![\d.])(?:" + "|".join(map(re.escape, addresses or ["-"])) + r")(?!\d|\.\d)"
        )

        def renamed(line: str) -> str:
            return numbers.sub(by.ip, relay.sub(by.host, line))

        def change(_: Box, letter: Letter) -> bytes:
            return rewrite(letter.message.raw, lambda _, text: edit_unsigned(text, renamed))

        organisation = scene.organisation
        others = frozenset(organisation.relay_names - {scene.relay})
        networks = [n for n in organisation.relay_networks if str(n.network_address) not in addresses]
        return scene.with_raw(change).with_organisation(
            replace(
                organisation,
                relay_names=others,
                relay_networks=(*networks, ip_network(by.ip)),
                authserv_ids=frozenset((by.host,)),
            )
        )

    return step


def main_addresses(scene: Scene) -> tuple[str, ...]:
    """The addresses that others saw the main server hand over from."""
    found = {
        str(hop.ip)
        for _, letter in scene.letters
        if letter.is_genuine
        for hop in letter.notice.returned.hops
        if hop.ip is not None
        and scene.relay in (hop.peer, hop.helo)
        and any(hop.ip in network for network in scene.organisation.relay_networks)
    }
    return tuple(sorted(found))
