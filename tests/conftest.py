"""What all tests share: where the sample corpus lies."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of labelled samples; they are other people's mail and never part of the project."""
    folder = Path(os.environ.get("BOUNCE_CLEANER_CORPUS") or PROJECT.parent / "shared" / "corpus")
    if not folder.is_dir():
        reason = f"no sample corpus at {folder}; set BOUNCE_CLEANER_CORPUS to its folder"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return folder
