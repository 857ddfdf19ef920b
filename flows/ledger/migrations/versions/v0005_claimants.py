"""Let the outbox know which process claimed a message: one that was killed need not be waited for."""

from alembic import op
from sqlalchemy import Column, Text

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the column; a claim from before it holds for its time."""
    op.add_column("outbox", Column("claimed_by", Text))
