"""
Reading mailboxes, from the file and from the store alike, and what must hold between them and the rest.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cleaner.config import forms, sections
from cleaner.config.places import MailboxSettings, Server
from cleaner.config.table import Table
from cleaner.values import Organisation, Policy, address_key, domain_of


@dataclass(frozen=True, slots=True)
class Frame:
    """What a mailbox may refer to."""

    base: Path
    organisations: tuple[Organisation, ...]
    servers: tuple[Server, ...]
    policy: Policy


def read(tables: Iterable[Table], frame: Frame, *, stored: bool = False) -> tuple[MailboxSettings, ...]:
    """The mailboxes of these tables, in order; an address that stands there twice is a fault."""
    servers = {server.name: server for server in frame.servers}
    homes = {domain: found.name for found in frame.organisations for domain in found.domains}
    found: dict[str, MailboxSettings] = {}
    paths: dict[Path, str] = {}
    for table in tables:
        mailbox = _mailbox(table, frame, homes, servers, stored=stored)
        if mailbox is None:
            continue
        key = address_key(mailbox.address)
        if key in found:
            table.fault("address", "there is another mailbox of this address; take one of them out")
        found.setdefault(key, mailbox)
        server = servers.get(mailbox.server)
        if server is not None and server.connector == "maildir" and server.path:
            path = server.path_of(mailbox.address)
            if paths.setdefault(path, key) != key:
                table.fault(
                    "server",
                    f"{paths[path]} lies in the same folder {path}; put {{address}} into the server's path",
                )
    return tuple(found.values())


def _mailbox(
    table: Table, frame: Frame, homes: dict[str, str], servers: dict[str, Server], *, stored: bool
) -> MailboxSettings | None:
    address = table.required("address", forms.address, "", '"ann@harbor.example"')
    if address:
        table.where = f'{"stored mailbox" if stored else "mailbox"} "{address}"'
    server = table.required("server", forms.text, "", f'"{next(iter(servers), "harbor-imap")}"')
    organisation = _organisation(table, address, frame, homes)
    mailbox = MailboxSettings(
        address=address,
        server=server,
        organisation=organisation,
        policy=sections.policy(table.table("policy"), frame.policy) if "policy" in table else frame.policy,
        aliases=table.many("aliases", forms.address),
        identities=table.many("identities", forms.address),
        user=table.one("user", forms.text, address),
        password=table.one("password", forms.secret(frame.base), None),
        sent_from=table.many("sent_from", forms.address),
        stored=stored,
    )
    sections.close(table)
    if not address:
        return None
    _check_addresses(table, mailbox, homes)
    if server:
        _check_server(table, mailbox, servers)
    return mailbox


def _organisation(table: Table, address: str, frame: Frame, homes: dict[str, str]) -> str:
    """The organisation that the mailbox names, else the one with its domain."""
    names = [organisation.name for organisation in frame.organisations]
    named = table.one("organisation", forms.text, "")
    if named and named not in names:
        table.fault("organisation", _no_such("organisation", named, names))
        return named
    if not named and address and domain_of(address) not in homes:
        table.fault(
            "address",
            f"{domain_of(address)} is no organisation's domain; add it to an organisation's domains, "
            f'or write organisation = "{next(iter(names), "harbor")}" here',
        )
    return named or homes.get(domain_of(address), "")


def _check_addresses(table: Table, mailbox: MailboxSettings, homes: dict[str, str]) -> None:
    for place, alias in enumerate(mailbox.aliases):
        if homes.get(domain_of(alias)) != mailbox.organisation:
            table.fault(
                f"aliases[{place}]",
                f"{domain_of(alias)} is not a domain of {mailbox.organisation or 'the organisation'}; "
                "write addresses elsewhere under identities",
            )
    if address_key(mailbox.address) in map(address_key, mailbox.sent_from):
        table.fault("sent_from", "names the mailbox itself, whose Sent folder always counts; take it out")


def _check_server(table: Table, mailbox: MailboxSettings, servers: dict[str, Server]) -> None:
    server = servers.get(mailbox.server)
    if server is None:
        table.fault("server", _no_such("server", mailbox.server, list(servers)))
        return
    local = mailbox.address.rpartition("@")[0]
    if server.connector == "maildir" and ("/" in mailbox.address or local in (".", "..")):
        table.fault(
            "address", "cannot be part of a path, as its server needs; use another server entry for it"
        )
    if server.connector == "maildir":
        for key, name in (("quarantine", mailbox.policy.quarantine), ("review", mailbox.policy.review)):
            if "." in name:
                table.fault(
                    f"policy.{key}",
                    f'"{name}" cannot be made in a Maildir, where names have no dots; '
                    f'write for example "{name.replace(".", "-").strip("-")}"',
                )
    if server.connector == "imap" and server.auth == "password" and "password" not in table:
        table.fault("password", 'is missing; write for example password = "env:ANN_PASSWORD"')
    signs_in_itself = server.connector == "ews" and server.auth != "oauth2" and server.user is None
    if signs_in_itself and "password" not in table:
        table.fault(
            "password",
            'is missing; write password = "env:ANN_PASSWORD" here, or user and password of an account that '
            f'may open it into [[server]] "{server.name}"',
        )


def _no_such(what: str, name: str, names: list[str]) -> str:
    if not names:
        return f'there is no [[{what}]] in this file; add one with name = "{name}"'
    near = difflib.get_close_matches(name, names, n=1)
    hint = (
        f'did you mean "{near[0]}"?' if near else "write one of " + ", ".join(f'"{known}"' for known in names)
    )
    return f'there is no {what} "{name}"; {hint}'
