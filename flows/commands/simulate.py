"""`postdose simulate`: the SDTM feeds of a synthetic study, or of cases in real charts, with the planted truth."""

import argparse
import json
from pathlib import Path

from checks.errors import UsageError

SCENARIOS = ("cyt107", "null", "early", "late", "alc", "diurnal")
PLANTED = "planted"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    scenarios = parser.add_subparsers(required=True, dest="scenario", metavar="SCENARIO")
    for name in (*SCENARIOS, PLANTED):
        takes = scenarios.add_parser(name, help="cases in charts that you have" if name == PLANTED else None)
        takes.add_argument("--out", type=Path, required=True)
        takes.add_argument("--seed", type=int, default=1)
        takes.add_argument("--subjects", type=int, default=18 if name == PLANTED else None)
    takes.add_argument(
        "--charts", type=Path, required=True, help="folder with dm.csv and vs.csv[.gz], as SDTM"
    )
    takes.add_argument(
        "--protocol", type=Path, help="whose rules and case definition (default: the example's)"
    )
    takes.add_argument("--cases", type=int, default=3, help="cases to plant; 0: none (default: 3)")
    takes.add_argument("--doses", type=int, default=4, help="planned doses of a subject (default: 4)")
    takes.add_argument(
        "--window", nargs=2, type=float, metavar=("FROM", "TO"), help="risk window (default: the protocol's)"
    )
    takes.add_argument(
        "--nurse",
        choices=("alert", "lazy"),
        default="alert",
        help="alert: temperatures where distress is seen",
    )


def run(options: argparse.Namespace) -> int:
    out: Path = options.out
    if options.scenario == PLANTED:
        from flows.pages.kit.lines import wrapped

        print("\n".join(wrapped(_plant(options))))
    else:
        from flows.simulate import simulate

        if options.subjects is not None and options.subjects < 1:
            raise UsageError(f"--subjects: found {options.subjects}; allowed: 1 or more")
        simulate(options.scenario, out, seed=options.seed, subjects=options.subjects)
        print(f"Simulated study written to {out} (SIMULATED: no real subject). Look at it with:")
    cutoff = json.loads((out / "truth.json").read_text(encoding="utf-8"))["data_cutoff"]
    print(f"  postdose look {out / 'protocol.yaml'} --data-cutoff {cutoff}")
    return 0


def _plant(options: argparse.Namespace) -> str:
    """Write a planted study, and return what was planted and what the charts show of it."""
    from checks.protocol import load_protocol
    from flows.simulate.planted import EXAMPLE, plant, planted_protocol, write_planted
    from flows.simulate.planting import Planting
    from flows.simulate.real_charts import read_charts

    source: Path = options.protocol or EXAMPLE
    planting = Planting(
        seed=options.seed,
        subjects=options.subjects,
        doses=options.doses,
        cases=options.cases,
        window=tuple(options.window or load_protocol(source).risk_window_hours),
        nurse=options.nurse,
    )
    found = read_charts(options.charts)
    study = plant(found, planting)
    sites = study.feeds["dm"]["SITEID"]
    write_planted(options.out, study, planted_protocol(source, sites, planting))
    planted = study.truth["planted"]
    shown = sum(case["both_in_window"] for case in planted)
    return (
        f"Planted study written to {options.out} (SIMULATED: the charts are yours, doses and cases are made up): "
        f"{planting.subjects} subjects, {study.truth['doses']} doses, {len(planted)} cases planted, {shown} of them "
        f"charted in the window; {found.left_out} rows without a number or a clock time left out. Look at it with:"
    )
