"""
Files in which people, or programs of theirs, say what is true of messages: JSON, read with care.

A faulty line is the writer's to mend, so all that are found are told together, with file, line and what should
stand there.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Final, TypeVar

from cleaner.errors import UsageError

T = TypeVar("T")
E = TypeVar("E", bound=Enum)

MOST: Final = 10
"""Faults that are told; a file of another kind has one in each line."""
_NEEDED: Final[Any] = object()


@dataclass(frozen=True, slots=True)
class Item:
    """One JSON object. Whatever is asked of it and not there, or not of that form, raises ValueError."""

    content: dict[str, Any]
    place: str = ""
    """The file, where the object is all of it."""

    @classmethod
    def parse(cls, text: str, place: str = "") -> Item:
        try:
            found = json.loads(text)
        except json.JSONDecodeError as error:
            raise ValueError(f"no JSON ({error.msg}, at character {error.pos + 1})") from None
        except ValueError:
            # Python turns no text of more than 4,300 digits into a number.
            raise ValueError("no JSON of ours (a number in it is too long)") from None
        except RecursionError:
            raise ValueError("no JSON of ours (nested too deep)") from None
        return cls.of(found, place)

    @classmethod
    def of(cls, found: object, place: str = "") -> Item:
        if not isinstance(found, dict):
            raise ValueError('no JSON object; one begins with {"')
        return cls(found, place)

    def read(self, how: Callable[[Item], T]) -> T:
        """What is made of a whole file. Raises UsageError, which names it."""
        try:
            return how(self)
        except ValueError as error:
            raise UsageError(f"{self.place}: {error}") from None

    def text(self, key: str, default: str = _NEEDED) -> str:
        found = self._get(key, default)
        if not isinstance(found, str):
            raise ValueError(f"{key} must be a text, not {_shown(found)}")
        return found

    def texts(self, key: str, default: tuple[str, ...] = _NEEDED) -> tuple[str, ...]:
        found = self._get(key, default)
        if not isinstance(found, (list, tuple)) or not all(isinstance(one, str) for one in found):
            raise ValueError(f"{key} must be a list of texts, not {_shown(found)}")
        return tuple(found)

    def objects(self, key: str, default: tuple[Item, ...] = _NEEDED) -> tuple[Item, ...]:
        found = self._get(key, default)
        if not isinstance(found, (list, tuple)) or not all(isinstance(one, dict) for one in found):
            raise ValueError(f"{key} must be a list of objects, not {_shown(found)}")
        return tuple(Item(one) for one in found)

    def member(self, key: str, of: type[E], others: tuple[str, ...] = ()) -> E:
        """One of few words; `others` may stand there, too, and are somebody else's to read."""
        found = self.text(key)
        try:
            return of(found)
        except ValueError:
            words = ", ".join((*(str(one.value) for one in of), *others))
            raise ValueError(f"{key} is {_shown(found)}, and must be one of {words}") from None

    def inner(self, key: str) -> Item:
        found = self._get(key, _NEEDED)
        if not isinstance(found, dict):
            raise ValueError(f"{key} must be an object, not {_shown(found)}")
        return Item(found)

    def number(self, key: str) -> float:
        """A finite one."""
        found = self._get(key, _NEEDED)
        is_number = isinstance(found, int | float) and not isinstance(found, bool)
        try:
            if is_number and math.isfinite(number := float(found)):
                return number
        except OverflowError:
            pass
        raise ValueError(f"{key} must be a number, not {_shown(found)}")

    def flag(self, key: str) -> bool:
        found = self._get(key, _NEEDED)
        if not isinstance(found, bool):
            raise ValueError(f"{key} must be true or false, not {_shown(found)}")
        return found

    def is_null(self, key: str) -> bool:
        """Whether it is there, and says that there is nothing."""
        return self._get(key, _NEEDED) is None

    def _get(self, key: str, default: object) -> Any:
        if key not in self.content and default is _NEEDED:
            raise ValueError(f"{key} is missing")
        return self.content.get(key, default)


def read_object(path: Path) -> Item:
    """A file that holds one object. Raises UsageError."""
    try:
        return Item.parse(_text(path), str(path))
    except ValueError as error:
        raise UsageError(f"{path}: {error}") from None


def read_lines(path: Path, how: Callable[[Item], T]) -> Iterator[T]:
    """A file with an object on each line. Raises UsageError with all faulty lines, and gives none then."""
    found: list[T] = []
    faults: list[str] = []
    for number, line in enumerate(_text(path).split("\n"), start=1):
        if line.strip():
            try:
                found.append(how(Item.parse(line)))
            except ValueError as error:
                faults.append(f"line {number}: {error}")
    if faults:
        more = f"\n  - and {len(faults) - MOST:,} more lines" if len(faults) > MOST else ""
        told = "\n".join(f"  - {fault}" for fault in faults[:MOST])
        raise UsageError(f"{path}: each line must be one JSON object (docs/evaluate.md)\n{told}{more}")
    yield from found


def _text(path: Path) -> str:
    """Bytes that are no UTF-8 are replaced: a name that is spoilt so is one that is not found."""
    if not path.is_file():
        raise UsageError(f"{path} is missing")
    return path.read_text(encoding="utf-8-sig", errors="replace")


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:59]}…"
