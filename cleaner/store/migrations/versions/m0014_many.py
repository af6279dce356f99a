"""
Indexes for stores with a hundred million rows.

On PostgreSQL the program itself makes them after the upgrade, one by one and without keeping anybody from writing; only
then those that they replace go (`indexes.py`, beside the folder of the migrations).
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        return
    op.create_index("ix_access_mailbox_id_id", "access", ["mailbox_id", "id"])
    op.drop_index("ix_access_mailbox_id", "access")
    op.create_index("ix_run_idle", "run", ["finished"], sqlite_where=sa.text("moved = 0"))
    op.create_index("ix_notice_judged_at", "notice", ["judged_at"])
    op.create_index(
        "ix_notice_unsure", "notice", ["received", "id"], sqlite_where=sa.text("opinion = 'unsure'")
    )
    op.create_index("ix_journal_intended_at_id", "journal", ["intended_at", "id"])
    is_open = sa.text("state IN ('intended', 'undoing')")
    op.create_index("ix_journal_open", "journal", ["mailbox_id", "id"], sqlite_where=is_open)
    op.create_index("ix_label_fingerprint", "label", ["fingerprint"])
    for first in ("mailbox_id", "organisation"):
        op.create_index(
            f"ix_lesson_{first}_proven_day_fingerprint", "lesson", [first, "proven", "day", "fingerprint"]
        )
        op.drop_index(f"ix_lesson_{first}_proven_day", "lesson")
