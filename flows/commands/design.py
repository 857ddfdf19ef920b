"""`postdose design`: what a protocol's rules do, as a page and JSON for the DSMB to sign."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from flows.commands.arguments import add_json

if TYPE_CHECKING:
    from checks.protocol import StudyProtocol
    from flows.simulate.chart_trials import ChartTrials


SIMULATED_TRIALS, CHART_TRIALS = 75, 50
"""Where none of 75 crosses, the upper limit is below 5 %; all of a usual protocol take a minute and a half.

A trial in real charts is a whole look."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("protocol", type=Path)
    parser.add_argument("--out", type=Path, help="folder for the page (default: design beside the protocol)")
    parser.add_argument(
        "--subjects", type=int, help="planned subjects (default: a rate rule's largest n_max)"
    )
    parser.add_argument(
        "--charts",
        type=Path,
        help="real charts (dm.csv, vs.csv as SDTM): what the rules do there, with cases planted",
    )
    parser.add_argument(
        "--trials",
        type=int,
        help=f"trials of each kind (default: {SIMULATED_TRIALS} simulated, {CHART_TRIALS} in charts)",
    )
    add_json(parser, "design.json")


def run(options: argparse.Namespace) -> int:
    from checks.errors import UsageError
    from checks.protocol import load_protocol
    from flows.own_folder import require_own, require_place
    from flows.pages.design.document import build_design, to_json
    from flows.pages.design.page import OF_A_DESIGN, SEED, write_design
    from flows.pages.design.terminal import design_text
    from flows.simulate.world_trials import try_in_worlds

    for name in ("subjects", "trials"):
        given = getattr(options, name)
        if given is not None and given < 1:
            raise UsageError(f"--{name}: found {given}; allowed: 1 or more")
    study = load_protocol(options.protocol)
    out = study.folder / "design" if options.out is None else options.out
    require_place(out)
    require_own(out, study, OF_A_DESIGN, told_by="design.json")
    in_worlds = try_in_worlds(
        study, trials=options.trials or SIMULATED_TRIALS, seed=SEED, subjects=options.subjects
    )
    in_charts = None if options.charts is None else _in_charts(options, study)
    paths, design = write_design(
        study, out, subjects=options.subjects, in_charts=in_charts, in_worlds=in_worlds
    )
    if options.json:
        sys.stdout.write(to_json(build_design(study, design, in_charts, in_worlds)))
    else:
        sys.stdout.write(design_text(design, study, paths["html"], in_charts, in_worlds))
    return 0


def _in_charts(options: argparse.Namespace, study: "StudyProtocol") -> "ChartTrials":
    from checks.design.study import plan_of
    from flows.simulate.chart_trials import try_in_charts
    from flows.simulate.real_charts import read_charts

    subjects = options.subjects or plan_of(study).subjects or 1
    charts = read_charts(options.charts)
    return try_in_charts(
        options.protocol, charts, trials=options.trials or CHART_TRIALS, subjects=subjects, seed=1
    )
