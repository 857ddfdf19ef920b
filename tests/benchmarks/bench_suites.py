"""What Great Expectations costs a look: its suites for a study of 21 subjects, and for a million rows of vital signs.

Run by ``python tests/benchmarks/bench_suites.py [ROWS]``; it prints CPU seconds, after a first run that is not
counted: the suites of all domains, the rest of validation (what prepares their tables and tells what they found), and
how many times as long as plain Great Expectations on the same tables ours took.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from checks.looks.path import make_ready
from checks.protocol import StudyProtocol, load_protocol
from checks.tables import Feed
from checks.validation import validate_feeds
from checks.validation.judging import great_expectations
from flows.feeds import open_inbox
from flows.simulate import simulate

RUNS = 5


@dataclass
class Stopwatch:
    """Stands before our runs of Great Expectations: their CPU seconds, and what they were given."""

    run: Callable[..., Any]
    seconds: dict[str, float] = field(default_factory=dict)
    given: dict[str, tuple[Any, ...]] = field(default_factory=dict)

    def __call__(self, name: str, *given: Any) -> Any:
        began = time.process_time()
        found = self.run(name, *given)
        self.seconds[name] = time.process_time() - began
        self.given[name] = given
        return found


def seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def repeated(feed: Feed, copies: int) -> Feed:
    """Repeat the subjects of a feed under other pseudonyms."""
    table = feed.table
    assert table is not None
    parts = [table.assign(USUBJID=table["USUBJID"] + f"-{copy:03d}") for copy in range(copies)]
    return replace(feed, table=pd.concat(parts, ignore_index=True))


def plain_suites(given: Mapping[str, tuple[Any, ...]]) -> Callable[[], object]:
    """Return what validates the same tables by the same suites as Great Expectations' documentation has it."""
    engine = great_expectations()
    context = engine.gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    asset = context.data_sources.add_pandas("plain").add_dataframe_asset("table")
    tables = asset.add_batch_definition_whole_dataframe("all")
    suites = [
        (engine.gx.ExpectationSuite(name, [engine.expectation_of(asdict(one)) for one in configs]), table)
        for name, (configs, *_, table) in given.items()
    ]
    return lambda: [tables.get_batch({"dataframe": table}).validate(suite) for suite, table in suites]


def measure(label: str, feeds: Mapping[str, Feed], protocol: StudyProtocol, cutoff: datetime) -> None:
    engine = great_expectations()
    watch = engine.run = Stopwatch(getattr(engine.run, "run", engine.run))
    validate_feeds(feeds, protocol, cutoff)
    plain_run = plain_suites(watch.given)
    ours, vitals, others, plain = [], [], [], []
    for _ in range(RUNS):
        whole = seconds(lambda: validate_feeds(feeds, protocol, cutoff))
        ours.append(sum(watch.seconds.values()))
        vitals.append(watch.seconds["VS"])
        others.append(whole - ours[-1])
        plain.append(seconds(plain_run))
    expectations = sum(len(given[0]) for given in watch.given.values())
    print(f"{label}, {expectations} expectations: suites {min(ours):.2f} s (VS {min(vitals):.2f}), ", end="")
    print(f"{min(ours) / min(plain):.2f} times plain Great Expectations; ", end="")
    print(f"the rest of validation {min(others):.2f} s")


def main(rows: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        study = simulate("cyt107", Path(folder) / "study", seed=1)
        protocol = load_protocol(study / "protocol.yaml")
        cutoff = datetime.fromisoformat(json.loads((study / "truth.json").read_text())["data_cutoff"])
        inbox = open_inbox(protocol, {}, None)
        arrived = {domain.lower(): inbox.read(domain, by=cutoff) for domain in protocol.feeds.by_domain()}
        feeds = make_ready(arrived, protocol).known_at(cutoff).feeds
        vitals = feeds["vs"].table
        assert vitals is not None
        measure(f"{len(vitals):,} rows of vital signs", feeds, protocol, cutoff)
        copies = -(-rows // len(vitals))
        many = {name: repeated(feed, copies) for name, feed in feeds.items()}
        measure(f"{copies * len(vitals):,} rows of vital signs", many, protocol, cutoff)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
