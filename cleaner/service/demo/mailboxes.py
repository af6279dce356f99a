"""Who has which mail in the demo."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from cleaner.service.demo.letters import Office, forged, letter, newsletter, our_id, person, via
from cleaner.service.demo.reports import away, bare, delayed, exim, phish, postfix

Letters = list[tuple[datetime, bytes]]

ANN: Final = "ann@harbor.example"
BEN: Final = "ben@harbor.example"

FLOOD: Final = (
    ("frieda@delta.example", "Cheap watches, today only"),
    ("gus@fjord.example", "Cheap watches, today only"),
    ("hana@lagoon.example", "Your parcel is waiting"),
    ("ivo@strait.example", "Meet singles near you"),
    ("jana@isthmus.example", "Cheap watches, today only"),
)
"""What somebody sent in Ann's name, and to whom it could not be delivered."""


def mailboxes(office: Office) -> dict[str, dict[str, Letters]]:
    """Address → folder (`.` is the inbox) → its letters with the times they arrived."""
    return {ANN: ann(office), BEN: ben(office)}


def ann(office: Office) -> dict[str, Letters]:
    ago = office.ago
    offer = letter(ago(30), ANN, "bob@far.example", "Offer for the new pier", "a1")
    minutes = letter(ago(20), ANN, "carla@quay.example", "Minutes of Monday", "a2")
    # Written on the phone: signed by our server, but no copy of it stands in Sent.
    phone = office.signed(letter(ago(9), ANN, "dora@reef.example", "Running late", "a3"))
    inbox = [
        (ago(29), postfix(ago(29), ANN, "bob@far.example", via(offer, ago(30), "mx.far.example"))),
        (ago(19), delayed(ago(19), ANN, "carla@quay.example", via(minutes, ago(20), "mx.quay.example"))),
        (ago(8), postfix(ago(8), ANN, "dora@reef.example", via(phone, ago(9), "mx.reef.example"))),
        (ago(7), away(ago(7), ANN, "carla@quay.example", "Minutes of Monday", our_id("a2", ago(20)))),
        (ago(6), person(ago(6), ANN)),
        (ago(5), newsletter(ago(5), ANN)),
        (ago(3), bare(ago(3), ANN)),
        (ago(2), phish(ago(2), ANN)),
    ]
    for number, (victim, subject) in enumerate(FLOOD):
        time = ago(4 - number / 10)
        spam = forged(ago(4.2), ANN, victim, subject, number)
        inbox.append((time, postfix(time, ANN, victim, spam)))
    return {".": sorted(inbox), ".Sent": [(ago(30), offer), (ago(20), minutes)]}


def ben(office: Office) -> dict[str, Letters]:
    ago = office.ago
    hello = letter(ago(50), BEN, "emil@dune.example", "Crane inspection", "b1")
    spam = forged(ago(4), BEN, "zoe@atoll.example", "You have won", 90)
    inbox = [
        (ago(49), exim(ago(49), BEN, "emil@dune.example", via(hello, ago(50), "mx.dune.example"))),
        (ago(3), exim(ago(3), BEN, "zoe@atoll.example", spam)),
        (ago(1), person(ago(1), BEN)),
    ]
    return {".": inbox, ".Sent": [(ago(50), hello)]}
