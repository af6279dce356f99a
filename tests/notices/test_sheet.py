"""What is worked out once about a message."""

from __future__ import annotations

import pytest

from cleaner.notices import mime
from cleaner.notices.sheet import Sheet

RAW = """\
From: Mail <mail@far.example>
To: {to}
Subject: Not delivered
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: message/rfc822

Return-Path: <>
From: Ann <ann@harbor.example>
To: bob@far.example
Subject: Offer
Message-ID: <a1@mail.harbor.example>

Dear Bob
--b--
"""


@pytest.mark.parametrize(
    ("to", "answers"),
    [
        ("ann@harbor.example", True),
        ("prvs=3001d1b2c3=ann@harbor.example", True),
        ("btv1==760cdc7c545==Ann@Harbor.example", True),
        ("joann@harbor.example", False),
        ("ben@harbor.example", False),
        ("odd=", False),
    ],
)
def test_a_mail_that_came_back_to_its_author_answers_him_also_under_a_tag(to: str, answers: bool) -> None:
    root = mime.parse(RAW.format(to=to).encode())
    assert Sheet(root, root.headers).answers_us is answers
