"""Print base R's exact tests beside ours, measured in one run: the same values to what R prints, and time a call.

Run from the root: ``python tests/benchmarks/bench_base_r.py [CALLS]``. One R process makes all calls of a case, so
that its start is not counted. Base R has no stopping boundary: for one of 100 subjects it runs the same recursion,
written as a plain loop. Without Rscript on the path nothing is compared, and that is said.
"""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from scipy import stats

from checks.cases.background_rate import poisson_limits
from checks.rules.designs import estimate
from checks.rules.kinds.rate import tail
from checks.statistics.recursion import crossing_probability
from checks.statistics.timing.self_controlled import self_controlled

SCRIPT = Path(__file__).with_name("bench_base_r.R")
CALLS = 2000
LOOKS = tuple(range(1, 101))
FEWEST = tuple(int(stats.binom.ppf(0.99, n, 0.2)) + 1 for n in LOOKS)

CASES: dict[str, tuple[str, Callable[[], float]]] = {
    "tail_p": ("pbinom tail, 3 of 15", lambda: tail(3, 15, 0.1)),
    "scri_p": ("poisson.test p, 3:1", lambda: self_controlled(3, 1, 3, 45).p_value),
    "scri_low": ("poisson.test lower limit", lambda: self_controlled(3, 1, 3, 45, "two-sided").ci95[0]),
    "scri_high": ("poisson.test upper limit", lambda: self_controlled(3, 1, 3, 45, "two-sided").ci95[1]),
    "limit_low": ("binom.test lower limit", lambda: estimate(3, 15).ci95[0]),
    "limit_high": ("binom.test upper limit", lambda: estimate(3, 15).ci95[1]),
    "garwood_high": ("poisson.test limit, 5", lambda: poisson_limits(5)[1]),
    "boundary_100": ("recursion, 100 looks", lambda: crossing_probability(LOOKS, FEWEST, 0.2)),
}


def seconds(call: Callable[[], object], calls: int) -> float:
    """Return the mean wall-clock time of a call."""
    call()
    start = time.perf_counter()
    for _ in range(calls):
        call()
    return (time.perf_counter() - start) / calls


def main() -> None:
    """Print one line a case."""
    calls = int(sys.argv[1]) if len(sys.argv) > 1 else CALLS
    found = shutil.which("Rscript")
    if found is None:
        print("Rscript is not on the path: nothing to compare with.")
        return
    done = subprocess.run(
        [found, "--vanilla", str(SCRIPT), str(calls)], capture_output=True, text=True, check=True
    )
    print(f"{'base R ' + 'case':26}{'value':>18}{'differs by':>12}{'R us':>8}{'us':>7}{'R/ours':>8}")
    for line in done.stdout.splitlines():
        name, value, r_time = line.split("\t")[:3]
        what, call = CASES[name]
        ours = seconds(call, calls)
        apart = abs(call() - float(value)) / float(value)
        print(
            f"{what:26}{float(value):18.12g}{apart:12.1e}{float(r_time) * 1e6:8.0f}{ours * 1e6:7.0f}"
            f"{float(r_time) / ours:8.2f}"
        )


if __name__ == "__main__":
    main()
