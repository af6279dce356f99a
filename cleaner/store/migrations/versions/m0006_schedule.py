"""When the service looks at each mailbox, and accesses that are counted."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    with op.batch_alter_table("access") as batch:
        batch.add_column(sa.Column("times", sa.Integer(), nullable=False, server_default=sa.text("1")))
        batch.add_column(sa.Column("until", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "schedule",
        sa.Column("mailbox_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("server", sa.Text(), nullable=False),
        sa.Column("due", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claimed_by", sa.String(length=32), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("state", sa.String(length=16), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("run", sa.Text(), nullable=True),
        sa.Column("finished", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pulse", sa.Text(), nullable=True),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("upkeep_due", sa.DateTime(timezone=True), nullable=True),
        sa.Column("digest_due", sa.DateTime(timezone=True), nullable=True),
        sa.Column("digested_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["mailbox_id"], ["mailbox.id"], name="fk_schedule_mailbox_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("mailbox_id", name="pk_schedule"),
    )
    op.create_index("ix_schedule_claimed_by", "schedule", ["claimed_by"])
    op.create_index("ix_schedule_server_due", "schedule", ["server", "due"])
