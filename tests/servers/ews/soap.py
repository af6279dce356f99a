"""The XML of requests and answers: read with lxml, written as text, which is quick enough for 20,000 items."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from lxml import etree

SOAP: Final = "http://schemas.xmlsoap.org/soap/envelope/"
TYPES: Final = "http://schemas.microsoft.com/exchange/services/2006/types"
MESSAGES: Final = "http://schemas.microsoft.com/exchange/services/2006/messages"
ERRORS: Final = "http://schemas.microsoft.com/exchange/services/2006/errors"

S: Final = f"{{{SOAP}}}"
T: Final = f"{{{TYPES}}}"
M: Final = f"{{{MESSAGES}}}"

_NOT_IN_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


class Ways(Enum):
    """Whose ways the server has, where the recorded server and Exchange's documentation differ."""

    RECORDED = "recorded"
    EXCHANGE = "exchange"


@dataclass(frozen=True)
class Version:
    """What the server says it is."""

    major: int = 15
    minor: int = 0
    build: int = 847
    revision: int = 4040
    name: str = "V2017_07_11"
    newest: str = ""
    """The newest schema that it speaks; empty: any."""


@dataclass
class RefusedError(Exception):
    """One response message of class Error."""

    code: str
    values: Mapping[str, str] = field(default_factory=dict)
    """Of its MessageXml."""
    stops: bool = False
    """The rest of the batch is left undone."""


@dataclass
class FaultError(Exception):
    """A SOAP fault, for the whole request."""

    code: str
    values: Mapping[str, str] = field(default_factory=dict)
    status: int = 500


TEXTS: Final = {
    "ErrorAccessDenied": "This account has no right to do that.",
    "ErrorBatchProcessingStopped": "Left undone, as an item before it failed.",
    "ErrorCannotDeleteObject": "The object cannot be deleted.",
    "ErrorCorruptData": "The id is none.",
    "ErrorFolderExists": "There is a folder of that name.",
    "ErrorFolderNotFound": "There is no such folder.",
    "ErrorImpersonateUserDenied": "This account may not act for that one.",
    "ErrorInternalServerError": "The operation failed inside the server.",
    "ErrorInvalidId": "The id cannot be read.",
    "ErrorInvalidRestriction": "The server does not know such a restriction.",
    "ErrorInvalidSyncStateData": "The sync state is not accepted; begin anew.",
    "ErrorItemNotFound": "There is no such item.",
    "ErrorMailboxMoveInProgress": "The mailbox is being moved.",
    "ErrorNonExistentMailbox": "No mailbox has that address.",
    "ErrorQuotaExceeded": "The mailbox is full.",
    "ErrorServerBusy": "The server is busy; come back later.",
    "ErrorSubscriptionNotFound": "There is no such subscription.",
}
"""Our own sentences; nobody should read more than the code."""


def tag(name: str, *inner: str, **attributes: str) -> str:
    """An element whose content is XML already."""
    given = "".join(f" {key}={quoteattr(clean(value))}" for key, value in attributes.items())
    content = "".join(inner)
    return f"<{name}{given}>{content}</{name}>" if content else f"<{name}{given}/>"


def text(name: str, value: str, **attributes: str) -> str:
    """An element whose content is that text."""
    return tag(name, escape(clean(value)), **attributes)


def flag(name: str, value: bool) -> str:
    return f"<{name}>{'true' if value else 'false'}</{name}>"


def clean(value: str) -> str:
    """Without the characters that XML 1.0 has no place for."""
    return _NOT_IN_XML.sub("", value)


def success(operation: str, inner: str = "") -> str:
    return tag(
        f"m:{operation}ResponseMessage", text("m:ResponseCode", "NoError"), inner, ResponseClass="Success"
    )


def refused(operation: str, error: RefusedError, tail: str = "") -> str:
    stopped = error.code == "ErrorBatchProcessingStopped"
    return tag(
        f"m:{operation}ResponseMessage",
        text("m:MessageText", TEXTS.get(error.code, error.code)),
        text("m:ResponseCode", error.code),
        text("m:DescriptiveLinkKey", "0"),
        _message_xml("m:MessageXml", error.values) if error.values else "",
        tail,
        ResponseClass="Warning" if stopped else "Error",
    )


def answer(operation: str, messages: str, version: Version) -> bytes:
    return _envelope(
        tag(
            f"m:{operation}Response",
            tag("m:ResponseMessages", messages),
            **{"xmlns:m": MESSAGES, "xmlns:t": TYPES},
        ),
        version,
    )


def fault(error: FaultError, ways: Ways) -> bytes:
    """A whole request refused: bare in the recorded server, with a detail in Exchange."""
    sentence = TEXTS.get(error.code, error.code)
    if ways is Ways.RECORDED and (error.status == 200 or error.code == "SOAP:Server"):
        body = tag(
            "SOAP:Fault",
            text("faultcode", error.code, **{"xsi:type": "xsd:string"}),
            text("faultstring", sentence, **{"xsi:type": "xsd:string"}),
        )
        return (
            f'<SOAP:Envelope xmlns:SOAP="{SOAP}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
            ' xmlns:xsd="http://www.w3.org/2001/XMLSchema">'
            f"<SOAP:Header/><SOAP:Body>{body}</SOAP:Body></SOAP:Envelope>"
        ).encode()
    detail = tag(
        "detail",
        text("e:ResponseCode", error.code, **{"xmlns:e": ERRORS}),
        text("e:Message", sentence, **{"xmlns:e": ERRORS}),
        _message_xml("t:MessageXml", error.values, **{"xmlns:t": TYPES}) if error.values else "",
    )
    body = tag(
        "s:Fault",
        text("faultcode", f"a:{error.code}", **{"xmlns:a": TYPES}),
        text("faultstring", sentence, **{"xml:lang": "en-US"}),
        detail,
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        f'<s:Envelope xmlns:s="{SOAP}"><s:Body>{body}</s:Body></s:Envelope>'
    ).encode()


def parse(body: bytes) -> tuple[etree._Element | None, etree._Element]:
    """The header, if there is one, and the operation."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
    envelope = etree.fromstring(body, parser)
    content = envelope.find(S + "Body")
    if content is None or not len(content):
        raise FaultError("ErrorSchemaValidation")
    return envelope.find(S + "Header"), content[0]


def name_of(element: etree._Element) -> str:
    return str(etree.QName(element).localname)


def _message_xml(name: str, values: Mapping[str, str], **attributes: str) -> str:
    return tag(name, *(text("t:Value", value, Name=key) for key, value in values.items()), **attributes)


def _envelope(body: str, version: Version) -> bytes:
    info = tag(
        "t:ServerVersionInfo",
        **{
            "xmlns:t": TYPES,
            "MajorVersion": str(version.major),
            "MinorVersion": str(version.minor),
            "MajorBuildNumber": str(version.build),
            "MinorBuildNumber": str(version.revision),
            "Version": version.name,
        },
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<SOAP:Envelope xmlns:SOAP="{SOAP}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        ' xmlns:xsd="http://www.w3.org/2001/XMLSchema">'
        f"<SOAP:Header>{info}</SOAP:Header><SOAP:Body>{body}</SOAP:Body></SOAP:Envelope>"
    ).encode()
