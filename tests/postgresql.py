"""A real PostgreSQL server on loopback, of whoever asks for one, where its programs are installed."""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from servers import START_SECONDS, end, free_port
from sqlalchemy import URL, create_engine, make_url, text


@dataclass
class Postgresql:
    """A PostgreSQL server of a test's own, which keeps its port and its data however often it is started."""

    programs: Path
    folder: Path
    account: Mapping[str, Any]
    port: int = field(default_factory=free_port)
    password: str = field(default_factory=lambda: secrets.token_hex(8))
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        """Of its `postgres` database, psycopg, with the password."""
        url = URL.create("postgresql+psycopg", "postgres", self.password, "127.0.0.1", self.port, "postgres")
        return url.render_as_string(hide_password=False)

    def start(self) -> None:
        if not (self.folder / "data").exists():
            _initialise(self.programs, self.folder, self.password, self.account)
        self.process = _start_postgresql(self.programs, self.folder, self.port, self.account)
        _wait_until_accepting(self.programs, self.process, self.port, self.folder)

    def end(self, number: int = signal.SIGINT) -> None:
        """By a fast shutdown, SIGINT, which ends its sessions and its own children, or by another."""
        if self.process is not None:
            end(self.process, number)


@contextmanager
def a_postgresql(programs: Path) -> Iterator[Postgresql]:
    """A server that is started, and ended and removed after its use."""
    folder = Path(tempfile.mkdtemp(prefix="postgresql-"))  # pytest's own folders are closed to other users
    server = Postgresql(programs, folder, _unprivileged(folder))
    try:
        server.start()
        yield server
    finally:
        server.end()
        shutil.rmtree(folder, ignore_errors=True)


def new_database(postgresql_url: str) -> str:
    """Return the URL of an empty database."""
    name = f"t{secrets.token_hex(6)}"
    server = create_engine(postgresql_url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    server.dispose()
    return make_url(postgresql_url).set(database=name).render_as_string(hide_password=False)


def postgresql_programs() -> Path | None:
    """Return the folder of initdb and postgres; Debian keeps them off the path, one folder a version."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return debian[-1].parent if debian else None


def _unprivileged(folder: Path) -> Mapping[str, Any]:
    """Return how to run the server as another user where this one is root, which PostgreSQL refuses."""
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name for entry in pwd.getpwall()}
    user = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    os.chown(folder, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _initialise(programs: Path, folder: Path, password: str, account: Mapping[str, Any]) -> None:
    passwords = folder / "password"
    passwords.write_text(password)
    if account:
        os.chown(passwords, account["user"], account["group"])
    arguments = [
        "--pgdata", folder / "data", "--username", "postgres", "--pwfile", passwords, "--auth", "scram-sha-256",
        "--encoding", "UTF8", "--locale", "C", "--no-sync",
    ]  # fmt: skip
    subprocess.run(
        [programs / "initdb", *arguments], check=True, capture_output=True, timeout=120, cwd=folder, **account
    )


def _start_postgresql(
    programs: Path, folder: Path, port: int, account: Mapping[str, Any]
) -> subprocess.Popen[bytes]:
    told = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": "", "fsync": "off"}
    options = [part for name, value in told.items() for part in ("-c", f"{name}={value}")]
    with (folder / "server.log").open("ab") as log:
        return subprocess.Popen(
            [programs / "postgres", "-D", folder / "data", *options],
            stdout=log, stderr=log, cwd=folder, **account,
        )  # fmt: skip


def _wait_until_accepting(programs: Path, server: subprocess.Popen[bytes], port: int, folder: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        ready = subprocess.run(
            [programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)], check=False
        )
        if ready.returncode == 0:
            return
        time.sleep(0.1)
    said = (folder / "server.log").read_text(errors="replace")[-2000:]
    raise RuntimeError(f"PostgreSQL did not start: {said}")
