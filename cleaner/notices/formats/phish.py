"""
Fakes: phishing and worms that look like a delivery report or a notice of held mail.

No specification: sighted in phishing collections and on mailing lists. A report brings back a mail, or at
least says which one; a fake brings a link to follow or a file to open. Three things make one, and a subject never
does alone: it speaks for a mail system that is not its own, it lures to a third party, and the lure knows the
addressee. Colleagues, shops and services write of orders on hold and new messages too, and lead to their own pages.

Where no link is, the lure is a file that runs or opens a form, or the picture of a code to be scanned: from a mail
system that tells of nobody's mail, no report has either.
"""

from __future__ import annotations

import re
from base64 import b64encode
from typing import Final
from urllib.parse import unquote

from cleaner.notices import failures, status, words
from cleaner.notices.cover import Cover
from cleaner.notices.lazy import lazy
from cleaner.notices.sheet import Finding, Sheet
from cleaner.notices.text import fold, from_html
from cleaner.values import Completeness, Kind, address_key, domain_of

FAMILY: Final = "phish"
_SUPPORT: Final = (
    "admin",
    "support",
    "webmail",
    "mail server",
    "mailserver",
    "helpdesk",
    "help desk",
    "postmail",
    "post office",
    "delivery software",
    "mail delivery",
    "email delivery",
    "mailbox",
    "notification",
    "webmaster",
    "it service",
    "message center",
)
_SYSTEM: Final = (
    "daemon",
    "delivery",
    "mail system",
    "mailsystem",
    "zustell",
    "post office",
    "système de messagerie",
    "système de distribution",
    "sistema de correo",
    "sistema de correio",
    "sistema di posta",
    "почтовая система",
    "メール配信システム",
    "メールシステム",
    "邮件系统",
    "郵件系統",
    "메일 시스템",
)
"""Names of what delivers mail, not of who looks after it."""
_ROLE: Final = re.compile(
    r"(?:no-?reply|admin(?:istrator)?|postmaster|webmaster|support|help-?desk|it(?:-?(?:support|desk|service))?"
    r"|security|server|e?-?mail(?:er|box|server|admin|support)?|quarantine)\d{0,3}@"
)
"""Whom a fake of our own domain writes as; a colleague has a name."""
_AT_ONCE: Final = 400
"""Characters in which a mail comes to its point, and no newsletter says to whom it was sent."""
_HOST: Final = re.compile(r"(?i)https?://([^/?#\\\s]*)")
_ADDRESS: Final = re.compile(r"(?i)https?://\S{1,500}")
_OPENS: Final = re.compile(
    r"(?i)\.(?:x?html?|shtml?|mht|mhtml|svgz?|hta|exe|scr|pif|com|bat|cmd|ps1|vb[se]|jse?|ws[fh]|lnk|url|jar|iso|img|vhdx?"
    r"|zip|rar|7z|cab|arj|ace|docm|xlsm|one)$"
)
"""Files that open a page with a form, or run; and what such files are packed in."""
_NUMBERED: Final = re.compile(r"(?i)att\d{3,8}\.html?")
"""What Exchange and Outlook make of the parts of a text."""
_IMAGE: Final = re.compile(r"(?i)\.(?:png|jpe?g|gif|bmp|webp)$|^image/")
_CODE: Final = re.compile(r"(?<![a-z])qr(?![a-z])|二维码|二維碼")
_AT: Final = re.compile(r"[^\s<>@\"'(),;:\[\]]{1,64}@[^\s<>@\"'(),;:\[\]]{3,255}")
_LINKED_HOST: Final = re.compile(r"(?i)<\s*https?://([^/?#\\\s>]*)")


def read(sheet: Sheet) -> Finding | None:
    if sheet.returned.completeness is not Completeness.NONE or sheet.answers or _is_passed_on(sheet):
        return None
    return Finding(Kind.NDR_PHISH, FAMILY) if _is_of_a_worm(sheet) or _is_fake(_Signs(sheet)) else None


def _is_of_a_worm(sheet: Sheet) -> bool:
    """No mail system writes with a person's mail program: Mydoom and Bagle say so."""
    if not sheet.headers.text("x-mailer").lower().startswith("microsoft outlook express"):
        return False
    official = sheet.has_daemon_sender or words.said(_SUPPORT, sheet.sender_name)
    return official and (_is_titled(sheet) or words.said(words.FAILURE, sheet.folded))


class _Signs:
    """What speaks for a fake, each worked out when first asked for."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self.ours = frozenset(map(_house, map(domain_of, sheet.addressees))) - {""}
        self.author = _house(domain_of(sheet.sender))

    @lazy
    def lures(self) -> tuple[str, ...]:
        """Links that do not lead to us, nor where its header says that one may unsubscribe."""
        field = self.sheet.headers.text("list-unsubscribe")
        home = self.ours | {_house(_bare(host)) for host in _LINKED_HOST.findall(field)}
        return tuple(link for link in self.sheet.links if _house(host_of(link)) not in home)

    @lazy
    def astray(self) -> tuple[str, ...]:
        """Lures that do not lead home to the author either; one who speaks in our name is at home nowhere else."""
        if self.speaks_for_us:
            return self.lures
        return tuple(link for link in self.lures if _house(host_of(link)) != self.author)

    @lazy
    def speaks_for_us(self) -> bool:
        """A stranger, who has the addressee's domain or address in the place of his name."""
        name = self.sheet.sender_name
        if name == address_key(self.sheet.sender):
            return False
        return any(house in name for house in self.ours)

    @lazy
    def is_our_role(self) -> bool:
        """Its author is an office of the addressee's own domain, or so it says."""
        return self.author in self.ours and bool(_ROLE.match(address_key(self.sheet.sender)))

    @property
    def is_support(self) -> bool:
        return words.said(_SUPPORT, self.sheet.sender_name)

    @lazy
    def is_mail_system(self) -> bool:
        if not self.sheet.has_daemon_sender:
            return False
        return words.said(_SYSTEM, f"{self.sheet.sender_name} {address_key(self.sheet.sender)}")

    @lazy
    def is_baited(self) -> bool:
        return self._knows_us(self.lures)

    @lazy
    def is_baited_astray(self) -> bool:
        return self._knows_us(self.astray)

    def _knows_us(self, links: tuple[str, ...]) -> bool:
        """A link carries the addressee's own address: a fake log-in page fills it in, no mail system needs it."""
        linked = " ".join(links)
        plain = unquote(unquote(linked)).casefold()
        return any(
            address_key(address) in plain or any(code in linked for code in _encoded(address))
            for address in self.sheet.addressees
        )

    @lazy
    def names_us(self) -> bool:
        """It speaks of the addressee's mailbox or domain, in its subject or at once; not where it says who gets it."""
        said = f"{self.sheet.title} {self.sheet.folded[:_AT_ONCE]}"
        return any(domain_of(address) in said for address in self.sheet.addressees if "@" in address)

    @lazy
    def blames_us(self) -> bool:
        """Its words, addresses of pages aside, speak of the addressee's mailbox or domain at once."""
        said = f"{self.sheet.title} {_ADDRESS.sub(' ', self.sheet.folded)[:_AT_ONCE]}"
        return any(domain_of(address) in said for address in self.sheet.addressees if "@" in address)

    @lazy
    def explains(self) -> bool:
        """It says whose mail failed, somebody else's, and its link leads to more about that."""
        return _names_a_recipient(self.sheet) and not self.blames_us

    @lazy
    def has_a_form(self) -> bool:
        """A file that opens a form or runs; or the picture of a code, where its words speak of one."""
        names = self.sheet.attachments
        if any(_OPENS.search(name) and not _NUMBERED.fullmatch(name) for name in names):
            return True
        return any(map(_IMAGE.search, names)) and bool(_CODE.search(self.sheet.folded))

    @lazy
    def tells_of_no_mail(self) -> bool:
        """
        Its words name neither a reply code nor anybody but the addressee: a report says whose mail failed.

        One in the form of a report may say that there alone, unless it speaks of the addressee's own mailbox.
        """
        if status.has_code(self.sheet.text[:16_000]) or (self.sheet.is_report and not self.blames_us):
            return False
        own = {address_key(address) for address in (*self.sheet.addressees, self.sheet.sender)}
        words_only = _ADDRESS.sub(" ", self.sheet.text[:16_000])
        return all(address_key(found).rstrip(".,!?") in own for found in _AT.findall(words_only))

    @lazy
    def is_titled(self) -> bool:
        return _is_titled(self.sheet)

    @lazy
    def is_told(self) -> bool:
        """Its words say that mail is held or failed; they may stand in its HTML form alone."""
        return words.said_of_held(self.sheet.folded) or words.said_of_held(
            fold(from_html(self.sheet.html)[:6_000])
        )

    @lazy
    def reports_on_us(self) -> bool:
        """It quotes a code about our own mailbox, and did not come from its author's address."""
        if address_key(str(self.sheet.return_path)) == address_key(self.sheet.sender):
            return False
        return self.names_us and status.has_code(self.sheet.folded)

    @lazy
    def strays(self) -> bool:
        """It was sent, like any mail, by somebody of another domain than its author's."""
        path = self.sheet.return_path
        return isinstance(path, str) and bool(path) and _house(domain_of(path)) != self.author


def _is_fake(signs: _Signs) -> bool:
    sheet = signs.sheet
    if signs.is_baited and _is_baited_fake(signs):
        return True
    if not (sheet.attachments or signs.astray):
        return False
    if _is_empty_report(signs):
        return True
    if not signs.is_titled or _is_sent_like_a_report(sheet) or _names_a_recipient(sheet):
        return False
    if sheet.has_daemon_sender:
        return signs.strays or signs.is_mail_system or signs.author not in signs.ours or signs.reports_on_us
    return signs.speaks_for_us and signs.author not in signs.ours and words.said_of_held(sheet.title)


def _is_empty_report(signs: _Signs) -> bool:
    """A mail system that tells of nobody's mail, and wants a file opened, a code scanned or a link followed."""
    if not (signs.sheet.has_daemon_sender and signs.is_titled and signs.tells_of_no_mail):
        return False
    return signs.has_a_form or (signs.is_mail_system and bool(signs.astray))


def _is_baited_fake(signs: _Signs) -> bool:
    sheet = signs.sheet
    if signs.explains:
        return False
    if sheet.report_type == "delivery-status" or (sheet.has_daemon_sender and signs.is_titled):
        return True
    if signs.is_mail_system and signs.is_baited_astray and not _is_sent_like_a_report(sheet):
        return True
    if sheet.auto_submitted == "auto-replied":
        return False  # a desk acknowledges what somebody wrote to it
    if signs.speaks_for_us or signs.is_our_role:
        return signs.is_told or (signs.is_titled and words.is_of_mail(sheet.title))
    if not (signs.is_support and signs.is_titled and words.is_of_mail(sheet.title)):
        return False
    return signs.is_baited_astray or (signs.names_us and signs.is_told)


def _is_titled(sheet: Sheet) -> bool:
    return words.said((*words.HELD, *words.FAILURE, *words.SUCCESS, *words.DELAY), sheet.title)


def _is_passed_on(sheet: Sheet) -> bool:
    """Somebody forwards or answers a report, or files it as a ticket; its words stand in his mail."""
    return sheet.has_ticket or (sheet.is_answer and not sheet.is_automatic)


def _names_a_recipient(sheet: Sheet) -> bool:
    """It says whose mail failed, and with which code: a gateway's report that links to an explanation."""
    named = failures.naming(sheet)
    return named.plainly and bool(named.recipients) and status.has_code(sheet.text[:16_000])


def _is_sent_like_a_report(cover: Cover) -> bool:
    """Null or daemon envelope sender, or none recorded: then what it says is not enough."""
    path = cover.return_path
    return not isinstance(path, str) or path == "" or path.lower().startswith("mailer-daemon")


def host_of(link: str) -> str:
    """The host of an http(s) address; `urlsplit` raises on some."""
    found = _HOST.match(link)
    return _bare(found[1]) if found else ""


def _bare(netloc: str) -> str:
    return netloc.rpartition("@")[2].partition(":")[0].rstrip(".").casefold()


def _house(name: str) -> str:
    """
    The registered domain that a host is of, as nearly as that can be told without a list of them.

    Its last two labels, or three below what looks like `co.uk`.
    """
    labels = name.split(".")
    below = 3 if len(labels) > 2 and len(labels[-2]) <= 3 and len(labels[-1]) == 2 else 2
    return ".".join(labels[-below:])


def _encoded(address: str) -> tuple[str, ...]:
    """An address in base64, once and twice (both sighted), less the last characters, which depend on what follows."""
    once = b64encode(address.strip("<> ").encode("utf-8", "replace"))
    return tuple(code.rstrip(b"=")[:-2].decode() for code in (once, b64encode(once)))
