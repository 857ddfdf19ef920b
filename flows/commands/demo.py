"""`postdose demo`: simulate a study with planted cases, look at it, and say whether exactly those were found."""

import argparse
import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from checks.looks.document import CasePart
    from flows.simulate.truth import CaseTruth

SEED = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--out", type=Path, default=Path("demo"), help="folder for the simulated study (default: demo)"
    )


def run(options: argparse.Namespace) -> int:
    from checks.protocol import load_protocol
    from flows.looks.conclusion import EXIT_CODES
    from flows.looks.monitor import make_look
    from flows.pages.terminal import text_summary
    from flows.simulate import simulate
    from flows.simulate.new_folder import begin_demo, end_simulation

    out: Path = options.out
    begin_demo(out)
    simulate("cyt107", out, seed=SEED)
    end_simulation(out)
    truth = json.loads((out / "truth.json").read_text(encoding="utf-8"))
    outcome = make_look(str(out / "protocol.yaml"), data_cutoff=datetime.fromisoformat(truth["data_cutoff"]))
    print(text_summary(outcome.document, load_protocol(out / "protocol.yaml"), report=outcome.report))
    print()
    found = _doses(case for case in outcome.document["cases"] if case["in_risk_window"] == "yes")
    planted = _doses(truth["cases"])
    if outcome.document["verdict"] == "signal" and found == planted:
        print("Found exactly what was planted:")
        for subject, dose in sorted(planted):
            print(f"  {subject}, dose {dose}")
        print(f"A look with this verdict exits {EXIT_CODES['signal']}; the demo exits 0, as it found them.")
        return 0
    print(
        f"Planted but not found: {sorted(planted - found)}; found but not planted: {sorted(found - planted)}."
    )
    return 1


def _doses(cases: Iterable["CasePart | CaseTruth"]) -> set[tuple[str, int]]:
    return {(case["USUBJID"], case["dose_number"]) for case in cases}
