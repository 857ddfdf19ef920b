"""Print how often each timing rule crosses where there is no harm, in worlds that mislead tests of pooled hours.

Run from the root: ``python tests/benchmarks/bench_size.py [--world NAME ...] [--rule NAME ...] [--trials 3000]
[--seed 1]``. Worlds are those of ``flows.simulate.null_worlds``, which `postdose design` simulates as well: charts go
from there through the search for cases, opportunity and the evidence of a look, many trials at once.

A rule holds where its share of crossings is at most alpha and two standard errors of the number of trials.
"""

import argparse
import math
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from numpy.random import default_rng

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench_power import TWO, WHY, loaded
from trial_records import share

from checks.protocol import StudyProtocol
from flows.simulate.null_worlds import WORLDS
from flows.simulate.planted import EXAMPLE, planted_protocol
from flows.simulate.planting import Planting
from flows.simulate.shape import Shape, shape_of
from flows.simulate.world_trials import simulate

SUBJECTS, DOSES = 20, 3
RATE = 0.1
"""Share of subjects with an event in a risk window."""
ALPHA = 0.05
AT_ONCE = 100
SHARED_EDGES = {"edges": [[-24, 5], [8, 48]]}
"""Control windows that meet the risk window, by world."""

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


# ------------------------------------------------------------------------------------------------- running


def protocol_of(world: str, names: Sequence[str]) -> StudyProtocol:
    """Return a study of this shape, with the rules that this version offers, each by itself."""
    document = yaml.safe_load(planted_protocol(EXAMPLE, ["S1"], Planting(doses=DOSES)))
    rules = [
        {"kind": "timing", "alpha": ALPHA, **TWO, **WHY, **rule} for rule in RULES if rule["id"] in names
    ]
    own = {
        "control_windows_hours": SHARED_EDGES.get(world, document["control_windows_hours"]),
        "multiplicity": {"method": "none", "rationale": "each rule is measured by itself"},
        "rules": rules,
    }
    return loaded({**document, **own})


def measure(name: str, trials: int, seed: int, names: Sequence[str]) -> None:
    """Make the trials of one world, and print its lines."""
    rng, begun = default_rng([seed, list(WORLDS).index(name)]), time.monotonic()
    protocol = protocol_of(name, names)
    shape = shape_of(protocol)
    assert isinstance(shape, Shape), shape
    crossed = dict.fromkeys((rule.id for rule in protocol.rules), 0)
    unable = dict(crossed)
    in_risk = in_control = done = 0
    while done < trials:
        many = min(AT_ONCE, trials - done)
        for trial in simulate(rng, protocol, shape, name, rate=RATE, trials=many, subjects=SUBJECTS):
            evidence = trial.evidence
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
    print(
        f"\n{name}: {WORLDS[name].said}; {trials} trials, events in risk {in_risk / trials:.2f} and in control "
        f"hours {in_control / trials:.2f} a trial; a rule holds up to {most:.4f}"
    )
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
