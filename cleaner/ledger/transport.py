"""
Logs of Postfix and Exim: several lines tell of one mail, and its queue id holds them together.

    postfix/smtpd[7]: 4F1A2B3C4D: client=desk.harbor.example[203.0.113.7], sasl_method=PLAIN, sasl_username=ann
    postfix/cleanup[8]: 4F1A2B3C4D: message-id=<a1@mail.harbor.example>
    postfix/qmgr[9]: 4F1A2B3C4D: from=<ann@harbor.example>, size=1234, nrcpt=1 (queue active)
    postfix/smtp[10]: 4F1A2B3C4D: to=<bob@far.example>, relay=…, status=sent (250 2.0.0 Ok)
    postfix/qmgr[9]: 4F1A2B3C4D: removed

    1tAbcd-0001x2-3B <= ann@harbor.example H=desk [203.0.113.7] P=esmtpsa A=plain:ann id=a1@mail.harbor.example
    1tAbcd-0001x2-3B => bob@far.example R=dnslookup T=remote_smtp H=mx.far.example [198.51.100.9]
    1tAbcd-0001x2-3B Completed

The lines of one file may be those of several servers and of both programs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from cleaner.ledger.mail import LoggedMail, OpenMail, Place, Wanted, address_of, text, with_brackets
from cleaner.ledger.times import Clock

MAX_OPEN: Final = 100_000
"""Mails being gathered at a time; beyond, the oldest is told of as it stands."""

_POSTFIX: Final = frozenset(
    b"smtpd submission pickup cleanup qmgr nqmgr smtp lmtp local virtual pipe error retry relay discard".split()
)
_PROGRAM: Final = re.compile(rb"(?P<host>\S{1,255}) (?:\S{0,200}/)?(?P<service>[a-z]{2,20})\[\d{1,10}\]: ")
_QUEUE_ID: Final = re.compile(rb"(?P<id>[0-9A-F]{5,20}|[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]{8,30}): ")
_CLIENT: Final = re.compile(rb"client=[^\s,\[]{0,300}\[([0-9a-fA-F.:]{2,60})\]")
_ORIGINAL_CLIENT: Final = re.compile(rb", orig_client=[^\s,\[]{0,300}\[([0-9a-fA-F.:]{2,60})\]")
_FROM: Final = re.compile(rb"from=<([^>]{0,500})>")
_TO: Final = re.compile(rb"to=<([^>]{0,500})>, (?:orig_to=<([^>]{0,500})>, )?")
_SUBJECT: Final = re.compile(
    rb"(?:info|warning|INFO|WARN): header Subject: (.{0,1000}?)(?: from [^\s;]{1,300}; from=<|$)"
)

_EXIM: Final = re.compile(
    rb"(?:\[\d{1,10}\] )?(?P<id>[0-9A-Za-z]{6}-(?:[0-9A-Za-z]{6}-[0-9A-Za-z]{2}|[0-9A-Za-z]{11}-[0-9A-Za-z]{4}))"
    rb" (?P<mark><=|=>|->|\*>|>>|==|\*\*|Completed)"
)
_EXIM_BEHIND_SYSLOG: Final = re.compile(
    rb"(?P<host>\S{1,255}) exim4?\S{0,20}: (?:[0-9-]{10} [0-9:.]{8,12} )?"
)
_EXIM_SUBJECT: Final = re.compile(rb' T="((?:[^"\\]|\\.){0,2000})"')
_EXIM_CLIENT: Final = re.compile(rb" H=(?:[^\s(\[]{1,300} )?(?:\([^)]{0,300}\) )?\[([0-9a-fA-F.:]{2,60})\]")
_ASIDE: Final = re.compile(rb"\([^)]{0,300}\)")
"""What the client calls itself."""
_EXIM_PROTOCOL: Final = re.compile(rb" P=(\S{1,40})")
_EXIM_ID: Final = re.compile(rb" id=(\S{1,900})")
_EXIM_FOR: Final = re.compile(rb" for ([^=]{3,20000})$")
_ADDRESS: Final = re.compile(rb"[^\s<>,;:\"]{1,250}@[^\s<>,;:\"]{1,255}")

_SES_ID: Final = re.compile(rb"\b250 Ok ([0-9a-f]{16}-[0-9a-f]{8}-[0-9a-f-]{27}-\d{6})\b")
_SES_HOST: Final = re.compile(rb"\bemail-smtp(?:-fips)?\.([a-z0-9-]{5,30})\.amazonaws\.com\b")
_EXCHANGE_ID: Final = re.compile(rb"\b250 2\.6\.0 <([^<>\s]{1,500}@[^<>\s]{1,300})> \[InternalId")


class TransportLog:
    """Reads lines of Postfix and Exim, of one file after the other, and tells of mail of the wanted senders."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._open: dict[tuple[bytes, bytes], OpenMail] = {}
        self.recognised = 0
        """Lines about a mail, of whomever."""
        self.bad = 0
        """Lines about a mail that could not be read."""

    def read(self, line: bytes, place: Place, clock: Clock) -> Iterator[LoggedMail]:
        time, rest = clock.read(line)
        if rest == 0:
            return
        body = line[rest:].rstrip(b"\r\n")
        if (match := _EXIM.match(body)) is not None:
            yield from self._exim(b"", match, body[match.end() :], time, place)
        elif (match := _PROGRAM.match(body)) is not None and match["service"] in _POSTFIX:
            queued = _QUEUE_ID.match(body, match.end())
            if queued is not None:
                key = match["host"], queued["id"]
                yield from self._postfix(key, match["service"], body[queued.end() :], time, place)
        elif (match := _EXIM_BEHIND_SYSLOG.match(body)) is not None:
            behind = body[match.end() :]
            if (inner := _EXIM.match(behind)) is not None:
                yield from self._exim(match["host"], inner, behind[inner.end() :], time, place)

    def unfinished(self) -> Iterator[LoggedMail]:
        """What is known by now of the mails whose last line was not seen yet."""
        for mail in self._open.values():
            if mail.message_id and (logged := mail.logged()) is not None:
                yield logged

    def open_from(self, file: int, after: int) -> int | None:
        """Where in a file the first unfinished mail begins, of those that begin after a place."""
        places = (mail.place for mail in self._open.values())
        return min((p.offset for p in places if p.file == file and p.offset >= after), default=None)

    # --- Postfix ---------------------------------------------------------------------------------

    def _postfix(
        self, key: tuple[bytes, bytes], service: bytes, rest: bytes, time: datetime | None, place: Place
    ) -> Iterator[LoggedMail]:
        self.recognised += 1
        if time is None:
            self.bad += 1
            return
        mail = self._open.get(key)
        if service in (b"smtpd", b"submission", b"pickup"):
            if rest.startswith((b"client=", b"uid=")):
                # A queue id is used again some day.
                yield from self._close(key)
                mail = self._begin(key, place, time)
                mail.submitted = service == b"pickup" or b"sasl_username=" in rest
                client = _ORIGINAL_CLIENT.search(rest) or _CLIENT.match(rest)
                mail.client = address_of(client[1]) if client is not None else None
        elif service == b"cleanup":
            self._cleanup(key, mail, rest, time, place)
        elif mail is None:
            return
        elif rest == b"removed":
            yield from self._close(key)
        elif service in (b"qmgr", b"nqmgr"):
            if (sender := _FROM.match(rest)) is not None:
                self._set_sender(key, mail, text(sender[1]))
        elif (to := _TO.match(rest)) is not None:
            mail.add_recipient(text(to[1]))
            if to[2]:
                mail.add_recipient(text(to[2]))
            if (given := id_given(rest)) is not None:
                mail.add_id(given)
        yield from self._crowded()

    def _cleanup(
        self, key: tuple[bytes, bytes], mail: OpenMail | None, rest: bytes, time: datetime, place: Place
    ) -> None:
        if rest.startswith(b"message-id="):
            mail = mail or self._begin(key, place, time)
            mail.message_id = with_brackets(text(rest.removeprefix(b"message-id=")))
        elif mail is not None and (subject := _SUBJECT.match(rest)) is not None:
            mail.subject = text(subject[1])

    # --- Exim ------------------------------------------------------------------------------------

    def _exim(
        self, host: bytes, match: re.Match[bytes], rest: bytes, time: datetime | None, place: Place
    ) -> Iterator[LoggedMail]:
        self.recognised += 1
        if time is None:
            self.bad += 1
            return
        key, mark = (host, match["id"]), match["mark"]
        mail = self._open.get(key)
        if mark == b"<=":
            self._arrival(key, rest, time, place)
        elif mail is None:
            return
        elif mark == b"Completed":
            yield from self._close(key)
        else:
            named = re.split(rb" R=| T=|: ", rest, maxsplit=1)[0]
            for address in _ADDRESS.findall(named):
                mail.add_recipient(text(address))
            if (given := id_given(rest)) is not None:
                mail.add_id(given)
        yield from self._crowded()

    def _arrival(self, key: tuple[bytes, bytes], rest: bytes, time: datetime, place: Place) -> None:
        sender, _, facts = rest.strip().partition(b" ")
        subject = _EXIM_SUBJECT.search(b" " + facts)
        # The subject is whatever somebody wrote: nothing else is read from it.
        facts = b" " + (_EXIM_SUBJECT.sub(b"", b" " + facts, count=1).strip() if subject else facts)
        if not self._wanted(text(sender)):
            return
        mail = self._begin(key, place, time)
        mail.sender = text(sender)
        protocol = _EXIM_PROTOCOL.search(facts)
        client = _EXIM_CLIENT.search(facts)
        mail.client = address_of(client[1]) if client is not None else None
        mail.submitted = b" A=" in _ASIDE.sub(b"", facts) or (
            protocol is not None and protocol[1].startswith(b"local")
        )
        if (id := _EXIM_ID.search(facts)) is not None:
            mail.message_id = with_brackets(text(id[1]))
        if subject is not None:
            mail.subject = text(subject[1].replace(b'\\"', b'"'))
        if (recipients := _EXIM_FOR.search(facts)) is not None:
            for address in _ADDRESS.findall(recipients[1]):
                mail.add_recipient(text(address))

    # --- mails being gathered --------------------------------------------------------------------

    def _begin(self, key: tuple[bytes, bytes], place: Place, time: datetime) -> OpenMail:
        self._open.pop(key, None)
        self._open[key] = mail = OpenMail(place, time)
        return mail

    def _set_sender(self, key: tuple[bytes, bytes], mail: OpenMail, sender: str) -> None:
        if self._wanted(sender):
            mail.sender = sender
        else:
            del self._open[key]

    def _close(self, key: tuple[bytes, bytes]) -> Iterator[LoggedMail]:
        mail = self._open.pop(key, None)
        if mail is not None and (logged := mail.logged()) is not None:
            yield logged

    def _crowded(self) -> Iterator[LoggedMail]:
        while len(self._open) > MAX_OPEN:
            yield from self._close(next(iter(self._open)))


def id_given(delivery: bytes) -> str | None:
    """
    The Message-ID that the next server gave the mail in place of its own, where its answer tells.

    Amazon SES answers `250 Ok 0100…` and writes `<0100…@REGION.amazonses.com>`; Exchange names the id that
    it keeps.
    """
    if (found := _SES_ID.search(delivery)) is not None:
        host = _SES_HOST.search(delivery)
        region = text(host[1]) if host is not None else "us-east-1"
        return f"<{text(found[1])}@{'email' if region == 'us-east-1' else region}.amazonses.com>"
    if (found := _EXCHANGE_ID.search(delivery)) is not None:
        return f"<{text(found[1])}>"
    return None
