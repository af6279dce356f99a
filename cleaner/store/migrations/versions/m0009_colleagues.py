"""Whose colleagues may learn from a lesson."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("lesson", sa.Column("organisation", sa.LargeBinary(length=16), nullable=True))
    op.create_index("ix_lesson_organisation_proven_day", "lesson", ["organisation", "proven", "day"])
