"""Labels and their samples."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

many = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "label",
        sa.Column("id", many, nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("mailbox_id", sa.Integer(), nullable=True),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("truth", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("origin", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("cluster", sa.LargeBinary(length=16), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("entry", many, nullable=True),
        sa.Column("opinion", sa.String(length=16), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("probability", sa.Float(), nullable=True),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("proven", sa.Boolean(), nullable=False),
        sa.Column("features", sa.JSON(), nullable=False),
        sa.Column("settled_by", sa.Text(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_why", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name="fk_label_organisation_id"),
        sa.ForeignKeyConstraint(["mailbox_id"], ["mailbox.id"], name="fk_label_mailbox_id"),
        sa.PrimaryKeyConstraint("id", name="pk_label"),
        sa.UniqueConstraint(
            "organisation_id", "fingerprint", "truth", name="uq_label_organisation_id_fingerprint_truth"
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_label_mailbox_id", "label", ["mailbox_id"])
    op.create_index("ix_label_organisation_id_cluster", "label", ["organisation_id", "cluster"])
    op.create_index("ix_label_organisation_id_state", "label", ["organisation_id", "state"])
    op.create_table(
        "sample",
        sa.Column("label_id", many, autoincrement=False, nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("about", sa.LargeBinary(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["label_id"], ["label.id"], name="fk_sample_label_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("label_id", name="pk_sample"),
    )
    op.create_index("ix_sample_kept_at", "sample", ["kept_at"])
