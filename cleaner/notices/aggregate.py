"""
DMARC aggregate reports: which machines others saw send mail in the name of a domain of ours, and whether it passed.

They come as XML, packed with gzip or zip, from anybody who cares to write one, so everything is bounded: what is read of
the archive, what comes out of it, depth, texts, records. A document type, and with it every entity, is refused.

Source: RFC 7489 section 7.2 and appendix C; RFC 9990.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import IPv6Address, ip_address
from itertools import islice
from typing import Final
from xml.parsers import expat

from cleaner.notices import mime
from cleaner.notices.fields import decoded
from cleaner.notices.limits import MAX_READ
from cleaner.values import Headers, IPAddress, Message

MAX_PACKED: Final = 8 * 1024 * 1024
MAX_XML: Final = 32 * 1024 * 1024
MAX_MEMBERS: Final = 10
"""Of a zip archive; a report is one file."""
MAX_DEPTH: Final = 12
MAX_TEXT: Final = 500
MAX_RECORDS: Final = 50_000
MAX_ELEMENTS: Final = 2_000_000
MAX_COUNT: Final = 10**9
_CHUNK: Final = 64 * 1024
_TYPES: Final = frozenset(
    f"application/{name}" for name in ("gzip", "x-gzip", "zip", "x-zip-compressed", "xml")
)
_ENDINGS: Final = (".xml", ".xml.gz", ".gz", ".zip")

_ROW: Final = "feedback/record/row"
_ADDRESS: Final = f"{_ROW}/source_ip"
_COUNT: Final = f"{_ROW}/count"
_DKIM: Final = f"{_ROW}/policy_evaluated/dkim"
_SPF: Final = f"{_ROW}/policy_evaluated/spf"
_FROM: Final = "feedback/record/identifiers/header_from"
_ENVELOPE: Final = "feedback/record/identifiers/envelope_from"
_REPORTER: Final = "feedback/report_metadata/org_name"
_ID: Final = "feedback/report_metadata/report_id"
_BEGIN: Final = "feedback/report_metadata/date_range/begin"
_END: Final = "feedback/report_metadata/date_range/end"
_DOMAIN: Final = "feedback/policy_published/domain"
_READ: Final = frozenset(
    (_ADDRESS, _COUNT, _DKIM, _SPF, _FROM, _ENVELOPE, _REPORTER, _ID, _BEGIN, _END, _DOMAIN)
)


@dataclass(frozen=True, slots=True)
class AggregateRow:
    """Mails of one machine in one name, as one receiver saw them."""

    source_ip: IPAddress
    count: int
    header_from: str
    """The domain of the From."""
    envelope_from: str
    """The domain of the envelope sender; empty where the report does not tell."""
    dkim_aligned: bool
    """A signature of the From's domain held."""
    spf_aligned: bool
    """SPF let the machine send for the envelope's domain, and that is the From's."""


@dataclass(frozen=True, slots=True)
class AggregateReport:
    """One report of one receiver on one domain."""

    reporter: str
    id: str
    domain: str
    """Whose policy it is about."""
    begins: datetime | None
    ends: datetime | None
    rows: tuple[AggregateRow, ...]


def may_be_aggregate(headers: Headers) -> bool:
    """
    Whether a mail may bring a report, by its subject.

    RFC 7489 section 7.2.1.1 writes `Report Domain: … Submitter: … Report-ID: …`; some write other words around DMARC.
    """
    subject = decoded(headers.text("subject")).casefold()
    return "dmarc" in subject or ("report" in subject and ("submitter" in subject or "domain" in subject))


def attached_report(message: Message) -> AggregateReport | None:
    """The first report among a mail's parts; None where there is none, or the mail cannot be read."""
    if message.unreadable:
        return None
    try:
        parts = tuple(mime.parse(message.raw[:MAX_READ]).leaves())
    except mime.TooManyPartsError:
        return None
    packed = (part for part in parts if part.type in _TYPES or part.filename.lower().endswith(_ENDINGS))
    tried = (read_aggregate(part.payload) for part in islice(packed, MAX_MEMBERS))
    return next((report for report in tried if report is not None), None)


def read_aggregate(data: bytes) -> AggregateReport | None:
    """A report as it is attached: gzip, zip or bare XML. None for what is none, is broken, or too large."""
    xml = _unpacked(data)
    if xml is None:
        return None
    reading = _Reading()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = reading.start
    parser.EndElementHandler = reading.end
    parser.CharacterDataHandler = reading.text
    parser.StartDoctypeDeclHandler = reading.refuse
    parser.EntityDeclHandler = reading.refuse
    try:
        for start in range(0, len(xml), _CHUNK):
            parser.Parse(xml[start : start + _CHUNK], False)
        parser.Parse(b"", True)
    except (expat.ExpatError, _RefusedError, ValueError, LookupError):
        return None
    return reading.report()


class _RefusedError(Exception):
    """It is not a report, or means harm."""


@dataclass
class _Reading:
    """What was read so far."""

    path: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    size: int = 0
    head: dict[str, str] = field(default_factory=dict)
    record: dict[str, str] = field(default_factory=dict)
    rows: list[AggregateRow] = field(default_factory=list)
    records: int = 0
    elements: int = 0

    def start(self, name: str, _: Mapping[str, str]) -> None:
        self.path.append(name.rpartition(":")[2].lower()[:MAX_TEXT])
        self.said.clear()
        self.size = 0
        self.elements += 1
        is_report = self.path[0] == "feedback" and len(self.path) <= MAX_DEPTH
        if not is_report or self.elements > MAX_ELEMENTS:
            raise _RefusedError

    def text(self, data: str) -> None:
        self.size += len(data)
        if self.size <= MAX_TEXT:
            self.said.append(data)

    def end(self, _: str) -> None:
        path = "/".join(self.path)
        if path in _READ and self.size <= MAX_TEXT:
            # The first of each counts: a second in one place is no report's.
            (self.record if path.startswith("feedback/record/") else self.head).setdefault(
                path, "".join(self.said).strip()
            )
        elif path == "feedback/record":
            self.records += 1
            if self.records > MAX_RECORDS:
                raise _RefusedError
            if (row := _row(self.record)) is not None:
                self.rows.append(row)
            self.record.clear()
        self.path.pop()
        self.said.clear()
        self.size = 0

    def refuse(self, *_: object) -> None:
        raise _RefusedError

    def report(self) -> AggregateReport | None:
        head = self.head
        domain = _domain(head.get(_DOMAIN, ""))
        if not domain:
            return None
        return AggregateReport(
            head.get(_REPORTER, ""),
            head.get(_ID, ""),
            domain,
            _time(head.get(_BEGIN, "")),
            _time(head.get(_END, "")),
            tuple(self.rows),
        )


def _row(record: Mapping[str, str]) -> AggregateRow | None:
    count = record.get(_COUNT, "")
    header_from = _domain(record.get(_FROM, ""))
    try:
        ip = ip_address(record.get(_ADDRESS, ""))
    except ValueError:
        return None
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    if not header_from or not count.isascii() or not count.isdecimal() or len(count) > 10:
        return None
    return AggregateRow(
        ip,
        min(int(count), MAX_COUNT),
        header_from,
        _domain(record.get(_ENVELOPE, "")),
        record.get(_DKIM, "").lower() == "pass",
        record.get(_SPF, "").lower() == "pass",
    )


def _domain(text: str) -> str:
    return text.rpartition("@")[2].lower().rstrip(".")


def _time(text: str) -> datetime | None:
    if not text.isascii() or not text.isdecimal() or len(text) > 11:
        return None
    return datetime.fromtimestamp(int(text), UTC)


# --- out of its archive --------------------------------------------------------------------------


def _unpacked(data: bytes) -> bytes | None:
    if len(data) > MAX_PACKED:
        return None
    try:
        if data.startswith(b"\x1f\x8b"):
            xml = zlib.decompressobj(31).decompress(data, MAX_XML + 1)
        elif data.startswith(b"PK\x03\x04"):
            xml = _unzipped(data)
        else:
            xml = data
    except (
        zlib.error,
        zipfile.BadZipFile,
        EOFError,
        OSError,
        RuntimeError,
        ValueError,
        LookupError,
        struct.error,
    ):
        # What zipfile raises on damaged archives is more than it documents; RuntimeError: it is encrypted.
        return None
    return xml if 0 < len(xml) <= MAX_XML else None


def _unzipped(data: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [one for one in archive.infolist() if one.filename.lower().endswith(".xml")]
        is_usual = len(archive.infolist()) <= MAX_MEMBERS and len(members) == 1
        # Other methods of packing may ask for much memory before they give anything.
        if not is_usual or members[0].compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            return b""
        with archive.open(members[0]) as file:
            return file.read(MAX_XML + 1)
