"""`postdose simulate`: the SDTM feeds of a synthetic study, with its planted truth beside them."""

import argparse
import json
from pathlib import Path

from checks.errors import UsageError

SCENARIOS = ("cyt107", "null", "early", "late", "alc", "diurnal")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scenario", choices=SCENARIOS)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--subjects", type=int)


def run(options: argparse.Namespace) -> int:
    from flows.simulate import simulate

    if options.subjects is not None and options.subjects < 1:
        raise UsageError(f"--subjects: found {options.subjects}; allowed: 1 or more")
    out = simulate(options.scenario, options.out, seed=options.seed, subjects=options.subjects)
    print(f"Simulated study written to {out} (SIMULATED: no real subject). Look at it with:")
    cutoff = json.loads((out / "truth.json").read_text(encoding="utf-8"))["data_cutoff"]
    print(f"  postdose look {out / 'protocol.yaml'} --data-cutoff {cutoff}")
    return 0
