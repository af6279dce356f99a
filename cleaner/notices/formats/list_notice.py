"""
Notices of mailing lists: a mail to the list was held, refused or has to be confirmed.

Sighted: Mailman 2 and 3, mlmmj, fml, Sympa, Majordomo. Known by the program's own header field or by
the robot address that it writes from (`list-bounces@`, `list-owner@`, `list-confirm+…@`), so the language
does not matter. What a list distributes is not from its robot.
"""

from __future__ import annotations

import re
from typing import Final

from cleaner.notices import words
from cleaner.notices.sheet import Finding, Sheet
from cleaner.values import Kind, address_key, domain_of

FAMILY: Final = "list"

_ROBOT: Final = re.compile(
    r"(?:.{1,100}[-+](?:bounces?|owner|request|confirm|admin|help|moderators?|subscribe|unsubscribe)(?:[-+].{0,100})?"
    r"|mailman|majordomo|listserv|sympa|mlmmj|ecartis|owner-.{1,100})@"
)
_ENDS_LIST: Final = re.compile(
    r"[-+](?=bounces|owner|request|confirm|admin|help|moderator|subscribe|unsubscribe)"
)
_PROGRAM: Final = re.compile(
    r"(?:.{1,100}-(?:bounces|request)|mailman|majordomo|listserv|sympa|mlmmj|ecartis|ezmlm|lyris)@"
)
"""Addresses that only a list manager writes from."""
_PROGRAMS: Final = ("x-mailman-version", "x-mlserver", "x-list-administrivia", "x-sympa-to")


def read(sheet: Sheet) -> Finding | None:
    if sheet.part_of_type("message/delivery-status") is not None or "x-failed-recipients" in sheet.headers:
        return None
    robot = bool(_ROBOT.match(address_key(sheet.sender)))
    path = sheet.return_path if isinstance(sheet.return_path, str) else ""
    by_robot = bool(_ROBOT.match(address_key(path))) and domain_of(path) == domain_of(sheet.sender)
    program = next((name for name in _PROGRAMS if name in sheet.headers), "")
    speaks = words.said(words.LIST, sheet.title)
    by_program = bool(program) and (bool(sheet.auto_submitted) or (by_robot and not sheet.is_of_a_list))
    if robot and by_robot and not sheet.is_of_a_list and _are_of_one_list(path, sheet.sender):
        return Finding(Kind.LIST_NOTICE, _family(sheet))
    if robot and ((speaks and (bool(sheet.auto_submitted) or not sheet.is_of_a_list)) or by_program):
        return Finding(Kind.LIST_NOTICE, _family(sheet))
    if _PROGRAM.match(address_key(sheet.sender)) and (sheet.has_null_sender or sheet.auto_submitted):
        return Finding(Kind.LIST_NOTICE, _family(sheet))
    if program and (by_robot or speaks) and (sheet.auto_submitted or not sheet.is_of_a_list):
        return Finding(Kind.LIST_NOTICE, _family(sheet))
    return None


def _are_of_one_list(path: str, sender: str) -> bool:
    """Two robots of one list, `sailors+bounces-help@` and `sailors+owner@`: mailings have one, if any."""
    return address_key(path) != address_key(sender) and _list_of(path) == _list_of(sender)


def _list_of(address: str) -> str:
    """The list that a robot works for: what stands before the first sign that separates its own name."""
    return _ENDS_LIST.split(address_key(address).partition("@")[0])[0]


def _family(sheet: Sheet) -> str:
    if "x-mailman-version" in sheet.headers:
        return "mailman"
    if "x-mlserver" in sheet.headers:
        return "fml"
    return "mlmmj" if "mlmmj" in sheet.headers.text("message-id").lower() else FAMILY
