"""Print what becomes of many studies that are due at the same minute on one machine.

Run from the root: ``python tests/benchmarks/bench_many_studies.py [--studies 50] [--at-once 4] [--postgresql URL]``.
It simulates the studies, starts a Prefect server and one ``postdose serve`` for all of them, with looks due each at
the same minute, and waits until each has been looked at once. Printed: when the looks began and ended after that
minute, the largest memory of all processes together, whether the ledger lacks a look or does not verify, and what a
log says of locks. With the URL of a PostgreSQL server whose user may create a database, Prefect and the ledger share
a new one, which is dropped at the end; without, each has SQLite. An interrupt stops what it started.
"""

import argparse
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import create_engine, make_url, text

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from servers import Prefect, call, postdose, prefect_environment, started

from checks.errors import LedgerBrokenError, LedgerWriteError
from checks.protocol import load_protocol
from flows.ledger import Kind, Ledger

DATABASE: Final = "postdose_many_studies"
SIMULATED: Final = "CYT107-IV-SIM"
SUBJECTS: Final = "24"
LONGEST: Final = timedelta(minutes=60)
LOCKED: Final = re.compile(r"locked|deadlock", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Run:
    """One scheduled look: seconds after the minute when it began and ended, and its last state."""

    study: str
    began: float
    ended: float
    state: str


def simulate_studies(folder: Path, count: int) -> list[Path]:
    """Write studies of different seeds under ids of their own, and return their protocols."""
    paths = []
    for number in range(1, count + 1):
        study = folder / f"S{number:02d}"
        kind = "cyt107" if number % 5 == 0 else "null"
        command = postdose(
            "simulate", kind, "--out", str(study), "--seed", str(number), "--subjects", SUBJECTS
        )
        subprocess.run(command, check=True, capture_output=True, timeout=600)
        for file in (study / "protocol.yaml", *(study / "feeds").iterdir()):
            file.write_text(file.read_text().replace(SIMULATED, f"SIM-{number:02d}"))
        paths.append(study / "protocol.yaml")
        print(f"\rsimulated {number} of {count}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return paths


def scheduled_runs(environment: Mapping[str, str], due: datetime) -> list[Run]:
    """Return the looks of that minute that have ended."""
    runs = []
    for offset in range(0, 1000, 200):
        body = {"offset": offset, "limit": 200, "sort": "EXPECTED_START_TIME_ASC"}
        found = call(environment, "/flow_runs/filter", body)
        for one in found:
            expected = datetime.fromisoformat(one["expected_start_time"])
            if one["auto_scheduled"] and expected == due and one["end_time"]:
                moments = (
                    datetime.fromisoformat(one[name] or one["end_time"])
                    for name in ("start_time", "end_time")
                )
                began, ended = ((moment - due).total_seconds() for moment in moments)
                study = next(tag for tag in one["tags"] if tag.startswith("SIM-"))
                runs.append(Run(study, began, ended, one["state_name"]))
        if len(found) < 200:
            break
    return runs


def resident_megabytes(root: int) -> float:
    """Return the memory (MB, proportional share) of a process and all below it."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                children.setdefault(int(fields[1]), []).append(int(folder.name))
            except OSError:
                continue
    total, waiting = 0.0, [root]
    while waiting:
        one = waiting.pop()
        waiting += children.get(one, [])
        try:
            rollup = Path(f"/proc/{one}/smaps_rollup").read_text()
        except OSError:
            continue
        found = re.search(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)
        total += int(found.group(1)) / 1024 if found else 0.0
    return total


def problems(protocols: Sequence[Path], logs: Sequence[Path], database: str | None) -> Iterator[str]:
    """Yield what is wrong afterwards: a study without a look, a ledger that does not verify, a word of locks."""
    for path in protocols:
        ledger = Ledger(database or f"sqlite:///{path.parent / 'postdose.sqlite'}", key=None)
        study = load_protocol(path).study.id
        try:
            if not ledger.records(study, Kind.LOOK):
                yield f"{study}: no look"
            if database is None or path == protocols[0]:
                ledger.verify()
        except (LedgerBrokenError, LedgerWriteError) as error:
            yield f"{study}: {error}"
    for log in logs:
        for line in log.read_text(errors="replace").splitlines():
            if LOCKED.search(line):
                yield f"{log.name}: {line[:160]}"


@contextmanager
def shared_database(server: str | None) -> Iterator[str | None]:
    """Make a database on a PostgreSQL server, and drop it in the end; None without a server."""
    if server is None:
        yield None
        return
    engine = create_engine(
        make_url(server).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)"))
        connection.execute(text(f"CREATE DATABASE {DATABASE}"))
    try:
        yield (
            make_url(server)
            .set(drivername="postgresql", database=DATABASE)
            .render_as_string(hide_password=False)
        )
    finally:
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE {DATABASE} WITH (FORCE)"))
        engine.dispose()


def main() -> None:
    """Simulate, serve, wait, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=50)
    parser.add_argument("--at-once", type=int, default=4)
    parser.add_argument("--postgresql", help="URL of a server whose user may create a database")
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="postdose-many-") as name,
        shared_database(arguments.postgresql) as database,
    ):
        folder = Path(name)
        protocols = simulate_studies(folder, arguments.studies)
        environment = prefect_environment(folder / "prefect")
        environment["PREFECT_RUNNER_PROCESS_LIMIT"] = str(arguments.at_once)
        if database is not None:
            environment["POSTDOSE_DATABASE"] = database
        serve_and_print(folder, protocols, environment)


def serve_and_print(folder: Path, protocols: Sequence[Path], environment: Mapping[str, str]) -> None:
    """Serve the studies until each was looked at, and print what was seen."""
    logs = [folder / "server.log", folder / "serve.log"]
    # long enough from now for every deployment, and for the look that each study is owed when it is first served
    due = (datetime.now(UTC) + timedelta(seconds=90 + 25 * len(protocols))).replace(second=0, microsecond=0)
    serve = postdose("serve", *map(str, protocols), "--cron", f"{due.minute} * * * *")
    with (
        Prefect(environment, logs[0]) as server,
        started(serve, logs[1], environment) as serving,
    ):
        runs, memory = follow(due, len(protocols), environment, [server.pid, serving.pid])
    report(runs, memory, len(protocols), environment)
    found = list(problems(protocols, logs, environment.get("POSTDOSE_DATABASE")))
    print(f"Problems: {len(found)}")
    print("\n".join(found[:20]))


def follow(
    due: datetime, studies: int, environment: Mapping[str, str], pids: Sequence[int]
) -> tuple[list[Run], float]:
    """Wait until as many looks have ended as there are studies; return them, and the largest memory seen (MB)."""
    runs: list[Run] = []
    memory, deadline = 0.0, due + LONGEST
    while len(runs) < studies and datetime.now(UTC) < deadline:
        time.sleep(2)
        memory = max(memory, sum(map(resident_megabytes, pids)))
        if datetime.now(UTC) > due:
            runs = scheduled_runs(environment, due)
        print(f"\r{len(runs)} of {studies} looked at, {memory:,.0f} MB", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return runs, memory


def report(runs: Sequence[Run], memory: float, studies: int, environment: Mapping[str, str]) -> None:
    """Print the looks' times after the minute, their states, and the memory."""
    print(f"Studies looked at: {len({run.study for run in runs})} of {studies}")
    print(f"Looks at once, at most: {environment['PREFECT_RUNNER_PROCESS_LIMIT']}")
    if not runs:
        return
    for label, values in (
        ("began", [run.began for run in runs]),
        ("ended", [run.ended for run in runs]),
        ("lasted", [run.ended - run.began for run in runs]),
    ):
        middle = statistics.median(values)
        print(f"{label:>7}, s: first {min(values):6.1f}, median {middle:6.1f}, last {max(values):6.1f}")
    states = sorted({run.state for run in runs})
    print("States: " + ", ".join(f"{state} {sum(run.state == state for run in runs)}" for state in states))
    print(f"Largest memory, server and looks: {memory:,.0f} MB")


if __name__ == "__main__":
    main()
