"""The worked examples of docs/how-it-decides.md: what comes of four notices under what an organisation publishes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Final

from cleaner.lookups.recorded import Records
from cleaner.values import Notice, Opinion, Organisation, OutsideSender
from tests.evidence.scene import (
    FROM_RELAY,
    FROM_STRANGER,
    OTHER_MAIL,
    SENT_AT,
    Desk,
    mail,
    report,
    taken_in,
)
from tests.evidence.test_grounds import Labels, flood

PAGE: Final = (Path(__file__).parents[2] / "docs" / "how-it-decides.md").read_text("utf-8")
HARBOR: Final = Organisation(
    "harbor", frozenset({"harbor.example"}), relay_networks=(ip_network("192.0.2.10/32"),)
)
SHOP: Final = ("web3.hoster.example", "203.0.113.40")


def publishes(spf: str, dmarc: str, **others: list[str]) -> Records:
    return {"harbor.example": [f"v=spf1 {spf}"], "_dmarc.harbor.example": [f"v=DMARC1; p={dmarc}"], **others}


STRICT: Final = Desk(HARBOR, OTHER_MAIL, dns=publishes("ip4:192.0.2.10 -all", "quarantine"))
OPEN: Final = replace(STRICT, dns=publishes("ip4:192.0.2.10 ~all", "none"))
PROVIDER: Final = publishes(
    "include:spf.cloud.example -all",
    "quarantine",
    **{"spf.cloud.example": ["v=spf1 ip4:198.51.100.128/25 -all"]},
)


def about(line: str, subject: str, id: str) -> Notice:
    return report(mail(line, subject=subject, message_id=id))


WATCHES: Final = about(FROM_STRANGER, "Cheap watches", "<w@harbor.example>")
LATE: Final = about(FROM_RELAY, "Running late", "<l@harbor.example>")
LATE_BY_PROVIDER: Final = about(
    taken_in("out3.cloud.example", "198.51.100.131"), "Running late", "<l@harbor.example>"
)
ORDER: Final = about(taken_in(*SHOP), "Your order 4711", "<o@web3.hoster.example>")
PARCEL: Final = about(taken_in("out7.cloud.example", "198.51.100.137"), "Your parcel", "<p@cloud.example>")

ORGANISATIONS: Final = {
    "strict policy that names the web shop": replace(
        STRICT, dns=publishes("ip4:192.0.2.10 ip4:203.0.113.40 -all", "quarantine")
    ),
    "strict policy that forgets the web shop": STRICT,
    "the same, once one mail of the shop was proven": replace(
        STRICT,
        outside=(OutsideSender("harbor.example", SHOP[1], SHOP[0], (SENT_AT - timedelta(days=3)).date()),),
    ),
    "`~all` and `p=none`": OPEN,
    "`~all` and `p=none`, in a campaign of dozens": replace(OPEN, among=tuple(flood(36))),
    "`~all` and `p=none`, a label on one like it": replace(
        OPEN, teachings=Labels(WATCHES, Opinion.BACKSCATTER)
    ),
    "all mail by that provider, strict policy": Desk(
        replace(HARBOR, relay_networks=()), OTHER_MAIL, dns=PROVIDER
    ),
    "`shared = true`": replace(STRICT, organisation=replace(HARBOR, shared=True)),
}


def outcome(desk: Desk, notice: Notice) -> str:
    verdict = desk.judge(notice)
    return verdict.opinion.value + (f" ({verdict.ground.value})" if verdict.ground is not None else "")


def test_the_page_tells_what_comes_of_the_four_notices() -> None:
    table = PAGE[PAGE.index("| organisation | watches") : PAGE.index("(A test keeps this table true")]
    told = [line.replace("**", "") for line in table.strip().splitlines()[2:]]
    assert told == [
        "| "
        + " | ".join(
            (
                name,
                outcome(desk, WATCHES),
                outcome(desk, LATE_BY_PROVIDER if desk.dns is PROVIDER else LATE),
                outcome(desk, ORDER),
                outcome(desk, PARCEL),
            )
        )
        + " |"
        for name, desk in ORGANISATIONS.items()
    ]


def test_the_page_quotes_what_is_said_of_them() -> None:
    for desk in (STRICT, OPEN):
        verdict = desk.judge(WATCHES)
        assert verdict.because in PAGE
        for found in verdict.evidence:
            if desk is STRICT and found.weight:
                assert f"{found.rule}" in PAGE
                assert found.reason in PAGE
