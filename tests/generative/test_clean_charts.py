"""In charts without strays, and with nobody ill from the start, a look finds all that was planted, whatever the seed.

On a ward it does not, and no bound says how often it must: ``tests/benchmarks/bench_demo.py`` prints what it finds.
Cases by chance are found as well, in both: they are in the course, and not a fault of the charts.
"""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from checks import load_protocol, look
from flows import simulate
from flows.simulate.scenarios import SCENARIOS
from flows.simulate.study import compose_world, tables, truth

SEEDS = range(1, 31)


@pytest.mark.slow
def test_all_that_is_planted_is_found_in_thirty_clean_studies() -> None:
    protocol = load_protocol(Path(simulate.__file__).parent / "protocol.yaml")
    world = replace(SCENARIOS["cyt107"], clean=True)
    for seed in SEEDS:
        study = compose_world(world, seed=seed, subjects=21)
        told = truth(study)
        found = look(tables(study), protocol, data_cutoff=datetime.fromisoformat(told["data_cutoff"]))
        planted = {(case["USUBJID"], case["dose_number"]) for case in told["cases"]}
        assert len(planted) == 3
        seen = {(case.USUBJID, case.dose_number) for case in found.cases if case.in_risk_window == "yes"}
        assert planted <= seen, seed
        assert found.verdict == "signal", seed
