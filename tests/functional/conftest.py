"""One Prefect server for the processes of a session, where a server of their own is not what is tested."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.settings import PREFECT_DEFAULTS

START_SECONDS = 240


@pytest.fixture(scope="session")
def prefect_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The PREFECT_API_URL of a server on loopback, with a database of its own."""
    home = tmp_path_factory.mktemp("prefect-server")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "POSTDOSE_"))
    }
    own = {"PREFECT_HOME": str(home), "PREFECT_SERVER_UI_ENABLED": "false"}
    arguments = ["-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with (home / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, *arguments], env={**kept, **PREFECT_DEFAULTS, **own}, stdout=log, stderr=log
        )
        try:
            wait_until_healthy(server, port, home / "server.log")
            yield f"http://127.0.0.1:{port}/api"
        finally:
            server.terminate()
            try:
                server.wait(30)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait(30)


def wait_until_healthy(server: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/health", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    pytest.fail(f"The Prefect server did not start: {log.read_text(errors='replace')[-2000:]}")
