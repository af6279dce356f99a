"""
The shortlist: may this be a notice, from its header fields alone?

Bodies are fetched only of what passes here, so it must lose no notice; that a few percent of the
ordinary mail pass too costs only a fetch.
"""

from __future__ import annotations

import re
from typing import Final

from cleaner.notices import words
from cleaner.notices.cover import Cover
from cleaner.notices.text import Phrases
from cleaner.values import Headers

_MARKS: Final = frozenset(
    """
    x-failed-recipients x-autoreply x-autorespond x-auto-response-suppress x-autoreply-from x-auto-reply-from
    x-vacation x-ms-exchange-generated-message-source x-ms-exchange-inbox-rules-loop x-ms-exchange-message-is-ndr
    x-amavis-alert x-autoresponder x-auto-reply original-message-id x-original-message-id
    x-mailer-daemon x-supplementary-info x-amz-sns-message-id
    """.split()
)
FIELDS: Final = _MARKS | frozenset(
    "from subject content-type auto-submitted return-path precedence list-id list-post list-unsubscribe "
    "x-sieve in-reply-to".split()
)
"""Every field that is looked at. Over IMAP each name costs its length for every message."""

_TYPE: Final = re.compile(
    r"\s*(?:multipart/report|message/(?:global-)?(?:delivery-status|disposition-notification|feedback-report))"
    r"|.{0,500}report-type",
    re.IGNORECASE,
)
_LIST_ROBOT: Final = re.compile(
    r"^(?:.*[-+](?:bounces?|owner|request|confirm.*|admin|help|return|(?:un)?subscribe|ctl|control|moderator|editor)"
    r"|mailman|majordomo|listserv|sympa|listar|ecartis|ezmlm|mlmmj|lyris|fml|owner-.*)(?:\+.*)?@",
    re.IGNORECASE,
)
TITLES: Final = (
    *words.FAILURE,
    *words.DELAY,
    *words.SUCCESS,
    *words.AUTOREPLY,
    *words.ABSENCE,
    *words.CHALLENGE,
    *words.VIRUS,
    *words.LIST,
    *words.HELD,
    "complaint about message from",
)
"""What stands in the subjects of notices."""

_PHRASES: Final = Phrases(TITLES)


def is_likely(headers: Headers) -> bool:
    """Whether a message may be a notice."""
    return likely(Cover(headers))


def likely(cover: Cover) -> bool:
    headers = cover.headers
    return (
        cover.is_automatic
        or not _MARKS.isdisjoint(headers.names)
        # Pigeonhole marks what it writes itself, Cyrus (CMU) everything that it delivers.
        or ("x-sieve" in headers and not headers.text("x-sieve").casefold().startswith("cmu"))
        or bool(_TYPE.match(headers.text("content-type")))
        or cover.precedence in ("auto_reply", "auto-reply", "junk")
        or (cover.precedence == "bulk" and not cover.is_of_a_list)
        or bool(_LIST_ROBOT.match(cover.sender))
        or cover.answers_under_own_subject
        or _PHRASES.are_in(cover.title)
    )
