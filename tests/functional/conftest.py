"""One Prefect server for the processes of a session, where a server of their own is not what is tested."""

import os
from collections.abc import Iterator

import pytest
from servers import Prefect, prefect_environment


@pytest.fixture(scope="session")
def prefect_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The PREFECT_API_URL of a server on loopback, with a database of its own."""
    home = tmp_path_factory.mktemp("prefect-server")
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "POSTDOSE_"))
    }
    environment = prefect_environment(home, kept)
    with Prefect(environment, home / "server.log"):
        yield environment["PREFECT_API_URL"]
