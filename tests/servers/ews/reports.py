"""
What becomes of a delivery report: read into properties, and written anew from them.

Source: the 66 reports of the recorded pairs, and MS-OXCMAIL 2.1.3.6.1 and 2.2.3.7.1.2.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from tests.servers.ews.parts import Part

CLASSES: Final = {
    "failed": "REPORT.IPM.Note.NDR",
    "delayed": "REPORT.IPM.Note.Delayed.DR",
    "delivered": "REPORT.IPM.Note.DR",
    "relayed": "REPORT.IPM.Note.Relayed.DR",
    "expanded": "REPORT.IPM.Note.Expanded.DR",
}

READ: Final = "REPORT.IPM.Note.IPNRN"
UNREAD: Final = "REPORT.IPM.Note.IPNNRN"

_FIELD: Final = re.compile(r"([!-9;-~]+)[ \t]*:[ \t]*((?:.|\n[ \t])*)\Z")
_STATUS: Final = re.compile(r"\d\.\d{1,3}\.\d{1,3}\Z")

Block = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Report:
    """What the server understood of a report."""

    item_class: str
    recipients: tuple[str, ...] | None
    """As the rebuilt `To` has them; `None`: it stays as it was."""
    status: bytes
    """The part as it is written again."""
    about: str | None = None
    """The message that was read, which the rebuilt `References` names."""


def read(message: Part) -> Report | None:
    """Nothing, if the server takes it for an ordinary message."""
    if message.type != "multipart/report":
        return None
    for part in message.children:
        if part.type == "message/delivery-status":
            return _delivery(part)
        if part.type == "message/disposition-notification":
            return _disposition(part, message)
    return None


def _delivery(part: Part) -> Report | None:
    blocks = _blocks(part.content)
    if blocks is None or len(blocks) < 2:
        return None
    actions = [(_get(block, "action") or "").strip().lower() for block in blocks[1:]]
    if not all(_get(block, "final-recipient") for block in blocks[1:]) or any(
        action not in CLASSES for action in actions
    ):
        return None
    # A comment after the status costs the recipient: 12 of 12, and no other.
    kept = [block for block in blocks[1:] if _STATUS.match((_get(block, "status") or "").strip())]
    reporter = _get(blocks[0], "reporting-mta") or "dns;vm"
    written = f"Reporting-MTA: {reporter}\r\n\r\n" + "".join(_recipient(block) for block in kept)
    return Report(
        CLASSES[actions[0]],
        tuple(_address(_get(block, "final-recipient") or "") for block in kept),
        written.encode("utf-8", "replace"),
    )


def _recipient(block: Block) -> str:
    action = (_get(block, "action") or "").strip().lower()
    status = (_get(block, "status") or "").strip()
    remote = _get(block, "remote-mta")
    diagnostic = _get(block, "diagnostic-code")
    info = f"<{remote or ''} #{status}{f' {diagnostic}' if diagnostic is not None else ''}>"
    lines = [
        f"Final-Recipient: rfc822;{_address(_get(block, 'final-recipient') or '')}",
        f"Action: {'delivered' if action == 'delayed' else action}",
        f"Status: {_coarse(status)}",
    ]
    if remote:
        lines.append(f"Remote-MTA: {remote}")
    lines += [_folded(f"X-Supplementary-Info: {info}"), "X-Display-Name: "]
    return "\r\n".join(lines) + "\r\n"


def _coarse(status: str) -> str:
    """What a status is after it was a code of six: unknown addresses stay, most else is lost."""
    _, subject, detail = status.split(".")
    if subject == "1" and detail == "1":
        return "5.1.4"
    if subject == "0" or (subject, detail) == ("4", "4"):
        return "5.4.0"
    return "5.1.0"


def _disposition(part: Part, message: Part) -> Report | None:
    blocks = _blocks(part.content)
    if not blocks:
        return None
    final = _get(blocks[0], "final-recipient")
    disposition = _get(blocks[0], "disposition")
    if not final or not disposition:
        return None
    done = disposition.rpartition(";")[2].partition("/")[0].strip().lower()
    if done not in ("displayed", "deleted"):
        return None
    name = next((name for name, _ in message.addresses("From")), "")
    lines = [
        f"Final-Recipient: rfc822;{_address(final)}",
        f"Disposition: manual-action/MDN-sent-automatically;{done}",
    ]
    original = _get(blocks[0], "original-message-id")
    if original:
        lines.append(f"Original-Message-ID: {original}")
    lines.append(f"X-Display-Name: {name}")
    return Report(
        READ if done == "displayed" else UNREAD,
        None,
        ("\r\n".join(lines) + "\r\n").encode("utf-8", "replace"),
        original,
    )


def _blocks(content: bytes) -> list[Block] | None:
    """The blocks between blank lines; nothing if there is a blank line too many, or a line that is no field."""
    text = content.decode("utf-8", "replace").replace("\r\n", "\n")
    text = text.removesuffix("\n")
    found = []
    for block in text.split("\n\n"):
        lines = re.split(r"\n(?![ \t])", block)
        fields = [_FIELD.match(line) for line in lines]
        if not all(fields):
            return None
        found.append(tuple((each[1].lower(), each[2].replace("\n", "")) for each in fields if each))
    return found


def _get(block: Block, name: str) -> str | None:
    return next((value for key, value in block if key == name), None)


def _address(value: str) -> str:
    return value.partition(";")[2].strip() if ";" in value else value.strip()


def _folded(line: str) -> str:
    """At blanks, where a line gets longer than 78."""
    words = re.split(r"(?<=\S) (?=\S)", line)
    lines = [words[0]]
    for word in words[1:]:
        if len(lines[-1]) + len(word) > 76:
            lines.append(" " + word)
        else:
            lines[-1] += " " + word
    return "\r\n".join(lines)
