"""The archive of DKIM keys, and mail known from transport logs."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "dkim_key",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("selector", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("first_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_dkim_key"),
        sa.UniqueConstraint("domain", "selector", "digest", name="uq_dkim_key_domain_selector_digest"),
    )
    op.create_table(
        "ledger_file",
        sa.Column("head", sa.LargeBinary(length=16), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("head", name="pk_ledger_file"),
    )
    # Without a batch: SQLite adds a column with a constant default at once, however long the table is.
    op.add_column("sent", sa.Column("logged", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index("ix_sent_mailbox_id_logged_time", "sent", ["mailbox_id", "logged", "time"])
    op.drop_index("ix_sent_mailbox_id_time", "sent")
