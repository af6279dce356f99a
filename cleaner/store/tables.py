"""
The tables. Rows never leave this folder.

What is known of people's mail stands as keyed hashes (`Keyed`), 16 bytes each; times are UTC.
The migrations in `migrations/` build the same tables, and a test compares the two.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
    text,
)

from cleaner.store.hashing import SIZE


class UtcTime(TypeDecorator[datetime]):
    """An aware time, kept as UTC also where the database knows no time zones (SQLite)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return value.astimezone(UTC) if value is not None else None

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        time: datetime = value
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


ESCAPED: Final = "\x1a"


class AnyText(TypeDecorator[str]):
    """
    Text of any characters, kept unaltered.

    File names that are no UTF-8 reach us with lone surrogates (PEP 383), and mail can hold NUL; SQLite
    refuses the former and PostgreSQL both. Such a text is kept in JSON's escapes, behind a mark.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        return value if value is None or _is_plain(value) else ESCAPED + json.dumps(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002
        kept: str | None = value
        if kept is not None and kept.startswith(ESCAPED):
            kept = json.loads(kept.removeprefix(ESCAPED))
        return kept


def _is_plain(written: str) -> bool:
    try:
        written.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in written and not written.startswith(ESCAPED)


Hash: Final = LargeBinary(SIZE)
Many: Final = BigInteger().with_variant(Integer, "sqlite")
"""Numbers of rows of which there may be billions; SQLite's INTEGER is that large anyway."""
Report: Final = JSON(none_as_null=True)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def of_mailbox(**options: Any) -> Column[Any]:
    return Column("mailbox_id", ForeignKey("mailbox.id", ondelete="CASCADE"), nullable=False, **options)


def partial(name: str, *columns: str, where: str) -> Index:
    """
    An index over some of the rows.

    Only questions with the very words of `where` are answered by it: with a value in its place the databases
    cannot know that they may.
    """
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


meta = Table(
    "meta",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", LargeBinary, nullable=False),
)

organisation = Table(
    "organisation",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", AnyText, nullable=False, unique=True),
)

mailbox = Table(
    "mailbox",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("address", AnyText, nullable=False, unique=True),
    Column("organisation_id", ForeignKey("organisation.id")),
    Column("definition", Report),
)
"""`definition`: only of mailboxes that the configuration file does not have."""

consent = Table(
    "consent",
    metadata,
    Column("id", Integer, primary_key=True),
    of_mailbox(index=True),
    Column("at", UtcTime, nullable=False),
    Column("state", String(16), nullable=False),
    Column("by", AnyText, nullable=False),
    Column("basis", AnyText, nullable=False),
    Column("note", AnyText, nullable=False),
    Column("preview_until", UtcTime),
)

invitation = Table(
    "invitation",
    metadata,
    of_mailbox(primary_key=True, autoincrement=False),
    Column("token", Hash, nullable=False, unique=True),
    Column("until", UtcTime, nullable=False),
)
"""What an owner who was invited can agree with, so long; `token` is a hash."""

access = Table(
    "access",
    metadata,
    Column("id", Many, primary_key=True),
    of_mailbox(),
    Column("at", UtcTime, nullable=False),
    Column("by", AnyText, nullable=False),
    Column("purpose", AnyText, nullable=False),
    Column("run", AnyText),
    Column("times", Integer, nullable=False, server_default=text("1")),
    Column("until", UtcTime),
    Index(None, "mailbox_id", "id"),
)
"""`times`, `until`: looks for new mail that found none are one row a day."""

schedule = Table(
    "schedule",
    metadata,
    of_mailbox(primary_key=True, autoincrement=False),
    Column("server", AnyText, nullable=False),
    Column("due", UtcTime, nullable=False),
    Column("claimed_by", String(32), index=True),
    Column("failures", Integer, nullable=False, server_default=text("0")),
    Column("state", String(16)),
    Column("error", AnyText),
    Column("run", AnyText),
    Column("finished", UtcTime),
    Column("pulse", AnyText),
    Column("looked_at", UtcTime),
    Column("upkeep_due", UtcTime),
    Column("digest_due", UtcTime),
    Column("digested_at", UtcTime),
    Index(None, "server", "due"),
)
"""
When `serve` looks at each opted-in mailbox next, and what came of the last time.

`claimed_by`: the process that is at work on it, or the job that carries it. `pulse`: what the mailbox looked like when
all of it was looked through, at `looked_at`.
"""

office = Table(
    "office",
    metadata,
    Column("role", String(16), primary_key=True),
    Column("holder", AnyText, nullable=False),
    Column("tick", BigInteger, nullable=False),
    Column("at", UtcTime, nullable=False),
)
"""Who of several processes is the scheduler, and the last tick: none comes twice."""
sign_in = Table(
    "sign_in",
    metadata,
    of_mailbox(primary_key=True, autoincrement=False),
    Column("server", AnyText, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("content", LargeBinary, nullable=False),
)
"""What a person granted by `login`: sealed (`Seals`), with the names of mailbox and server in it."""

run = Table(
    "run",
    metadata,
    Column("id", AnyText, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("started", UtcTime, nullable=False, index=True),
    Column("finished", UtcTime),
    Column("state", String(16), nullable=False),
    Column("looked_at", Integer, nullable=False),
    Column("moved", Integer, nullable=False),
    Column("since", UtcTime),
    partial("ix_run_idle", "finished", where="moved = 0"),
)

run_stop = Table(
    "run_stop",
    metadata,
    Column("run_id", ForeignKey("run.id", ondelete="CASCADE"), primary_key=True),
    Column("address", AnyText, primary_key=True),
    Column("confirmed_at", UtcTime),
)
"""The mailboxes in which the safety limit held a run."""

sent = Table(
    "sent",
    metadata,
    Column("id", Many, primary_key=True),
    of_mailbox(),
    Column("identity", Hash, nullable=False),
    Column("host", Hash, nullable=False),
    Column("subject", Hash),
    Column("time", UtcTime, nullable=False),
    Column("recipients", Integer, nullable=False),
    Column("logged", Boolean, nullable=False, server_default=false()),
    UniqueConstraint("mailbox_id", "identity"),
    Index(None, "mailbox_id", "subject", "time"),
    Index(None, "mailbox_id", "logged", "time"),
)
"""
`identity` hashes the Message-ID, or all that is known of a mail without one; `host` the id's right side.

`logged`: known from a transport log alone, not from a copy.
"""

sent_recipient = Table(
    "sent_recipient",
    metadata,
    Column("sent_id", ForeignKey("sent.id", ondelete="CASCADE"), primary_key=True),
    Column("address", Hash, primary_key=True),
    of_mailbox(),
    Column("domain", Hash, nullable=False),
    Column("time", UtcTime, nullable=False),
    Index(None, "mailbox_id", "address", "time"),
    Index(None, "mailbox_id", "domain"),
)
"""`mailbox_id` and `time` are the mail's own, repeated so that an index leads to the latest mails to somebody."""

sent_host = Table(
    "sent_host",
    metadata,
    of_mailbox(primary_key=True),
    Column("host", Hash, primary_key=True),
    Column("mails", Integer, nullable=False),
)
"""How many mails of `sent` have an id of which host: counted as they come, since counting later reads them all."""

sent_manner = Table(
    "sent_manner",
    metadata,
    of_mailbox(primary_key=True),
    Column("trait", Hash, primary_key=True),
    Column("mails", Integer, nullable=False),
)
"""The profile: how many copies of sent mail have which trait, and how many tell which kind of trait."""

sent_cursor = Table(
    "sent_cursor",
    metadata,
    of_mailbox(primary_key=True),
    Column("folder", AnyText, primary_key=True),
    Column("cursor", AnyText, nullable=False),
)

ledger_file = Table(
    "ledger_file",
    metadata,
    Column("head", Hash, primary_key=True),
    Column("offset", BigInteger, nullable=False),
    Column("since", UtcTime, nullable=False),
)
"""
How far transport logs were read. `head` hashes a log's first bytes, which stay when it is rotated and compressed.

`since`: when it was last read from its beginning. Who agreed later has nothing of what was read before.
"""

dkim_key = Table(
    "dkim_key",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("domain", AnyText, nullable=False),
    Column("selector", AnyText, nullable=False),
    Column("digest", Hash, nullable=False),
    Column("record", AnyText, nullable=False),
    Column("source", String(16), nullable=False),
    Column("first_seen", UtcTime, nullable=False),
    Column("last_seen", UtcTime, nullable=False),
    UniqueConstraint("domain", "selector", "digest"),
)
"""Public keys of ours that were ever seen; `digest` tells records apart, which may be longer than an index bears."""

dns_state = Table(
    "dns_state",
    metadata,
    Column("id", Many, primary_key=True),
    Column("name", AnyText, nullable=False),
    Column("kind", String(8), nullable=False),
    Column("records", Report, nullable=False),
    Column("first_seen", UtcTime, nullable=False),
    Column("last_seen", UtcTime, nullable=False, index=True),
    UniqueConstraint("name", "kind", "first_seen"),
)
"""What our domains, and the policies that they include, published, each state from when to when."""

notice = Table(
    "notice",
    metadata,
    Column("id", Many, primary_key=True),
    of_mailbox(),
    Column("fingerprint", String(64), nullable=False),
    Column("folder", AnyText, nullable=False),
    Column("message", AnyText, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("opinion", String(16), nullable=False),
    Column("action", String(16), nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("judged_at", UtcTime, nullable=False),
    Column("received", UtcTime),
    Column("knowledge", String(64), nullable=False),
    Column("proven", Boolean, nullable=False),
    Column("in_record", Boolean, nullable=False),
    Column("subject", Hash),
    Column("reporter", Hash),
    Column("report", Report),
    UniqueConstraint("mailbox_id", "fingerprint"),
    Index(None, "mailbox_id", "received"),
    Index(None, "mailbox_id", "action", "outcome"),
    Index(None, "mailbox_id", "opinion", "knowledge"),
    Index(None, "mailbox_id", "proven", "in_record"),
    Index(None, "judged_at"),
    partial("ix_notice_unsure", "received", "id", where="opinion = 'unsure'"),
)

lesson = Table(
    "lesson",
    metadata,
    of_mailbox(primary_key=True),
    Column("fingerprint", String(64), primary_key=True),
    Column("day", Date),
    Column("original", Hash),
    Column("site", Hash),
    Column("machine", Hash),
    Column("network", Hash),
    Column("author", Hash),
    Column("version", Integer, nullable=False),
    Column("listed", Boolean, nullable=False),
    Column("at_us", Boolean, nullable=False),
    Column("signed", Boolean),
    Column("proven", Boolean, nullable=False),
    Column("in_record", Boolean, nullable=False),
    Column("by_mark", Boolean, nullable=False),
    Column("organisation", Hash),
    Column("at", UtcTime),
    Column("selector", Hash),
    Column("stranger", Hash),
    Column("submitted", Boolean),
    Index(None, "mailbox_id", "proven", "day", "fingerprint"),
    Index(None, "organisation", "proven", "day", "fingerprint"),
    Index(None, "mailbox_id", "machine"),
    partial("ix_lesson_stranger", "mailbox_id", "at", where="stranger IS NOT NULL"),
)
"""
What judged notices taught about the ways of our mail; `machine` and the like are hashes.

`organisation`: the one whose other mailboxes may learn it.
"""

outside_sender = Table(
    "outside_sender",
    metadata,
    Column("organisation", AnyText, primary_key=True),
    Column("domain", AnyText, primary_key=True),
    Column("ip", String(45), primary_key=True),
    Column("name", AnyText, nullable=False),
    Column("day", Date),
)
"""
Hosts that sent mail which is proven an organisation's, though nothing lists them, and since when that is known.

They are machines of the organisation and no persons, so they are kept in the clear, and stay when somebody opts out.
"""

observed_sender = Table(
    "observed_sender",
    metadata,
    Column("organisation", AnyText, primary_key=True),
    Column("domain", AnyText, primary_key=True),
    Column("ip", String(45), primary_key=True),
    Column("by", String(8), primary_key=True),
    Column("name", AnyText, nullable=False),
    Column("first_day", Date, nullable=False),
    Column("last_day", Date, nullable=False),
    Column("days", Integer, nullable=False),
)
"""
Hosts that an organisation's own mail was seen coming from, and on how many days.

They are machines that send for the organisation and no persons, so they are kept in the clear.
"""

alert = Table(
    "alert",
    metadata,
    Column("key", Hash, primary_key=True),
    Column("at", UtcTime, nullable=False),
)
"""When which alarm was told by which way out."""

alert_due = Table(
    "alert_due",
    metadata,
    Column("key", Hash, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)
"""Alarms that somebody is still to be told of, and since when: sealed (`Seals`)."""

upkeep = Table(
    "upkeep",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("at", UtcTime, nullable=False),
)
"""When which piece of upkeep was last begun, by whichever process."""

folder_cursor = Table(
    "folder_cursor",
    metadata,
    of_mailbox(primary_key=True),
    Column("folder", AnyText, primary_key=True),
    Column("cursor", AnyText, nullable=False),
)

journal = Table(
    "journal",
    metadata,
    Column("id", Many, primary_key=True),
    Column("run", AnyText, nullable=False, index=True),
    of_mailbox(),
    Column("fingerprint", String(64), nullable=False),
    Column("occurrence", Integer, nullable=False),
    Column("action", String(16), nullable=False),
    Column("folder", AnyText, nullable=False),
    Column("message", AnyText, nullable=False),
    Column("target", AnyText, nullable=False),
    Column("new_id", AnyText),
    Column("flags", JSON, nullable=False),
    Column("received", UtcTime),
    Column("message_id", AnyText),
    Column("state", String(16), nullable=False),
    Column("intended_at", UtcTime, nullable=False),
    Column("settled_at", UtcTime),
    Column("error", AnyText),
    Column("ground", String(16)),
    UniqueConstraint("mailbox_id", "fingerprint", "occurrence", "action"),
    Index(None, "mailbox_id", "state"),
    Index(None, "mailbox_id", "intended_at"),
    Index(None, "intended_at", "id"),
    partial("ix_journal_open", "mailbox_id", "id", where="state IN ('intended', 'undoing')"),
    Index(None, "mailbox_id", "ground"),
    # A number that a person noted down never comes to mean another change.
    sqlite_autoincrement=True,
)

label = Table(
    "label",
    metadata,
    Column("id", Many, primary_key=True),
    Column("organisation_id", ForeignKey("organisation.id"), nullable=False),
    Column("mailbox_id", ForeignKey("mailbox.id"), index=True),
    Column("fingerprint", String(64), nullable=False),
    Column("truth", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("origin", String(16), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("cluster", Hash, nullable=False),
    Column("by", AnyText, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("why", AnyText, nullable=False),
    Column("entry", Many),
    Column("opinion", String(16), nullable=False),
    Column("score", Float, nullable=False),
    Column("probability", Float),
    Column("model", AnyText),
    Column("proven", Boolean, nullable=False),
    Column("features", JSON, nullable=False),
    Column("settled_by", AnyText),
    Column("settled_at", UtcTime),
    Column("settled_why", AnyText),
    UniqueConstraint("organisation_id", "fingerprint", "truth"),
    Index(None, "organisation_id", "cluster"),
    Index(None, "organisation_id", "state"),
    Index(None, "fingerprint"),
    # A number that a person noted down never comes to mean another label.
    sqlite_autoincrement=True,
)
"""`settled_…`: who confirmed or withdrew it. `features` are empty once it is withdrawn."""

sample = Table(
    "sample",
    metadata,
    Column("label_id", ForeignKey("label.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("kept_at", UtcTime, nullable=False, index=True),
    Column("size", Integer, nullable=False),
    Column("about", LargeBinary, nullable=False),
    Column("raw", LargeBinary, nullable=False),
)
"""The raw mail of a label, and what tells a person which it is: sealed (`Seals`)."""

model_choice = Table(
    "model_choice",
    metadata,
    Column("id", Many, primary_key=True),
    Column("organisation_id", ForeignKey("organisation.id"), nullable=False, index=True),
    Column("at", UtcTime, nullable=False),
    Column("by", AnyText, nullable=False),
    Column("model", AnyText),
    Column("why", AnyText, nullable=False),
)
"""`model` is null where it was chosen to judge by the rules alone."""

model_day = Table(
    "model_day",
    metadata,
    Column("organisation_id", ForeignKey("organisation.id"), primary_key=True),
    Column("model", AnyText, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("what", AnyText, primary_key=True),
    Column("count", Integer, nullable=False),
)
"""
How many notices that arrived on a day were judged how, under which model, and what was found of them.

Counts alone: nothing tells of a single notice or mailbox.
"""

model_shadow = Table(
    "model_shadow",
    metadata,
    Column("organisation_id", ForeignKey("organisation.id"), primary_key=True, autoincrement=False),
    Column("model", AnyText, nullable=False),
    Column("since", UtcTime, nullable=False),
)
"""The candidate that judges along without acting."""

model_difference = Table(
    "model_difference",
    metadata,
    Column("id", Many, primary_key=True),
    Column("organisation_id", ForeignKey("organisation.id"), nullable=False),
    of_mailbox(),
    Column("model", AnyText, nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("folder", AnyText, nullable=False),
    Column("message", AnyText, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("received", UtcTime),
    Column("at", UtcTime, nullable=False),
    Column("active", AnyText),
    Column("opinion", String(16), nullable=False),
    Column("probability", Float),
    Column("other", String(16), nullable=False),
    Column("other_probability", Float),
    UniqueConstraint("mailbox_id", "model", "fingerprint"),
    Index(None, "organisation_id", "model"),
)
"""A notice of which the candidate `model` said something `other` than what was in use."""

training = Table(
    "training",
    metadata,
    Column("id", Many, primary_key=True),
    Column("organisation_id", ForeignKey("organisation.id"), nullable=False, index=True),
    Column("at", UtcTime, nullable=False),
    Column("by", AnyText, nullable=False),
    Column("model", AnyText),
    Column("labels", Integer, nullable=False),
    Column("last_label", Many, nullable=False),
    Column("promoted", Boolean, nullable=False),
    Column("why", AnyText, nullable=False),
)
"""What came of each training; `model` is null where none came of it. `last_label`: the latest that there was then."""
