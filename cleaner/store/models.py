"""Which model judges for which organisation, with every choice and every training that ever was."""

from __future__ import annotations

from sqlalchemy import insert, select

from cleaner.store import tables
from cleaner.store.database import Database
from cleaner.store.owners import ensured_organisation
from cleaner.store.records import ModelChoice, Training


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

    def note(self, training: Training) -> None:
        """Keeps what came of a training."""
        with self._database.write() as connection:
            connection.execute(
                insert(tables.training).values(
                    organisation_id=ensured_organisation(connection, training.organisation),
                    at=training.at,
                    by=training.by,
                    model=training.model,
                    labels=training.labels,
                    promoted=training.promoted,
                    why=training.why,
                    last_label=training.last_label,
                )
            )

    def trainings(self, organisation: str, limit: int | None = None) -> tuple[Training, ...]:
        """What came of the trainings, the latest first."""
        t, o = tables.training.c, tables.organisation.c
        query = (
            select(t.at, t.by, t.model, t.labels, t.promoted, t.why, t.last_label)
            .join_from(tables.training, tables.organisation)
            .where(o.name == organisation)
            .order_by(t.id.desc())
            .limit(limit)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return tuple(
            Training(
                organisation, row.at, row.by, row.model, row.labels, row.promoted, row.why, row.last_label
            )
            for row in rows
        )

    def current(self, organisation: str) -> ModelChoice | None:
        """The latest choice; None where nobody ever chose."""
        history = self.history(organisation)
        return history[-1] if history else None
