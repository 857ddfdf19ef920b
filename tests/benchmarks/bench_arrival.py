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
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from servers import Prefect, call, postdose, prefect_environment, started, wait_for, webhook

LONGEST: Final = 300.0
STUDY: Final = "CYT107-IV-SIM"
SIGNAL: Final = "signal:rate"
STAGES: Final = ("settle", "ask", "pick up", "start", "look", "deliver")
"""Until it is taken in; a run is created; its process begins; that is at the flow; the alerts' turn; the webhook."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--drops", type=int, default=10)
    drops = parser.parse_args().drops
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        moments: list[float] = []
        study = simulated(folder)
        hook = stack.enter_context(webhook(partial(note_signal, moments)))
        environment = {**prefect_environment(folder / "prefect"), "POSTDOSE_HOOK": hook}
        stack.enter_context(Prefect(environment, folder / "server.log"))
        serve = postdose("serve", str(study / "protocol.yaml"), "--cron", "0 0 1 1 *")  # no scheduled look
        stack.enter_context(started(serve, folder / "serve.log", environment))
        wait_for("the first alert", lambda: moments, seconds=LONGEST)
        measured = [drop(study, moments, partial(call, environment), number) for number in range(drops)]
    show(measured)


def note_signal(moments: list[float], _headers: Mapping[str, str], body: bytes) -> int:
    """Write down when each message about the signal came."""
    if json.loads(body)["about"] == SIGNAL:
        moments.append(time.time())
    return HTTPStatus.NO_CONTENT


def newest_look(ask: Callable[..., Any]) -> Any:
    body = {
        "deployments": {"name": {"any_": [f"{STUDY} arrival"]}},
        "sort": "EXPECTED_START_TIME_DESC",
        "limit": 1,
    }
    return next(iter(ask("/flow_runs/filter", body)), None)


def drop(study: Path, moments: list[float], ask: Callable[..., Any], number: int) -> list[float]:
    """Drop the feed with more cases, and return the seconds of each stage."""
    wait_for(
        "a quiet moment",
        lambda: (newest_look(ask) or {}).get("state_type") == "COMPLETED",
        seconds=LONGEST,
    )
    time.sleep(5)
    known = set(receipts(study))
    with_cases(study, number + 1)
    dropped = time.time()
    told = wait_for(
        "the alert", lambda: next((one for one in moments if one > dropped), None), seconds=LONGEST
    )
    run = wait_for("the run's end", lambda: ended(newest_look(ask)), seconds=LONGEST)
    states = ask(f"/flow_run_states/?flow_run_id={run['id']}")
    tasks = ask("/task_runs/filter", {"flow_runs": {"id": {"any_": [run["id"]]}}})
    (taken,) = set(receipts(study)) - known
    steps = [
        dropped,
        taken.stat().st_mtime,
        stamp(run["created"]),
        min(stamp(one["timestamp"]) for one in states if one["type"] == "PENDING"),
        stamp(run["start_time"]),
        max(stamp(one["end_time"]) for one in tasks if one["name"].startswith("evaluate rules")),
        told,
    ]
    stages = [later - earlier for earlier, later in itertools.pairwise(steps)]
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


if __name__ == "__main__":
    main()
