"""What arrives, counted by day and model; candidates that judge along; trainings."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

many = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
time = sa.DateTime(timezone=True)


def organisation(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["organisation_id"], ["organisation.id"], name=f"fk_{table}_organisation_id"
    )


def upgrade() -> None:
    op.create_table(
        "model_day",
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        organisation("model_day"),
        sa.PrimaryKeyConstraint("organisation_id", "model", "day", "what", name="pk_model_day"),
    )
    op.create_table(
        "model_shadow",
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("since", time, nullable=False),
        organisation("model_shadow"),
        sa.PrimaryKeyConstraint("organisation_id", name="pk_model_shadow"),
    )
    op.create_table(
        "model_difference",
        sa.Column("id", many, nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("mailbox_id", sa.Integer(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("received", time, nullable=True),
        sa.Column("at", time, nullable=False),
        sa.Column("active", sa.Text(), nullable=True),
        sa.Column("opinion", sa.String(length=16), nullable=False),
        sa.Column("probability", sa.Float(), nullable=True),
        sa.Column("other", sa.String(length=16), nullable=False),
        sa.Column("other_probability", sa.Float(), nullable=True),
        organisation("model_difference"),
        sa.ForeignKeyConstraint(
            ["mailbox_id"], ["mailbox.id"], name="fk_model_difference_mailbox_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_model_difference"),
        sa.UniqueConstraint(
            "mailbox_id",
            "model",
            "fingerprint",
            name="uq_model_difference_mailbox_id_model_fingerprint",
        ),
    )
    op.create_index(
        "ix_model_difference_organisation_id_model", "model_difference", ["organisation_id", "model"]
    )
    op.create_table(
        "training",
        sa.Column("id", many, nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("at", time, nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("labels", sa.Integer(), nullable=False),
        sa.Column("last_label", many, nullable=False),
        sa.Column("promoted", sa.Boolean(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        organisation("training"),
        sa.PrimaryKeyConstraint("id", name="pk_training"),
    )
    op.create_index("ix_training_organisation_id", "training", ["organisation_id"])
