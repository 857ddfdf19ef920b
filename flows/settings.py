"""Read the environment once, into one frozen object; nothing below reads it again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from checks.errors import UsageError

DEFAULT_STATE = "postdose.sqlite"

LEDGER_KEY = "POSTDOSE_LEDGER_KEY"
SHORTEST_KEY = 32
"""Characters. Record and seal lie side by side, so a short key could be found by trying (RFC 2104, section 3)."""

CLOSED = "POSTDOSE_CLOSED"
CLOSED_ALLOWED = "allowed"
"""What that variable must say before a closed report, which reads the arm, is written."""

PREFECT_DEFAULTS: Mapping[str, str] = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_LOGGING_LEVEL": "WARNING",
    "PREFECT_LOGGING_EXTRA_LOGGERS": "postdose",
    "PREFECT_SERVER_LOGGING_LEVEL": "ERROR",
    "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    "GX_ANALYTICS_ENABLED": "False",
}
"""What the libraries are told unless the environment says otherwise: no telemetry, no stored results, few words."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment decides.

    ``state_url`` is the database of the ledger and the outbox; ``addresses`` are the channels' addresses,
    by the name of their variable, and are never written anywhere; neither is ``ledger_key``, which seals the
    ledger's records. ``closed_allowed`` says whether this process may read the arm.
    """

    state_url: str
    addresses: Mapping[str, str] = field(repr=False)
    ledger_key: bytes | None = field(default=None, repr=False)
    closed_allowed: bool = False


def read_settings(environ: Mapping[str, str], *, state: str | None, folder: Path) -> Settings:
    """Return the settings; ``state`` (a command's option) wins over POSTDOSE_STATE, which wins over a file.

    Parameters
    ----------
    environ
        The process environment.
    state
        A database URL, or None.
    folder
        Where the embedded default database lies when nothing else is said.

    Raises
    ------
    UsageError
        When the ledger's key is too short.
    """
    url = state or environ.get("POSTDOSE_STATE") or f"sqlite:///{folder / DEFAULT_STATE}"
    named = {name: value for name, value in environ.items() if name.startswith("POSTDOSE_")}
    allowed = named.pop(CLOSED, "") == CLOSED_ALLOWED
    return Settings(url, named, _ledger_key(named.pop(LEDGER_KEY, "")), allowed)


def _ledger_key(text: str) -> bytes | None:
    if 0 < len(text) < SHORTEST_KEY:
        raise UsageError(
            f"{LEDGER_KEY}: found {len(text)} characters; allowed: {SHORTEST_KEY} or more, or unset"
        )
    return text.encode() or None
