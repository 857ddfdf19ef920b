"""How every output writes a moment; apart from ``instants``, so that who only writes one loads no data frames."""

from datetime import UTC, datetime


def stamp(moment: datetime) -> str:
    """Return a moment as UTC in whole seconds, ISO 8601 with Z: its order is the text's order."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
