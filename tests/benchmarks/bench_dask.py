"""Print, side by side in one run, what a look at millions of vitals rows costs here and on a Dask cluster.

    python tests/benchmarks/bench_dask.py --rows 5000000 --kill

The feeds are one simulated study of 100 subjects, repeated under other pseudonyms until there are rows enough. The
cluster is two worker processes on loopback; with ``--kill`` one is killed when half of the parts are done. Each
look is a process of its own. What must be equal is compared byte by byte: look.json without the ledger's head, and
every listing. Do not change the code while it runs: look.json names its version.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from distributed import Client, LocalCluster
from distributed.diagnostics.plugin import SchedulerPlugin

from flows.engines.cluster import PARTS_PER_WORKER
from flows.settings import DASK_ADDRESS
from flows.simulate import simulate

SUBJECTS = 100
DOMAINS = ("dm", "ex", "ae", "vs", "lb")
LISTINGS = ("cases.csv", "doses.csv", "quarantine.csv", "changes.csv", "validation.json")
GIGABYTE = 1e9


def make_study(folder: Path, rows: int) -> int:
    """Write the study, a copy of its subjects at a time, and return its vitals rows."""
    first = simulate("cyt107", folder / "first", seed=1, subjects=SUBJECTS)
    tables = {
        name: pd.read_csv(first / "feeds" / f"{name}.csv", dtype=str, keep_default_na=False)
        for name in DOMAINS
    }
    copies = -(-rows // len(tables["vs"]))
    (folder / "feeds").mkdir()
    shutil.copy(first / "protocol.yaml", folder)
    for name, table in tables.items():
        for copy in range(copies):
            renamed = table.assign(USUBJID=table["USUBJID"] + f"-{copy:03d}")
            path = folder / "feeds" / f"{name}.csv"
            renamed.to_csv(path, mode="a", header=not copy, index=False)
    shutil.copy(first / "truth.json", folder)
    shutil.rmtree(first)
    return copies * len(tables["vs"])


def peak(process: int) -> float:
    """Return the most memory that a process has had, in GB; 0 when it is gone."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0.0
    line = next((one for one in status.splitlines() if one.startswith("VmHWM")), "VmHWM: 0 kB")
    return int(line.split()[1]) * 1024 / GIGABYTE


@dataclass(frozen=True)
class Cost:
    """What a look costs its own process, and the Prefect server that it starts."""

    seconds: float
    cpu_seconds: float
    memory: float

    def __str__(self) -> str:
        return f"{self.seconds:.0f} s, {self.cpu_seconds:.0f} s of CPU; peak memory of the look {self.memory:.2f} GB"


@dataclass
class Peaks(threading.Thread):
    """Keeps the peak memory of each process; only the last reading before it ends counts."""

    of: dict[int, float] = field(default_factory=dict)
    done: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        super().__init__(daemon=True)

    def __hash__(self) -> int:
        return id(self)

    def run(self) -> None:
        while not self.done.wait(0.5):
            for process in list(self.of):
                self.of[process] = max(self.of[process], peak(process))


@dataclass
class KillsHalfway(SchedulerPlugin):
    """Kills the worker that is done with the part that is the middle one, if asked to; counts what is computed."""

    processes: dict[str, int]
    kill: bool
    parts: int
    done: int = 0
    begun: int = 0
    killed: int | None = None

    def transition(self, key: Any, start: str, finish: str, *args: Any, **kwargs: Any) -> None:
        self.begun += finish == "processing"
        self.done += finish == "memory"
        if self.kill and self.killed is None and finish == "memory" and 2 * self.done >= self.parts:
            self.killed = self.processes[kwargs["worker"]]
            os.kill(self.killed, signal.SIGKILL)


def look(study: Path, out: Path, peaks: Peaks, *engine: str, address: str = "") -> Cost:
    """Make one look in a process of its own."""
    cutoff = json.loads((study / "truth.json").read_text())["data_cutoff"]
    (study / "heads").unlink(missing_ok=True)  # each look has a ledger of its own
    command = [sys.executable, "-m", "flows.commands.cli", "look", str(study / "protocol.yaml"), *engine]
    command += ["--data-cutoff", cutoff, "--out", str(out), "--state", f"sqlite:///{out}.sqlite"]
    environment = {**os.environ, "PREFECT_HOME": str(study / "prefect")}
    if address:
        environment[DASK_ADDRESS] = address
    begins = time.perf_counter()
    with (study / f"{out.name}.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        peaks.of[process.pid] = 0.0
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = code = os.waitstatus_to_exitcode(status)
    if code not in (0, 10, 20, 30):
        sys.exit(f"the look ended with {code}: {(study / f'{out.name}.log').read_text()[-2000:]}")
    return Cost(time.perf_counter() - begins, used.ru_utime + used.ru_stime, peaks.of[process.pid])


def equal(one: Path, other: Path) -> bool:
    def said(out: Path) -> str:
        document = json.loads((out / "look.json").read_text())
        return json.dumps({name: value for name, value in document.items() if name != "ledger"})

    alike = all((one / name).read_bytes() == (other / name).read_bytes() for name in LISTINGS)
    return alike and said(one) == said(other)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=5_000_000, help="at least so many vitals rows")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--kill", action="store_true", help="kill a worker halfway")
    parser.add_argument("--folder", type=Path, help="where the study is written, and deleted afterwards")
    options = parser.parse_args()
    peaks = Peaks()
    peaks.start()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        study = Path(name)
        rows = make_study(study, options.rows)
        size = (study / "feeds" / "vs.csv").stat().st_size / GIGABYTE
        print(
            f"{rows:,} vitals rows, {size:.2f} GB of CSV; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
        )
        print(f"local: {look(study, study / 'local', peaks)}", flush=True)
        with LocalCluster(
            n_workers=options.workers, threads_per_worker=1, processes=True, host="127.0.0.1", memory_limit=0,
            dashboard_address="127.0.0.1:0", scheduler_kwargs={"dashboard": False}, silence_logs=50,
        ) as cluster:  # fmt: skip
            with Client(cluster) as client:
                workers = client.run(os.getpid)
            peaks.of.update(dict.fromkeys(workers.values(), 0.0))
            plugin = KillsHalfway(workers, options.kill, PARTS_PER_WORKER * options.workers)
            cluster.scheduler.add_plugin(plugin, name="halfway")
            cost = look(study, study / "dask", peaks, "--engine", "dask", address=cluster.scheduler_address)
        of_workers = ", ".join(f"{peaks.of[one]:.2f}" for one in workers.values())
        print(f"dask: {cost}")
        print(f"  peak memory of the workers {of_workers} GB, of the scheduler {peak(os.getpid()):.2f} GB")
        print(f"parts begun {plugin.begun} of {plugin.parts}; worker killed: {plugin.killed or 'none'}")
        print(f"the same bytes: {'yes' if equal(study / 'local', study / 'dask') else 'NO'}")
    peaks.done.set()


if __name__ == "__main__":
    main()
