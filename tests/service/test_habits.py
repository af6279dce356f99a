"""What earlier runs learned from proven notices is known to the next one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from cleaner.service.demo.letters import forged
from cleaner.service.demo.reports import postfix
from cleaner.values import ActionName, Kind, Lesson, Opinion, Outcome, SeenNotice
from tests.service.hands import ANN, BEN, NOW, Hands


def proven(number: int) -> SeenNotice:
    """A judged notice about a mail of Ann's that left by the listed relay."""
    lesson = Lesson(
        (NOW - timedelta(days=1 + number)).date(),
        f"<p{number}@harbor.example>",
        f"site{number % 4}.example",
        "192.0.2.10",
        "192.0.2.0/24",
        is_listed=True,
        author="harbor.example",
        in_record=True,
    )
    return SeenNotice(
        f"p{number}",
        "INBOX",
        f"p{number}",
        Kind.NDR,
        Opinion.GENUINE,
        ActionName.NONE,
        Outcome.NONE,
        NOW,
        lesson=lesson,
    )


def strange_ways(hands: Hands) -> int:
    (result,) = hands.scan()
    return sum(any(one["rule"] == "strange_way" for one in line["evidence"]) for line in result.lines)


def test_the_ways_of_our_mail_are_remembered(hands: Hands) -> None:
    hands.opt_in(ANN)
    assert strange_ways(hands) == 0
    hands.app.context.store.seen(ANN).record([proven(n) for n in range(20)], {})
    time = NOW - timedelta(hours=3)
    spam = postfix(time, ANN, "zoe@atoll.example", forged(time, ANN, "zoe@atoll.example", "Watches", 77))
    (hands.maildir(ANN) / "new" / "1.77.learned").write_bytes(spam)
    assert strange_ways(hands) == 1


@pytest.mark.parametrize("shared", [False, True])
def test_colleagues_learn_from_each_other_unless_the_servers_are_shared(hands: Hands, shared: bool) -> None:
    settings = hands.app.context.settings
    organisations = tuple(replace(one, shared=shared) for one in settings.organisations)
    hands.put(replace(settings, organisations=organisations))
    context = hands.app.context
    ann, ben = (context.settings.mailbox(address) for address in (ANN, BEN))
    context.memory(ben).record([proven(n) for n in range(20)], {})
    assert len(context.memory(ann).lessons(frozenset())) == (0 if shared else 20)
    hands.opt_in(ANN)
    assert (strange_ways(hands) > 0) is not shared


def test_having_learned_is_knowledge_that_unsure_notices_are_judged_anew_with(hands: Hands) -> None:
    mailbox = hands.app.context.settings.mailbox(ANN)
    stamps = [hands.app.context.knowledge(mailbox)]
    for count in (9, 10, 60, 200):
        hands.app.context.store.seen(ANN).record([proven(n) for n in range(count)], {})
        stamps.append(hands.app.context.knowledge(mailbox))
    nothing, few, enough, many, more = stamps
    assert nothing == few
    assert len({few, enough, many}) == 3
    assert many == more
