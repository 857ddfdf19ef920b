"""Run the migrations on the connection, and in the transaction, of the ledger that asks for them."""

from alembic import context

from flows.ledger.schema import VERSION_TABLE

context.configure(connection=context.config.attributes["connection"], version_table=VERSION_TABLE)
context.run_migrations()
