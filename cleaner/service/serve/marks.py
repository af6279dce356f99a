"""Which mailbox and run a log line belongs to, also when a connector writes it that knows of neither."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

_MAILBOX: Final[ContextVar[str | None]] = ContextVar("mailbox", default=None)


@contextmanager
def at_work_on(mailbox: str) -> Iterator[None]:
    token = _MAILBOX.set(mailbox)
    try:
        yield
    finally:
        _MAILBOX.reset(token)


class Marked(logging.Filter):
    """Gives every record the mailbox that its thread is at work on."""

    def filter(self, record: logging.LogRecord) -> bool:
        if not hasattr(record, "mailbox") and (mailbox := _MAILBOX.get()) is not None:
            record.mailbox = mailbox
        return True
