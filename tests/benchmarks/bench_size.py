"""Print how often each timing rule crosses where there is no harm, in worlds that mislead tests of pooled hours.

Run from the root: ``python tests/benchmarks/bench_size.py [--world NAME ...] [--trials 3000] [--seed 1]``. Charts are
simulated (TEMP and RESP, as charted by the hour or as the world says), and go from there through the search for
cases, opportunity and the evidence of a look; feeds are not read and checked. A hundred trials are searched at once,
their subjects side by side, and the evidence is then divided by trial: an event is its subject's alone.

A rule holds where its share of crossings is at most alpha and two standard errors of the number of trials.
"""

import argparse
import math
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import yaml
from numpy.random import Generator, default_rng

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench_power import THREE, WHY, loaded, share

from checks.looks.path import evidence_of, findings_of
from checks.protocol import StudyProtocol
from checks.rules import Evidence
from checks.tables import ADMINISTRATIONS, ADVERSE_EVENTS, MEASUREMENTS
from checks.tables import SUBJECTS as SUBJECTS_TABLE
from flows.simulate.planted import EXAMPLE, planted_protocol
from flows.simulate.planting import Planting

ORIGIN = datetime(2026, 1, 5, tzinfo=UTC)
SUBJECTS, DOSES, DAYS_BETWEEN_DOSES, DAYS_APART = 20, 3, 3, 4
ALPHA = 0.05
AT_ONCE = 100
LASTS_HOURS = (3.0, 6.0)
DIES_WITHIN_HOURS = (1.0, 6.0)
PUT_OFF_HOURS = 24.0
BURST_HOURS = (8.0, 30.0)
SLOTS = np.array([2, 6, 10, 14, 18, 22])
WELL, ILL = {"TEMP": 36.8, "RESP": 16.0}, {"TEMP": 39.0, "RESP": 34.0}
UNITS = {"TEMP": "C", "RESP": "breaths/min"}


@dataclass(frozen=True)
class World:
    """How subjects fall ill, are dosed and charted, without harm; hours, and onsets an hour."""

    said: str
    rate: float = 0.012
    before: float = 26.0
    after: float = 50.0
    jitter: int = 4
    """Minutes by which a round strays."""
    sick_share: float = 0.0
    """Of subjects who fall ill ``sick_times`` as often, and are charted around their doses alone."""
    sick_times: float = 6.0
    sick_before: float = 9.0
    sick_after: float = 14.0
    temperature: str = "hourly"
    dose_clock: float | None = None
    control: tuple[tuple[float, float], ...] = ((-24, -6), (12, 48))
    dies: float = 0.0
    """Chance that an event is followed by death."""
    put_off: bool = False
    """Whether a dose waits a day where an event came in the day before it."""
    falls: float = math.inf
    """Time constant of a falling rate."""
    again: float = 0.0
    """Chance that an event is followed by another."""
    swing: float = 0.0
    """Of the rate over the day, highest 6.5 hours after a dose at nine."""


WORLDS = {
    "even": World("equal rates, hourly charting"),
    "i_unequal": World("the sick have six times the rate and few control hours", rate=0.006, sick_share=0.35),
    "ii_blind_control": World("temperature is taken after doses alone", temperature="after doses"),
    "iii_slots": World("temperature in four-hour slots, doses at nine", temperature="slots", dose_clock=9.0),
    "iv_edges": World(
        "windows share their edges, all on the hour", jitter=0, dose_clock=9.0, control=((-24, 5), (8, 48))
    ),
    "death": World("half of the events are followed by death", dies=0.5),
    "put_off": World("a dose is put off after an event", put_off=True),
    "trend": World("the rate falls with time", rate=0.03, falls=48.0),
    "bursts": World("events come in bursts", rate=0.006, again=0.6),
    "rhythm": World("a swing of 60 % over the day, doses at nine", dose_clock=9.0, swing=0.6),
}

RULES: list[dict[str, Any]] = [
    {"id": "looks_around", "method": "self_controlled", "looks": 5},
    {"id": "looks_before", "method": "self_controlled", "looks": 5, "control": "before"},
    {"id": "looks_gamma", "method": "self_controlled", "looks": 5, "gamma": 1.5},
    {"id": "looks_clock", "method": "self_controlled", "looks": 5, "clock": "hours"},
    {"id": "spending", "method": "spending", "n_max": 40},
    {"id": "spending_gamma", "method": "spending", "n_max": 40, "gamma": 1.5},
    {"id": "e_process", "method": "e_process"},
    {"id": "e_process_gamma", "method": "e_process", "gamma": 1.5},
    {"id": "maxsprt_binomial", "method": "maxsprt_binomial", "n_max": 40},
    {"id": "severity", "method": "severity", "looks": 1, "min_events": 1, "min_subjects": 2},
]


# ------------------------------------------------------------------------------------------------ subjects


@dataclass(frozen=True)
class Followed:
    """One subject: hours from the midnight before entry of doses, rounds and episodes."""

    doses: list[float]
    rounds: dict[str, np.ndarray]
    episodes: list[tuple[float, float]]


def follow(rng: Generator, world: World) -> Followed:
    """Return one subject of a world."""
    sick = rng.random() < world.sick_share
    before, after = (world.sick_before, world.sick_after) if sick else (world.before, world.after)
    first = 30.0 + (rng.uniform(0, 24) if world.dose_clock is None else world.dose_clock - 6)
    planned = [first + 24 * DAYS_BETWEEN_DOSES * number for number in range(DOSES)]
    onsets = _onsets(rng, world, planned[-1] + after + PUT_OFF_HOURS * DOSES, world.sick_times if sick else 1)
    doses = _given(planned, onsets) if world.put_off else planned
    spans = (
        [(dose - before, dose + after) for dose in doses] if sick else [(first - before, doses[-1] + after)]
    )
    died = next(
        (one + rng.uniform(*DIES_WITHIN_HOURS) for one in onsets if rng.random() < world.dies), math.inf
    )
    doses = [dose for dose in doses if dose < died]
    spans = [(start, min(end, died)) for start, end in spans if start < died]
    rounds = {test: _rounds(rng, world, test, spans, doses) for test in UNITS}
    lasts = rng.uniform(*LASTS_HOURS, len(onsets))
    return Followed(doses, rounds, [(one, one + more) for one, more in zip(onsets, lasts, strict=True)])


def _onsets(rng: Generator, world: World, end: float, times: float) -> list[float]:
    hours = np.arange(0, end)
    rate = world.rate * times * np.exp(-hours / world.falls)
    rate *= 1 + world.swing * np.cos(2 * np.pi * (hours + 0.5 - 15.5) / 24)
    onsets = [one + rng.random() for one in np.repeat(hours, rng.poisson(rate)).tolist()]
    for one in onsets:  # grows as it is walked: an event that follows may be followed in turn
        if rng.random() < world.again:
            onsets.append(one + rng.uniform(*BURST_HOURS))
    return sorted(one for one in onsets if one < end)


def _given(planned: Sequence[float], onsets: Sequence[float]) -> list[float]:
    """Return the doses, each put off by a day, and again, while an event came in the day before it."""
    doses: list[float] = []
    late = 0.0
    for dose in planned:
        while any(dose + late - 24 <= one < dose + late for one in onsets) and late < PUT_OFF_HOURS * DOSES:
            late += PUT_OFF_HOURS
        doses.append(dose + late)
    return doses


def _rounds(
    rng: Generator, world: World, test: str, spans: Sequence[tuple[float, float]], doses: Sequence[float]
) -> np.ndarray:
    hours = np.concatenate([np.arange(math.ceil(start), end) for start, end in spans] or [np.empty(0)])
    hours = np.unique(hours)
    if test == "TEMP" and world.temperature == "slots":
        hours = hours[np.isin(hours % 24, SLOTS)]
    if test == "TEMP" and world.temperature == "after doses":
        since = np.min(
            [np.where(hours >= dose, hours - dose, np.inf) for dose in doses] or [hours * np.inf], axis=0
        )
        hours = hours[(since < 12) | (hours % 24 == 0)]
    return hours + rng.integers(-world.jitter, world.jitter + 1, len(hours)) / 60


# ------------------------------------------------------------------------------------------------ evidence


def searched(rng: Generator, world: World, trials: int, protocol: StudyProtocol) -> Iterator[Evidence]:
    """Yield the evidence of each of some trials."""
    people = [follow(rng, world) for _ in range(trials * SUBJECTS)]
    names = [f"{number:06}" for number in range(len(people))]
    entered = [24 * 60 * DAYS_APART * (number % SUBJECTS) for number in range(len(people))]
    validation = SimpleNamespace(
        subjects=table_of(SUBJECTS_TABLE, {"USUBJID": names, "SITEID": "S1", "timezone": "UTC"}),
        administrations=_administrations(people, names, entered),
        measurements=_measurements(people, names, entered),
        adverse_events=ADVERSE_EVENTS.empty(),
        unplaced=frozenset(),
    )
    cutoff = ORIGIN + timedelta(days=DAYS_APART * SUBJECTS + 60)
    whole = evidence_of(findings_of(validation, protocol, data_cutoff=cutoff), validation, protocol)
    dosed = [number for number, one in enumerate(people) if one.doses]
    yield from (part_of(whole, dosed, trial) for trial in range(trials))


def part_of(whole: Evidence, dosed: Sequence[int], trial: int) -> Evidence:
    """Return one trial's part of the evidence: what is told of its subjects, whose numbers follow one another."""
    low, high = np.searchsorted(dosed, [trial * SUBJECTS, (trial + 1) * SUBJECTS])
    parts = {
        name: tuple(one for one in getattr(whole, name) if low <= one.subject < high)
        for name in ("events", "windows", "opportunities")
    }
    scored = whole.severity.map(lambda doses: tuple(one for one in doses if low <= one.subject < high))
    return replace(whole, **parts, severity=scored, seed=trial)


def _stamps(minutes: np.ndarray) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(
        np.datetime64(ORIGIN.replace(tzinfo=None), "s") + minutes.astype("timedelta64[m]")
    ).tz_localize("UTC")


def _administrations(
    people: Sequence[Followed], names: Sequence[str], entered: Sequence[int]
) -> pd.DataFrame:
    many = [len(one.doses) for one in people]
    minutes = np.concatenate(
        [np.round(np.array(one.doses) * 60) + at for one, at in zip(people, entered, strict=True)]
    )
    time = _stamps(minutes)
    columns = {
        "USUBJID": np.repeat(names, many),
        "EXSEQ": [str(number + 1) for count in many for number in range(count)],
        "earliest": time,
        "latest": time,
        "trusted": True,
    }
    return table_of(ADMINISTRATIONS, columns)


def _measurements(people: Sequence[Followed], names: Sequence[str], entered: Sequence[int]) -> pd.DataFrame:
    parts = []
    for test, unit in UNITS.items():
        hours = [one.rounds[test] for one in people]
        ill = [_ill(one, times) for one, times in zip(people, hours, strict=True)]
        minutes = np.concatenate(
            [np.round(times * 60) + at for times, at in zip(hours, entered, strict=True)]
        )
        parts.append(
            pd.DataFrame(
                {
                    "USUBJID": np.repeat(names, [len(times) for times in hours]),
                    "test": test,
                    "unit": unit,
                    "value": np.where(np.concatenate(ill), ILL[test], WELL[test]),
                    "minutes": minutes,
                }
            )
        )
    rows = pd.concat(parts).sort_values(["USUBJID", "minutes"], kind="stable", ignore_index=True)
    time = _stamps(rows.pop("minutes").to_numpy())
    more = {
        "domain": "VS",
        "sequence": np.arange(1, len(rows) + 1).astype(str),
        "alternative": np.nan,
        "upper_limit": np.nan,
        "earliest": time,
        "latest": time,
        "trusted": True,
    }
    return table_of(MEASUREMENTS, {**rows, **more})


def table_of(table: Any, columns: dict[str, Any]) -> pd.DataFrame:
    """Return a declared table of these columns; others that it declares are left empty."""
    frame = pd.DataFrame(columns)
    for name in table.columns:
        if name not in frame:
            frame[name] = pd.Series(index=frame.index, dtype=table.columns[name])
    return table.conform(frame)


def _ill(one: Followed, hours: np.ndarray) -> np.ndarray:
    ill = np.zeros(len(hours), dtype=bool)
    for start, end in one.episodes:
        ill |= (hours >= start) & (hours < end)
    return ill


# ------------------------------------------------------------------------------------------------- running


def protocol_of(world: World) -> StudyProtocol:
    """Return a study of this shape, with the rules that this version offers, each by itself."""
    document = yaml.safe_load(planted_protocol(EXAMPLE, ["S1"], Planting(doses=DOSES)))
    rules = [{"kind": "timing", "alpha": ALPHA, **THREE, **WHY, **rule} for rule in RULES]
    own = {
        "control_windows_hours": [list(pair) for pair in world.control],
        "multiplicity": {"method": "none", "rationale": "each rule is measured by itself"},
        "rules": rules,
    }
    return loaded({**document, **own})


def measure(name: str, trials: int, seed: int) -> None:
    """Make the trials of one world, and print its lines."""
    world, rng, begun = WORLDS[name], default_rng([seed, list(WORLDS).index(name)]), time.monotonic()
    protocol = protocol_of(world)
    crossed = dict.fromkeys((rule.id for rule in protocol.rules), 0)
    unable = dict(crossed)
    in_risk = in_control = done = 0
    while done < trials:
        many = min(AT_ONCE, trials - done)
        for evidence in searched(rng, world, many, protocol):
            in_risk += evidence.events_in_risk().main
            in_control += evidence.events_in_control().main
            for rule in protocol.rules:
                verdict = rule.evaluate(evidence).verdict
                crossed[rule.id] += verdict == "crossed"
                unable[rule.id] += verdict == "not_evaluable"
        if not done or done // 1000 != (done + many) // 1000:
            spent = time.monotonic() - begun
            left = spent / (done + many) * (trials - done - many)
            print(
                f"  {name}: {done + many} of {trials} after {spent:.0f} s; some {left:.0f} s to go",
                flush=True,
            )
        done += many
    most = ALPHA + 2 * math.sqrt(ALPHA * (1 - ALPHA) / trials)
    print(f"\n{name}: {world.said}; {trials} trials, events in risk {in_risk / trials:.2f} and in control hours "
          f"{in_control / trials:.2f} a trial; a rule holds up to {most:.4f}")  # fmt: skip
    for rule, count in crossed.items():
        note = "" if count <= most * trials else "  ABOVE"
        note += f"  not evaluable in {unable[rule]}" if unable[rule] else ""
        print(f"  {rule:20}{share(count, trials)}{note}", flush=True)


def main() -> None:
    """Measure the worlds that are asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--world", nargs="+", choices=WORLDS, default=list(WORLDS))
    parser.add_argument("--trials", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print(
        f"{options.trials} trials in each of {', '.join(options.world)}; interrupt when you like.", flush=True
    )
    for name in options.world:
        measure(name, options.trials, options.seed)


if __name__ == "__main__":
    main()
