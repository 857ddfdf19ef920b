"""Print how long it takes from a file that is dropped to the alert at its webhook, and where the time goes.

Run from the root: ``python tests/benchmarks/bench_arrival.py [--drops 10]``. It simulates a study, starts a Prefect
server (in SQLite, unless PREFECT_SERVER_DATABASE_CONNECTION_URL names another), ``postdose serve`` and a webhook, all
on loopback, and drops the adverse events again and again, each time with fever and dyspnoea six hours after three
more doses: news of a signal, which is told at once. Interrupt it at any time: what it started is
stopped.
"""

import argparse
import csv
import itertools
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

LONGEST: Final = 300.0
STUDY: Final = "CYT107-IV-SIM"
SIGNAL: Final = "signal:three_cases"
STAGES: Final = ("settle", "ask", "pick up", "start", "look", "deliver")
"""Until it is taken in; a run is created; its process begins; that is at the flow; the alerts' turn; the webhook."""


class Hook:
    """A webhook, and when each message about the signal came."""

    def __init__(self) -> None:
        self.moments: list[float] = []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if message["about"] == SIGNAL:
                    hook.moments.append(time.time())
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/alerts"


class Api:
    """The Prefect server's API."""

    def __init__(self, url: str) -> None:
        self._url = url

    def call(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self._url + path, data=data, headers={"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def newest_look(self) -> Any:
        body = {
            "deployments": {"name": {"any_": [f"{STUDY} arrival"]}},
            "sort": "EXPECTED_START_TIME_DESC",
            "limit": 1,
        }
        return next(iter(self.call("/flow_runs/filter", body)), None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--drops", type=int, default=10)
    drops = parser.parse_args().drops
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        hook = Hook()
        study = simulated(folder)
        port = free_port()
        environment = {
            **os.environ,
            "PREFECT_HOME": str(folder / "prefect"),
            "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
            "POSTDOSE_HOOK": hook.url,
        }
        api = Api(environment["PREFECT_API_URL"])
        server = postdose("prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port))
        stack.enter_context(started(server, folder / "server.log", environment))
        wait_for("the server", lambda: healthy(api))
        serve = postdose("serve", str(study / "protocol.yaml"), "--cron", "0 0 1 1 *")  # no scheduled look
        stack.enter_context(started(serve, folder / "serve.log", environment))
        wait_for("the first alert", lambda: hook.moments)
        measured = [drop(study, hook, api, number) for number in range(drops)]
    show(measured)


def drop(study: Path, hook: Hook, api: Api, number: int) -> list[float]:
    """Drop the feed with more cases, and return the seconds of each stage."""
    wait_for("a quiet moment", lambda: (api.newest_look() or {}).get("state_type") == "COMPLETED")
    time.sleep(5)
    known = set(receipts(study))
    with_cases(study, number + 1)
    dropped = time.time()
    told = wait_for("the alert", lambda: next((one for one in hook.moments if one > dropped), None))
    run = wait_for("the run's end", lambda: ended(api.newest_look()))
    states = api.call(f"/flow_run_states/?flow_run_id={run['id']}")
    tasks = api.call("/task_runs/filter", {"flow_runs": {"id": {"any_": [run["id"]]}}})
    (taken,) = set(receipts(study)) - known
    moments = [
        dropped,
        taken.stat().st_mtime,
        stamp(run["created"]),
        min(stamp(one["timestamp"]) for one in states if one["type"] == "PENDING"),
        stamp(run["start_time"]),
        min(stamp(one["start_time"]) for one in tasks if one["name"].startswith("send alerts")),
        told,
    ]
    stages = [later - earlier for earlier, later in itertools.pairwise(moments)]
    print(f"drop {number + 1}: {told - dropped:5.1f} s", said(stages), flush=True)
    return stages


def show(measured: Sequence[Sequence[float]]) -> None:
    totals = sorted(sum(one) for one in measured)
    print(f"median {statistics.median(totals):.1f} s, from {totals[0]:.1f} to {totals[-1]:.1f} s")
    print("medians:", said([statistics.median(stage) for stage in zip(*measured, strict=True)]))


def said(stages: Sequence[float]) -> str:
    return ", ".join(f"{name} {seconds:.1f}" for name, seconds in zip(STAGES, stages, strict=True))


def simulated(folder: Path) -> Path:
    """A simulated study whose physician is reached by the webhook."""
    study = folder / "study"
    command = postdose("simulate", "cyt107", "--out", str(study), "--seed", "1")
    subprocess.run(command, check=True, capture_output=True)
    protocol = study / "protocol.yaml"
    protocol.write_text(protocol.read_text().replace('["file:outbox/"]', '["env:POSTDOSE_HOOK"]'))
    (study / "feeds" / "ae.csv").rename(study / "ae.csv")
    with_cases(study, 0)
    return study


def with_cases(study: Path, drops: int) -> None:
    """Write the adverse events with three doses' cases more for each drop: one or two may not be new onsets."""
    known = {one["USUBJID"] for one in json.loads((study / "truth.json").read_text())["cases"]}
    doses = [row for row in rows(study / "feeds" / "ex.csv") if row["USUBJID"] not in known]
    events = rows(study / "ae.csv")
    for number, dose in enumerate(doses[: 3 * drops]):
        onset = datetime.fromisoformat(dose["EXSTDTC"]) + timedelta(hours=6)
        for name, term in enumerate(("PYREXIA", "DYSPNOEA")):
            event = {**events[0], "USUBJID": dose["USUBJID"], "AESEQ": str(900 + 2 * number + name)}
            event |= {"AETERM": term, "AEDECOD": term, "AESTDTC": f"{onset:%Y-%m-%dT%H:%M}", "AEENDTC": ""}
            events.append(event)
    part = study / "feeds" / "ae.csv.part"
    with part.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(events[0]))
        writer.writeheader()
        writer.writerows(events)
    part.replace(study / "feeds" / "ae.csv")


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as content:
        return list(csv.DictReader(content))


def receipts(study: Path) -> Iterator[Path]:
    return (study / "deliveries" / STUDY).glob("receipts/AE/*.json")


def ended(run: Any) -> Any:
    return run if run["state_type"] in {"COMPLETED", "FAILED", "CRASHED"} else None


def stamp(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def healthy(api: Api) -> bool:
    try:
        return bool(api.call("/health"))
    except OSError:
        return False


def wait_for(what: str, ready: Any) -> Any:
    deadline = time.monotonic() + LONGEST
    while time.monotonic() < deadline:
        answer = ready()
        if answer:
            return answer
        time.sleep(0.1)
    sys.exit(f"waited {LONGEST:g} s for {what}")


def postdose(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "flows.cli", *arguments]


@contextmanager
def started(command: Sequence[str], log: Path, environment: Mapping[str, str]) -> Iterator[None]:
    with log.open("wb") as file:
        process = subprocess.Popen(command, env=dict(environment), stdout=file, stderr=file)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(90)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(30)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
