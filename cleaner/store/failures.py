"""What the databases report, in our words: each sentence says what to do."""

from __future__ import annotations

import sqlite3
from typing import Final

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

IN_USE: Final = "{where} is in use by another process for too long; try again when it has finished"
FULL: Final = "{where} cannot grow: the disk is full. Make room and repeat the command"
READ_ONLY: Final = "{where} cannot be written: give this account the right to write it and its folder"
BROKE_OFF: Final = "the database {where} does not answer ({what}); try again when it is up"

SQLITE: Final = {
    sqlite3.SQLITE_BUSY: IN_USE,
    sqlite3.SQLITE_LOCKED: IN_USE,
    sqlite3.SQLITE_FULL: FULL,
    sqlite3.SQLITE_PERM: READ_ONLY,
    sqlite3.SQLITE_READONLY: READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: "{where} cannot be opened: it must be a file, in a folder that this account may write",
    sqlite3.SQLITE_NOTADB: "{where} is not a database of this program; name another file in store.url",
    sqlite3.SQLITE_CORRUPT: "{where} is damaged; restore it from a backup",
    sqlite3.SQLITE_IOERR: "{where} cannot be read or written, the disk reports an error: {what}",
}
"""By primary result code (https://www.sqlite.org/rescode.html)."""

POSTGRESQL: Final = {
    "08": BROKE_OFF,
    "25": READ_ONLY,
    "28": "the database {where} does not let this account in ({what}); look at store.url and ~/.pgpass",
    "3D": "the database {where} does not exist; make it with createdb",
    "42": "the database {where} refuses ({what}); this account must own its tables",
    "53": "the database server of {where} has run out of something ({what}); make room and repeat the command",
    "55": IN_USE,
    "57": BROKE_OFF,
}
"""By class of SQLSTATE (https://www.postgresql.org/docs/current/errcodes-appendix.html)."""


def sentence(error: SQLAlchemyError, where: str) -> str:
    """What happened to the database and what to do about it; no statement and no values of one are in it."""
    cause = error.orig if isinstance(error, DBAPIError) else None
    return told(cause, where, type(error).__name__)


def told(cause: BaseException | None, where: str, otherwise: str = "no more is known") -> str:
    """The same of what the driver itself raised."""
    # What follows the first line quotes the rows that a constraint was about.
    what = str(cause or otherwise).partition("\n")[0]
    return (_form(cause) or "{where} failed: {what}").format(where=where, what=what)


def _form(cause: BaseException | None) -> str | None:
    code = getattr(cause, "sqlite_errorcode", None)
    if code is not None:
        # The upper bits only say more exactly where it happened.
        return SQLITE.get(code & 0xFF)
    state = getattr(cause, "sqlstate", None)
    if state is not None:
        return POSTGRESQL.get(state[:2])
    # The server could not be reached, or broke off: then there is no SQLSTATE.
    return BROKE_OFF if type(cause).__name__ == "OperationalError" else None
