"""Keep beside the records what follows from them: where each study stands, and its looks by data cut-off."""

from alembic import op
from sqlalchemy import Column, Integer, String, Text

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the tables, which are filled from the records once every step is taken; find waiting messages by index."""
    op.create_table(
        "standings",
        Column("study", String(64), primary_key=True),
        Column("document", Text, nullable=False),
    )
    op.create_table(
        "looks",
        Column("sequence", Integer, primary_key=True),
        Column("study", String(64), nullable=False),
        Column("data_cutoff", String(20), nullable=False),
    )
    op.create_index("ix_looks_study", "looks", ["study", "data_cutoff", "sequence"])
    op.drop_index("ix_outbox_study", "outbox")
    op.create_index("ix_outbox_study", "outbox", ["study", "state"])
