"""A served study through what breaks: its look, its servers and itself are killed in turn, and nothing is lost.

Ledger and Prefect are in one PostgreSQL of the module's own. Each step drops a delivery with one more case, which is
news of a signal and told at once; ``-s`` shows what each fault cost.
"""

import csv
import hashlib
import json
import os
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from servers import ROOT, Prefect, call, end_group, postdose, wait_for, webhook
from sqlalchemy import create_engine, func, select, text
from sqlalchemy.pool import NullPool

from flows.ledger import Head, Kind, Ledger
from flows.ledger.database import WRITERS_LOCK

STUDY = "CYT107-IV-SIM"
SIGNAL = "signal:rate"
BOUND_SECONDS = 300
BEGUN = {"PENDING", "RUNNING"}
FINAL = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.prefect,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="finds a look's process in /proc"),
]


@dataclass
class Receiver:
    """Keeps each message by its key, and how often it was taken; refuses, or holds its answers back, when told to."""

    url: str = ""
    messages: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    times: Counter[str] = field(default_factory=Counter)
    answering: threading.Event = field(default_factory=threading.Event)
    is_refusing: bool = False

    def of_look(self, look_id: str) -> list[str]:
        """The keys of the messages that tell of the signal in a look; brief ones say neither."""
        told = (SIGNAL, look_id)
        return [key for key, one in self.messages.items() if (one.get("about"), one.get("look_id")) == told]

    def take(self, headers: Mapping[str, str], body: bytes) -> HTTPStatus:
        if self.is_refusing:
            return HTTPStatus.SERVICE_UNAVAILABLE
        key = headers["Idempotency-Key"]
        self.messages[key] = json.loads(body)
        self.times[key] += 1
        self.answering.wait(BOUND_SECONDS)
        return HTTPStatus.NO_CONTENT


class Drop(NamedTuple):
    """A delivery: the hash of its content, and the looks that were begun before it."""

    sha256: str
    before: frozenset[str]


@dataclass
class Story:
    """What the steps share."""

    folder: Path
    postgresql: Any
    prefect: Prefect
    receiver: Receiver
    environment: Mapping[str, str]
    serving: "subprocess.Popen[bytes]" = field(init=False)
    drops: list[Drop] = field(default_factory=list)
    rows: list[str] = field(default_factory=list)
    first_head: Head | None = None

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.environment["POSTDOSE_DATABASE"])

    def start_serving(self) -> None:
        serve = postdose("serve", str(self.folder / "protocol.yaml"))
        with (self.folder / "serve.log").open("ab") as log:
            told: Any = {"env": dict(self.environment), "stdout": log, "stderr": log, "cwd": ROOT}
            self.serving = subprocess.Popen([*serve, "--cron", "0 0 1 1 *"], start_new_session=True, **told)

    def stop_serving(self) -> None:
        """And whatever of it, looks and all, is left."""
        end_group(self.serving)

    def call(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        return call(self.environment, path, body)

    def runs(self, states: set[str]) -> list[Any]:
        """The looks for an arrival that are in one of these states, the newest first."""
        body = {
            "deployments": {"name": {"any_": [f"{STUDY} arrival"]}},
            "flow_runs": {"state": {"type": {"any_": sorted(states)}}},
            "sort": "EXPECTED_START_TIME_DESC",
        }
        try:
            return list(self.call("/flow_runs/filter", body))
        except (urllib.error.URLError, OSError):  # busy, or on its way: asked again
            return []

    def drop(self) -> Drop:
        """Drop the adverse events with one more case."""
        before = frozenset(run["id"] for run in self.runs({*BEGUN, *FINAL}))
        dropped = Drop(with_cases(self.folder, len(self.drops) + 1), before)
        self.drops.append(dropped)
        return dropped

    def looking_at(self, drop: Drop) -> list[Any]:
        """The looks that are being made and were begun after a delivery."""
        return [run for run in self.runs({"RUNNING"}) if run["id"] not in drop.before]

    def looks_at(self, drop: Drop) -> list[str]:
        """The looks on record that saw a delivery."""
        records = self.ledger.records(STUDY, Kind.LOOK)
        return [one.payload["look_id"] for one in records if drop.sha256 in one.payload["feeds"]["AE"]]

    def is_taken_in(self, drop: Drop) -> bool:
        receipts = (self.folder / "deliveries" / STUDY / "receipts").glob("AE/*.json")
        return any(drop.sha256 in one.read_text() for one in receipts)

    def told_of(self, drop: Drop) -> list[str]:
        """The keys of the messages that tell of a delivery."""
        return [key for look in self.looks_at(drop) for key in self.receiver.of_look(look)]

    def wait_for(self, what: str, ready: Callable[[], Any]) -> Any:
        log = self.folder / "serve.log"
        return wait_for(what, ready, seconds=BOUND_SECONDS, said=lambda: log.read_text()[-4000:])

    def row(self, fault: str, seconds: float) -> None:
        self.rows.append(f"{fault:<58} {seconds:6.1f} s")

    def recovered(self, fault: str, drop: Drop, since: float) -> None:
        """Wait until a delivery was looked at and told, and write down how long that took."""
        self.wait_for(f"the alert after: {fault}", lambda: self.told_of(drop))
        self.row(fault, time.monotonic() - since)
        assert self.serving.poll() is None
        assert len(self.ledger.records()) <= self.ledger.verify()  # it goes on meanwhile


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    told = Receiver()
    told.answering.set()
    with webhook(told.take) as told.url:
        yield told


@pytest.fixture(scope="module")
def story(
    postgresql_of_its_own: Any,
    prefect_of_its_own: Any,
    receiver: Receiver,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Story]:
    """A small simulated study that is served; its first look has been made, and its signal told."""
    folder = tmp_path_factory.mktemp("faults")
    simulate = postdose("simulate", "cyt107", "--out", str(folder), "--seed", "1", "--subjects", "24")
    subprocess.run(simulate, check=True, capture_output=True, timeout=300, cwd=ROOT)
    (folder / "feeds" / "ae.csv").rename(folder / "ae.csv")
    protocol = folder / "protocol.yaml"
    written = protocol.read_text()
    for channel in ('["file:outbox/"]', '["console:"]'):
        assert written.count(channel) == 1
        written = written.replace(channel, '["env:POSTDOSE_HOOK"]')
    protocol.write_text(written)
    environment = {**prefect_of_its_own.environment, "POSTDOSE_HOOK": receiver.url}
    told = Story(folder, postgresql_of_its_own, prefect_of_its_own, receiver, environment)
    first = told.drop()
    told.start_serving()
    try:
        told.recovered("(no fault: from the start of serve to its first alert)", first, time.monotonic())
        told.first_head = told.ledger.head()
        yield told
    finally:
        receiver.answering.set()
        told.stop_serving()


def with_cases(folder: Path, cases: int) -> str:
    """Write the adverse events with the fever and dyspnoea of so many subjects more, six hours after a first dose.

    Each of them had neither in the washout before, so that each is a case more.
    """
    known = {one["USUBJID"] for one in json.loads((folder / "truth.json").read_text())["cases"]}
    firsts = {row["USUBJID"]: row["EXSTDTC"] for row in reversed(rows(folder / "feeds" / "ex.csv"))}
    onsets = {
        subject: datetime.fromisoformat(first) + timedelta(hours=6)
        for subject, first in sorted(firsts.items())
        if subject not in known
    }
    events, ill = rows(folder / "ae.csv"), ill_before(folder, onsets)
    for subject, onset in [one for one in onsets.items() if one[0] not in ill][:cases]:
        events += [
            {
                **events[0], "USUBJID": subject, "AESEQ": str(900 + number), "AETERM": term, "AEDECOD": term,
                "AESTDTC": f"{onset:%Y-%m-%dT%H:%M}", "AEENDTC": "",
            }
            for number, term in enumerate(("PYREXIA", "DYSPNOEA"))
        ]  # fmt: skip
    part = folder / "feeds" / "ae.csv.part"
    with part.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(events[0]))
        writer.writeheader()
        writer.writerows(events)
    sha256 = hashlib.sha256(part.read_bytes()).hexdigest()
    part.replace(folder / "feeds" / "ae.csv")
    return sha256


ILL = {
    ("TEMP", "C"): (38.3, 99),
    ("TEMP", "F"): (100.9, 999),
    ("RESP", "breaths/min"): (30, 99),
    ("OXYSAT", "%"): (0, 89.9),
}


def ill_before(folder: Path, onsets: Mapping[str, datetime]) -> set[str]:
    """The subjects who were charted feverish or in distress within six hours before an onset."""
    found = set()
    for row in rows(folder / "feeds" / "vs.csv"):
        low, high = ILL.get((row["VSTESTCD"], row["VSORRESU"]), (999, 0))
        onset = onsets.get(row["USUBJID"])
        if row["VSORRES"] and low <= float(row["VSORRES"]) <= high and onset is not None:
            before = onset - datetime.fromisoformat(row["VSDTC"])
            if timedelta(0) < before <= timedelta(hours=6):
                found.add(row["USUBJID"])
    return found


def rows(file: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(file.read_text().splitlines()))


@contextmanager
def ledger_held(story: Story) -> Iterator[Callable[[], bool]]:
    """Be the ledger's writer, so that a look stands still before its commit; yields whether anybody waits."""
    waiting = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    url = story.environment["POSTDOSE_DATABASE"].replace("postgresql:", "postgresql+psycopg:")
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(select(func.pg_advisory_xact_lock(WRITERS_LOCK)))
        yield lambda: bool(connection.execute(waiting).scalar())


def process_of(run: str) -> int:
    """The process that makes a run, which has it from its environment."""
    named = f"PREFECT__FLOW_RUN_ID={run}".encode()
    for file in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if named in file.read_bytes():
                return int(file.parent.name)
    pytest.fail(f"no process makes {run}")


def kill_mid_look(story: Story, drop: Drop, *also: int) -> Any:
    """SIGKILL the process of the look at a delivery as it is about to commit, and others first; return its run."""
    with ledger_held(story) as is_awaited:
        (run,) = story.wait_for("a look that runs", lambda: story.looking_at(drop))
        story.wait_for("it to come to its commit", is_awaited)
        assert not story.looks_at(drop)
        for process in (*also, process_of(run["id"])):
            os.kill(process, signal.SIGKILL)
    return run


def ended(story: Story, run: str) -> str:
    """How a run ended, once it has."""
    (state,) = story.wait_for(
        "the end of a run", lambda: [one["state_type"] for one in story.runs(FINAL) if one["id"] == run]
    )
    return str(state)


def test_a_look_that_is_killed_is_begun_again(story: Story) -> None:
    drop = story.drop()
    run = kill_mid_look(story, drop)
    killed = time.monotonic()
    story.recovered("a look is killed before its commit", drop, killed)
    assert ended(story, run["id"]) == "CRASHED"
    assert len(story.looks_at(drop)) == 1


def test_a_look_that_is_killed_as_it_tells_is_not_made_again_and_its_message_is_sent_again(
    story: Story,
) -> None:
    story.receiver.answering.clear()
    drop = story.drop()
    key = story.wait_for("the message of a look", lambda: story.told_of(drop))[0]
    (run,) = story.wait_for("its run", lambda: story.looking_at(drop))
    os.kill(process_of(run["id"]), signal.SIGKILL)
    killed = time.monotonic()
    story.receiver.answering.set()
    story.wait_for("the message again", lambda: story.receiver.times[key] > 1)
    story.recovered("a look is killed before it has its receipt", drop, killed)
    assert ended(story, run["id"]) == "CRASHED"
    assert len(story.looks_at(drop)) == 1


def test_the_server_is_killed_and_started_again(story: Story) -> None:
    """It still believes in a look whose process died unreported, as one does that dies in a longer outage."""
    story.receiver.is_refusing = True
    first = story.drop()
    story.wait_for("a look", lambda: story.looks_at(first) and not story.runs(BEGUN))
    lost = lose_a_run(story)
    story.prefect.process.kill()
    story.prefect.process.wait(30)
    story.receiver.is_refusing = False
    killed = time.monotonic()
    second = story.drop()
    story.wait_for("the message without the server", lambda: story.told_of(first))
    story.row("what waits is told while the server is away", time.monotonic() - killed)
    story.wait_for("the delivery to be taken in", lambda: story.is_taken_in(second))
    assert not story.looks_at(second)
    started = time.monotonic()
    story.prefect.start()
    story.recovered("the Prefect server is killed; started again", second, started)
    assert ended(story, lost) == "CRASHED"


def lose_a_run(story: Story) -> str:
    """Let the server believe that a look has been begun; return its run."""
    deployment = story.call(f"/deployments/name/monitor%20study/{STUDY}%20arrival")["id"]
    later = {"type": "SCHEDULED", "state_details": {"scheduled_time": "2100-01-01T00:00:00Z"}}
    run = str(story.call(f"/deployments/{deployment}/create_flow_run", {"state": later})["id"])
    said = story.call(f"/flow_runs/{run}/set_state", {"state": {"type": "PENDING"}})
    assert said["status"] == "ACCEPT", said
    return run


def test_postgresql_is_stopped_at_once_and_started_again(story: Story) -> None:
    before, head = story.ledger.records(), story.ledger.head()
    assert head is not None
    story.postgresql.end(signal.SIGQUIT)
    drop = story.drop()
    story.wait_for("the delivery to be taken in", lambda: story.is_taken_in(drop))
    started = time.monotonic()
    story.postgresql.start()
    story.recovered("PostgreSQL is stopped at once; started again", drop, started)
    assert story.ledger.records()[: len(before)] == before
    assert story.ledger.find(head.sha256) == head


def test_serve_is_killed_with_its_look_and_started_again(story: Story) -> None:
    drop = story.drop()
    run = kill_mid_look(story, drop, story.serving.pid)
    assert story.serving.wait(30) == -signal.SIGKILL
    started = time.monotonic()
    story.start_serving()
    story.recovered("`postdose serve` is killed with its look; started again", drop, started)
    assert ended(story, run["id"]) == "CRASHED"


def test_nothing_was_lost_and_nothing_doubled_but_deliveries(story: Story) -> None:
    story.wait_for("the last look's end", lambda: not story.runs(BEGUN))  # no run is left that nothing makes
    story.wait_for("every message to be told", lambda: not story.ledger.outbox.undelivered(STUDY))
    assert story.first_head is not None and story.ledger.find(story.first_head.sha256) == story.first_head
    assert len(story.ledger.records()) <= story.ledger.verify()
    assert all(story.looks_at(drop) for drop in story.drops)
    looks = [one.payload["data_cutoff"] for one in story.ledger.records(STUDY, Kind.LOOK)]
    assert looks == sorted(set(looks)), "no moment was looked at twice"
    told = Counter(one.payload["message"] for one in story.ledger.records(STUDY, Kind.RECEIPT))
    assert told.keys() == story.receiver.times.keys() and set(told.values()) == {1}
    assert story.ledger.outbox.dead_letters(STUDY) == ()
    twice = [times for times in story.receiver.times.values() if times > 1]
    print("", *story.rows, sep="\n")
    print(f"{len(story.drops)} deliveries, {len(looks)} looks, {len(told)} messages; more than once: {twice}")
