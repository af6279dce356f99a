"""
What a notice mentions that can be compared with the mail we sent: ids, recipients, subjects, times.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final

from cleaner.evidence.manner import manner, questions
from cleaner.values import Kind, Notice, SentMail, SentQuestion, SentRecordView, address_key, domain_of

MAX_SEEN: Final = 200
FEW: Final = 10
SKEW: Final = timedelta(days=1)
_MESSAGE_ID: Final = re.compile(r"<[^<>\s]{1,250}>")
_MACHINES: Final = frozenset(
    "mailer-daemon postmaster mailerdaemon mail-daemon daemon root noreply no-reply abuse amavis".split()
)
_PERSONAL: Final = (Kind.AUTOREPLY, Kind.CHALLENGE, Kind.MDN)
"""Kinds that the recipient's own program writes, in his name."""


def question(notices: Iterable[Notice]) -> SentQuestion:
    """All that these notices mention, to be asked of the sent record at once."""
    ids: set[str] = set()
    addresses: set[str] = set()
    subjects: set[str] = set()
    traits: set[str] = set()
    for notice in notices:
        ids.update(message_ids(notice))
        addresses.update(_addresses(notice))
        subjects.update(subject for subject in (notice.returned.subject, notice.quoted_subject) if subject)
        if notice.returned.headers.items:
            traits.update(questions(manner(notice.returned.headers, notice.returned.subject or "")))
    return SentQuestion(frozenset(ids), frozenset(addresses), frozenset(subjects), frozenset(traits))


def _addresses(notice: Notice) -> Iterator[str]:
    named = (*failed(notice), *notice.returned.to_addresses, *delivered_for(notice))
    for address in named:
        yield address_key(address)
        yield without_tag(address)


def tells_by_absence(sent: SentRecordView) -> bool:
    """Whether the record holds enough mail for what is missing from it to say anything."""
    return sent.mails >= FEW


def is_in_time(notice: Notice, mail: SentMail, longest: timedelta) -> bool:
    """Sent before the notice came (clocks differ by hours), and not longer before than that."""
    if notice.received is None:
        return True
    return mail.time - SKEW <= notice.received <= mail.time + longest


# --- the mail that is answered -------------------------------------------------------------------


def message_ids(notice: Notice) -> tuple[str, ...]:
    """Every Message-ID that may be the answered mail's, the most certain first."""
    return tuple(dict.fromkeys((*main_ids(notice), *notice.answers)))


def main_ids(notice: Notice) -> tuple[str, ...]:
    """
    The Message-ID of the mail that is answered.

    That of the returned original; without one, what In-Reply-To or an MDN names. `References` holds
    the whole conversation, which every participant knows, so it counts only where nothing else is.
    """
    if notice.returned.message_id:
        return (notice.returned.message_id,)
    named = tuple(_MESSAGE_ID.findall(notice.headers.text("in-reply-to")[:2_000]))
    if named:
        return named[:1]
    conversation = frozenset(_MESSAGE_ID.findall(notice.headers.text("references")[:20_000]))
    apart = tuple(answer for answer in notice.answers if answer not in conversation)
    return apart or notice.answers[-1:]


def id_domain(message_id: str) -> str:
    return message_id.strip().strip("<>").rpartition("@")[2].lower()


def sent_at(notice: Notice) -> datetime | None:
    """When the answered mail was written, as it says itself; else when the notice came."""
    return notice.returned.date or notice.received


# --- to whom it went -----------------------------------------------------------------------------


def failed(notice: Notice) -> frozenset[str]:
    """
    The recipients that the notice is about, as `address_key`, those before a forwarding included.

    Where it names none and was written in a person's name, that person.
    """
    named = {address_key(r.address) for r in notice.recipients}
    named |= {address_key(r.original) for r in notice.recipients if r.original}
    named = {address for address in named if "@" in address}
    sender = address_key(notice.sender)
    if not named and notice.kind in _PERSONAL and not is_machine(sender):
        named.add(sender)
    return frozenset(named)


def delivered_for(notice: Notice) -> tuple[str, ...]:
    """The recipients that the returned trace names (`for <…>`), latest first."""
    return tuple(address_key(hop.recipient) for hop in notice.returned.hops if "@" in hop.recipient)


def is_machine(address: str) -> bool:
    local = address_key(address).partition("@")[0]
    return local in _MACHINES or not local


def without_tag(address: str) -> str:
    """The address without its `+detail` (RFC 5233), which answers may leave out."""
    local, at, domain = address_key(address).rpartition("@")
    return local.partition("+")[0] + at + domain


def meet(some: Iterable[str], others: Iterable[str]) -> str | None:
    """An address that is in both, `+detail` aside; None if there is none."""
    theirs = {without_tag(address) for address in others}
    return next((address for address in sorted(some) if without_tag(address) in theirs), None)


def domains(addresses: Iterable[str]) -> frozenset[str]:
    return frozenset(domain for address in addresses if (domain := domain_of(address)))


def shown(text: str) -> str:
    """A quotation for `seen`: one line, bounded."""
    flat = " ".join(text.split())
    return flat if len(flat) <= MAX_SEEN else flat[: MAX_SEEN - 1] + "…"
