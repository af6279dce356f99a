"""
Mail of ours that travels by unusual ways, and set-ups of which little is known: never removed.
"""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from typing import NamedTuple

import pytest

from cleaner.values import Ground, Notice, Opinion
from tests.evidence.scene import (
    BOB,
    BY_RELAY,
    FROM_RELAY,
    FROM_STRANGE_SERVER,
    FROM_STRANGER,
    FULL,
    HARBOR,
    NOBODY,
    OPEN,
    Desk,
    mail,
    proven_reports,
    report,
    signed,
    taken_in,
)


class Case(NamedTuple):
    """An honest mail, or little to know about any mail."""

    what: str
    notice: Notice
    desk: Desk


PLAIN = report(mail(FROM_STRANGER))
LIST = "quay-list@lists.example"
MOBILE = (
    "from phone.isp.example (host-7.dyn.isp.example [198.51.100.77]) by mx1.harbor.example (Postfix) "
    f"with ESMTPSA id 44DD for <{BOB}>; Mon, 02 Nov 2026 09:00:30 +0000"
)

CASES = (
    Case("relays are not configured", PLAIN, Desk(NOBODY, FULL.sent, dns=None)),
    Case(
        "relays are configured by name only",
        PLAIN,
        replace(FULL, organisation=replace(HARBOR, relay_networks=()), dns=None),
    ),
    Case(
        "relays are configured by IPv6 only",
        PLAIN,
        replace(
            FULL, organisation=replace(HARBOR, relay_networks=(ip_network("2001:db8::10/128"),)), dns=OPEN
        ),
    ),
    Case(
        "a relay next to the configured one that nobody listed",
        report(mail(taken_in("mx2.harbor.example", "192.0.2.11"), BY_RELAY)),
        FULL,
    ),
    Case(
        "forwarded by the recipient's first mail system",
        report(
            mail(
                taken_in("mail.old.example", "198.51.100.30", by="mx.far.example", to=BOB),
                taken_in("mx1.harbor.example", "192.0.2.10", by="mail.old.example", to="bob@old.example"),
                to="bob@old.example",
            )
        ),
        FULL,
    ),
    Case(
        "re-sent by a mailing list",
        report(
            mail(
                taken_in("lists.example", "198.51.100.40", by="mx.far.example", to=BOB),
                taken_in("mx1.harbor.example", "192.0.2.10", by="lists.example", to=LIST),
                to=LIST,
                subject="[quay] Offer",
                fields=("List-Id: <quay.lists.example>",),
            )
        ),
        FULL,
    ),
    Case(
        "re-sent by a mailing list to a colleague, reported by our own server",
        report(
            mail(
                taken_in("lists.example", "198.51.100.40", by="mx1.harbor.example", to="carl@harbor.example"),
                taken_in("mx1.harbor.example", "192.0.2.10", by="lists.example", to=LIST),
                to=LIST,
            ),
            failed="carl@harbor.example",
            reporter="mx1.harbor.example",
        ),
        FULL,
    ),
    Case(
        "taken in by a filtering service that had it from our relay",
        report(
            mail(
                taken_in("out.filter.example", "198.51.100.50", by="mx.far.example"),
                taken_in("mx1.harbor.example", "192.0.2.10", by="in.filter.example"),
            )
        ),
        FULL,
    ),
    Case("written on the way, signed in at our server", report(mail(FROM_RELAY, MOBILE)), FULL),
    Case(
        "reported by our own server, from somebody on the way who signed in",
        report(mail(MOBILE), reporter="mx1.harbor.example"),
        FULL,
    ),
    Case(
        "the key is not known any more",
        report(signed(mail(FROM_RELAY, BY_RELAY))),
        replace(FULL, organisation=replace(HARBOR, dkim_keys=())),
    ),
    Case("signed, by a way nobody knows", report(signed(mail(FROM_STRANGE_SERVER))), FULL),
    Case("rebuilt by Exchange: no trace, no signature", report(mail(), rebuilt=True), FULL),
    Case(
        "an inner hop of the reporter's site on top",
        report(
            mail(
                f"from gw.far.example (gw.far.example [10.0.0.5]) by store.far.example with LMTP id 1 for <{BOB}>; "
                "Mon, 02 Nov 2026 09:02:00 +0000",
                FROM_RELAY,
                BY_RELAY,
            )
        ),
        FULL,
    ),
)


ALUMNI = taken_in("fwd.alumni.example", "198.51.100.30", by="mx.far.example", to=BOB)
FROM_OURS_TO_ALUMNI = taken_in(
    "mx1.harbor.example", "192.0.2.10", by="in.alumni.example", to="bob@alumni.example"
)
CALENDAR = taken_in("mail-f69.calendar.example", "198.51.100.200")
ON_BEHALF = "Sender: Calendar <notification@calendar.example>"

WHERE_WAYS_ARE_LEARNED = (
    Case(
        "a forwarder that rewrites the envelope and keeps no trace of us",
        report(mail(ALUMNI, to="bob@alumni.example")),
        FULL,
    ),
    Case(
        "a blind copy that was forwarded, by somebody who says whom it was from",
        report(mail(ALUMNI, FROM_OURS_TO_ALUMNI, to="carl@near.example")),
        FULL,
    ),
    Case("a blind copy", report(mail(FROM_RELAY, BY_RELAY, to="undisclosed-recipients:;")), FULL),
    Case(
        "an invitation that a calendar sends in the user's name",
        report(mail(CALENDAR, message_id="<calendar-1@calendar.example>", fields=(ON_BEHALF,))),
        FULL,
    ),
    Case(
        "a mail that somebody passed on as it was",
        report(
            mail(
                ALUMNI,
                FROM_OURS_TO_ALUMNI,
                to="carl@near.example",
                fields=("Resent-From: bob@alumni.example",),
            )
        ),
        FULL,
    ),
    Case(
        "sent as another of the house",
        report(mail(FROM_RELAY, BY_RELAY, author="sales@harbor.example")),
        FULL,
    ),
    *(case for case in CASES if case.desk is FULL),
)


@pytest.mark.parametrize("case", WHERE_WAYS_ARE_LEARNED, ids=lambda case: case.what)
def test_nor_where_its_way_was_never_seen_among_many(case: Case) -> None:
    verdict = replace(case.desk, among=proven_reports()).judge(case.notice)
    assert verdict.opinion is not Opinion.BACKSCATTER, verdict.because


@pytest.mark.parametrize(
    "field",
    [
        "Sender: Calendar <notification@elsewhere.example>",
        "Sender: ann@harbor.example",
        "X-Sender: notification@calendar.example",
    ],
)
def test_who_names_another_sender_than_the_machine_is_a_stranger(field: str) -> None:
    notice = report(mail(CALENDAR, message_id="<calendar-1@calendar.example>", fields=(field,)))
    assert replace(FULL, among=proven_reports()).judge(notice).opinion is Opinion.BACKSCATTER


def test_a_customer_s_line_sends_on_nobody_s_behalf() -> None:
    line = taken_in("host-7.dyn.calendar.example", "198.51.100.66")
    assert FULL.judge(report(mail(line, fields=(ON_BEHALF,)))).opinion is Opinion.BACKSCATTER


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what)
def test_it_is_never_removed(case: Case) -> None:
    verdict = case.desk.judge(case.notice)
    assert verdict.opinion is not Opinion.BACKSCATTER, verdict.because


def test_the_stranger_is_removed_where_the_senders_are_closed() -> None:
    """The near miss of the cases above."""
    verdict = FULL.judge(PLAIN)
    assert (verdict.opinion, verdict.ground) == (Opinion.BACKSCATTER, Ground.CLOSED)


@pytest.mark.parametrize(
    "desk",
    [replace(FULL, dns=OPEN), replace(FULL, dns=None), replace(FULL, dns={})],
    ids=["open", "silent", "none"],
)
def test_and_stays_where_anybody_may_send_for_us(desk: Desk) -> None:
    assert desk.judge(PLAIN).opinion is Opinion.UNSURE


@pytest.mark.parametrize(
    "original",
    [
        mail(FROM_STRANGER, to="carl@near.example"),
        mail(FROM_STRANGER, to="undisclosed-recipients:;"),
        mail(FROM_STRANGER, fields=("Resent-From: eve@sea.example",)),
        mail(taken_in("fwd.alumni.example", "198.51.100.30"), to="carl@near.example"),
    ],
    ids=["to somebody else", "to nobody", "resent", "by a server of nobody's that is named"],
)
def test_what_a_forger_writes_makes_no_forwarder(original: bytes) -> None:
    assert FULL.judge(report(original)).opinion is Opinion.BACKSCATTER
