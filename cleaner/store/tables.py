"""
The tables. Rows never leave this folder.

What is known of people's mail stands as keyed hashes (`Keyed`), 16 bytes each; times are UTC.
The migrations in `migrations/` build the same tables, and a test compares the two.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    Dialect,
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
)


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
    Column("name", String(255), nullable=False, unique=True),
)

mailbox = Table(
    "mailbox",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("address", String(320), nullable=False, unique=True),
    Column("organisation_id", ForeignKey("organisation.id")),
    Column("definition", JSON),
)
"""`definition`: only of mailboxes that the configuration file does not have."""

consent = Table(
    "consent",
    metadata,
    Column("id", Integer, primary_key=True),
    of_mailbox(index=True),
    Column("at", UtcTime, nullable=False),
    Column("state", String(16), nullable=False),
    Column("by", String(255), nullable=False),
    Column("basis", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("preview_until", UtcTime),
)

access = Table(
    "access",
    metadata,
    Column("id", Integer, primary_key=True),
    of_mailbox(index=True),
    Column("at", UtcTime, nullable=False),
    Column("by", String(255), nullable=False),
    Column("purpose", Text, nullable=False),
    Column("run", String(32)),
)

run = Table(
    "run",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("started", UtcTime, nullable=False),
    Column("finished", UtcTime),
    Column("state", String(16), nullable=False),
    Column("looked_at", Integer, nullable=False),
    Column("moved", Integer, nullable=False),
    Column("since", UtcTime),
)

run_stop = Table(
    "run_stop",
    metadata,
    Column("run_id", ForeignKey("run.id", ondelete="CASCADE"), primary_key=True),
    Column("address", String(320), primary_key=True),
)

sent = Table(
    "sent",
    metadata,
    Column("id", Integer, primary_key=True),
    of_mailbox(),
    Column("identity", LargeBinary(16), nullable=False),
    Column("message_id", LargeBinary(16)),
    Column("id_domain", LargeBinary(16)),
    Column("subject", LargeBinary(16)),
    Column("time", UtcTime, nullable=False),
    Column("recipients", Integer, nullable=False),
    UniqueConstraint("mailbox_id", "identity"),
    Index(None, "mailbox_id", "message_id"),
    Index(None, "mailbox_id", "subject"),
    Index(None, "mailbox_id", "id_domain"),
    Index(None, "mailbox_id", "time"),
)

sent_recipient = Table(
    "sent_recipient",
    metadata,
    Column("sent_id", ForeignKey("sent.id", ondelete="CASCADE"), primary_key=True),
    Column("address", LargeBinary(16), primary_key=True),
    of_mailbox(),
    Column("domain", LargeBinary(16), nullable=False),
    Index(None, "mailbox_id", "address"),
    Index(None, "mailbox_id", "domain"),
)

sent_cursor = Table(
    "sent_cursor",
    metadata,
    of_mailbox(primary_key=True),
    Column("folder", Text, primary_key=True),
    Column("cursor", Text, nullable=False),
)

notice = Table(
    "notice",
    metadata,
    Column("id", Integer, primary_key=True),
    of_mailbox(),
    Column("fingerprint", String(64), nullable=False),
    Column("folder", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("opinion", String(16), nullable=False),
    Column("action", String(16), nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("judged_at", UtcTime, nullable=False),
    Column("received", UtcTime),
    Column("knowledge", String(32), nullable=False),
    Column("proven", Boolean, nullable=False),
    Column("in_record", Boolean, nullable=False),
    Column("subject", LargeBinary(16)),
    Column("reporter", LargeBinary(16)),
    Column("report", JSON),
    UniqueConstraint("mailbox_id", "fingerprint"),
    Index(None, "mailbox_id", "received"),
    Index(None, "mailbox_id", "action"),
)

folder_cursor = Table(
    "folder_cursor",
    metadata,
    of_mailbox(primary_key=True),
    Column("folder", Text, primary_key=True),
    Column("cursor", Text, nullable=False),
)

journal = Table(
    "journal",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run", String(32), nullable=False, index=True),
    of_mailbox(),
    Column("fingerprint", String(64), nullable=False),
    Column("occurrence", Integer, nullable=False),
    Column("action", String(16), nullable=False),
    Column("folder", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("new_id", Text),
    Column("flags", JSON, nullable=False),
    Column("received", UtcTime),
    Column("message_id", Text),
    Column("state", String(16), nullable=False),
    Column("intended_at", UtcTime, nullable=False),
    Column("settled_at", UtcTime),
    Column("error", Text),
    UniqueConstraint("mailbox_id", "fingerprint", "occurrence", "action"),
    Index(None, "mailbox_id", "state"),
    Index(None, "mailbox_id", "intended_at"),
)
