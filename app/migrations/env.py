"""Run by Alembic, inside `app.store.migrate`, on the connection it is given."""

from alembic import context

from app.store import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transaction_per_migration=True,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
