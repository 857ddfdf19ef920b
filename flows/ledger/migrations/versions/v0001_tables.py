"""Make the ledger and the outbox; a database from before there were migrations has them already."""

from alembic import op
from sqlalchemy import Column, ForeignKey, Integer, String, Text

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make both tables and their indexes, where they are not there."""
    op.create_table(
        "ledger",
        Column("sequence", Integer, primary_key=True),
        Column("study", String(64), nullable=False),
        Column("kind", String(32), nullable=False),
        Column("payload", Text, nullable=False),
        Column("previous_sha256", String(64), nullable=False),
        Column("sha256", String(64), nullable=False, unique=True),
        if_not_exists=True,
    )
    op.create_index("ix_ledger_study", "ledger", ["study"], if_not_exists=True)
    op.create_table(
        "outbox",
        Column("id", String(64), primary_key=True),
        Column("sequence", Integer, ForeignKey("ledger.sequence"), nullable=False),
        Column("study", String(64), nullable=False),
        Column("channel", Text, nullable=False),
        Column("message", Text, nullable=False),
        Column("state", String(16), nullable=False),
        Column("attempts", Integer, nullable=False),
        if_not_exists=True,
    )
    op.create_index("ix_outbox_study", "outbox", ["study"], if_not_exists=True)
