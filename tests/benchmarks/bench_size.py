"""Print how often each timing rule crosses where there is no harm, in worlds that mislead tests of pooled hours.

Run from the root: ``python tests/benchmarks/bench_size.py [--world NAME ...] [--rule NAME ...] [--trials 3000]
[--seed 1]``. Charts are simulated (TEMP and RESP, as charted by the hour or as the world says), and go from there
through the search for cases, opportunity and the evidence of a look, a hundred trials at once.

A rule holds where its share of crossings is at most alpha and two standard errors of the number of trials.
"""

import argparse
import math
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from numpy.random import Generator, default_rng

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench_power import TWO, WHY, loaded, share

from checks.protocol import StudyProtocol
from checks.rules import Evidence
from flows.simulate.planted import EXAMPLE, planted_protocol
from flows.simulate.planting import Planting
from flows.simulate.side_by_side import named, search

ORIGIN = datetime(2026, 1, 5, tzinfo=UTC)
SUBJECTS, DOSES, DAYS_BETWEEN_DOSES, DAYS_APART = 20, 3, 3, 4
ALPHA = 0.05
AT_ONCE = 100
LASTS_HOURS = (3.0, 6.0)
DIES_WITHIN_HOURS = (1.0, 6.0)
PUT_OFF_HOURS = 24.0
BURST_HOURS = (8.0, 30.0)
PRESENT_HOURS = ((-26.0, -10.0), (20.0, 46.0))
"""About a dose: hours in which the long ill are ill, so that no new event can be seen there."""
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
    present: float = 0.0
    """Of subjects who are ill through most control hours."""
    swing: float = 0.0
    """Of the rate over the day, highest 6.5 hours after a dose at nine."""


WORLDS = {
    "even": World("equal rates, hourly charting"),
    "i_unequal": World("the sick have six times the rate and few control hours", rate=0.006, sick_share=0.35),
    "ii_present": World("the sick are ill for long before and after doses, and dosed when well", present=0.5),
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
    {"id": "sequential", "method": "sequential", "n_max": 40},
    {"id": "sequential_gamma", "method": "sequential", "n_max": 40, "gamma": 1.5},
    {"id": "e_process", "method": "e_process"},
    {"id": "e_process_gamma", "method": "e_process", "gamma": 1.5},
    {"id": "e_process_clock", "method": "e_process", "clock": "hours"},
    {"id": "scan", "method": "scan", "looks": 1},
    {"id": "severity", "method": "severity", "looks": 1},
    {"id": "severity_e_process", "method": "severity_e_process"},
]


USUAL = [rule["id"] for rule in RULES if rule["id"] != "scan"]
"""The scan takes twice as long as all others together."""


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
    episodes = [(one, one + more) for one, more in zip(onsets, lasts, strict=True)]
    if rng.random() < world.present:
        episodes += [(dose + start, dose + end) for dose in doses for start, end in PRESENT_HOURS]
    return Followed(doses, rounds, episodes)


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
    names = [named(number // SUBJECTS, f"{number:06}") for number in range(len(people))]
    entered = [24 * 60 * DAYS_APART * (number % SUBJECTS) for number in range(len(people))]
    doses = pd.concat([_doses(*one) for one in zip(people, names, entered, strict=True)], ignore_index=True)
    charted = pd.concat(
        [_charted(*one) for one in zip(people, names, entered, strict=True)], ignore_index=True
    )
    cutoff = ORIGIN + timedelta(days=DAYS_APART * SUBJECTS + 60)
    evidence = search(doses, charted, protocol, cutoff).evidence(protocol)
    yield from (evidence.of(trial) for trial in range(trials))


def _doses(one: Followed, name: str, entered: int) -> pd.DataFrame:
    numbers = [str(number) for number in range(1, len(one.doses) + 1)]
    return pd.DataFrame({"USUBJID": name, "EXSEQ": numbers, "time": _time(np.array(one.doses), entered)})


def _charted(one: Followed, name: str, entered: int) -> pd.DataFrame:
    hours = np.concatenate(list(one.rounds.values()))
    test = np.repeat(list(one.rounds), [len(rounds) for rounds in one.rounds.values()])
    ill = np.zeros(len(hours), dtype=bool)
    for start, end in one.episodes:
        ill |= (hours >= start) & (hours < end)
    value = np.where(ill, [ILL[name] for name in test], [WELL[name] for name in test])
    unit = [UNITS[name] for name in test]
    columns = {"USUBJID": name, "test": test, "value": value, "unit": unit, "time": _time(hours, entered)}
    rows = pd.DataFrame(columns).sort_values("time", kind="stable", ignore_index=True)
    return rows.assign(sequence=np.arange(1, len(rows) + 1).astype(str))


def _time(hours: np.ndarray, entered: int) -> pd.DatetimeIndex:
    """Return hours since the midnight before entry as stamps to the minute."""
    minutes = np.round(hours * 60).astype("timedelta64[m]") + np.timedelta64(entered, "m")
    origin = np.datetime64(ORIGIN.replace(tzinfo=None), "s")
    return pd.DatetimeIndex(origin + minutes).tz_localize("UTC")


# ------------------------------------------------------------------------------------------------- running


def protocol_of(world: World, names: Sequence[str]) -> StudyProtocol:
    """Return a study of this shape, with the rules that this version offers, each by itself."""
    document = yaml.safe_load(planted_protocol(EXAMPLE, ["S1"], Planting(doses=DOSES)))
    rules = [
        {"kind": "timing", "alpha": ALPHA, **TWO, **WHY, **rule} for rule in RULES if rule["id"] in names
    ]
    own = {
        "control_windows_hours": [list(pair) for pair in world.control],
        "multiplicity": {"method": "none", "rationale": "each rule is measured by itself"},
        "rules": rules,
    }
    return loaded({**document, **own})


def measure(name: str, trials: int, seed: int, names: Sequence[str]) -> None:
    """Make the trials of one world, and print its lines."""
    world, rng, begun = WORLDS[name], default_rng([seed, list(WORLDS).index(name)]), time.monotonic()
    protocol = protocol_of(world, names)
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
    parser.add_argument("--rule", nargs="+", choices=[rule["id"] for rule in RULES], default=USUAL)
    parser.add_argument("--trials", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print(
        f"{options.trials} trials in each of {', '.join(options.world)}; interrupt when you like.", flush=True
    )
    for name in options.world:
        measure(name, options.trials, options.seed, options.rule)


if __name__ == "__main__":
    main()
