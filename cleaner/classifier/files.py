"""
Models as folders of plain data: nothing in them can run (DESIGN.md, decision 12).

    NAME/model.json     weights of findings, calibration, thresholds
    NAME/words.f32      weights of hashed words: little-endian 32-bit floats
    NAME/words.json     the most telling words with their weights, to be read
    NAME/base.jsonl.gz  features to train on together with an organisation's own labels
    NAME/card.md        for people: data, figures, limits
    NAME/hashes.json    SHA-256 of each of them, and the versions they were made with

A folder whose hashes do not fit is refused: the model that was in use stays in use.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import sys
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from cleaner.classifier.features import WIDTH
from cleaner.classifier.model import Model
from cleaner.errors import UsageError

FORMAT: Final = 1
MODEL: Final = "model.json"
WORDS: Final = "words.f32"
TELLING_WORDS: Final = "words.json"
BASE: Final = "base.jsonl.gz"
CARD: Final = "card.md"
HASHES: Final = "hashes.json"

NAME: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,63}")
LARGEST: Final = 256 * 2**20
"""Bytes of a model's file beyond which it is no model of ours."""


def load(folder: Path) -> Model:
    """The model in a folder. Raises UsageError for one that is changed, foreign or incomplete."""
    files = read_all(folder)
    try:
        return _model(folder.name, json.loads(files[MODEL]), _floats(files[WORDS]))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise refused(folder, f"{MODEL} is not what this release writes ({error})") from error


def read_all(folder: Path) -> dict[str, bytes]:
    """All files of the folder that the hashes name, each checked. Raises UsageError."""
    try:
        listed = json.loads((folder / HASHES).read_bytes())["files"]
        names = sorted(listed)
        files = {name: _read(folder, name) for name in names}
    except FileNotFoundError as error:
        raise refused(folder, f"it has no {Path(error.filename).name}") from error
    except (OSError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise refused(folder, f"{HASHES} cannot be read ({error})") from error
    for name in names:
        if hashlib.sha256(files[name]).hexdigest() != listed[name]:
            raise refused(folder, f"{name} was changed after the model was made")
    if MODEL not in files or WORDS not in files:
        raise refused(folder, f"{HASHES} names no {MODEL} and {WORDS}")
    return files


def save(folder: Path, model: Model, files: Mapping[str, bytes], versions: Mapping[str, str]) -> None:
    """Writes a model's folder, complete or not at all: under another name first, the hashes last."""
    draft = folder.with_name(f".{folder.name}.draft")
    draft.mkdir(parents=True, exist_ok=True)
    every = {MODEL: _json(_fields(model)), WORDS: _bytes(model.words), **files}
    for name, data in every.items():
        (draft / name).write_bytes(data)
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in sorted(every.items())}
    (draft / HASHES).write_bytes(_json({"files": hashes, "versions": dict(versions)}))
    draft.rename(folder)


def refused(folder: Path, why: str) -> UsageError:
    return UsageError(
        f"the model in {folder} is refused: {why}. The model in use before stays; fetch the folder anew, or "
        "remove it"
    )


def lines(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """Rows as compressed JSON lines, the same bytes for the same rows."""
    text = "".join(json.dumps(row, separators=(",", ":"), sort_keys=True) + "\n" for row in rows)
    return gzip.compress(text.encode(), mtime=0)


def rows(data: bytes) -> Iterator[dict[str, Any]]:
    """What `lines` wrote. Raises ValueError."""
    for line in gzip.decompress(data).splitlines():
        yield json.loads(line)


def _read(folder: Path, name: str) -> bytes:
    if Path(name).name != name:
        raise ValueError(f"{name!r} leads out of the folder")
    path = folder / name
    if path.stat().st_size > LARGEST:
        raise ValueError(f"{name} is larger than {LARGEST // 2**20} MB")
    return path.read_bytes()


def _fields(model: Model) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "intercept": model.intercept,
        "facts": dict(sorted(model.facts.items())),
        "slope": model.slope,
        "offset": model.offset,
        "remove": model.remove,
        "keep": model.keep,
    }


def _model(name: str, fields: Mapping[str, Any], words: Sequence[float]) -> Model:
    if fields["format"] != FORMAT:
        raise ValueError(f"format {fields['format']!r} instead of {FORMAT}")
    if len(words) != WIDTH:
        raise ValueError(f"{len(words)} words instead of {WIDTH}")
    return Model(
        name,
        float(fields["intercept"]),
        {str(fact): float(weight) for fact, weight in fields["facts"].items()},
        words,
        slope=float(fields["slope"]),
        offset=float(fields["offset"]),
        remove=float(fields["remove"]),
        keep=float(fields["keep"]),
    )


def _json(fields: Mapping[str, Any]) -> bytes:
    return (json.dumps(fields, indent=1, sort_keys=True) + "\n").encode()


def _floats(data: bytes) -> array[float]:
    floats = array("f")
    floats.frombytes(data)
    if sys.byteorder == "big":
        floats.byteswap()
    return floats


def _bytes(words: Sequence[float]) -> bytes:
    floats = array("f", words)
    if sys.byteorder == "big":
        floats.byteswap()
    return floats.tobytes()
