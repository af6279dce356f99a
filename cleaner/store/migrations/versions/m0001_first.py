"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

many = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "meta",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_meta"),
    )
    op.create_table(
        "organisation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_organisation"),
        sa.UniqueConstraint("name", name="uq_organisation_name"),
    )
    op.create_table(
        "run",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("started", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("looked_at", sa.Integer(), nullable=False),
        sa.Column("moved", sa.Integer(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_run"),
    )
    op.create_index("ix_run_started", "run", ["started"])
    op.create_table(
        "mailbox",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=True),
        sa.Column("definition", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name="fk_mailbox_organisation_id"),
        sa.PrimaryKeyConstraint("id", name="pk_mailbox"),
        sa.UniqueConstraint("address", name="uq_mailbox_address"),
    )
    op.create_table(
        "run_stop",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_run_stop_run_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "address", name="pk_run_stop"),
    )
    op.create_table(
        "access",
        sa.Column("id", many, nullable=False),
        sa.Column("mailbox_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("run", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["mailbox_id"], ["mailbox.id"], name="fk_access_mailbox_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_access"),
    )
    op.create_index("ix_access_mailbox_id", "access", ["mailbox_id"])
    op.create_table(
        "consent",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("mailbox_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("preview_until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["mailbox_id"], ["mailbox.id"], name="fk_consent_mailbox_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_consent"),
    )
    op.create_index("ix_consent_mailbox_id", "consent", ["mailbox_id"])
    op.create_table(
        "folder_cursor",
        sa.Column("mailbox_id", sa.Integer(), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["mailbox_id"], ["mailbox.id"], name="fk_folder_cursor_mailbox_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("mailbox_id", "folder", name="pk_folder_cursor"),
    )
    op.create_table(
        "journal",
        sa.Column("id", many, nullable=False),
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("mailbox_id", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("occurrence", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("new_id", sa.Text(), nullable=True),
        sa.Column("flags", sa.JSON(), nullable=False),
        sa.Column("received", sa.DateTime(timezone=True), nullable=True),
        sa.Column("message_id", sa.Text(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("intended_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["mailbox_id"], ["mailbox.id"], name="fk_journal_mailbox_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_journal"),
        sa.UniqueConstraint(
            "mailbox_id",
            "fingerprint",
            "occurrence",
            "action",
            name="uq_journal_mailbox_id_fingerprint_occurrence_action",
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_journal_mailbox_id_intended_at", "journal", ["mailbox_id", "intended_at"])
    op.create_index("ix_journal_mailbox_id_state", "journal", ["mailbox_id", "state"])
    op.create_index("ix_journal_run", "journal", ["run"])
    op.create_table(
        "notice",
        sa.Column("id", many, nullable=False),
        sa.Column("mailbox_id", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("opinion", sa.String(length=16), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("judged_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received", sa.DateTime(timezone=True), nullable=True),
        sa.Column("knowledge", sa.String(length=64), nullable=False),
        sa.Column("proven", sa.Boolean(), nullable=False),
        sa.Column("in_record", sa.Boolean(), nullable=False),
        sa.Column("subject", sa.LargeBinary(length=16), nullable=True),
        sa.Column("reporter", sa.LargeBinary(length=16), nullable=True),
        sa.Column("report", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(
            ["mailbox_id"], ["mailbox.id"], name="fk_notice_mailbox_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_notice"),
        sa.UniqueConstraint("mailbox_id", "fingerprint", name="uq_notice_mailbox_id_fingerprint"),
    )
    op.create_index("ix_notice_mailbox_id_action_outcome", "notice", ["mailbox_id", "action", "outcome"])
    op.create_index(
        "ix_notice_mailbox_id_opinion_knowledge", "notice", ["mailbox_id", "opinion", "knowledge"]
    )
    op.create_index("ix_notice_mailbox_id_proven_in_record", "notice", ["mailbox_id", "proven", "in_record"])
    op.create_index("ix_notice_mailbox_id_received", "notice", ["mailbox_id", "received"])
    op.create_table(
        "sent",
        sa.Column("id", many, nullable=False),
        sa.Column("mailbox_id", sa.Integer(), nullable=False),
        sa.Column("identity", sa.LargeBinary(length=16), nullable=False),
        sa.Column("host", sa.LargeBinary(length=16), nullable=False),
        sa.Column("subject", sa.LargeBinary(length=16), nullable=True),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recipients", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["mailbox_id"], ["mailbox.id"], name="fk_sent_mailbox_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_sent"),
        sa.UniqueConstraint("mailbox_id", "identity", name="uq_sent_mailbox_id_identity"),
    )
    op.create_index("ix_sent_mailbox_id_subject_time", "sent", ["mailbox_id", "subject", "time"])
    op.create_index("ix_sent_mailbox_id_time", "sent", ["mailbox_id", "time"])
    op.create_table(
        "sent_cursor",
        sa.Column("mailbox_id", sa.Integer(), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["mailbox_id"], ["mailbox.id"], name="fk_sent_cursor_mailbox_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("mailbox_id", "folder", name="pk_sent_cursor"),
    )
    op.create_table(
        "sent_host",
        sa.Column("mailbox_id", sa.Integer(), nullable=False),
        sa.Column("host", sa.LargeBinary(length=16), nullable=False),
        sa.Column("mails", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["mailbox_id"], ["mailbox.id"], name="fk_sent_host_mailbox_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("mailbox_id", "host", name="pk_sent_host"),
    )
    op.create_table(
        "sent_recipient",
        sa.Column("sent_id", many, nullable=False),
        sa.Column("address", sa.LargeBinary(length=16), nullable=False),
        sa.Column("mailbox_id", sa.Integer(), nullable=False),
        sa.Column("domain", sa.LargeBinary(length=16), nullable=False),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["mailbox_id"], ["mailbox.id"], name="fk_sent_recipient_mailbox_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["sent_id"], ["sent.id"], name="fk_sent_recipient_sent_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("sent_id", "address", name="pk_sent_recipient"),
    )
    op.create_index(
        "ix_sent_recipient_mailbox_id_address_time", "sent_recipient", ["mailbox_id", "address", "time"]
    )
    op.create_index("ix_sent_recipient_mailbox_id_domain", "sent_recipient", ["mailbox_id", "domain"])
