"""Let the outbox know for which alert and whom a message is, and when it is tried again."""

from alembic import op
from sqlalchemy import Column, Integer, String, Text

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the columns; a message from before them is due at once."""
    for column in (
        Column("alert", Text),
        Column("role", Text),
        Column("step", Integer),
        Column("first_attempt_at", String(20)),
        Column("next_attempt_at", String(20)),
        Column("last_error", Text),
    ):
        op.add_column("outbox", column)
