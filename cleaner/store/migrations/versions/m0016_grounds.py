"""What campaigns and closed sets of senders are told by: strangers by time, selectors, hosts outside."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.add_column("lesson", sa.Column("at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("lesson", sa.Column("selector", sa.LargeBinary(length=16), nullable=True))
    op.add_column("lesson", sa.Column("stranger", sa.LargeBinary(length=16), nullable=True))
    op.add_column("lesson", sa.Column("submitted", sa.Boolean(), nullable=True))
    op.add_column("journal", sa.Column("ground", sa.String(length=16), nullable=True))
    op.create_table(
        "outside_sender",
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("ip", sa.String(length=45), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("organisation", "domain", "ip", name="pk_outside_sender"),
    )
    # On PostgreSQL the program itself makes the indexes, without keeping anybody from writing (`indexes.py`).
    if op.get_bind().dialect.name != "postgresql":
        is_stranger = sa.text("stranger IS NOT NULL")
        op.create_index("ix_lesson_stranger", "lesson", ["mailbox_id", "at"], sqlite_where=is_stranger)
        op.create_index("ix_journal_mailbox_id_ground", "journal", ["mailbox_id", "ground"])
