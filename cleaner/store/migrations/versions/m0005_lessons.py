"""What judged notices taught about the ways of our mail."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "lesson",
        sa.Column("mailbox_id", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("day", sa.Date(), nullable=True),
        sa.Column("original", sa.LargeBinary(length=16), nullable=True),
        sa.Column("site", sa.LargeBinary(length=16), nullable=True),
        sa.Column("machine", sa.LargeBinary(length=16), nullable=True),
        sa.Column("network", sa.LargeBinary(length=16), nullable=True),
        sa.Column("author", sa.LargeBinary(length=16), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("listed", sa.Boolean(), nullable=False),
        sa.Column("at_us", sa.Boolean(), nullable=False),
        sa.Column("signed", sa.Boolean(), nullable=True),
        sa.Column("proven", sa.Boolean(), nullable=False),
        sa.Column("in_record", sa.Boolean(), nullable=False),
        sa.Column("by_mark", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["mailbox_id"], ["mailbox.id"], name="fk_lesson_mailbox_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("mailbox_id", "fingerprint", name="pk_lesson"),
    )
    op.create_index("ix_lesson_mailbox_id_proven_day", "lesson", ["mailbox_id", "proven", "day"])
    op.create_index("ix_lesson_mailbox_id_machine", "lesson", ["mailbox_id", "machine"])
