"""
A message laid out for the formats: what each of them looks at, worked out once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cleaner.notices import mime, original
from cleaner.notices.charsets import decode
from cleaner.notices.cover import Cover
from cleaner.notices.lazy import lazy
from cleaner.notices.limits import MAX_ATTACHMENTS, MAX_TEXT
from cleaner.notices.text import fold, from_html, links_in
from cleaner.values import Headers, Kind, Recipient, Returned, address_key

REPORT_TYPES: Final = frozenset(
    {
        "message/delivery-status",
        "message/global-delivery-status",
        "message/disposition-notification",
        "message/global-disposition-notification",
        "message/feedback-report",
        "message/tracking-status",
    }
)


@dataclass(slots=True)
class Finding:
    """What one format found out about a message that it recognised."""

    kind: Kind
    family: str = ""
    recipients: tuple[Recipient, ...] = ()
    reporter: str = ""
    answers: tuple[str, ...] = ()
    returned: Returned | None = None
    """The returned original where the format alone can find it."""


@dataclass(frozen=True, slots=True)
class Naming:
    """The recipients that a report names in its words."""

    recipients: tuple[Recipient, ...] = ()
    plainly: bool = False
    """They stand where a report puts them, not just anywhere in a sentence."""


class Sheet(Cover):
    """One message, laid out. Everything is worked out when first asked for."""

    def __init__(self, root: mime.Part, headers: Headers, *, rebuilt: bool = False) -> None:
        super().__init__(headers)
        self.root = root
        self.rebuilt = rebuilt
        self.naming: Naming | None = None
        """Set by `failures.naming`, which looks only once."""

    @lazy
    def report_type(self) -> str:
        """The report-type of a multipart/report (RFC 6522), lower case."""
        declared = mime.parameters(self.headers.text("content-type"))
        return (
            (declared.get("report-type") or self.root.parameters.get("report-type") or "").lower()
            if self.is_report
            else ""
        )

    @lazy
    def is_report(self) -> bool:
        """It arrived as a multipart/report (RFC 6522); Exchange writes some anew as something else."""
        declared = self.headers.text("content-type").lstrip().lower()
        return declared.startswith("multipart/report") or self.root.type == "multipart/report"

    @lazy
    def parts(self) -> tuple[mime.Part, ...]:
        return tuple(self.root.leaves())

    def part_of_type(self, *types: str) -> mime.Part | None:
        return next((part for part in self.parts if part.type in types), None)

    @lazy
    def texts(self) -> tuple[mime.Part, ...]:
        """The parts in which the notice may speak for itself: texts before a report or message part."""
        found: list[mime.Part] = []
        for part in self.parts:
            if part.type in REPORT_TYPES or part.type.startswith("message/"):
                if found:
                    break
                continue
            if part.type in ("text/plain", "text/html") and part.disposition != "attachment":
                if found and part.type == found[0].type == "text/plain" and self._is_mail(part):
                    break
                found.append(part)
        plain = [part for part in found if part.type == "text/plain" and part.payload.strip()]
        return tuple(plain or found)

    @staticmethod
    def _is_mail(part: mime.Part) -> bool:
        return original.begins_like_mail(part.payload)

    @lazy
    def _found(self) -> original.Found:
        return original.find(self.root, self.texts)

    @lazy
    def returned(self) -> Returned:
        return original.read(self._found, rebuilt=self.rebuilt)

    @lazy
    def text(self) -> str:
        """What the notice says in words, without the returned original."""
        pieces = []
        room = MAX_TEXT
        for part in self.texts:
            if room <= 0:
                break
            if part is self._found.part and self._found.own is not None:
                piece = decode(
                    self._found.own,
                    "utf-8" if part.type == "text/html" else part.parameters.get("charset", ""),
                )
            elif part is self._found.part:
                continue
            else:
                piece = part.text if part.type == "text/plain" else from_html(part.text)
            pieces.append(piece[:room].replace("\r\n", "\n"))
            room -= len(pieces[-1])
        return "\n".join(pieces)

    @lazy
    def folded(self) -> str:
        """The beginning of the text as texts are compared: what phrases are looked for in."""
        return fold(self.text[:6_000])

    @lazy
    def html(self) -> str:
        return "\n".join(
            part.text for part in self.parts if part.type == "text/html" and part is not self._found.part
        )

    @lazy
    def links(self) -> tuple[str, ...]:
        return links_in(self.text, self.html)

    @lazy
    def attachments(self) -> tuple[str, ...]:
        """Names of attached files that are neither the report nor the returned original."""
        names = []
        for part in self.parts:
            if part is self._found.part or part.type in REPORT_TYPES or part in self.texts:
                continue
            if part.filename or part.disposition == "attachment":
                names.append(part.filename or part.type)
        return tuple(names[:MAX_ATTACHMENTS])

    @lazy
    def answers_us(self) -> bool:
        """The returned original is by one of those whom this message is sent to."""
        if self.returned.from_addresses and self.addressees:
            ours = {address_key(address) for address in self.addressees}
            authors = {address_key(address) for address in self.returned.from_addresses}
            authors.update(
                address_key(path)
                for name in ("return-path", "sender")
                if isinstance(path := self.returned.headers.get(name), str)
            )
            # A tagged address (BATV) ends in `=` and the bare one.
            return bool(ours & authors) or any(a.endswith(f"={b}") for a in ours for b in authors if b)
        return False
