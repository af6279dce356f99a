"""How the mail in Sent is written, as counts."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "sent_manner",
        sa.Column("mailbox_id", sa.Integer(), nullable=False),
        sa.Column("trait", sa.LargeBinary(length=16), nullable=False),
        sa.Column("mails", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["mailbox_id"], ["mailbox.id"], name="fk_sent_manner_mailbox_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("mailbox_id", "trait", name="pk_sent_manner"),
    )
