"""Kill what a look does after its verdict, and what the alert loop does, at every step, and tell what was left.

How many steps there are is found by going on until a process lives. One process is warmed up and forks: a child
that is killed at its k-th step, then another that looks at what is left and starts again.

``python tests/integration/killed_at_each_step.py [--postgresql URL]`` prints a table, ``--json`` what it holds.
"""

import argparse
import gc
import json
import os
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from pathlib import Path

import certifi
from kill_points import Postgresql, Server, Sqlite, Steps, forked, receiver, status
from sqlalchemy import create_engine, select
from sqlalchemy.pool import NullPool

from checks.errors import UsageError
from checks.knowledge import Knowledge
from checks.looks import Look, look_at
from checks.protocol import StudyProtocol, load_protocol
from checks.protocol.model import Alerts
from flows.alerts import run_alerts
from flows.ledger import Kind, Ledger
from flows.ledger.schema import OUTBOX
from flows.looks.conclusion import conclude
from flows.looks.reading import feeds_of_look
from flows.settings import Settings, read_settings

FIXTURE = Path(__file__).parents[1] / "fixtures" / "blind"
CUTOFF = datetime(2024, 6, 12, 6, tzinfo=UTC)
STUDY = "BLIND"
URL, UNSET = "POSTDOSE_PHYSICIAN_URL", "POSTDOSE_NOBODY_URL"
ROUTES = [
    {"role": "physician", "verdicts": ["watch", "signal"], "channels": ["file:physician/", f"env:{URL}"],
     "ack_within_minutes": 30, "escalate_to": "chair"},
    {"role": "chair", "verdicts": ["not_assessable"], "channels": [f"env:{URL}", f"env:{UNSET}"],
     "ack_within_minutes": 30, "escalate_to": "sponsor"},
    {"role": "sponsor", "verdicts": ["not_assessable"], "channels": ["file:sponsor/", f"env:{URL}"]},
]  # fmt: skip
"""The chair is told by escalation alone, and one of its channels is a dead end: the sponsor follows at once."""

LATE = timedelta(minutes=31)


@dataclass(frozen=True, slots=True)
class Trial:
    """A study's folder below ``<database>/<what is killed>``, with its receivers and its database.

    ``base`` is the trial of whose end this one begins, if any.
    """

    folder: Path
    server: Server
    port: int
    base: "Trial | None" = None

    @property
    def environment(self) -> Mapping[str, str]:
        return {
            "POSTDOSE_STATE": self.server.url(self.folder),
            URL: f"http://127.0.0.1:{self.port}{self.path}",
        }

    @property
    def path(self) -> str:
        return "/" + "/".join(self.folder.parts[-3:])

    def make(self) -> None:
        if self.base is None:
            self.folder.mkdir(parents=True)
        else:
            shutil.copytree(self.base.folder, self.folder)
        self.server.make(self.folder, self.base and self.base.folder)

    @property
    def protocol(self) -> StudyProtocol:
        read = protocol()
        return read.read_from(self.folder, read.sha256)

    def open(self) -> None:
        """Make the tables, where there are none."""
        Ledger(self.environment["POSTDOSE_STATE"])

    def look(self, found: Look) -> None:
        """Do all that a look does once it knows its verdict."""
        settings = read_settings(self.environment, state=None, folder=self.folder)
        look = replace(found, protocol=self.protocol)
        outcome = conclude(look, self.folder / "look", settings, "")
        if outcome.ledger_problem is not None:
            raise RuntimeError(outcome.ledger_problem)

    def turn(self, now: datetime) -> None:
        """Take one turn of the loop that tells what is due."""
        ledger = Ledger(self.environment["POSTDOSE_STATE"])
        run_alerts(ledger, self.protocol, now, addresses=self.environment, watching=False)


@cache
def protocol() -> StudyProtocol:
    read = load_protocol(FIXTURE / "protocol.yaml")
    return read.model_copy(update={"alerts": Alerts.model_validate({"routes": ROUTES})})


def looked(protocol: StudyProtocol) -> Look:
    """Go the path from the feeds to the verdict, which writes nothing."""
    read = feeds_of_look(protocol, Settings("", {}), str(FIXTURE), CUTOFF.isoformat())
    return look_at(Knowledge(read), protocol, data_cutoff=CUTOFF)


@dataclass(frozen=True, slots=True)
class Left:
    """What the ledger, the outbox and the receivers hold; ``chain`` is its length as verified.

    ``messages`` is each message of the outbox with its state, ``received`` how often each was.
    """

    looks: int
    alerts: int
    escalations: int
    receipts: int
    chain: int
    messages: Mapping[str, str]
    received: Mapping[str, int]
    torn: tuple[str, ...]

    def __str__(self) -> str:
        states = Counter(self.messages.values())
        twice = sum(self.received.values()) - len(self.received)
        return (
            f"{self.looks} look {self.alerts} alerts {self.escalations} escalations, {len(self.messages)} queued "
            f"({states['delivered']} delivered, {states['dead']} dead), received {sum(self.received.values())} "
            f"({twice} twice), chain {self.chain}"
        )


def left(trial: Trial, log: Path) -> Left:
    received, torn = received_by(trial, log), tuple(sorted(torn_files(trial.folder)))
    try:
        ledger = Ledger(trial.environment["POSTDOSE_STATE"], must_exist=True)
    except UsageError:
        return Left(0, 0, 0, 0, 0, {}, received, torn)
    kinds = Counter(record.kind for record in ledger.records(STUDY))
    engine = create_engine(trial.environment["POSTDOSE_STATE"], poolclass=NullPool)
    with engine.connect() as connection:
        messages = {row.id: row.state for row in connection.execute(select(OUTBOX.c.id, OUTBOX.c.state))}
    return Left(
        kinds[Kind.LOOK],
        kinds[Kind.RAISED],
        kinds[Kind.ESCALATION],
        kinds[Kind.RECEIPT],
        ledger.verify(),
        messages,
        received,
        torn,
    )


def received_by(trial: Trial, log: Path) -> Mapping[str, int]:
    paths = {one.path for one in (trial, trial.base) if one is not None}
    posted = (line.split() for line in log.read_text().splitlines())
    files = [file.stem for role in ("physician", "sponsor") for file in (trial.folder / role).glob("*.json")]
    return dict(Counter([key for path, key in posted if path in paths] + files))


def torn_files(folder: Path) -> Iterator[str]:
    for file in folder.rglob("*.json"):
        try:
            json.loads(file.read_text())
        except ValueError:
            yield file.name
    for page in folder.rglob("*.html"):
        if not page.read_text().rstrip().endswith("</html>"):
            yield page.name


@dataclass(frozen=True, slots=True)
class Row:
    """One kill: where, in which database, and what was left by it and after the restart."""

    killed: str
    database: str
    at: str
    then: Left
    after: Left


@dataclass(frozen=True, slots=True)
class Work:
    """What is killed, and what is done after that."""

    name: str
    do: Callable[[Trial], None]
    again: Callable[[Trial], None]
    beside: Callable[[Trial], None] | None = None


class Bench:
    """The folder of all trials, and the receiver that they share."""

    def __init__(self, work: Path, port: int, log: Path) -> None:
        self.work, self.port, self.log = work, port, log
        self.steps = Steps(work)

    def trial(self, server: Server, name: str, number: int, base: Trial | None = None) -> Trial:
        trial = Trial(self.work / server.name / name / str(number), server, self.port, base)
        trial.make()
        return trial

    def killed_at_each_step(
        self, work: Work, server: Server, base: Trial | None, every: int
    ) -> Iterator[Row]:
        """Yield a row for each step; the last is of a process that lived."""
        for last in count(1, every):
            trial = self.trial(server, work.name.replace(" ", "_"), last, base)
            row, lived = self._killed(work, trial, last)
            server.drop(trial.folder)
            shutil.rmtree(trial.folder)
            yield row
            if lived:
                return

    def _killed(self, work: Work, trial: Trial, last: int) -> tuple[Row, bool]:
        at, then, after = (trial.folder.with_suffix(f".{name}") for name in ("at", "then", "after"))

        def do() -> None:
            self.steps.kill_at(last, at)
            work.do(trial)

        def again() -> None:
            then.write_text(json.dumps(asdict(left(trial, self.log))))
            work.again(trial)
            after.write_text(json.dumps(asdict(left(trial, self.log))))

        children = [forked(do)]
        if work.beside is not None:
            children.append(forked(lambda: work.beside(trial)))
        ended, *others = [status(child) for child in children]
        if ended not in (0, -signal.SIGKILL) or any(others) or status(forked(again)):
            raise RuntimeError(f"{work.name}, step {last}: ended with {ended}, {others}")
        name = at.read_text() if ended else "lived"
        found = [Left(**json.loads(file.read_text())) for file in (then, after)]
        return Row(work.name, trial.server.name, name, *found), ended == 0


def rows(bench: Bench, server: Server, found: Look, every: int) -> Iterator[Row]:
    """Yield what each kill left in a database; with ``every`` above 1, steps between are left out."""

    def look(trial: Trial) -> None:
        trial.look(found)

    def late(trial: Trial) -> None:
        trial.turn(raised_at + LATE)

    empty = bench.trial(server, "empty", 0)
    yield from bench.killed_at_each_step(Work("first use", Trial.open, Trial.open), server, None, every)
    if status(forked(empty.open)):
        raise RuntimeError("the tables could not be made")
    yield from bench.killed_at_each_step(Work("look", look, look), server, empty, every)
    base, raised_at = bench.trial(server, "raised", 0), datetime.now(UTC)
    if status(forked(lambda: base.look(found))):
        raise RuntimeError("the look that raises alerts failed")
    yield from bench.killed_at_each_step(Work("escalation", late, late), server, base, every)
    yield from bench.killed_at_each_step(Work("one of two", late, late, late), server, base, 3 * every)
    for trial in (empty, base):
        server.drop(trial.folder)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--postgresql", help="the URL of a server, whose user may make databases")
    parser.add_argument("--every", type=int, default=1, help="kill at every n-th step alone")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    work = Path(tempfile.mkdtemp(prefix="killed-"))
    log = work / "received"
    servers: list[Server] = [Sqlite(), *([Postgresql(options.postgresql)] if options.postgresql else [])]
    try:
        with receiver(log) as port:
            bench = Bench(work, port, log)
            look = warmed_up(bench)
            found = [row for server in servers for row in rows(bench, server, look, options.every)]
    finally:
        shutil.rmtree(work)
    if options.json:
        json.dump([{**asdict(row), "line": line(row)} for row in found], sys.stdout)
    else:
        sys.stdout.write("".join(f"{line(row)}\n" for row in found))
    return 0


def warmed_up(bench: Bench) -> Look:
    """Import and compute all that every child needs, and return a look's findings."""
    # Every turn opens a client, and every client reads 150 certificates, though none is asked for.
    every, end = Path(certifi.where()).read_text(), "-----END CERTIFICATE-----\n"
    (bench.work / "one.pem").write_text(every[: every.index(end) + len(end)])
    os.environ["SSL_CERT_FILE"] = str(bench.work / "one.pem")
    trial = bench.trial(Sqlite(), "warm", 0)
    look = looked(trial.protocol)
    trial.look(look)
    gc.freeze()
    return look


def line(row: Row) -> str:
    return f"{row.database:<10} {row.killed:<10} {row.at:<42} | {row.then} | {row.after}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
