"""Which model judges for which organisation."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

many = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "model_choice",
        sa.Column("id", many, nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name="fk_model_choice_organisation_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_model_choice"),
    )
    op.create_index("ix_model_choice_organisation_id", "model_choice", ["organisation_id"])
