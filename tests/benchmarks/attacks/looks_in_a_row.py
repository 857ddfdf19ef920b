"""Two hundred looks of one study, each by the command, and what they leave: ledger, disk, seconds."""

import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import mean

import processes
from attacks.attempt import Attempt, Bench, held
from servers import Prefect, prefect_environment

from flows.ledger import Kind, Ledger

LOOKS = 200
FIXTURE = Path(__file__).parents[2] / "fixtures" / "blind"
FIRST, EVERY = datetime(2024, 6, 12, 6, tzinfo=UTC), timedelta(minutes=5)
"""So the feeds of the fixture are never too old."""

SIGNAL = 20
KIND = "looks of one study in a row"
WIDTH = 20
"""Looks at either end that are compared."""

SLOWER, LARGER = 1.5, 1.1
"""What the last looks may take of the seconds of the first, on a machine that does other things as well, and of their
bytes: these are counted, and grow by a digit here and there."""


def looks_in_a_row(bench: Bench) -> Iterator[Attempt]:
    """Yield an attempt for each look, and one for what they come to."""
    folder, home = bench.work / "looks" / "study", bench.work / "looks" / "prefect"
    if not bench.done:
        shutil.rmtree(folder.parent, ignore_errors=True)
        shutil.copytree(FIXTURE, folder)
    home.mkdir(exist_ok=True)
    with Prefect(prefect_environment(home), home / "server.log") as server:
        for number in range(LOOKS):
            name = f"look {number + 1}"
            if name not in bench.done:
                yield _one(folder, name, FIRST + number * EVERY, server.environment)
    if "growth" not in bench.done:
        looks = [bench.done[f"look {number + 1}"] for number in range(LOOKS)]
        held_so, said = held(lambda: _growth(folder, looks))
        yield Attempt("looks", KIND, "growth", held_so, said, sums_up=True)


def _one(folder: Path, name: str, cutoff: datetime, server: Mapping[str, str]) -> Attempt:
    told = {name: value for name, value in server.items() if name.startswith("PREFECT_")}
    began = time.monotonic()
    done = processes.postdose(
        "look", str(folder / "protocol.yaml"), "--data-cutoff", cutoff.isoformat(), folder=folder, **told
    )
    numbers = {"seconds": time.monotonic() - began, "ledger": _ledger(folder), "disk": _disk(folder)}
    said = "{seconds:.1f} s, ledger {ledger:,.0f} bytes, disk {disk:,.0f} bytes".format(**numbers)
    held_so = done.returncode == SIGNAL
    if not held_so:
        said = f"exit {done.returncode}: {done.stderr[-400:]}"
    return Attempt("looks", KIND, name, held_so, said, numbers=numbers)


def _ledger(folder: Path) -> int:
    return sum(one.stat().st_size for one in folder.glob("postdose.sqlite*"))


def _disk(folder: Path) -> int:
    return sum(one.stat().st_size for one in folder.rglob("*") if one.is_file())


def _growth(folder: Path, looks: Sequence[Attempt]) -> str:
    """Require that looks neither slow down nor leave more and more, and say what each leaves."""
    ledger = Ledger(f"sqlite:///{folder / 'postdose.sqlite'}", must_exist=True)
    records, kept = ledger.verify(), len(ledger.records("BLIND", Kind.LOOK))
    seconds = [one.numbers["seconds"] for one in looks]
    ends = mean(seconds[:WIDTH]), mean(seconds[-WIDTH:])
    said = f"{kept} looks, {records} records; {ends[0]:.1f} s a look at first, {ends[1]:.1f} s at last"
    half, grown = len(looks) // 2, {}
    for what in ("ledger", "disk"):
        told = [one.numbers[what] for one in looks]
        early, late = told[half] - told[WIDTH], told[-1] - told[half + WIDTH - 1]
        each = (late / (len(looks) - half - WIDTH), early / (half - WIDTH))
        grown[what] = each[0] / max(each[1], 1)
        said += (
            f"; {what} {told[-1] / 1e6:.2f} MB, {each[0] / 1e3:.1f} kB a look, at first {each[1] / 1e3:.1f}"
        )
    assert kept == len(looks), said
    assert ends[1] <= SLOWER * ends[0] and max(grown.values()) <= LARGER, said
    return said
