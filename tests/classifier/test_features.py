"""What the model sees: findings and words, and nothing that names somebody."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleaner.classifier.features import BOUND, MAX_WORDS, WIDTH, Features, features, plain_words, words
from cleaner.values import Completeness, Evidence, Force, Kind, Notice, Returned, Side

NOTICE = Notice(
    Kind.NDR,
    text="The following address failed: bob@far.example (mx.far.example, 550 5.1.1) on 2026-11-20",
    returned=Returned(
        Completeness.WHOLE, subject="Cheap watches", text="Buy our watches at http://x.example/"
    ),
)


def test_findings_are_named_by_rule_and_side_and_added_up() -> None:
    found = (
        Evidence("unsigned", Side.BACKSCATTER, "", "", strength=0.5),
        Evidence("unsigned", Side.BACKSCATTER, "", "", strength=0.25),
        Evidence("null_sender", Side.NEUTRAL, "", ""),
        Evidence("dkim_ours", Side.GENUINE, "", "", force=Force.PROOF),
    )
    assert features(NOTICE, found).facts == {"unsigned:backscatter": 0.75, "kind:ndr": 1.0}


def test_words_of_notice_and_original_are_kept_apart_and_name_nobody() -> None:
    assert set(words(NOTICE)) == {
        *("n:the", "n:following", "n:address", "n:failed", "n:on"),
        *("r:cheap", "r:watches", "r:buy", "r:our", "r:at"),
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Grüße GRÜSSE", ["grüsse", "grüsse"]),
        ("配信不能", ["配信", "信不", "不能"]),
        ("недоставлено!", ["недоставлено"]),
        ("a.b c@d 4711 x4711y host.example.", []),
        ("end. of, it", ["end", "of", "it"]),
    ],
)
def test_words_in_every_script(text: str, expected: list[str]) -> None:
    assert list(plain_words(text)) == expected


@given(st.text(max_size=3000))
def test_any_text_gives_bounded_features(text: str) -> None:
    seen = features(Notice(Kind.AUTOREPLY, text=text * 20), ())
    assert len(seen.words) <= MAX_WORDS
    assert all(0 <= word < WIDTH for word in seen.words)
    assert Features.from_json(json.loads(json.dumps(seen.as_json()))) == seen


def test_only_the_beginning_counts() -> None:
    long = Notice(Kind.NDR, text="x " * BOUND + "late")
    assert "n:late" not in set(words(long))
