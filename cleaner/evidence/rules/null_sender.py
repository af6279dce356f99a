"""
A delivery report has an empty envelope sender.

Reports that are sent like other mail are often fakes, and many honest answers are, so it is only stated.

Source: RFC 3464 section 2, RFC 5321 section 4.5.5.
"""

from __future__ import annotations

from cleaner.values import Evidence, Known, Notice, Side

SIDE = Side.NEUTRAL


def check(notice: Notice, known: Known) -> tuple[Evidence, ...]:  # noqa: ARG001
    if notice.return_path != "":
        return ()
    return (
        Evidence(
            "null_sender",
            side=SIDE,
            seen="<>",
            reason="The sender address is empty, as delivery reports require.",
        ),
    )
