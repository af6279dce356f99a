"""
What the learned model sees of a notice: findings first, words as a weak second.

Findings are what the rules found, by rule and side, and the kind of the notice: each can be said in a
sentence. Words are those of the notice and of the returned original, hashed, without anything that names
somebody: addresses, hosts, numbers. They are kept apart so that the model can bound what wording may
contribute.

Form is left out on purpose: the order of header fields, encodings, time zones and the mail system give the
classes of any made collection away without being evidence of anything.
"""

from __future__ import annotations

import re
import sys
import unicodedata
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from cleaner.classifier.weights import SPEAKS_FOR
from cleaner.values import Evidence, Force, Notice, Side

WIDTH: Final = 1 << 13
"""Buckets that words are hashed into."""

BOUND: Final = 6000
"""Characters of each text that are looked at: a notice says what it has to say at its beginning."""

MAX_WORDS: Final = 400
"""Different words of one notice that count."""

GROUND: Final = "ground:"
TAUGHT: Final = "taught"

_NAMES: Final = re.compile(r"[@/\d]")
_WORD: Final = re.compile(r"[^\W\d_]+")
_LONGEST: Final = 24


@dataclass(frozen=True, slots=True)
class Features:
    """One notice as the model sees it. Holds no text: it may be kept where the mail may not."""

    facts: Mapping[str, float]
    """`rule:side` → strengths added up; `kind:ndr` and `ground:closed` → 1."""
    words: tuple[int, ...] = ()
    """Buckets of the words, sorted, each once."""

    @property
    def has_ground(self) -> bool:
        """Whether a removal may rest on one of the findings."""
        return any(name.startswith(GROUND) for name in self.facts)

    @property
    def speaks_for(self) -> bool:
        """Whether a finding says that the mail was ours, so that no model removes the notice."""
        return any(f"{rule}:genuine" in self.facts for rule in SPEAKS_FOR)

    def as_json(self) -> dict[str, Any]:
        return {"facts": dict(self.facts), "words": list(self.words)}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Features:
        """Raises KeyError, TypeError or ValueError for what `as_json` did not write."""
        facts = {sys.intern(str(name)): float(value) for name, value in fields["facts"].items()}
        return cls(facts, shared(int(word) % WIDTH for word in fields["words"]))


def features(notice: Notice, evidence: Sequence[Evidence]) -> Features:
    return Features(facts(notice, evidence), buckets(notice))


def facts(notice: Notice, evidence: Sequence[Evidence]) -> dict[str, float]:
    """Left out are proofs, since no model is asked then, and what labels say: that is what is to be learned."""
    found: dict[str, float] = {f"kind:{notice.kind.value}": 1.0}
    for one in evidence:
        if one.rule == TAUGHT:
            continue
        if one.ground is not None:
            found[f"{GROUND}{one.ground.value}"] = 1.0
        if one.force is Force.WEIGHED and one.side is not Side.NEUTRAL:
            name = f"{one.rule}:{one.side.value}"
            found[name] = found.get(name, 0.0) + one.strength
    return found


def buckets(notice: Notice) -> tuple[int, ...]:
    return tuple(sorted({bucket_of(word) for word in words(notice)}))


def shared(words: Iterable[int]) -> tuple[int, ...]:
    """Sorted, each once, and the same numbers in all of very many: each by itself takes four times the room."""
    return tuple(map(_NUMBERS.__getitem__, sorted(set(words))))


_NUMBERS: Final = tuple(range(WIDTH))


@lru_cache(maxsize=16_384)
def bucket_of(word: str) -> int:
    return zlib.crc32(word.encode("utf-8", "surrogatepass")) % WIDTH


def words(notice: Notice) -> Iterator[str]:
    """
    The words of a notice, each once, marked by where they stand: `n:` the notice, `r:` the returned original.

    The same words mean different things in both: a report speaks of delivery, spam of what it sells.
    """
    returned = f"{notice.returned.subject or notice.quoted_subject or ''}\n{notice.returned.text}"
    for mark, text in (("n", notice.text), ("r", returned)):
        seen: dict[str, None] = {}
        for word in plain_words(text[:BOUND]):
            seen.setdefault(word)
            if len(seen) >= MAX_WORDS:
                break
        yield from (f"{mark}:{word}" for word in seen)


def plain_words(text: str) -> Iterator[str]:
    """
    Words in comparable form; what names somebody (addresses, hosts, links, numbers, codes) is passed over.

    Scripts that do not part words by spaces are given in pairs of characters.
    """
    for chunk in unicodedata.normalize("NFKC", text).casefold().split():
        yield from _words_in(chunk) if len(chunk) <= _LONGEST else _words_in.__wrapped__(chunk)


@lru_cache(maxsize=16_384)
def _words_in(chunk: str) -> tuple[str, ...]:
    """The words of what stands between two spaces; texts share most of theirs, so they are remembered."""
    if _NAMES.search(chunk) or "." in chunk.strip(".,;:!?()\"'"):
        return ()
    found: list[str] = []
    for word in _WORD.findall(chunk):
        if _is_unparted(word):
            found += (word[i : i + 2] for i in range(max(1, len(word) - 1)))
        elif 2 <= len(word) <= _LONGEST:
            found.append(word)
    return tuple(found)


def _is_unparted(word: str) -> bool:
    """Thai, Lao, Khmer, Chinese, Japanese: no spaces between words."""
    first = word[0]
    return "\u0e00" <= first <= "\u0eff" or "\u1780" <= first <= "\u17ff" or "\u3040" <= first <= "\u9fff"
