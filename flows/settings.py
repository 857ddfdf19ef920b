"""Read the environment once, into one frozen object; nothing below reads it again but ``flows.files``.

The mode of files is the whole process's, as its umask is.
``VARIABLES`` says of every variable what it means; the operator's README repeats it, held together by a test.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

from checks.errors import UsageError

DEFAULT_STATE = "postdose.sqlite"
STATE: Final = "POSTDOSE_STATE"
DATABASE: Final = "POSTDOSE_DATABASE"
PREFECT_DATABASE: Final = "PREFECT_SERVER_DATABASE_CONNECTION_URL"

LEDGER_KEY = "POSTDOSE_LEDGER_KEY"
SHORTEST_KEY = 32
"""Characters. Record and seal lie side by side, so a short key could be found by trying (RFC 2104, section 3)."""

CLOSED = "POSTDOSE_CLOSED"
CLOSED_ALLOWED = "allowed"
"""What that variable must say before a closed report, which reads the arm, is written."""

AUTH_FILE: Final = "POSTDOSE_PREFECT_AUTH_FILE"
NETWORK: Final = "POSTDOSE_PREFECT_NETWORK"
PRIVATE_NETWORK: Final = "private"
"""What that variable must say before the password of Prefect's API may go over a network as it is."""

FILE_MODE: Final = "POSTDOSE_FILE_MODE"
PRIVATE: Final = 0o600
"""The mode of files where that variable is not set: the owner's alone, and 0700 of folders."""

FILE_MODES: Final = (PRIVATE, 0o640, 0o660, 0o644, 0o664)
"""What it may be: the owner reads and writes, a group may, and nobody else writes what a look rests on."""

DASK_ADDRESS: Final = "POSTDOSE_DASK_ADDRESS"
OURS: Final = "POSTDOSE_"
IN_A_FILE: Final = "_FILE"
"""Ends the name of a variable that holds the path of a file with the value: so secrets come to containers."""

PREFECT_SECRETS: Final = ("PREFECT_API_AUTH_STRING", PREFECT_DATABASE, "PREFECT_SERVER_API_AUTH_STRING")
"""Variables of Prefect that may be given by file as well."""

PREFECT_DEFAULTS: Mapping[str, str] = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_LOGGING_LEVEL": "WARNING",
    "PREFECT_LOGGING_EXTRA_LOGGERS": "postdose",
    "PREFECT_SERVER_LOGGING_LEVEL": "ERROR",
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
    "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    "PREFECT_SERVER_DATABASE_TIMEOUT": "60",
    "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": "none",
    "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
    "GX_ANALYTICS_ENABLED": "False",
}
"""What the libraries are told unless the environment says otherwise: no telemetry, no stored results, few words, no
page of another origin (an origin is an address, so none is "none"), to wait for the SQLite of a busy server rather
than to answer 503, and to keep on the disk until when a run that began may hold up the next: a server that keeps it
in memory and is killed holds it up for good."""


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable of the environment: its name, what it means, and what holds where it is not set (Markdown)."""

    name: str
    means: str
    default: str


VARIABLES: Final = (
    Variable(
        DATABASE,
        "`postgresql://USER:PASSWORD@HOST/NAME`: one database for the ledger and for Prefect",
        "none: SQLite for each",
    ),
    Variable(
        STATE,
        "database URL of the ledger and the outbox alone; may hold a password, so it is never a parameter",
        "`POSTDOSE_DATABASE`, else `postdose.sqlite` beside the study protocol",
    ),
    Variable(
        LEDGER_KEY,
        "seals every record of the ledger; 32 characters or more, and the same one for the ledger's life",
        "none: records carry no seal",
    ),
    Variable(
        CLOSED,
        "`allowed` lets `look --closed` and the deployment `closed` read the arm; "
        "set it only where those who may know the arm work",
        "unset: refused",
    ),
    Variable(
        FILE_MODE,
        "who else may read, or write, what is written, whatever the umask: `0640`, `0660`, `0644` or `0664`, folders "
        "to match, as 0750; reports by arm and passwords stay 0600",
        "`0600`: nobody, and folders have 0700",
    ),
    Variable(
        "POSTDOSE_STUDIES",
        "folder of study protocols, for looks asked for by a study's id",
        "`deployments/studies`",
    ),
    Variable(
        "POSTDOSE_WEBHOOK_SECRET",
        "signs what is posted to every webhook that has no secret of its own",
        "none: nothing is signed",
    ),
    Variable(
        "POSTDOSE_HEARTBEAT_URL",
        "called with GET after each look that is on record, for a watchdog elsewhere",
        "none: nothing is called",
    ),
    Variable(
        "POSTDOSE_HEAD_URL",
        "posted the ledger's newest head after each look that is on record, to be kept elsewhere",
        "none: heads are kept in `heads` beside the protocol alone",
    ),
    Variable(
        DASK_ADDRESS,
        "the scheduler of the Dask cluster that `look --engine dask` computes on, as `tcp://HOST:8786`",
        "none: workers of its own on this machine, one a core",
    ),
    Variable(
        "POSTDOSE_TEST_DATA", "folder of public trial data, for the tests alone", "none: those tests skip"
    ),
    Variable("PREFECT_API_URL", "the Prefect server", "none: a look starts its own for as long as it runs"),
    Variable(
        AUTH_FILE,
        "file with what Prefect's API asks for, as `USER:PASSWORD`: whoever has it can run code here",
        "`.prefect-auth` in the home folder, beside `PREFECT_HOME` where that is set; "
        "`serve` and `prefect` make it, 0600",
    ),
    Variable(
        NETWORK,
        "`private` says that none but ours are on the network between `PREFECT_API_URL` and here, as in a pod",
        "unset: over a network, `doctor` asks for https",
    ),
    Variable(
        "PREFECT_API_AUTH_STRING",
        "what is given to the server of `PREFECT_API_URL`, as `USER:PASSWORD`",
        "what that file holds, if the server is on this machine or the file is named",
    ),
    Variable(
        "PREFECT_SERVER_API_AUTH_STRING",
        "what a server asks for that is started here",
        "`PREFECT_API_AUTH_STRING`, else what that file holds",
    ),
    Variable(
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS",
        "which pages in a browser, of other addresses, may use the API",
        "`none`; its own page needs no leave",
    ),
    Variable(PREFECT_DATABASE, "database URL of Prefect alone", "`POSTDOSE_DATABASE`, else SQLite"),
    Variable(
        "PREFECT_RUNNER_PROCESS_LIMIT",
        "how many runs `postdose serve` lets go on at once, of all its studies together",
        "5",
    ),
    Variable(
        "PREFECT_HOME",
        "where Prefect keeps its own files, SQLite among them",
        "`.prefect` in the home folder",
    ),
)
"""Every variable by its full name; those that a study protocol names (channels, databases of feeds) come to them."""


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


def protocol_path(study: str, environ: Mapping[str, str]) -> Path:
    """Return the study protocol file that a path means, or an id below the folder that POSTDOSE_STUDIES names."""
    path = Path(study)
    if path.is_file():
        return path
    by_id = Path(environ.get("POSTDOSE_STUDIES", "deployments/studies")) / study / "protocol.yaml"
    return by_id if by_id.is_file() else path


def read_settings(environ: Mapping[str, str], *, state: str | None, folder: Path) -> Settings:
    """Return the settings; ``state`` (a command's option) wins over POSTDOSE_STATE, POSTDOSE_DATABASE and a file.

    The embedded default database lies in the folder.

    Raises
    ------
    UsageError
        When the ledger's key is too short, POSTDOSE_DATABASE is not PostgreSQL, POSTDOSE_FILE_MODE is none of the
        modes, or a file of a ``_FILE`` variable cannot be read.
    """
    named = {name: value for name, value in environ.items() if name.startswith(OURS)}
    named |= _from_files(
        named, [one.removesuffix(IN_A_FILE) for one in named if one.endswith(IN_A_FILE) and one != AUTH_FILE]
    )
    url = state or named.get(STATE) or _shared_database(named) or f"sqlite:///{folder / DEFAULT_STATE}"
    file_mode(environ)
    allowed = named.pop(CLOSED, "") == CLOSED_ALLOWED
    return Settings(url, named, _ledger_key(named.pop(LEDGER_KEY, "")), allowed)


def prefect_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what Prefect and the other libraries are to be told besides what the environment tells them.

    Raises
    ------
    UsageError
        When POSTDOSE_DATABASE is not PostgreSQL, or a file of a ``_FILE`` variable cannot be read.
    """
    told = {**PREFECT_DEFAULTS, **_from_files(environ, PREFECT_SECRETS)}
    shared = _shared_database({**environ, **_from_files(environ, [DATABASE])})
    if shared is not None:
        told.setdefault(PREFECT_DATABASE, _for_asyncpg(shared))
    return {name: value for name, value in told.items() if name not in environ}


def file_mode(environ: Mapping[str, str]) -> int:
    """Return the mode of files.

    Raises
    ------
    UsageError
        When POSTDOSE_FILE_MODE is none of ``FILE_MODES``, or its file cannot be read.
    """
    told = {**environ, **_from_files(environ, [FILE_MODE])}.get(FILE_MODE, "").strip()
    modes = {text: mode for mode in FILE_MODES for text in (f"{mode:o}", f"{mode:04o}")}
    if told and told not in modes:
        allowed = ", ".join(f"{mode:04o}" for mode in FILE_MODES)
        raise UsageError(f"{FILE_MODE}: found {told!r}; allowed: {allowed}")
    return modes.get(told, PRIVATE)


def _from_files(environ: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """Return the values of those variables whose ``_FILE`` is set; one that is set itself as well is refused."""
    return {name: _read(name, environ) for name in names if environ.get(name + IN_A_FILE)}


def _read(name: str, environ: Mapping[str, str]) -> str:
    if environ.get(name):
        raise UsageError(f"{name}: found {name}{IN_A_FILE} beside it; allowed: one of the two")
    file = Path(environ[name + IN_A_FILE])
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise UsageError(f"{name}{IN_A_FILE}: found {file}, which cannot be read ({reason})") from None


def _shared_database(environ: Mapping[str, str]) -> str | None:
    """Return the URL of the database that the ledger and Prefect share; SQLite, with one writer, is not shared."""
    url = environ.get(DATABASE, "").strip()
    if not url:
        return None
    if not url.partition("://")[0].partition("+")[0] == "postgresql":
        raise UsageError(f"{DATABASE}: found another database; allowed: postgresql://USER:PASSWORD@HOST/NAME")
    return url


def _for_asyncpg(url: str) -> str:
    """Return a PostgreSQL URL as Prefect's driver takes it: of its options it knows sslmode alone, as ssl."""
    parts = urlsplit(url)
    modes = parse_qs(parts.query).get("sslmode", [])
    return urlunsplit(
        parts._replace(scheme="postgresql+asyncpg", query=urlencode([("ssl", m) for m in modes]))
    )


def _ledger_key(text: str) -> bytes | None:
    if 0 < len(text) < SHORTEST_KEY:
        raise UsageError(
            f"{LEDGER_KEY}: found {len(text)} characters; allowed: {SHORTEST_KEY} or more, or unset"
        )
    return text.encode() or None
