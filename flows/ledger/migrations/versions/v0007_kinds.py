"""Find a study's records of one kind by an index: deliveries and decisions on them are asked for at each writing."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the index."""
    op.create_index("ix_ledger_kind", "ledger", ["study", "kind", "sequence"])
