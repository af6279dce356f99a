"""
Models as folders of plain data: nothing in them can run (DESIGN.md, decision 12).

    NAME/model.json     weights of findings, calibration, thresholds
    NAME/words.f32      weights of hashed words: little-endian 32-bit floats
    NAME/words.json     the most telling words with their weights, to be read
    NAME/reference.json how often each finding was made in what it was trained on
    NAME/base.jsonl.gz  features to train on together with an organisation's own labels
    NAME/card.md        for people: data, figures, limits
    NAME/hashes.json    SHA-256 of each of them, and the versions they were made with

A folder whose hashes do not fit is refused: the model that was in use stays in use.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import math
import re
import sys
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from cleaner.classifier.features import WIDTH
from cleaner.classifier.model import Model
from cleaner.classifier.reference import Reference
from cleaner.errors import UsageError

FORMAT: Final = 1
MODEL: Final = "model.json"
WORDS: Final = "words.f32"
TELLING_WORDS: Final = "words.json"
BASE: Final = "base.jsonl.gz"
REFERENCE: Final = "reference.json"
CARD: Final = "card.md"
HASHES: Final = "hashes.json"

NAME: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,63}")
LARGEST: Final = 256 * 2**20
"""Bytes of a model's file beyond which it is no model of ours."""


def load(folder: Path) -> Model:
    """The model in a folder. Raises UsageError for one that is changed, foreign or incomplete."""
    files = read(folder, (MODEL, WORDS), where_listed=(REFERENCE,))
    try:
        model = _model(folder.name, json.loads(files[MODEL]), _floats(files[WORDS]))
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise refused(folder, f"{MODEL} is not what this release writes ({error})") from error
    if REFERENCE not in files:
        return model
    try:
        return replace(model, reference=Reference.from_json(json.loads(files[REFERENCE])))
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise refused(folder, f"{REFERENCE} is not what this release writes") from error


def read(folder: Path, names: Sequence[str] = (), where_listed: Sequence[str] = ()) -> dict[str, bytes]:
    """
    Files of the folder (none named: all), each checked by its hash; some only where the folder has them.

    Raises UsageError.
    """
    try:
        listed = dict(json.loads((folder / HASHES).read_bytes())["files"])
        wanted = (*names, *(name for name in where_listed if name in listed)) if names else sorted(listed)
        files = {name: _read(folder, name) for name in wanted}
        changed = [name for name, data in files.items() if hashlib.sha256(data).hexdigest() != listed[name]]
    except FileNotFoundError as error:
        raise refused(folder, f"it has no {Path(error.filename).name}") from error
    except (OSError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise refused(folder, f"{HASHES} does not fit it ({error})") from error
    if changed:
        raise refused(folder, f"{changed[0]} was changed after the model was made")
    return files


def save(folder: Path, model: Model, files: Mapping[str, bytes], versions: Mapping[str, str]) -> None:
    """Writes a model's folder, complete or not at all: under another name first, the hashes last."""
    draft = folder.with_name(f".{folder.name}.draft")
    draft.mkdir(parents=True, exist_ok=True)
    every = {MODEL: plain(_fields(model)), WORDS: _bytes(model.words), **files}
    if model.reference is not None:
        every[REFERENCE] = plain(model.reference.as_json())
    for name, data in every.items():
        (draft / name).write_bytes(data)
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in sorted(every.items())}
    (draft / HASHES).write_bytes(plain({"files": hashes, "versions": dict(versions)}))
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
    """What `lines` wrote, up to `LARGEST` bytes of it. Raises ValueError."""
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
        text = file.read(LARGEST + 1)
    if len(text) > LARGEST:
        raise ValueError(f"{BASE} unpacks to more than {LARGEST // 2**20} MB")
    for line in text.splitlines():
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
        "taught": model.taught,
    }


def _model(name: str, fields: Mapping[str, Any], words: Sequence[float]) -> Model:
    if fields["format"] != FORMAT:
        raise ValueError(f"format {fields['format']!r} instead of {FORMAT}")
    if len(words) != WIDTH:
        raise ValueError(f"{len(words)} words instead of {WIDTH}")
    model = Model(
        name,
        float(fields["intercept"]),
        {str(fact): float(weight) for fact, weight in fields["facts"].items()},
        words,
        slope=float(fields["slope"]),
        offset=float(fields["offset"]),
        remove=float(fields["remove"]),
        keep=float(fields["keep"]),
        taught=float(fields["taught"]),
    )
    numbers = (
        model.intercept,
        model.slope,
        model.offset,
        model.remove,
        model.keep,
        model.taught,
        *model.facts.values(),
    )
    if not all(map(math.isfinite, (*numbers, *words))):
        raise ValueError("a weight is not finite")
    return model


def plain(fields: Mapping[str, Any]) -> bytes:
    """JSON to be read by people, too; the same bytes for the same fields."""
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
