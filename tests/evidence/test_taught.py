"""How far an administrator's label reaches: like notices of which one look tells, and no others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from cleaner.evidence.likeness import likeness
from cleaner.values import Evidence, Ground, Notice, Opinion
from tests.evidence.scene import (
    FROM_RELAY,
    FROM_STRANGE_SERVER,
    FROM_STRANGER,
    HARBOR,
    OPEN,
    SENT_AT,
    Desk,
    mail,
    report,
    sent_mail,
    taken_in,
)

SUBJECT = "Cheap watches"
LABELLED = report(mail(FROM_STRANGER, message_id="<1@bot.example>", subject=SUBJECT))
LIKE_IT = report(mail(FROM_STRANGER, message_id="<2@bot.example>", subject=f"Re: {SUBJECT}"))
UNTOLD = "from [198.51.100.66] by mx.far.example with ESMTP id 7; Mon, 2 Nov 2026 09:01:00 +0000"


@dataclass(frozen=True)
class Said:
    """What administrators said of groups."""

    groups: Mapping[str, Opinion] = field(default_factory=dict)

    def taught(self, groups: frozenset[str]) -> Mapping[str, Opinion]:
        return {group: truth for group, truth in self.groups.items() if group in groups}


DESK = Desk(HARBOR, dns=OPEN, teachings=Said({likeness(LABELLED): Opinion.BACKSCATTER}))


def found(desk: Desk, notice: Notice) -> Evidence | None:
    return next((one for one in desk.judge(notice).evidence if one.rule == "taught"), None)


def test_one_label_settles_its_like() -> None:
    assert replace(DESK, teachings=None).judge(LIKE_IT).opinion is Opinion.UNSURE
    verdict = DESK.judge(LIKE_IT)
    assert (verdict.opinion, verdict.ground) == (Opinion.BACKSCATTER, Ground.TAUGHT)


@pytest.mark.parametrize(
    "notice",
    [
        pytest.param(report(mail(FROM_STRANGER, subject="Cheap clocks")), id="another-subject"),
        pytest.param(report(mail(FROM_STRANGE_SERVER, subject=SUBJECT)), id="by-a-server-with-a-name"),
        pytest.param(report(mail(UNTOLD, subject=SUBJECT)), id="where-no-names-are-noted"),
        pytest.param(report(mail(FROM_RELAY, subject=SUBJECT)), id="by-our-relay"),
        pytest.param(report(mail(subject=SUBJECT)), id="without-a-trace"),
    ],
)
def test_a_label_for_backscatter_does_not_reach(notice: Notice) -> None:
    assert found(DESK, notice) is None
    assert DESK.judge(notice).opinion is not Opinion.BACKSCATTER


def test_nor_one_by_a_machine_that_comes_back() -> None:
    """A server of ours without a name, which nobody told of, is seen on other days, too."""
    later = SENT_AT + timedelta(days=2)
    again = report(mail(FROM_STRANGER, message_id="<3@bot.example>", subject="News"), received=later)
    assert found(replace(DESK, among=(again,)), LIKE_IT) is None
    at_once = report(mail(FROM_STRANGER, message_id="<3@bot.example>", subject="News"))
    assert found(replace(DESK, among=(at_once,)), LIKE_IT) is not None


def test_nor_one_by_a_network_that_sends_much() -> None:
    lines = [taken_in("unknown", f"198.51.100.{70 + n}", helo=f"pc-{n}.example") for n in range(6)]
    others = tuple(report(mail(line, message_id=f"<{n}@bot.example>")) for n, line in enumerate(lines))
    assert found(replace(DESK, among=others), LIKE_IT) is None
    assert found(replace(DESK, among=others[:3]), LIKE_IT) is not None


def test_nor_one_with_a_subject_that_the_owner_writes() -> None:
    writes = replace(DESK, sent=(sent_mail(subject=SUBJECT),))
    assert found(writes, LIKE_IT) is None


def test_nor_a_notice_that_names_no_mail() -> None:
    """Like is then what the same site writes: of ten out-of-office answers, one may be about our mail."""
    bare = report(mail(FROM_STRANGER, subject=""))
    said = replace(DESK, teachings=Said({likeness(bare): Opinion.BACKSCATTER}))
    assert found(said, bare) is None


def test_a_label_for_genuine_reaches_all_its_like() -> None:
    said = replace(DESK, teachings=Said({likeness(LABELLED): Opinion.GENUINE}))
    for notice in (LIKE_IT, report(mail(FROM_STRANGE_SERVER, subject=SUBJECT))):
        assert said.judge(notice).opinion is Opinion.GENUINE
