"""Alembic's entry: runs the migrations on the session that `migrate.py` hands over, all or none."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
