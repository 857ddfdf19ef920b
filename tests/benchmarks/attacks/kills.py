"""SIGKILL at points spread over receive, look, ack, replay and ledger move, and the same again, on both databases.

Each is first done once, and again, by processes that live. What a process that was killed leaves must come to the
same by the same command: nothing lost, nothing twice, no file half written, and a chain that verifies.
"""

import hashlib
import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import yaml
from attacks.attempt import Attempt, Bench
from kill_points import Postgresql, Server, Sqlite, Steps, forked, receiver, status
from killed_at_each_step import CUTOFF, FIXTURE, ROUTES, STUDY, Trial, left, warmed_up
from killed_at_each_step import Bench as Killing
from killed_at_each_step import protocol as study_protocol

from checks.looks import Look
from flows.commands.cli import main
from flows.feeds.store import DeliveryStore
from flows.ledger import Kind, Ledger
from flows.looks.reading import read_delivered
from flows.looks.replay.command import replay
from flows.looks.replay.history import History
from flows.looks.replay.schedule import Schedule
from flows.settings import Settings

POINTS = 12
"""Of each work in each database: twice what was asked for, as a point costs a second."""

NEVER = 10**9
BY = ("--by", "Dr A", "--reason", "seen at the bedside")
DAY, STEP = timedelta(days=1), timedelta(hours=12)

Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Work:
    """What is killed, what is there before it, and what must be the same at the end however often it was begun."""

    name: str
    before: Callable[[Trial], None]
    do: Callable[[Trial], None]
    facts: Callable[[Trial], Facts]


def kills(bench: Bench) -> Iterator[Attempt]:
    """Yield an attempt for each kill, and one for each work that was left to live."""
    folder = bench.work / "kills"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    log = folder / "received"
    servers: list[Server] = [Sqlite()]
    if bench.postgresql is not None:
        servers.append(Postgresql(bench.postgresql))
    with receiver(log) as port:
        killing = Killing(folder, port, log)
        found = warmed_up(killing)
        history = _history()
        for server in servers:
            for work in _works(killing.steps, found, history, log):
                yield from _killed_at_points(bench, killing, server, work)


def _killed_at_points(bench: Bench, killing: Killing, server: Server, work: Work) -> Iterator[Attempt]:
    named, kind = work.name.replace(" ", "_"), f"kills, {server.name}"
    if f"{work.name}, {server.name}: all points" in bench.done:
        return
    base = _study(killing, server, f"{named}_before", 0)
    if status(forked(lambda: work.before(base))):
        raise RuntimeError(f"{work.name}: what comes before it failed")
    lived, steps = _ended(killing, server, work, base, NEVER)
    every = max(1, steps // POINTS)
    points = range(1, steps + 1, every)[:POINTS]
    for point in points:
        at = f"{work.name}, {server.name}, step {point}"
        if at not in bench.done:
            came, _ = _ended(killing, server, work, base, point)
            held, where = came.get("facts") == lived["facts"], came.get("at", "")
            said = where if held else f"{where}: {came.get('facts')} and not {lived['facts']}"
            yield Attempt("kills", kind, at, held, said)
    name = f"{work.name}, {server.name}: all points"
    yield Attempt("kills", kind, name, bool(points), f"{name}: {len(points)} of {steps} steps", sums_up=True)


def _study(killing: Killing, server: Server, name: str, number: int) -> Trial:
    trial = killing.trial(server, name, number)
    for file in FIXTURE.glob("*.csv"):
        shutil.copyfile(file, trial.folder / file.name)
    said = yaml.safe_load((FIXTURE / "protocol.yaml").read_text(encoding="utf-8"))
    said["alerts"] = {"routes": ROUTES}
    (trial.folder / "protocol.yaml").write_text(yaml.safe_dump(said), encoding="utf-8")
    return trial


def _ended(
    killing: Killing, server: Server, work: Work, base: Trial, point: int
) -> tuple[Mapping[str, Any], int]:
    """Kill the work at a point, or let it live, do it again, and return the facts at the end and the steps taken."""
    trial = killing.trial(server, work.name.replace(" ", "_"), point, base)
    at, seen, end = (trial.folder.with_suffix(f".{name}") for name in ("at", "seen", "end"))

    def do() -> None:
        os.environ.update(trial.environment)
        killing.steps.kill_at(point, at)
        work.do(trial)
        seen.write_text(str(killing.steps.seen))

    def again() -> None:
        os.environ.update(trial.environment)
        work.do(trial)
        end.write_text(json.dumps(work.facts(trial), default=str, sort_keys=True))

    ended = status(forked(do))
    expected = (0, -signal.SIGKILL) if point == NEVER else (-signal.SIGKILL,)
    name = at.read_text() if at.is_file() else f"ended with {ended}"
    if ended not in expected or status(forked(again)):
        came: Mapping[str, Any] = {"at": name, "facts": "it cannot be done again"}
    else:
        came = {"at": name, "facts": json.loads(end.read_text())}
    steps = int(seen.read_text()) if seen.is_file() else 0
    for one in (trial.folder, trial.folder.parent / f"{trial.folder.name}_to"):
        if one.exists():
            server.drop(one)
            shutil.rmtree(one)
    return came, steps


def _command(*arguments: str) -> None:
    """Do what the command does; one that finds it done says so and exits 2, of which the facts must be the same."""
    said = StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        code = main(arguments)
    if code not in (0, 2):
        raise RuntimeError(f"exit {code}: {said.getvalue()[-500:]}")


def _history() -> History:
    read = study_protocol()
    return History.of(read, read_delivered(read, Settings("", {}), str(FIXTURE), by=CUTOFF))


def _works(steps: Steps, found: Look, history: History, log: Path) -> tuple[Work, ...]:
    def look(trial: Trial) -> None:
        trial.look(found)

    def empty(trial: Trial) -> None:
        trial.open()

    def receive(trial: Trial) -> None:
        files = [trial.folder / name for name in ("vs.csv", "vs_later.csv")]
        files[1].write_bytes(files[0].read_bytes()[:-1])
        _command("receive", str(trial.folder / "protocol.yaml"), "VS", *map(str, files))

    def ack(trial: Trial) -> None:
        _command("alerts", "ack", *_alerts(trial)[:1], *BY)

    def walk(trial: Trial) -> None:
        stepped = Stepped(**{one.name: getattr(history, one.name) for one in fields(History)}, steps=steps)
        replay(stepped, Schedule(CUTOFF - DAY, CUTOFF, STEP), trial.folder / "replay")

    def move(trial: Trial) -> None:
        _command("ledger", "move", "--to", _target(trial))

    return (
        Work("receive", empty, receive, _received),
        Work("look", empty, look, lambda trial: _looked(trial, log)),
        Work("ack", look, ack, _taken),
        Work("replay", look, walk, _replayed),
        Work("ledger move", look, move, _moved),
    )


@dataclass(frozen=True, slots=True)
class Stepped(History):
    """A history whose looks are steps as well: a replay writes each look into a file that is open."""

    steps: Steps | None = None

    def look(self, data_cutoff: datetime) -> Look:
        """Look, with a step before and after."""
        assert self.steps is not None
        self.steps.step(f"before the look of {data_cutoff:%d %H:%M}")
        made = History.look(self, data_cutoff)
        self.steps.step(f"after the look of {data_cutoff:%d %H:%M}")
        return made


def _ledger(trial: Trial) -> Ledger:
    return Ledger(trial.environment["POSTDOSE_STATE"], must_exist=True)


def _target(trial: Trial) -> str:
    """Return the URL of the database that a ledger is moved to, made where it is not there."""
    beside = trial.folder.parent / f"{trial.folder.name}_to"
    if not beside.exists():
        beside.mkdir()
        trial.server.make(beside, None)
    return trial.server.url(beside)


def _received(trial: Trial) -> Facts:
    """Each content once, whole, with one receipt and one record of the ledger."""
    now = datetime.now(UTC)
    store = DeliveryStore(trial.folder / "deliveries" / STUDY)
    kept = [one.sha256 for one in store.kept("VS")]
    whole = [hashlib.sha256(store.content_of(one).read_bytes()).hexdigest() == one for one in kept]
    ledger = _ledger(trial)
    ledger.verify()
    records = [(one.kind, one.payload.get("sha256")) for one in ledger.records(STUDY)]
    return {
        "receipts": sorted(kept),
        "whole": whole,
        "faults": [str(one) for one in store.faults("VS", by=now, now=now)],
        "records": sorted(map(str, records)),
    }


def _looked(trial: Trial, log: Path) -> Facts:
    """Every message delivered or given up, none without its alert, and no file half written."""
    found = left(trial, log)
    delivered = {name for name, state in found.messages.items() if state == "delivered"}
    return {
        "a look": found.looks > 0,
        "messages": found.messages,
        "not received": sorted(delivered - found.received.keys()),
        "of nobody": sorted(found.received.keys() - found.messages.keys()),
        "alerts": (found.alerts, found.escalations),
        "torn": found.torn,
    }


def _alerts(trial: Trial) -> list[str]:
    raised = [one.payload for one in _ledger(trial).records(STUDY, Kind.RAISED)]
    return sorted(str(one["alert"]) for one in raised)


def _taken(trial: Trial) -> Facts:
    """The alert is taken, by whoever took it; who takes it again is on record again."""
    ledger = _ledger(trial)
    ledger.verify()
    taken = {(one.payload["alert"], one.payload["by"]) for one in ledger.records(STUDY, Kind.ACKNOWLEDGEMENT)}
    return {"taken": sorted(by for alert, by in taken if alert == _alerts(trial)[0]), "alerts": len(taken)}


def _replayed(trial: Trial) -> Facts:
    """The same bytes, and nothing of it in the ledger."""
    files = sorted((trial.folder / "replay").iterdir())
    told = {one.name: hashlib.sha256(one.read_bytes()).hexdigest() for one in files}
    ledger = _ledger(trial)
    ledger.verify()
    return {"files": told, "looks": len(ledger.records(STUDY, Kind.LOOK))}


def _moved(trial: Trial) -> Facts:
    """Both ledgers hold, and say the same."""
    old, new = _ledger(trial), Ledger(_target(trial), must_exist=True)
    assert old.head() == new.head()
    ids = [[one.outgoing.id for one in each.outbox.undelivered(STUDY)] for each in (old, new)]
    return {"records": old.verify() == new.verify() > 0, "messages": ids[0] == ids[1]}
