"""Alembic's entry point: it works on the connection, and with the tables, that it is handed."""

from alembic import context

attributes = context.config.attributes
context.configure(
    connection=attributes["connection"],
    # Only comparing needs the tables, and they belong to the rooms above this one.
    target_metadata=attributes.get("metadata"),
    render_item=attributes.get("render"),
    compare_server_default=False,
)
with context.begin_transaction():
    context.run_migrations()
