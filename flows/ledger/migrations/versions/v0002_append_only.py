"""Let the database itself refuse to change or remove a record of the ledger."""

from alembic import op

from flows.ledger.append_only import GUARDS, guard

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the triggers of the database at hand."""
    connection = op.get_bind()
    guard(connection, tuple(GUARDS[connection.dialect.name]))
