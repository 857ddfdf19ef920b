"""Read the environment once, into one frozen object; nothing below reads it again."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

DEFAULT_STATE = "postdose.sqlite"

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
    by the name of their variable, and are never written anywhere.
    """

    state_url: str
    addresses: Mapping[str, str]


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
    """
    url = state or environ.get("POSTDOSE_STATE") or f"sqlite:///{folder / DEFAULT_STATE}"
    return Settings(url, {name: value for name, value in environ.items() if name.startswith("POSTDOSE_")})
