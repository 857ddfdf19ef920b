"""Give each record room for a seal; those from before stay without one."""

from alembic import op
from sqlalchemy import Column, String

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the column of the seals."""
    op.add_column("ledger", Column("hmac", String(64)))
