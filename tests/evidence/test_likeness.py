"""Which notices are alike: one campaign, one mailing, one template; never because of who got them."""

from __future__ import annotations

from typing import Any

import pytest

from cleaner.evidence.likeness import likeness
from cleaner.values import Completeness, Kind, Notice, Recipient, Returned


def notice(returned: str | None = None, **fields: Any) -> Notice:
    values: dict[str, Any] = {
        "kind": Kind.NDR,
        "subject": "Undelivered Mail Returned to Sender",
        "reporter": "mx1.far.example",
        "returned": Returned(Completeness.HEADERS, subject=returned) if returned is not None else Returned(),
    }
    return Notice(**{**values, **fields})


CHEAP = notice("Cheap watches, today only")


@pytest.mark.parametrize(
    "other",
    [
        notice("Cheap watches, today only", reporter="mx.other.example", subject="failure notice"),
        notice("Re: CHEAP  watches, today only"),
        notice("Cheap watches, today only", recipients=(Recipient("bob@far.example"),)),
        notice(None, quoted_subject="Cheap watches, today only"),
    ],
)
def test_about_the_same_mail_they_are_alike(other: Notice) -> None:
    assert likeness(other) == likeness(CHEAP)


@pytest.mark.parametrize(
    "other",
    [
        notice("Cheap phones, today only"),
        notice("Cheap watches, today only", kind=Kind.AUTOREPLY),
        notice(None),
        notice(None, subject="Cheap watches, today only"),
    ],
)
def test_about_another_mail_or_of_another_kind_they_are_not(other: Notice) -> None:
    assert likeness(other) != likeness(CHEAP)


def test_numbers_and_addresses_do_not_count() -> None:
    one = notice("Invoice 4711/26 for bob@far.example of 2026-11-20")
    assert likeness(one) == likeness(notice("Invoice 4712/26 for eve@near.example of 2026-11-21"))
    assert likeness(one) != likeness(notice("Invoice for of"))


@pytest.mark.parametrize("nothing", [None, "", "4711", "...", "Re: "])
def test_where_no_subject_tells_the_site_that_reports_stands_in(nothing: str | None) -> None:
    here = notice(nothing)
    assert likeness(here) == likeness(notice(nothing, reporter="MX9.far.example."))
    assert likeness(here) != likeness(notice(nothing, reporter="mx1.other.example"))
    assert likeness(here) != likeness(notice(nothing, subject="failure notice"))


def test_a_bare_notice_has_its_place_too() -> None:
    assert likeness(Notice(Kind.CHALLENGE)) == likeness(Notice(Kind.CHALLENGE))
    assert likeness(notice("x" * 10_000 + " y" * 10_000)).count(" ") < 50
