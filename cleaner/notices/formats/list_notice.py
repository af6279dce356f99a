"""
Notices of mailing lists: a mail to the list was held, refused or has to be confirmed.

Sighted: Mailman 2 and 3, mlmmj, fml, Sympa, Majordomo, ezmlm, LISTSERV. Known by who speaks: the program's own
header field or the robot address that it writes from (`list-bounces@`, `list-owner@`, `list-confirm+…@`); and by
whom it speaks to: one person, of the mail that it brings back or names, or with a key to be sent in. So the
language does not matter. What a list distributes goes to the list; what its managers get brings the mail of others.
"""

from __future__ import annotations

import re
from typing import Final

from cleaner.notices import words
from cleaner.notices.fields import addresses, addresses_in
from cleaner.notices.lazy import lazy
from cleaner.notices.sheet import Finding, Sheet
from cleaner.values import Completeness, Kind, address_key, domain_of

FAMILY: Final = "list"

_NAMES: Final = r"(?:bounces?|owner|request|confirm|admin|help|moderators?|subscribe|unsubscribe|msgappr)"
_OF_LIST: Final = re.compile(
    rf"(?P<list>.{{1,100}}?)[-+]{_NAMES}(?:[-+].{{0,100}})?@|owner-(?P<owned>.{{1,100}})@"
)
"""A robot of one list."""
_MAY_BE_PERSON: Final = re.compile(r".{1,100}[-+](?:admin|help)@")
_PROGRAM: Final = re.compile(r".{1,100}-(?:bounces|request)@")
_OF_SITE: Final = re.compile(
    r"(?:mailman|majordomo|listserv|sympa|mlmmj|ecartis|listar|ezmlm|lyris(?:-[a-z]{1,20})?"
    r"|minimalist)@|(?:.{1,100}\+)?no-?reply@(?:googlegroups\.com|groups\.io)$"
)
"""Addresses that only a list manager writes from, whatever the list."""
_LIST_ID: Final = re.compile(r"([^<>\s@]{1,250})>?\s{0,40}$")
_KEY: Final = re.compile(
    r"(?:confirm|approve|release|-[su]c)[-+ .=:/]{1,3}(?:\d{6,12}\.)?(?:[0-9a-f]{16,64}|[a-p]{16,24})(?![0-9a-z])"
)
"""What has to be sent in to release or to confirm: Mailman's `confirm 1a2b…`, ezmlm's `-sc.1604312345.abcd…`."""
_FORUM: Final = re.compile(r"\[[^\]]{1,80}\] email issue -- ")
"""Discourse, of a mail that it does not take for a post."""
_PROGRAMS: Final = (
    "x-mailman-version",
    "x-mlserver",
    "x-list-administrivia",
    "x-sympa-to",
    "x-ecartis-version",
)


def read(sheet: Sheet) -> Finding | None:
    if sheet.part_of_type("message/delivery-status") is not None or "x-failed-recipients" in sheet.headers:
        return None
    letter = _Letter(sheet)
    if not letter.robot and not letter.is_of_forum and not letter.program:
        return None
    if letter.is_distributed or letter.is_for_managers:
        return None
    if not (letter.answers_a_mail or _is_by_program(sheet, letter)):
        return None
    return Finding(Kind.LIST_NOTICE, _family(sheet))


def _is_by_program(sheet: Sheet, letter: _Letter) -> bool:
    """Nothing came back, so that more must speak for a program than its address."""
    if letter.is_of_forum or letter.is_of_mailman or (letter.robot and letter.has_key):
        return True
    if (
        letter.robot
        and letter.by_robot
        and not sheet.is_of_a_list
        and (letter.has_two_robots or letter.is_of_site)
    ):
        return True
    signs = (letter.is_marked, letter.speaks, letter.names_its_list, letter.is_of_site)
    if letter.is_plainly_robot and sum(signs) > 1 and (letter.is_marked or not sheet.is_of_a_list):
        return True
    if letter.is_of_program and (letter.is_marked or letter.is_of_ezmlm):
        return True
    by_program = bool(letter.program) and (letter.is_marked or not sheet.is_of_a_list)
    return by_program and (letter.by_robot or letter.speaks)


class _Letter:
    """Who of a list speaks to whom, each worked out when first asked for."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self.sender = address_key(sheet.sender)
        self.path = address_key(sheet.return_path) if isinstance(sheet.return_path, str) else ""
        self.program = next((name for name in _PROGRAMS if name in sheet.headers), "")
        self.is_of_site = bool(_OF_SITE.match(self.sender))
        self.is_of_program = self.is_of_site or bool(_PROGRAM.match(self.sender)) or self.is_of_ezmlm
        self.robot = self.is_of_program or bool(_OF_LIST.match(self.sender))

    @lazy
    def is_plainly_robot(self) -> bool:
        """Persons and desks have addresses that end in `-admin` and `-help`, too."""
        return self.is_of_program or (self.robot and not _MAY_BE_PERSON.match(self.sender))

    @lazy
    def by_robot(self) -> bool:
        """Its envelope sender is a robot of the same site."""
        is_robot = bool(_OF_SITE.match(self.path) or _OF_LIST.match(self.path))
        return is_robot and domain_of(self.path) == domain_of(self.sender)

    @lazy
    def has_two_robots(self) -> bool:
        """Two robots of one list, `sailors+bounces-help@` and `sailors+owner@`: mailings have one, if any."""
        return self.path != self.sender and list_of(self.path) == list_of(self.sender)

    @lazy
    def list(self) -> str:
        """The address of the list that the robot works for, empty where that is not to be told."""
        return list_of(self.sender) or list_of(self.path)

    @lazy
    def lists(self) -> frozenset[str]:
        """The addresses of lists that it names by its fields and robots."""
        headers = self.sheet.headers
        found = {self.list, list_of(self.sender), list_of(self.path)}
        found.update(map(address_key, addresses_in(headers, ("x-beenthere", "x-mailing-list"))))
        found.update(address_key(one.removeprefix("mailto:")) for one in addresses(headers.text("list-post")))
        if stated := _LIST_ID.search(headers.text("list-id")[-400:]):
            name, _, domain = stated[1].lower().partition(".")
            found.add(f"{name}@{domain}")
        return frozenset(found - {""})

    @lazy
    def to(self) -> frozenset[str]:
        return frozenset(map(address_key, addresses_in(self.sheet.headers, ("to", "cc"))))

    @lazy
    def is_distributed(self) -> bool:
        """It goes to the list, or holds several mails: a post, a digest, a summary."""
        if self.to & self.lists or (self.sheet.precedence == "list" and self.sheet.is_of_a_list):
            return True
        mails = sum(part.type in ("message/rfc822", "message/global") for part in self.sheet.parts)
        if mails > 1:
            return True
        # The program of all lists of a site: LISTSERV and its like name the list in To alone.
        names = ("delivered-to", "x-original-to", "envelope-to")
        taken_for = set(map(address_key, addresses_in(self.sheet.headers, names)))
        to_site = domain_of(self.sender) in {domain_of(address) for address in self.to - taken_for}
        return self.is_of_program and to_site and not self.sheet.answers_us

    @lazy
    def is_for_managers(self) -> bool:
        """It goes to a robot of its own list, or brings the mail of somebody else, or tells of all lists of a site."""
        if any(list_of(address) in self.lists for address in self.to - {self.sender}):
            return True
        if self.sender.startswith("mailman-owner@"):
            return self.sheet.returned.completeness is Completeness.NONE
        return bool(self.sheet.returned.from_addresses) and not self.sheet.answers_us

    @lazy
    def answers_a_mail(self) -> bool:
        """It brings back a mail that the addressee wrote to this very list, or to a list of this site."""
        sheet = self.sheet
        if not sheet.answers_us or sheet.has_daemon_sender:
            return False
        written_to = {address_key(address) for address in sheet.returned.to_addresses}
        if written_to & self.lists:
            return self.robot or bool(self.program)
        here = {domain_of(address) for address in written_to}
        return self.is_of_program and domain_of(self.sender) in here

    @lazy
    def speaks(self) -> bool:
        return words.said(words.LIST, self.sheet.title)

    @lazy
    def names_its_list(self) -> bool:
        return bool(self.list) and (self.list in self.sheet.title or self.list in self.sheet.folded)

    @lazy
    def has_key(self) -> bool:
        headers = self.sheet.headers
        said = f"{self.sheet.title} {self.sender} {headers.text('reply-to')[:1_000].lower()}"
        return bool(_KEY.search(said))

    @lazy
    def is_marked(self) -> bool:
        return bool(self.sheet.auto_submitted) or self.sheet.has_null_sender

    @lazy
    def is_of_mailman(self) -> bool:
        """
        Its program fields, and none of those that tell members of a list how to write to it or to leave it.

        Mailman adds those (RFC 2369) to what it distributes and not to what it writes to one person.
        """
        headers = self.sheet.headers
        if "x-mailman-version" not in headers and "x-list-administrivia" not in headers:
            return False
        return self.robot and "list-post" not in headers and "list-unsubscribe" not in headers

    @lazy
    def is_of_ezmlm(self) -> bool:
        """`list-help@` is who ezmlm speaks as, to one person; what it distributes has an author."""
        run_by = self.sheet.headers.text("mailing-list")[:400].lower()
        return "run by ezmlm" in run_by and f"contact {self.sender};" in run_by

    @lazy
    def is_of_forum(self) -> bool:
        return bool(_FORUM.match(self.sheet.title)) and bool(self.sheet.auto_submitted)


def list_of(address: str) -> str:
    """The list that a robot works for, `sailors@…` of `sailors+bounces-help@…`; else empty."""
    match = _OF_LIST.match(address)
    if match is None:
        return ""
    return f"{match['list'] or match['owned']}@{domain_of(address)}"


def _family(sheet: Sheet) -> str:
    headers = sheet.headers
    if "x-mailman-version" in headers:
        return "mailman"
    if "x-mlserver" in headers:
        return "fml"
    if "run by ezmlm" in headers.text("mailing-list").lower():
        return "ezmlm"
    return "mlmmj" if "mlmmj" in headers.text("message-id").lower() else FAMILY
