"""Real servers for the integration tests: each on its own loopback port, bounded, stopped by process id."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from postgresql import Postgresql, a_postgresql, new_database, postgresql_programs
from servers import Prefect, prefect_environment
from sqlalchemy import Engine, create_engine, make_url, text


@pytest.fixture(scope="session")
def prefect_server(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Mapping[str, str]]:
    """A Prefect server of the session's own; yields the environment that reaches it.

    Its database is on the session's PostgreSQL server, and is named in POSTDOSE_DATABASE for a ledger beside it;
    where the machine has none, it is SQLite.
    """
    home = tmp_path_factory.mktemp("prefect")
    environment: Mapping[str, str] = prefect_environment(home)
    if postgresql_programs() is not None:
        environment = in_postgresql(environment, new_database(request.getfixturevalue("postgresql_url")))
    with Prefect(environment, home / "server.log"):
        yield environment


def in_postgresql(environment: Mapping[str, str], database: str) -> Mapping[str, str]:
    """The same environment, with Prefect and the ledger in one PostgreSQL database."""
    url = make_url(database)
    named = {
        "POSTDOSE_DATABASE": "postgresql",
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": "postgresql+asyncpg",
    }
    return {
        **environment,
        **{
            name: url.set(drivername=driver).render_as_string(hide_password=False)
            for name, driver in named.items()
        },
    }


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """The URL (psycopg, with a password) of the `postgres` database of a PostgreSQL server of the session's own.

    Take `postgresql_database` for a test that writes; this one is for what concerns a whole server. Skips where
    the machine has no PostgreSQL server program.
    """
    with _a_postgresql() as server:
        yield server.url


@pytest.fixture(scope="module")
def postgresql_of_its_own() -> Iterator[Postgresql]:
    """A PostgreSQL server that a module may end and start again."""
    with _a_postgresql() as server:
        yield server


@pytest.fixture(scope="module")
def prefect_of_its_own(
    postgresql_of_its_own: Postgresql, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Prefect]:
    """A Prefect server that a module may end and start again; its database is on such a PostgreSQL server."""
    home = tmp_path_factory.mktemp("prefect")
    environment = in_postgresql(prefect_environment(home), new_database(postgresql_of_its_own.url))
    with Prefect(environment, home / "server.log") as server:
        yield server


@contextmanager
def _a_postgresql() -> Iterator[Postgresql]:
    programs = postgresql_programs()
    if programs is None:
        pytest.skip("no PostgreSQL server is installed (initdb is neither on the path nor in Debian's place)")
    with a_postgresql(programs) as server:
        yield server


@pytest.fixture
def postgresql_database(postgresql_url: str) -> Iterator[str]:
    """The URL of an empty database of the test's own on the session's PostgreSQL server."""
    url = new_database(postgresql_url)
    yield url
    server = create_engine(postgresql_url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE {make_url(url).database} WITH (FORCE)"))
    server.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def state_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database of the test's own: once SQLite, once PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'state.sqlite'}"
    found: str = request.getfixturevalue("postgresql_database")
    return found


@pytest.fixture
def database(state_url: str) -> Iterator[Engine]:
    """The database by another way than the ledger's: with it one can do what the ledger does not."""
    engine = create_engine(state_url)
    yield engine
    engine.dispose()
