"""How alembic reaches the database: on the connection and in the transaction that it is given."""

from alembic import context

from cleaner.store.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
context.run_migrations()
