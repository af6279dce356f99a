"""Aggregate reports: rows as written, and nothing of what is broken, too large, or means harm."""

from __future__ import annotations

import gzip
import io
import random
import zipfile
from datetime import UTC, datetime
from ipaddress import ip_address

import pytest

from cleaner.notices import aggregate
from cleaner.notices.aggregate import AggregateReport, AggregateRow, read_aggregate

RECORD = """
  <record>
    <row><source_ip>{ip}</source_ip><count>{count}</count>
      <policy_evaluated><disposition>none</disposition><dkim>{dkim}</dkim><spf>{spf}</spf></policy_evaluated></row>
    <identifiers><envelope_from>bounce.harbor.example</envelope_from><header_from>{domain}</header_from></identifiers>
    <auth_results><dkim><domain>evil.example</domain><result>pass</result></dkim>
      <spf><domain>evil.example</domain><result>pass</result></spf></auth_results>
  </record>"""
REPORT = """<?xml version="1.0" encoding="UTF-8"?>
<feedback>
  <report_metadata><org_name>far.example</org_name><email>dmarc@far.example</email><report_id>17</report_id>
    <date_range><begin>1793664000</begin><end>1793750399</end></date_range></report_metadata>
  <policy_published><domain>Harbor.Example</domain><p>reject</p><pct>100</pct></policy_published>{records}
</feedback>
"""


def record(
    ip: str = "192.0.2.10",
    count: str = "3",
    dkim: str = "pass",
    spf: str = "fail",
    domain: str = "harbor.example",
) -> str:
    return RECORD.format(ip=ip, count=count, dkim=dkim, spf=spf, domain=domain)


def report(*records: str) -> bytes:
    return REPORT.format(records="".join(records)).encode()


def zipped(
    data: bytes, name: str = "far.example!harbor.example!1!2.xml", method: int = zipfile.ZIP_DEFLATED
) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        archive.writestr(name, data)
    return packed.getvalue()


ROW = AggregateRow(ip_address("192.0.2.10"), 3, "harbor.example", "bounce.harbor.example", True, False)
WHOLE = AggregateReport(
    "far.example",
    "17",
    "harbor.example",
    datetime(2026, 11, 3, tzinfo=UTC),
    datetime(2026, 11, 3, 23, 59, 59, tzinfo=UTC),
    (ROW,),
)


@pytest.mark.parametrize(
    "data",
    [
        report(record()),
        gzip.compress(report(record())),
        zipped(report(record())),
        zipped(report(record()), method=zipfile.ZIP_STORED),
        report(record()).replace(b"<feedback>", b'<feedback xmlns="urn:ietf:params:xml:ns:dmarc-2.0">'),
        report(record()).replace(b"<", b"<x:").replace(b"<x:/", b"</x:").replace(b"<x:?", b"<?"),
        report(record()).decode().replace("UTF-8", "UTF-16").encode("utf-16"),
    ],
    ids=["bare", "gzip", "zip", "stored", "namespace", "prefix", "utf-16"],
)
def test_a_report_is_read_however_it_is_packed(data: bytes) -> None:
    assert read_aggregate(data) == WHOLE


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"dkim": "fail", "spf": "PASS"}, (False, True)),
        ({"dkim": "none", "spf": ""}, (False, False)),
        ({"dkim": "passed"}, (False, False)),
    ],
)
def test_only_what_is_aligned_counts(changes: dict[str, str], expected: tuple[bool, bool]) -> None:
    """Below `auth_results` stand the raw results, of whatever domain."""
    found = read_aggregate(report(record(**changes)))
    assert found is not None
    assert [(row.dkim_aligned, row.spf_aligned) for row in found.rows] == [expected]


@pytest.mark.parametrize(
    "changes",
    [
        {"ip": "nowhere"},
        {"ip": ""},
        {"count": "-1"},
        {"count": "many"},
        {"count": "9" * 30},
        {"domain": ""},
        {"count": "²"},
    ],
)
def test_a_row_that_is_none_is_left_out(changes: dict[str, str]) -> None:
    found = read_aggregate(report(record(**changes), record()))
    assert found == WHOLE


def test_addresses_of_both_kinds() -> None:
    found = read_aggregate(report(record(ip="::ffff:192.0.2.10"), record(ip="2001:db8::1")))
    assert found is not None
    assert [str(row.source_ip) for row in found.rows] == ["192.0.2.10", "2001:db8::1"]


BOMB = (
    """<?xml version="1.0"?><!DOCTYPE feedback [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>"""
)
OUTSIDE = """<?xml version="1.0"?><!DOCTYPE feedback [<!ENTITY a SYSTEM "file:///etc/hostname">]>"""


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"nothing",
        b"<feedback/>",
        b"<other><feedback/></other>",
        report(record())[:-20],
        gzip.compress(report(record()))[:60],
        b"\x1f\x8b" + bytes(100),
        b"PK\x03\x04" + bytes(100),
        zipped(report(record()))[:200],
        zipped(report(record()), name="report.exe"),
        zipped(report(record()), method=zipfile.ZIP_LZMA),
        report(record()).replace(b'<?xml version="1.0" encoding="UTF-8"?>', BOMB.encode()),
        report(record(domain="&a;")).replace(b'<?xml version="1.0" encoding="UTF-8"?>', OUTSIDE.encode()),
        report(record()).replace(b"<feedback>", b"<!DOCTYPE feedback><feedback>"),
        report(record(domain="&undefined;")),
        report("<a>" * 50 + "</a>" * 50),
        report(record()).replace(b"UTF-8", b"x-unknown"),
        report(record()).replace(b"far.example", b"\xff\xfe"),
        b"x" * (aggregate.MAX_PACKED + 1),
    ],
)
def test_what_is_none_or_means_harm_is_refused(data: bytes) -> None:
    assert read_aggregate(data) is None


def test_what_grows_without_measure_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aggregate, "MAX_XML", 200_000)
    monkeypatch.setattr(aggregate, "MAX_RECORDS", 100)
    large = report(record()) + b" " * 1_000_000
    for data in (large, gzip.compress(large), zipped(large)):
        assert read_aggregate(data) is None
    assert read_aggregate(report(*[record()] * 100)) is not None
    assert read_aggregate(report(*[record()] * 101)) is None
    monkeypatch.setattr(aggregate, "MAX_ELEMENTS", 1_000)
    assert read_aggregate(report(record(), "<a/>" * 900)) is not None
    assert read_aggregate(report(record(), "<a/>" * 1_000)) is None


def test_an_endless_text_is_no_value() -> None:
    found = read_aggregate(report(record(domain="a" * 100_000), record()))
    assert found == WHOLE


def test_damaged_archives_never_raise() -> None:
    chance = random.Random(7)
    for whole in (zipped(report(record())), gzip.compress(report(record()), mtime=0), report(record())):
        for _ in range(500):
            data = bytearray(whole)
            for _ in range(chance.randint(1, 8)):
                data[chance.randrange(len(data))] = chance.randrange(256)
            found = read_aggregate(bytes(data))
            assert found is None or found.domain
