"""Whether the recipient that a notice speaks of fits a mail of ours."""

from __future__ import annotations

from collections.abc import Collection

from cleaner.values import Kind, Notice, Recipient, address_key, domain_of


def concerned(notice: Notice) -> frozenset[str]:
    """The addresses that the notice is about; for an answer of a person, his own."""
    named = {
        address_key(address)
        for recipient in notice.recipients
        for address in (recipient.address, recipient.original)
        if address
    }
    if not named and notice.sender and notice.kind in ANSWERED_BY_RECIPIENT:
        named = {address_key(notice.sender)}
    return frozenset(named)


ANSWERED_BY_RECIPIENT = frozenset((Kind.AUTOREPLY, Kind.MDN, Kind.CHALLENGE))
"""Kinds that the recipient's own address sends."""


def fits(notice: Notice, recipients: Collection[str]) -> bool:
    """
    Whether the notice can be about a mail to these recipients.

    It can where it names one of them, also after plus-addressing or a rewrite of the same local part,
    or where it names nobody.
    """
    about = concerned(notice)
    if not about:
        return True
    ours = {address_key(address) for address in recipients}
    return bool(about & ours) or bool({base(a) for a in about} & {base(a) for a in ours})


def base(address: str) -> str:
    """An address without its plus-tag (RFC 5233)."""
    local, _, domain = address.rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"


def is_forwarded(recipient: Recipient) -> bool:
    """The notice itself says that the mail was passed on from another address."""
    return recipient.original is not None and address_key(recipient.original) != address_key(
        recipient.address
    )


def domains(addresses: Collection[str]) -> frozenset[str]:
    return frozenset(domain_of(address) for address in addresses) - {""}
