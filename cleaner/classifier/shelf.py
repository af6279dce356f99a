"""
Where models lie: those that come with the program, and those trained here.

One folder per model; the newest of those that came with the program is used where nobody chose another.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cleaner.classifier import files
from cleaner.classifier.model import Model
from cleaner.errors import UsageError

PACKAGED = Path(__file__).parents[1] / "models"
"""In an installed wheel."""
CHECKED_OUT = Path(__file__).parents[2] / "models"
"""In a checkout."""


RELEASED = PACKAGED if PACKAGED.is_dir() else CHECKED_OUT


@dataclass(frozen=True, slots=True)
class Shelf:
    """All models that can be used here, by name."""

    own: Path | None = None
    """Where models trained here are kept."""
    released: Path = RELEASED

    def folders(self) -> dict[str, Path]:
        """Name → folder; own ones hide released ones of the same name."""
        found: dict[str, Path] = {}
        for place in (self.released, self.own):
            if place is not None:
                found |= {folder.name: folder for folder in model_folders(place)}
        return found

    def newest_released(self) -> str | None:
        names = [folder.name for folder in model_folders(self.released)]
        return max(names, key=order_of, default=None)

    def folder(self, name: str) -> Path:
        """Raises UsageError."""
        folders = self.folders()
        if name not in folders:
            raise UsageError(
                f"there is no model {name}; 'bounce-cleaner models list' shows: {', '.join(folders) or 'none'}"
            )
        return folders[name]

    def load(self, name: str) -> Model:
        """Raises UsageError for a model that is not there, and for one that is refused."""
        return files.load(self.folder(name))


def model_folders(place: Path) -> Iterator[Path]:
    if place.is_dir():
        for folder in sorted(place.iterdir()):
            if files.NAME.fullmatch(folder.name) and (folder / files.MODEL).is_file():
                yield folder


def order_of(name: str) -> tuple[tuple[int, str], ...]:
    """Names in the order of their numbers: 2026.11-9 before 2026.11-10."""
    parts = name.replace("-", ".").split(".")
    return tuple((int(part), "") if part.isdecimal() else (-1, part) for part in parts)
