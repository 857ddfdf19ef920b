"""What a minute costs in which nothing happens, after 1,000 looks and after 35,000: two years of one each half hour.

    python tests/benchmarks/bench_quiet_minute.py [--looks 1000 35000]

What a study that is served asks its ledger in such a minute: whether anything is due, which reviews are open, and
whether a look is owed. Printed are CPU milliseconds of this process, the smallest of several times; the ratio of the
two sizes is what must stay near 1, and it fails above 2, or above 10 ms.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import create_engine

from checks.protocol import StudyProtocol, load_protocol
from flows.ledger import Entry, Kind, Ledger
from flows.ledger.chain import stored
from flows.ledger.outbox import Chained
from flows.ledger.schema import RECORDS
from flows.serving.turn import is_anything_due

GOOD = Path(__file__).parents[1] / "fixtures" / "protocols" / "good.yaml"
BEGUN = datetime(2026, 1, 1, tzinfo=UTC)
HALF_HOUR = timedelta(minutes=30)
TIMES = 30
LONGEST_MS, LARGEST_RATIO = 10.0, 2.0


def looks(number: int) -> Iterator[Entry]:
    """Records of quiet looks, as long as those of a study with six feeds and five rules."""
    for place in range(number):
        cutoff = f"{BEGUN + place * HALF_HOUR:%Y-%m-%dT%H:%M:%SZ}"
        payload = {
            "at": cutoff,
            "look_id": f"{place:016x}",
            "look_sha256": f"{place:064x}",
            "data_cutoff": cutoff,
            "verdict": "no_signal",
            "protocol_sha256": "a" * 64,
            "code_version": "0.1.0",
            "feeds": {domain: ["b" * 64] * 4 for domain in ("DM", "EX", "VS", "LB", "AE", "DS")},
            "feed_faults": {},
            "signals": [
                {"id": "c" * 16, "rule": f"rule {rule}", "state": "cleared", "events": 0} for rule in range(5)
            ],
            "reason": "scheduled",
        }
        yield Entry(Kind.LOOK, payload)


def filled(url: str, study: str, number: int) -> datetime:
    """Write a ledger of so many looks; return a moment at which the last one is recent."""
    ledger = Ledger(url)
    chained = Chained(study, None, None)
    chained.add(list(looks(number)))
    with create_engine(url).begin() as connection:
        connection.execute(RECORDS.insert(), [stored(record) for record in chained.records])
    ledger.rebuild()
    return BEGUN + number * HALF_HOUR - HALF_HOUR / 2


def minute(url: str, protocol: StudyProtocol, now: datetime) -> None:
    """Ask what a quiet minute asks, with a ledger that is opened for it, as it is while a study is served."""
    study, ledger = protocol.study.id, Ledger(url)
    assert not is_anything_due(ledger, protocol, now, watching=True)
    assert not ledger.seen(study, now).standing.alerts
    assert ledger.newest_look(study, now) is not None


def cpu_ms(work: Callable[[], None]) -> float:
    """The least CPU time of several runs, in milliseconds: what others do on the machine only adds to it."""
    found = []
    for _ in range(TIMES):
        begun = time.process_time()
        work()
        found.append((time.process_time() - begun) * 1000)
    return min(found)


def main() -> int:
    """Print one JSON document; 1 when a bound is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--looks", type=int, nargs=2, default=(1_000, 35_000))
    options = parser.parse_args()
    protocol = load_protocol(GOOD)
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for number in options.looks:
            url = f"sqlite:///{folder}/{number}.sqlite"
            now = filled(url, protocol.study.id, number)
            found[number] = cpu_ms(lambda url=url, now=now: minute(url, protocol, now))
    few, many = (found[number] for number in options.looks)
    print(json.dumps({"cpu_ms": found, "ratio": many / few}, indent=1))
    return int(many > LONGEST_MS or many / few > LARGEST_RATIO)


if __name__ == "__main__":
    sys.exit(main())
