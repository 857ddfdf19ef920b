"""Print what a burst of crossed rules costs, step by step, and what is held back of everything else.

Run from the root: ``python tests/benchmarks/bench_burst.py [--signals 10000] [--looks 60] [--json]``. One look makes
so many rules cross at once; it is made again, its messages are sent (a webhook on this machine and files), nobody
answers for an hour, so that each alert goes to the next role, and one is then acknowledged. After that a study of its
own is looked at every minute for so many minutes, a watch each time with one case more, and another with one more
feed at fault each time: the first role is told so often an hour and no more, until a rule is crossed. The counts are
the same in each run; seconds are of the clock and of this process, and a ratio is to the number of signals.
"""

import argparse
import json
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any, TypeVar

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ledgers import LOOKED
from servers import taking_all

from checks.protocol import StudyProtocol, load_protocol
from checks.protocol.model import Alerts
from checks.tables import CHANGES
from flows.alerts import Looked, alerts_due, alerts_of_look, run_alerts
from flows.alerts.command import run_ack
from flows.alerts.notifying import alert_id
from flows.ledger import Kind, Ledger
from flows.pages.message import CaseFact, LookFacts, RuleFact
from flows.settings import Settings

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
GOOD = Path(__file__).parents[1] / "fixtures" / "protocols" / "good.yaml"
CHANNEL = "POSTDOSE_PHYSICIAN_URL"
ROUTES = [
    {"role": "physician", "verdicts": ["watch", "signal", "not_assessable"], "channels": [f"env:{CHANNEL}"],
     "ack_within_minutes": 60, "escalate_to": "chair"},
    {"role": "chair", "verdicts": ["signal"], "channels": ["file:chair/"], "ack_within_minutes": 120},
]  # fmt: skip
MINUTE = timedelta(minutes=1)
TURNS = 100
"""Of sending, each of a minute at most: more than a burst of 10,000 takes."""

Said = Mapping[str, Any]
Result = TypeVar("Result")


class Study:
    """A study of its own, with a ledger beside its protocol."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        read = load_protocol(GOOD)
        alerts = Alerts.model_validate({"repeat_hours": 24, "routes": ROUTES})
        self.protocol: StudyProtocol = read.model_copy(update={"alerts": alerts}).read_from(
            folder, read.sha256
        )
        self.file = folder / "state.sqlite"
        self.url = f"sqlite:///{self.file}"
        self.ledger = Ledger(self.url)
        self.id = self.protocol.study.id

    def look(self, at: datetime, found: LookFacts) -> None:
        """Record a look, and what it causes."""
        crossed = {rule.id: "ongoing" for rule in found.rules if rule.verdict == "crossed"}
        looked = Looked(found, crossed, CHANGES.empty(), "report.html")
        decision = partial(alerts_of_look, looked=looked, protocol=self.protocol, now=at)
        told = {"look_id": found.look_id, "data_cutoff": found.data_cutoff, "verdict": found.verdict}
        payload = {**LOOKED, **told}
        self.ledger.record_look(self.id, payload, decision=decision, now=at)

    def send(self, at: datetime, addresses: Mapping[str, str]) -> int:
        """Send until nothing waits; return how many turns that took."""
        for turn in range(1, TURNS):
            run_alerts(self.ledger, self.protocol, at, addresses=addresses, watching=False)
            if not any(self.ledger.outbox.count_waiting(self.id)):
                return turn
        raise SystemExit("messages were still waiting after all turns")


def facts(at: datetime, verdict: str, *, cases: int, rules: int = 1, feeds: int = 0) -> LookFacts:
    """Return what a look found: cases of one subject each, and rules that are crossed, or not."""
    said = "crossed" if verdict == "signal" else "not_crossed"
    return LookFacts(
        look_id=f"look at {at.isoformat()}", data_cutoff=at.isoformat(), verdict=verdict, lead=(), windows={},
        rules=tuple(RuleFact(f"rule_{n}", said, str(cases), "3", said, said) for n in range(rules)),
        cases=tuple(
            CaseFact(f"S{n}", 1, "2026-03-01T08:00:00Z", 6.0, (5.5, 6.0), "fever", "definite", "yes", None, new=False)
            for n in range(cases)
        ),
        feeds=tuple(f"F{n}: cannot be read" for n in range(feeds)), caveats=(), background=(),
    )  # fmt: skip


class Clock:
    """Times each step, and keeps what it returned."""

    def __init__(self) -> None:
        self.seconds: dict[str, tuple[float, float]] = {}

    def __call__(self, step: str, work: Callable[[], Result]) -> Result:
        """Do a step."""
        wall, own = time.monotonic(), time.process_time()
        result = work()
        self.seconds[step] = (time.monotonic() - wall, time.process_time() - own)
        print(f"  {step}: {self.seconds[step][0]:.1f} s", file=sys.stderr)
        return result


def burst(folder: Path, signals: int, clock: Clock) -> Said:
    """Cross so many rules at once, and go on until each has gone to the next role and one is answered."""
    study, later = Study(folder), NOW + 61 * MINUTE
    found = facts(NOW, "signal", cases=3, rules=signals)
    with taking_all() as (url, taken):
        addresses = {CHANNEL: url}
        clock("the look, recorded with its alerts", lambda: study.look(NOW, found))
        queued = Counter(one.outgoing.role for one in study.ledger.outbox.undelivered(study.id))
        clock("the same look again", lambda: study.look(NOW + MINUTE, found))
        again = sum(study.ledger.outbox.count_waiting(study.id)) - sum(queued.values())
        standing = clock("reading where it stands", lambda: study.ledger.standings()[study.id])
        turns = clock("sending all", lambda: study.send(NOW + MINUTE, addresses))
        clock(
            "nobody answers: the next role",
            lambda: alerts_due(study.ledger, study.protocol, later, watching=False),
        )
        more = clock("sending those", lambda: study.send(later, addresses))
        name = alert_id(study.id, "signal:rule_0")
        settings = Settings(study.url, addresses)
        with redirect_stdout(StringIO()):
            clock("acknowledging one", lambda: run_ack(settings, name, by="A", reason="B", now=later))
        records = clock("verifying the chain", study.ledger.verify)
    kinds = Counter(record.kind for record in study.ledger.records(study.id))
    files = [json.loads(file.read_text()) for file in (folder / "chair").glob("*.json")]
    arrived = {"physician": taken, "chair": files}
    return {
        "signals": signals,
        "alerts": len(standing.alerts),
        "queued": dict(queued),
        "queued_by_the_same_look_again": again,
        "turns_of_sending": [turns, more],
        "arrived": {
            role: dict(Counter(one["occasion"] for one in told)) for role, told in arrived.items()
        },
        "alerts_that_arrived": {role: len({one["alert"] for one in told}) for role, told in arrived.items()},
        "records": {**kinds, "all": records},
        "megabytes_of_the_database": study.file.stat().st_size >> 20,
    }  # fmt: skip


def held_back(folder: Path, looks: int, found: Callable[[datetime, int], LookFacts]) -> Said:
    """Look every minute at what is worse each time, then cross a rule; return what was told and what held back."""
    study = Study(folder)
    with taking_all() as (url, taken):
        for turn in range(looks):
            at = NOW + turn * MINUTE
            study.look(at, found(at, turn))
            study.send(at, {CHANNEL: url})
        told = len(taken)
        end = NOW + looks * MINUTE
        study.look(end, facts(end, "signal", cases=looks + 3))
        study.send(end, {CHANNEL: url})
    steps = [record.payload for record in study.ledger.records(study.id) if record.kind in STEPS]
    (signal,) = (one for one in taken[told:] if one["about"].startswith("signal:"))
    sentence = next(one for one in " ".join(signal["text"].split()).split(". ") if "held back" in one)
    return {
        "looks": looks,
        "told": told,
        "held_back": sum(len(one["held_back"]) for one in steps),
        "said": sentence,
    }


STEPS = (Kind.RAISED, Kind.WORSENED)


def run(folder: Path, signals: int, looks: int, clock: Clock) -> Said:
    """Return all counts."""
    return {
        "burst": burst(folder / "burst", signals, clock),
        "watch": held_back(folder / "watch", looks, lambda at, n: facts(at, "watch", cases=n + 1)),
        "not_assessable": held_back(
            folder / "feeds", looks, lambda at, n: facts(at, "not_assessable", cases=0, feeds=n + 1)
        ),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Run all of it in a folder of its own."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--signals", type=int, default=10_000)
    parser.add_argument("--looks", type=int, default=60)
    parser.add_argument("--json", action="store_true")
    told, clock = parser.parse_args(arguments), Clock()
    with tempfile.TemporaryDirectory() as folder:
        counts = run(Path(folder), told.signals, told.looks, clock)
    if told.json:
        print(json.dumps(counts))
        return
    for name, found in counts.items():
        print(name, json.dumps(found, indent=1))
    print(f"{'step':<40} {'clock':>8} {'process':>8} {'ms a signal':>12}")
    for step, (wall, own) in clock.seconds.items():
        print(f"{step:<40} {wall:>7.1f}s {own:>7.1f}s {1_000 * own / told.signals:>12.2f}")
    print(f"largest memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MB")


if __name__ == "__main__":
    main()
