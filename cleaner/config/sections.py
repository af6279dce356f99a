"""
The sections of the file, one function each: table in, noun out.

Their defaults are those of the nouns; what each key means is written in `config/cleaner.toml`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path
from typing import Final

from cleaner.config import dkim, ews, forms, graph, oauth
from cleaner.config.places import (
    AlarmSettings,
    BatvSettings,
    HmacSettings,
    LookupSettings,
    ModelSettings,
    SecretKeys,
    Server,
    StoreSettings,
)
from cleaner.config.secret import Secret
from cleaner.config.table import Table
from cleaner.values import (
    LANGUAGES,
    ActionName,
    DkimKey,
    LabelPolicy,
    Organisation,
    Policy,
    Rhythm,
    Safety,
)

SHORTEST_RECORD: Final = timedelta(days=90)
"""A mail server tries for days, and whom somebody writes to shows in months."""
CONNECTORS: Final = ("maildir", "imap", "ews", "graph")

_ACTIONS: Final = {action.value: action for action in (ActionName.REPORT, ActionName.MOVE, ActionName.DELETE)}
_POLICY_KEYS: Final = {"unsure"} | {field.name for field in fields(Policy)} - {"review_unsure"}
_AT_HOME: Final = {
    **dict.fromkeys(_POLICY_KEYS, "[policy], or [mailbox.policy] for one mailbox"),
    **dict.fromkeys((field.name for field in fields(Safety)), "[safety]"),
    **dict.fromkeys((field.name for field in fields(LabelPolicy)), "[labels]"),
}
"""Where keys belong that are easily written under the wrong heading."""

_BY_CONNECTOR: Final = {
    "path": "maildir",
    **dict.fromkeys(("host", "port", "tls", "user", "password"), "imap or ews"),
    **dict.fromkeys(("ca_file", "auth", "timeout", "connections"), "imap, ews or graph"),
    "master_separator": "imap",
    **dict.fromkeys(("autodiscover", "access"), "ews"),
    "endpoint": "ews or graph",
    **dict.fromkeys(("client_id", "client_secret", "scope"), "ews, imap or graph"),
    "token_url": "ews or imap",
    **dict.fromkeys(("tenant", "cloud", "authority", "certificate"), "imap or graph"),
    **dict.fromkeys(("provider", "grant", "service_account", "device_url", "authorize_url"), "imap"),
}
"""The keys that only servers of some connectors have."""


def close(table: Table) -> None:
    """Reports the unknown keys of a table."""
    table.close(_AT_HOME)


def close_server(table: Table) -> None:
    """The same for a server, where a key of another connector is told as that."""
    table.close({key: f"a [[server]] of connector {names}" for key, names in _BY_CONNECTOR.items()})


def store(table: Table, base: Path) -> StoreSettings:
    found = StoreSettings(
        url=table.one("url", forms.store_url(base), f"sqlite:///{base / 'state.db'}"),
        key=table.one("key", forms.secret(base), Secret("file:master.key", base)),
        keep_sent=table.one("keep_sent", forms.duration, timedelta(0)),
    )
    if timedelta(0) < found.keep_sent < SHORTEST_RECORD:
        table.fault(
            "keep_sent",
            f'is too short to tell what reports are about; write at least "{SHORTEST_RECORD.days}d", or 0',
        )
    close(table)
    return found


def models(table: Table, base: Path) -> ModelSettings:
    usual = ModelSettings()
    found = ModelSettings(
        use=table.one("use", forms.flag, usual.use),
        path=table.one("path", forms.file(base), base / "models"),
        retrain=table.one("retrain", forms.duration, usual.retrain),
        retrain_after=table.one("retrain_after", forms.whole(0, 1_000_000), usual.retrain_after),
        accept=table.one("accept", forms.share, usual.accept),
    )
    close(table)
    return found


def lookups(table: Table) -> LookupSettings:
    usual = LookupSettings()
    found = LookupSettings(
        dns=table.one("dns", forms.flag, usual.dns),
        timeout=table.one("timeout", forms.some_duration, usual.timeout),
        nameservers=table.many("nameservers", forms.nameserver, usual.nameservers),
        blocklists=table.many("blocklists", forms.domain),
        spf=table.one("spf", forms.flag, usual.spf),
        sites=table.one("sites", forms.flag, usual.sites),
    )
    close(table)
    return found


def alarms(table: Table, base: Path) -> AlarmSettings:
    usual = AlarmSettings()
    found = AlarmSettings(
        webhook=table.one("webhook", forms.webhook(base), None),
        webhook_token=table.one("webhook_token", forms.secret(base), None),
        mail=table.many("mail", forms.address),
        sender=table.one("sender", forms.address, ""),
        smtp_host=table.one("smtp_host", forms.host, usual.smtp_host),
        smtp_port=table.one("smtp_port", forms.whole(1, 65_535), None),
        smtp_tls=table.one("smtp_tls", _words("implicit", "starttls", "none"), usual.smtp_tls),
        smtp_user=table.one("smtp_user", forms.text, ""),
        smtp_password=table.one("smtp_password", forms.secret(base), None),
        ca_file=table.one("ca_file", forms.file(base), None),
        timeout=table.one("timeout", forms.some_duration, usual.timeout),
        repeat=table.one("repeat", forms.some_duration, usual.repeat),
        flood=table.one("flood", forms.whole(0, 1_000_000), usual.flood),
    )
    if found.mail and not found.sender:
        table.fault("sender", 'is missing; write for example sender = "bounce-cleaner@harbor.example"')
    if found.smtp_user and found.smtp_password is None:
        table.fault("smtp_password", 'is missing; write for example smtp_password = "env:SMTP_PASSWORD"')
    if found.smtp_password is not None and found.smtp_tls == "none":
        table.fault("smtp_tls", 'would send the password in the clear; write "starttls" or "implicit"')
    close(table)
    return found


def organisations(
    tables: Iterable[Table], base: Path
) -> tuple[tuple[Organisation, ...], tuple[SecretKeys, ...]]:
    """The organisations, and beside them where the secret keys of each stand."""
    found: list[Organisation] = []
    keys: list[SecretKeys] = []
    homes: dict[str, str] = {}
    for table in tables:
        batv = tuple(_batv_key(key, base) for key in table.tables("batv"))
        hmac = tuple(_hmac_key(key, base) for key in table.tables("hmac"))
        read = _organisation(table)
        if any(other.name == read.name for other in found):
            table.fault("name", f'there is another organisation "{read.name}"; give each its own name')
        for domain in sorted(read.domains):
            if domain in homes:
                table.fault(
                    "domains", f"{domain} also belongs to {homes[domain]}; take it out of one of them"
                )
            homes.setdefault(domain, table.where)
        if len({key.id for key in hmac}) < len(hmac):
            table.fault("hmac", "two keys have the same id; give each its own")
        if read.always_tags and not batv:
            table.fault("always_tags", "needs the key of the tags; write [[organisation.batv]] with its key")
        found.append(read)
        keys.append(SecretKeys(read.name, batv, hmac))
    return tuple(found), tuple(keys)


def _organisation(table: Table) -> Organisation:
    domains = table.many("domains", forms.domain)
    if not table.peek("domains"):
        table.fault("domains", 'is missing; write for example domains = ["harbor.example"]')
    relays = table.many("relays", forms.relay)
    found = Organisation(
        name=table.required("name", forms.text, table.where, '"harbor"'),
        domains=frozenset(domains),
        relay_names=frozenset(relay for relay in relays if isinstance(relay, str)),
        relay_networks=tuple(relay for relay in relays if not isinstance(relay, str)),
        client_networks=table.many("client_networks", forms.network),
        authserv_ids=frozenset(name.casefold() for name in table.many("authserv_ids", forms.text)),
        always_signs=table.one("always_signs", forms.flag, False),
        senders_complete=table.one("senders_complete", forms.flag, False),
        dmarc_reports=table.one("dmarc_reports", forms.address, ""),
        shared=table.one("shared", forms.flag, False),
        always_tags=table.one("always_tags", forms.flag, False),
        dkim_keys=tuple(map(_dkim_key, table.tables("dkim"))),
    )
    close(table)
    return found


def _batv_key(table: Table, base: Path) -> BatvSettings:
    found = BatvSettings(
        number=table.one("number", forms.whole(0, 9), 0),
        key=table.required("key", forms.secret(base), Secret("file:batv.key", base), '"file:batv.key"'),
        days=table.one("valid", forms.days(1, 500), 7),
    )
    close(table)
    return found


def _dkim_key(table: Table) -> DkimKey:
    found = DkimKey(
        domain=table.required("domain", forms.domain, "", '"harbor.example"'),
        selector=table.required("selector", forms.text, "", '"s2026"').casefold(),
        record=table.required("public_key", dkim.record, "", '"v=DKIM1; k=rsa; p=MIIB…"'),
    )
    close(table)
    return found


def _hmac_key(table: Table, base: Path) -> HmacSettings:
    found = HmacSettings(
        id=table.required("id", forms.key_id, "", '"2026a"'),
        key=table.required("key", forms.secret(base), Secret("file:hmac.key", base), '"file:hmac.key"'),
    )
    close(table)
    return found


def servers(tables: Iterable[Table], base: Path) -> tuple[Server, ...]:
    found: list[Server] = []
    for table in tables:
        name = table.required("name", forms.text, table.where, '"harbor-imap"')
        if any(other.name == name for other in found):
            table.fault("name", f'there is another server "{name}"; give each its own name')
        connector = table.required("connector", forms.among({c: c for c in CONNECTORS}), "", '"maildir"')
        match connector:
            case "maildir":
                found.append(_maildir(table, name, base))
            case "ews":
                found.append(ews.server(table, name, base))
                close_server(table)
            case "graph":
                found.append(graph.server(table, name, base))
                close_server(table)
            case "":
                found.append(Server(name, ""))
            case _:
                found.append(_remote(table, name, connector, base))
    return tuple(found)


def _maildir(table: Table, name: str, base: Path) -> Server:
    example = '"/var/vmail/{domain}/{local}/Maildir"'
    found = Server(name, "maildir", path=table.required("path", forms.maildir_path(base), "", example))
    close_server(table)
    return found


def _remote(table: Table, name: str, connector: str, base: Path) -> Server:
    """A mail system that is reached over the network and signed in to."""
    usual = Server(name, connector)
    host = table.one("host", forms.host, None)
    if connector == "imap" and "host" not in table:
        table.fault("host", 'is missing; write for example host = "imap.harbor.example"')
    found = replace(
        usual,
        host=host,
        port=table.one("port", forms.whole(1, 65_535), None),
        tls=table.one("tls", _words("implicit", "starttls", "none"), usual.tls),
        ca_file=table.one("ca_file", forms.file(base), None),
        auth=table.one("auth", _words("password", "master-user", "oauth2"), usual.auth),
        user=table.one("user", forms.text, None),
        password=table.one("password", forms.secret(base), None),
        timeout=table.one("timeout", forms.some_time, usual.timeout),
        connections=table.one("connections", forms.whole(2, 1000), usual.connections),
    )
    if connector == "imap":
        separator = table.one("master_separator", forms.separator, usual.master_separator)
        idle = table.one("idle", forms.whole(0, 1000), usual.idle)
        if idle and idle + 2 > found.connections:
            table.fault("idle", f"leaves too few connections; write connections = {idle + 2} or more, too")
        sign_in = oauth.for_imap(table, base, host, wanted=found.auth == "oauth2")
        found = replace(found, master_separator=separator, idle=idle, oauth=sign_in)
    if found.auth == "master-user":
        for key, example in (("user", '"admin"'), ("password", '"env:MASTER_PASSWORD"')):
            if key not in table:
                table.fault(key, f"is missing for the master user; write for example {key} = {example}")
    close_server(table)
    return found


def policy(table: Table, base: Policy) -> Policy:
    """A policy put over another: the common one over the defaults, a mailbox's own over the common one."""
    read = replace(
        base,
        action=table.one("action", forms.among(_ACTIONS), base.action),
        quarantine=table.one("quarantine", forms.folder, base.quarantine),
        review=table.one("review", forms.folder, base.review),
        training_folder=table.one("training_folder", forms.folder, base.training_folder),
        folders=table.many("folders", forms.folder, base.folders),
        sent=table.many("sent", forms.folder, base.sent),
        trash=table.one("trash", forms.folder, base.trash),
        review_unsure=table.one("unsure", forms.among({"leave": False, "review": True}), base.review_unsure),
        preview=table.one("preview", forms.duration, base.preview),
        grace=table.one("grace", forms.duration, base.grace),
        since=table.one("since", forms.duration, base.since),
        retention=table.one("retention", forms.duration, base.retention),
        interval=table.one("interval", forms.some_time, base.interval),
        digest=table.one("digest", forms.among({rhythm.value: rhythm for rhythm in Rhythm}), base.digest),
        language=table.one("language", _words(*LANGUAGES), base.language),
        leave=table.many("leave", forms.pattern, base.leave),
    )
    close(table)
    if any(key in table for key in ("folders", "quarantine", "review", "training_folder", "trash", "sent")):
        _check_folders(table, read)
    return read


def _check_folders(table: Table, read: Policy) -> None:
    if not read.folders:
        table.fault("folders", 'must not be empty; write for example folders = ["INBOX"]')
    moved_into = {"quarantine": read.quarantine, "review": read.review, "trash": read.trash}
    for key, folder in (*moved_into.items(), ("training_folder", read.training_folder)):
        if folder == "INBOX":
            table.fault(key, "must not be the inbox; name a folder of its own")
        elif folder in read.folders:
            table.fault(key, f'"{folder}" is also among the watched folders; name a folder of its own')
    if len({read.quarantine, read.review, read.trash}) < 3:
        table.fault("quarantine", "the quarantine, review and trash folders must be three different ones")
    for key, folder in moved_into.items():
        if folder is not None and folder == read.training_folder:
            table.fault("training_folder", f'"{folder}" is also the {key} folder; name a folder of its own')
    others = {*read.folders, *moved_into.values(), read.training_folder}
    for folder in sorted({*read.sent} & others):
        table.fault(
            "sent", f'"{folder}" cannot hold sent mail and be watched or moved into; take it out of one'
        )


def safety(table: Table) -> Safety:
    usual = Safety()
    found = Safety(
        max_messages=table.one("max_messages", forms.whole(1, 10_000_000), usual.max_messages),
        max_share=table.one("max_share", forms.share, usual.max_share),
        share_from=table.one("share_from", forms.whole(0, 10_000_000), usual.share_from),
    )
    close(table)
    return found


def labels(table: Table) -> LabelPolicy:
    found = LabelPolicy(keep_samples=table.one("keep_samples", forms.duration, LabelPolicy().keep_samples))
    close(table)
    return found


def _words(*words: str) -> forms.Form[str]:
    return forms.among({word: word for word in words})
