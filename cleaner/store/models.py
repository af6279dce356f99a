"""Which model judges for which organisation, with every choice that was ever made."""

from __future__ import annotations

from sqlalchemy import insert, select

from cleaner.store import tables
from cleaner.store.database import Database
from cleaner.store.owners import ensured_organisation
from cleaner.store.records import ModelChoice


class ModelBook:
    """The choices of models; nothing in it is ever changed, so that any of them can be gone back to."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def choose(self, choice: ModelChoice) -> None:
        with self._database.write() as connection:
            connection.execute(
                insert(tables.model_choice).values(
                    organisation_id=ensured_organisation(connection, choice.organisation),
                    at=choice.at,
                    by=choice.by,
                    model=choice.model,
                    why=choice.why,
                )
            )

    def history(self, organisation: str) -> tuple[ModelChoice, ...]:
        """All choices, oldest first."""
        c, o = tables.model_choice.c, tables.organisation.c
        query = (
            select(c.at, c.by, c.model, c.why)
            .join_from(tables.model_choice, tables.organisation)
            .where(o.name == organisation)
            .order_by(c.id)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return tuple(ModelChoice(organisation, row.at, row.by, row.model, row.why) for row in rows)

    def current(self, organisation: str) -> ModelChoice | None:
        """The latest choice; None where nobody ever chose."""
        history = self.history(organisation)
        return history[-1] if history else None
