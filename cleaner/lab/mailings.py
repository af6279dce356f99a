"""
Much at once: newsletters to dead addresses, and genuine notices in the hour of a flood.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cleaner.lab.changes import copy_of, unsigned_fields
from cleaner.lab.rewriting import Field, Fields, Place, edit_headers, rewrite
from cleaner.lab.scene import Box, Letter, Scene, Step, reread
from cleaner.lab.traces import redated
from cleaner.lab.ways import Service, is_from_within, rerouted
from cleaner.values import Completeness, Kind, Message

DEAD: Final = 500
"""Addresses of the newsletter that no longer exist."""
SUBJECT: Final = "Our autumn catalogue is here"


def newsletter(service: Service | None, *, copied: bool = False) -> Step:
    """
    One mailbox sent a newsletter, and 500 reports come back within hours.

    None: by a listed relay, signed. `copied`: each mail left a copy in Sent.
    """

    def step(scene: Scene) -> Scene:
        begin = scene.middle
        if begin is None:
            return scene
        number = max(range(len(scene.boxes)), key=lambda n: len(_patterns(scene, scene.boxes[n])))
        box = scene.boxes[number]
        patterns = [
            one
            for one in _patterns(scene, box)
            if _issue(scene, one, 0, begin, service).notice.returned.subject == SUBJECT
        ]
        if not patterns:
            return scene
        made = tuple(_issue(scene, patterns[n % len(patterns)], n, begin, service) for n in range(DEAD))
        sent = tuple(map(copy_of, made)) if copied else ()
        boxes = list(scene.boxes)
        boxes[number] = replace(box, letters=(*box.letters, *made), sent=(*box.sent, *sent))
        return replace(scene, boxes=tuple(boxes))

    return step


def _patterns(scene: Scene, box: Box) -> tuple[Letter, ...]:
    """Genuine reports by others that return a header and name one recipient."""
    return tuple(
        letter
        for letter in box.letters
        if letter.is_genuine
        and letter.notice.kind is Kind.NDR
        and letter.notice.returned.completeness in (Completeness.WHOLE, Completeness.HEADERS)
        and letter.notice.returned.message_id
        and letter.notice.returned.hops
        and len(letter.notice.recipients) == 1
        and not letter.label.tags & {"forwarded-rcpt", "smtputf8"}
        and not is_from_within(letter, scene.organisation)
    )


def _issue(scene: Scene, pattern: Letter, number: int, begin: datetime, service: Service | None) -> Letter:
    """One report of the newsletter, in the manner of another report."""
    time = begin + timedelta(seconds=20 * number)
    path = Path(f"{pattern.label.path}#newsletter{number}")
    letter = replace(pattern, label=replace(pattern.label, path=path, tags=frozenset(("newsletter-bounce",))))
    if service is not None:
        raw = rerouted(scene, letter, service, signed=False)
        letter = reread(letter, replace(letter.message, raw=raw))
    old = pattern.notice.recipients[0].address
    domain = old.rpartition("@")[2]
    own_id = pattern.notice.returned.message_id or "<>"
    new_id = f"<catalogue.{number}.{int(begin.timestamp())}@{scene.domain}>"
    changed = [
        (re.compile(re.escape(old), re.IGNORECASE), f"reader{number}@{domain}"),
        (re.compile(re.escape(own_id)), new_id),
        (
            re.compile(r"(?im)^message-id:[^\n]*"),
            f"Message-ID: <{number}.{path.name[:10]}@{pattern.notice.reporter or domain}>",
        ),
    ]
    subject = pattern.notice.returned.subject

    def edit(place: Place, text: str) -> str:
        text = redated(text, lambda _: time)
        for was, will in changed[: 3 if place is Place.HEADER else 2]:
            text = was.sub(lambda _, will=will: will, text)  # type: ignore[misc]
        if place is Place.TEXT:
            text = edit_headers(text, lambda fields: _of_catalogue(scene, fields))
        return text.replace(subject, SUBJECT) if subject else text

    return reread(letter, replace(letter.message, raw=rewrite(letter.message.raw, edit)))


def _of_catalogue(scene: Scene, fields: Fields) -> Sequence[Field]:
    kept = unsigned_fields(scene, fields)
    return [
        Field(f.name, f" {SUBJECT}") if f.key == "subject" else f
        for f in kept
        if f.key not in ("in-reply-to", "references", "cc")
    ]


def in_the_flood(scene: Scene) -> Scene:
    """Genuine reports of the days before come back late, in the very hours of the flood."""
    hours = Counter(
        time.replace(minute=0, second=0, microsecond=0)
        for _, one in scene.letters
        if one.is_spurious and (time := one.notice.received) is not None
    )
    if not hours:
        return scene
    flood = hours.most_common(1)[0][0]

    def change(_: Box, letter: Letter) -> Message:
        time = letter.notice.received
        if not letter.is_genuine or time is None or not flood - timedelta(days=5) < time < flood:
            return letter.message
        late = flood + timedelta(seconds=letter.share(3_600, "flood"))

        def edit(place: Place, text: str) -> str:
            return redated(text, lambda _: late) if place is Place.HEADER else text

        return replace(letter.message, raw=rewrite(letter.message.raw, edit))

    return scene.with_letters(change)


def answers_alone(scene: Scene) -> Scene:
    """Of genuine notices only automatic answers come in, which return nothing of the mail."""

    def kept(box: Box) -> Box:
        letters = tuple(
            letter
            for letter in box.letters
            if not letter.is_genuine or letter.notice.returned.completeness is Completeness.NONE
        )
        return replace(box, letters=letters)

    return replace(scene, boxes=tuple(map(kept, scene.boxes)))
