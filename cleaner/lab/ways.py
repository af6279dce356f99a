"""
The way of a mail out: whose machines handed it to the reporter, and what they wrote.

What a notice returns of a mail begins with the reporter's own trace line. Here that line names another server than the
organisation's relay, and below it stand the lines that such a service writes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Final
from zlib import crc32

from cleaner.evidence import ours
from cleaner.lab.rewriting import Field, Fields, Place, edit_headers, edit_unsigned, rewrite
from cleaner.lab.scene import Box, Letter, Scene
from cleaner.notices import trace
from cleaner.values import Hop, Organisation

Choice = Callable[[Scene, Letter], bool]
"""Which letters a change is about."""

DKIM: Final = "dkim-signature"
_OURS_BESIDE: Final = frozenset(
    ("authentication-results", "delivered-to", "envelope-to", "received", "return-path", "x-original-to")
)


@dataclass(frozen=True, slots=True)
class Service:
    """Who sends mail for others, and how it looks."""

    domain: str
    """Of its hosts; it has a network of its own."""
    host: str
    """The looked-up name of its machines: `{n}` is the machine's number, `{ip}` its address with dashes."""
    pool: int = 20
    """How many machines take turns."""
    inside: tuple[str, ...] = ()
    """Trace lines of its own, topmost first, without their time: `{host}`, `{n}`, `{id}`, `{to}`, `{relay}`."""
    helo: str = ""
    """What its machines call themselves, where that is not their name: `{relay}` is our relay's."""
    signs_as: str = ""
    """The domain of the signature that it adds: `{tenant}` is a word for the customer."""
    policy: str = ""
    """The name under which it publishes its networks for `include:`; empty: customers list addresses."""
    networks: int = 1
    """In how many unrelated networks its machines stand."""
    takes_in: bool = False
    """Our people submit to it: the lines that our own server wrote are its own."""


@dataclass(frozen=True, slots=True)
class Machine:
    host: str
    ip: str
    helo: str
    number: int


def machine(scene: Scene, service: Service, draw: int) -> Machine:
    """The machine whose turn it is."""
    number = draw % service.pool + 10
    prefix = scene.network(network_name(service, draw))
    ip = f"{prefix}.{number}"
    domain = network_name(service, draw) if service.networks > 1 else service.domain
    host = service.host.format(n=number, ip=ip.replace(".", "-"), domain=domain)
    helo = service.helo.format(relay=scene.relay) if service.helo else host
    return Machine(host, ip, helo, number)


def network_name(service: Service, draw: int) -> str:
    return f"{draw % service.networks}-{service.domain}" if service.networks > 1 else service.domain


def machines(scene: Scene, service: Service) -> tuple[Machine, ...]:
    """All of them: what the service publishes."""
    period = service.pool * service.networks
    return tuple(machine(scene, service, draw) for draw in range(period))


def sent_by(
    service: Service, choice: Choice, *, signed: bool = False, reports: bool = True
) -> Callable[[Scene], Scene]:
    """
    Genuine mail leaves by a service: by a machine of its own, with its own trace.

    Without `signed` it bears no signature of ours. With `reports` the service also writes what our relay reported.
    """

    def step(scene: Scene) -> Scene:
        def change(_: Box, letter: Letter) -> bytes:
            if not letter.is_genuine or not choice(scene, letter):
                return letter.message.raw
            return rerouted(scene, letter, service, signed=signed, reports=reports)

        return scene.with_raw(change)

    return step


def rerouted(scene: Scene, letter: Letter, service: Service, *, signed: bool, reports: bool = True) -> bytes:
    """One letter, its mail sent by another way."""
    draw = letter.share(10_000, service.domain)
    by = machine(scene, service, draw)
    by_us = is_from_within(letter, scene.organisation)
    if by_us and not reports:
        return letter.message.raw
    organisation = scene.organisation
    relays = sorted({scene.relay, *organisation.relay_names}, key=len, reverse=True)
    names = "|".join(map(re.escape, relays))
    old = re.compile(rf"(?i)(?<![\w.@/-])(?:{names})(?![\w-])")
    addresses = own_addresses(letter, organisation)

    def renamed(line: str) -> str:
        line = old.sub(by.host, line)
        for address in addresses:
            line = re.sub(rf"(?<![\d.]){re.escape(address)}(?!\d)", by.ip, line)
        return line

    def edit(place: Place, text: str) -> str:
        if place is Place.HEADER:
            return _reported_by(scene, letter, by, text, names) if by_us else text
        text = edit_headers(text, lambda fields: way_out(scene, fields, service, by, signed=signed))
        return edit_unsigned(text, renamed, _OURS_BESIDE)

    return rewrite(letter.message.raw, edit)


def own_addresses(letter: Letter, organisation: Organisation) -> frozenset[str]:
    """The addresses of our relays that the letter speaks of."""
    hops = (*letter.notice.hops, *letter.notice.returned.hops)
    found = {str(hop.ip) for hop in hops if hop.ip is not None and ours.is_relay(hop.ip, organisation)}
    text = letter.message.raw.decode("latin-1")
    return frozenset(
        found
        | {
            str(network.network_address)
            for network in organisation.relay_networks
            if network.num_addresses == 1 and str(network.network_address) in text
        }
    )


def is_from_within(letter: Letter, organisation: Organisation) -> bool:
    """Whether it was reported by our own server: no machine outside handed it in."""
    return not any(
        hop.ip is not None and not ours.is_inside(hop.ip, organisation) for hop in letter.notice.hops
    )


def _reported_by(scene: Scene, letter: Letter, by: Machine, text: str, names: str) -> str:
    """The header of a report that the service wrote in our relay's place, and handed to it."""
    old = re.compile(rf"(?i)(?<![\w.@/-])(?:{names})(?![\w-])")
    of_host = re.compile(rf"(?i)(?<=@)(?:{names})(?![\w-])")
    text = edit_unsigned(text, lambda line: old.sub(by.host, line), _OURS_BESIDE - {"received"})
    lines = [of_host.sub(by.host, line) if _WRITTEN.match(line) else line for line in text.split("\n")]
    top = 0
    while _DELIVERED.match(lines[top]) or (top and lines[top][:1] in (" ", "\t")):
        top += 1
    time = letter.notice.received or datetime(2026, 9, 1, tzinfo=UTC)
    to = next(iter(letter.notice.delivered_to), "")
    received = (
        f"Received: from {by.helo} ({by.host} [{by.ip}])\n\tby {scene.relay} (Postfix) with ESMTPS id "
        f"{crc32(text.encode('latin-1')):08X}\n\tfor <{to}>; {format_datetime(time)}"
    )
    return "\n".join((*lines[:top], received, *lines[top:]))


_DELIVERED: Final = re.compile(
    r"(?i)(?:delivered-to|x-original-to|envelope-to|delivery-date|return-path|authentication-results)[ \t]*:"
)
"""What our own server writes above the trace."""
_WRITTEN: Final = re.compile(r"(?i)(?:message-id|from)[ \t]*:")
"""A report's own id and sender, which are of the host that wrote it."""


# --- the returned header --------------------------------------------------------------------------


def is_ours(hop: Hop, organisation: Organisation) -> bool:
    """Whether our server handed over, by address or by name."""
    if hop.ip is not None and not ours.is_internal(hop.ip):
        return ours.is_inside(hop.ip, organisation)
    return any(ours.is_own_host(name, organisation) for name in (hop.peer, hop.helo))


def way_out(scene: Scene, fields: Fields, service: Service, by: Machine, *, signed: bool) -> Sequence[Field]:
    """The header of a mail of ours as it comes back when a service sent it."""
    organisation = scene.organisation
    written: list[Field] = []
    done = False
    for field in fields:
        if field.key == "received":
            hop = trace.hop(field.unfolded)
            within = ours.is_own_host(hop.by, organisation)
            if not done and (within or is_ours(hop, organisation)):
                if not within:
                    written.append(with_peer(field, hop, by))
                elif service.takes_in:
                    written.append(_taken_in(scene, field, by))
                written += lines_of(scene, service, by, hop)
                done = True
            elif service.takes_in:
                written.append(_taken_in(scene, field, by))
            elif not done:
                written.append(field)
        elif signed or field.key != DKIM or not is_signature_of(field, organisation):
            written.append(field)
    if not signed and done and service.signs_as:
        written.insert(_below_traces(written), signature(scene, service, written))
    return written


def _taken_in(scene: Scene, field: Field, by: Machine) -> Field:
    """A line of our own server's, written by the one that stands in its place."""
    return Field(
        field.name, re.sub(rf"(?i)(?<![\w.@-]){re.escape(scene.relay)}(?![\w-])", by.host, field.value)
    )


def lines_of(scene: Scene, service: Service, by: Machine, hop: Hop) -> list[Field]:
    """The trace that a service writes before it hands a mail over."""
    time = hop.time or datetime(2026, 9, 1, tzinfo=UTC)
    found = []
    for number, line in enumerate(service.inside, 1):
        key = f"{crc32(f'{hop.raw}{number}'.encode()):08x}"
        text = line.format(
            host=by.host, n=by.number, id=key, to=hop.recipient or "someone", relay=scene.relay, ip=by.ip
        )
        found.append(Field("Received", f" {text}; {format_datetime(time - timedelta(seconds=2 * number))}"))
    return found


def with_peer(field: Field, hop: Hop, by: Machine) -> Field:
    """The reporter's trace line with another peer, in the reporter's own manner."""
    found = re.search(r"\s+by\s", field.value)
    head, rest = (field.value[: found.start()], field.value[found.start() :]) if found else (field.value, "")
    if "(Exim" in field.value:
        unlike = f" helo={by.helo}" if by.helo != by.host else ""
        return Field(field.name, f" from {by.host} ([{by.ip}]{unlike}){rest}")
    if "(" in head and hop.ip is not None:
        return Field(field.name, f" from {by.helo} ({by.host} [{by.ip}]){rest}")
    if hop.ip is not None:
        head = re.sub(rf"(?<![\d.:]){re.escape(str(hop.ip))}(?!\d)", by.ip, head)
    for name in {hop.helo, hop.peer}:
        if name and "[" not in name:
            head = re.sub(rf"(?i)(?<![\w.-]){re.escape(name)}(?![\w-])", by.helo, head)
    return Field(field.name, f"{head}{rest}")


_D: Final = re.compile(r"(?i)(?:^|;)\s*d\s*=\s*([A-Za-z0-9.-]{1,253})")


def is_signature_of(field: Field, organisation: Organisation) -> bool:
    found = _D.search(field.unfolded)
    return found is not None and ours.is_own_domain(found[1], organisation)


def signature(scene: Scene, service: Service, fields: Sequence[Field]) -> Field:
    """The service's own signature, of a domain that is not ours."""
    tenant = scene.domain.partition(".")[0]
    known = ":".join(
        f.name.strip() for f in fields if f.key in ("from", "to", "date", "subject", "message-id")
    )
    filler = f"{crc32(''.join(f.value for f in fields).encode()):08x}" * 8
    return Field(
        "DKIM-Signature",
        f" v=1; a=rsa-sha256; c=relaxed/relaxed; d={service.signs_as.format(tenant=tenant)}; s=selector1;\n"
        f"\th={known};\n\tbh={filler[:43]}=;\n\tb={filler}{filler}",
    )


def _below_traces(fields: Sequence[Field]) -> int:
    """Where the last of the trace lines ends."""
    return max((n + 1 for n, field in enumerate(fields) if field.key == "received"), default=0)


def forged_by(service: Service, choice: Choice) -> Callable[[Scene], Scene]:
    """Some of what is forged leaves by a service that many share: a forger is its customer, too."""

    def way(scene: Scene, letter: Letter, fields: Fields) -> Sequence[Field]:
        by = machine(scene, service, letter.share(10_000, service.domain))
        written: list[Field] = []
        done = False
        for field in fields:
            hop = trace.hop(field.unfolded) if field.key == "received" and not done else None
            if hop is None or hop.ip is None or ours.is_internal(hop.ip):
                written.append(field)
                continue
            done = True
            written += (with_peer(field, hop, by), *lines_of(scene, service, by, hop))
        return written

    def step(scene: Scene) -> Scene:
        def change(_: Box, letter: Letter) -> bytes:
            if not letter.is_spurious or not choice(scene, letter):
                return letter.message.raw

            def edit(place: Place, text: str) -> str:
                if place is Place.HEADER:
                    return text
                return edit_headers(text, lambda fields: way(scene, letter, fields))

            return rewrite(letter.message.raw, edit)

        return scene.with_raw(change)

    return step


# --- services -------------------------------------------------------------------------------------

MICROSOFT: Final = Service(
    "outlook.com",
    "mail-am6eur05on20{n}.outbound.protection.outlook.com",
    inside=(
        (
            "from AM0PR08MB{n}88.eurprd08.prod.outlook.com (2001:db8:208:{n}::5) by "
            "DB9PR08MB66{n}.eurprd08.prod.outlook.com (2001:db8:10:26{n}::7) with Microsoft SMTP Server "
            "(version=TLS1_2, cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384) id 15.20.8069.{n}"
        ),
        (
            "from AM0PR08MB{n}88.eurprd08.prod.outlook.com ([fe80::{id}]) by "
            "AM0PR08MB{n}88.eurprd08.prod.outlook.com ([fe80::{id}%7]) with mapi id 15.20.8069.0{n}"
        ),
    ),
    helo="EUR05-AM6-obe.outbound.protection.outlook.com",
    signs_as="{tenant}.onmicrosoft.com",
    networks=24,
    policy="spf.protection.outlook.com",
)
GOOGLE: Final = Service(
    "google.com",
    "mail-wr1-f{n}.google.com",
    inside=("by mail-wr1-f{n}.google.com with SMTP id ffacd0b85a97d-{id}so1543982f8f.2 for <{to}>",),
    signs_as="{tenant}.20230601.gappssmtp.com",
    networks=16,
    policy="_spf.google.com",
)
SMARTHOST: Final = Service(
    "postpilot.example",
    "out-{n}.relay.postpilot.example",
    pool=60,
    networks=12,
    inside=(
        (
            "from mx-in-{n}.postpilot.example (mx-in-{n}.postpilot.example [10.20.0.{n}]) by "
            "out-{n}.relay.postpilot.example (Postfix) with ESMTPS id {id} for <{to}>"
        ),
        "from {relay} ({relay} [10.20.9.{n}]) by mx-in-{n}.postpilot.example (Postfix) with ESMTPSA id {id} for <{to}>",
    ),
    policy="_spf.postpilot.example",
)
CLOUD: Final = Service(
    "cloudhost.example",
    "static-{ip}.clients.cloudhost.example",
    pool=1,
    takes_in=True,
)
OWN_CLOUD: Final = Service(
    "cloudhost.example",
    "static-{ip}.clients.cloudhost.example",
    pool=1,
    helo="{relay}",
    takes_in=True,
)
AT_HAND: Final = Service(
    "at-hand.example",
    "smtp.{domain}",
    pool=40,
    inside=(
        "from [192.168.{n}.20] (unknown [192.168.{n}.20]) by {host} (Postfix) with ESMTPSA id {id} for <{to}>",
    ),
    networks=17,
)
SHOP: Final = Service(
    "shophoster.example",
    "web{n}.shophoster.example",
    pool=3,
    inside=("by web{n}.shophoster.example (Postfix, from userid 10{n}) id {id}",),
)
CRM: Final = Service(
    "crmcloud.example",
    "mta-{n}.crmcloud.example",
    pool=8,
    inside=("from [10.4.2.{n}] (HELO app{n}) by mta-{n}.crmcloud.example with ESMTP id {id} for <{to}>",),
    signs_as="crmcloud.example",
    policy="_spf.crmcloud.example",
)
PROVIDER: Final = Service(
    "mailprovider.example",
    "mo{n}.mailprovider.example",
    pool=6,
    policy="_spf.mailprovider.example",
    takes_in=True,
)
NEWSLETTER: Final = Service(
    "letterblast.example",
    "mta{n}.letterblast.example",
    pool=12,
    inside=("by mta{n}.letterblast.example with ESMTP id {id} for <{to}>",),
    signs_as="letterblast.example",
    policy="_spf.letterblast.example",
)
NEWSLETTER_WIDE: Final = replace(NEWSLETTER, networks=3, pool=7)
