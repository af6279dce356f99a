"""Answers of vacation programs that nothing marks, in languages that nobody listed; and what persons write."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import pytest

from cleaner import notices
from cleaner.values import Headers, Kind, Message


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that a program of Bob's host sent, in every respect; the tests change one."""

    subject: str = "Fjarverandi: Tide tables"
    body: str = "Ég er í fríi til 16. nóvember og svara þegar ég kem aftur.\n"
    author: str = "Bob <bob@far.example>"
    path: str = "bob@far.example"
    to: str = "ann@harbor.example"
    answered: str = "In-Reply-To: <tide.1@harbor.example>\nReferences: <tide.1@harbor.example>\n"
    own_id: str = "<E1x-1@mx.far.example>"
    began: str = "from bob by mx.far.example with local (Exim 4.96) id 1x-1"
    more: str = ""
    kind: str = "text/plain; charset=utf-8"

    def raw(self) -> bytes:
        stamp = "Mon, 2 Nov 2026 10:15:00 +0000"
        return (
            f"Return-Path: <{self.path}>\nReceived: from mx.far.example (mx.far.example [198.51.100.3])\n"
            f"\tby mx.harbor.example (Postfix) with ESMTPS id 4Cq9; {stamp}\nReceived: {self.began}; {stamp}\n"
            f"From: {self.author}\nTo: {self.to}\nSubject: {self.subject}\nDate: {stamp}\nMessage-ID: {self.own_id}\n"
            f"{self.answered}{self.more}MIME-Version: 1.0\nContent-Type: {self.kind}\n\n{self.body}"
        ).encode()

    def read(self) -> Kind:
        return notices.read(Message("INBOX", "1", self.raw())).kind


WORDS: Final = {
    "Icelandic": ("Fjarverandi: Tide tables", "Ég er í fríi til 16. nóvember."),
    "Basque": ("Kanpoan nago: Tide tables", "Azaroaren 16ra arte oporretan nago."),
    "Armenian": ("Բացակա եմ: Tide tables", "Ես արձակուրդում եմ։"),
    "Swahili": ("Sipo ofisini (Tide tables)", "Niko likizo hadi tarehe 16."),
    "Amharic": ("አሁን የለሁም", "እስከ ህዳር 16 ድረስ እረፍት ላይ ነኝ።"),
    "Maori": ("Kei waho au - Tide tables", "Kei te hararei ahau."),
}


@pytest.mark.parametrize(("subject", "body"), WORDS.values(), ids=WORDS)
@pytest.mark.parametrize(
    "began",
    [
        "from bob by mx.far.example with local (Exim 4.96) id 1x-1",
        "by mx.far.example (Postfix, from userid 1001) id 4C1",
        "(from bob@localhost) by mx.far.example (8.17.1/8.17.1/Submit) id x1",
        "(qmail 4321 invoked by uid 1001)",
        "from localhost (mx.far.example [local]) by mx.far.example (OpenSMTPD) with ESMTPA id 5b1",
    ],
)
def test_an_answer_of_a_vacation_program(subject: str, body: str, began: str) -> None:
    assert Answer(subject=subject, body=body, began=began).read() is Kind.AUTOREPLY


UA: Final = "User-Agent: Mutt/2.2.9\n"
NEAR: Final = {
    # what persons do
    "an answer under the mail's subject": replace(Answer(), subject="Re: Tide tables"),
    "with a mail program": replace(Answer(), more=UA),
    "with Outlook": replace(Answer(), more="Thread-Index: AQHa\n"),
    "a quotation": replace(Answer(), body="Takk!\n\n> Here they are.\n"),
    "an announced quotation": replace(Answer(), body="Takk!\n\n2. nóv. skrifaði Ann:\nHere they are.\n"),
    "the head of the mail": replace(
        Answer(), body="Takk!\n\nFrá: Ann <ann@harbor.example>\nHere they are.\n"
    ),
    "a rule above the mail": replace(Answer(), body="Takk!\n\n--------\nHere they are.\n"),
    "a quotation in HTML": replace(
        Answer(), kind="text/html; charset=utf-8", body="<p>Takk!</p><blockquote>Here they are.</blockquote>"
    ),
    "a mail of a longer conversation": replace(
        Answer(),
        answered="In-Reply-To: <tide.1@harbor.example>\nReferences: <a@far.example> <tide.1@harbor.example>\n",
    ),
    "to several": replace(Answer(), to="ann@harbor.example, carl@harbor.example"),
    "with a file": replace(
        Answer(),
        kind="multipart/mixed; boundary=b",
        body='--b\n\nTakk!\n--b\nContent-Type: application/pdf; name="a.pdf"\n\nx\n--b--\n',
    ),
    "by a server that takes mail from clients": replace(
        Answer(), began="from phone (client.far.example [198.51.100.9]) by mx.far.example with ESMTPSA id 1"
    ),
    "by web mail": replace(Answer(), began="by 2002:a05:1::1 with HTTP"),
    "by Exchange": replace(
        Answer(), began="from EX1.far.example ([fe80::1]) by EX1.far.example ([fe80::1%12]) with mapi id 15"
    ),
    "by a colleague's script": replace(Answer(), author="carl@harbor.example", path="carl@harbor.example"),
    # what services do
    "no answer": replace(Answer(), answered=""),
    "a thread of a tracker": replace(Answer(), answered="In-Reply-To: <issue-12@far.example>\n"),
    "a thread of a monitor": replace(
        Answer(), own_id="<1@watch.isle.example>", answered="In-Reply-To: <alert.7@isle.example>\n"
    ),
    "a ticket": replace(Answer(), subject="[#4711] Tide tables"),
    "a link": replace(Answer(), body="Sjá https://far.example/1\n"),
    "an envelope that collects bounces": replace(Answer(), path="bounce-77@far.example"),
    "of a list": replace(Answer(), more="List-Id: <sailors.lists.far.example>\n"),
    "no words": replace(Answer(), body="\n"),
}


@pytest.mark.parametrize("name", NEAR)
def test_one_sign_missing_leaves_it_ordinary(name: str) -> None:
    assert NEAR[name].read() is Kind.NOT_A_BOUNCE


def test_the_shortlist_sees_it_by_the_fields_that_it_fetches() -> None:
    raw = Answer().raw()
    items = Headers.parse(raw[: raw.index(b"\n\n") + 2]).items
    fetched = Headers(tuple(item for item in items if item[0].decode().lower() in notices.SHORTLIST_FIELDS))
    assert notices.is_likely(fetched)
    assert not notices.is_likely(Headers(tuple(item for item in fetched.items if item[0] != b"In-Reply-To")))
