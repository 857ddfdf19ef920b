"""Print how long the timing tests take, beside their goals and the times recorded for R packages.

Run from the root: ``python tests/benchmarks/bench_timing.py``. Times are medians of wall-clock and of
processor time (the second is not disturbed by other work on the machine). Recorded: R 4.2.2 with Sequential
4.5.1 and SCCS 1.7; scanstatistics 1.1.2 scans one series of eleven counts, so its time has no ratio here.
"""

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from checks.timing import (
    e_process,
    maxsprt_binomial,
    maxsprt_conditional,
    maxsprt_poisson,
    scan,
    self_controlled,
)

REPEATS = 7
SUBJECTS = 15
POISSON_50 = maxsprt_poisson(50, 0.05)
_RANDOM = np.random.default_rng(1)
FEW = [_RANDOM.uniform(0, 48, size=2).tolist() for _ in range(SUBJECTS)]
MANY = [_RANDOM.uniform(0, 48, size=6).tolist() for _ in range(SUBJECTS)]
OBSERVED = [[(0.0, 48.0)]] * SUBJECTS

Case = tuple[str, Callable[[], object], float | None, float | None]
CASES: tuple[Case, ...] = (  # name, call, goal in seconds, seconds recorded in R
    ("maxsprt_poisson, 10 expected, alpha .01", lambda: maxsprt_poisson(10, 0.01), None, 0.07131),
    ("maxsprt_poisson, 50 expected, alpha .01", lambda: maxsprt_poisson(50, 0.01), 0.05, 0.9336),
    ("its characteristics at 50 expected", lambda: POISSON_50.characteristics(2), None, 0.2773),
    (
        "maxsprt_poisson, 5 looks of 6",
        lambda: maxsprt_poisson(30, 0.05, looks=[6, 12, 18, 24, 30]),
        None,
        0.0919,
    ),
    ("maxsprt_binomial, 50 events, ratio 3", lambda: maxsprt_binomial(50, 3, 0.05), None, 0.06049),
    ("maxsprt_conditional, 20 events, 20 before", lambda: maxsprt_conditional(20, 20, 0.05), 0.2, 13.34),
    ("e_process, 100 events", lambda: e_process(100, 15, 0.05), None, None),
    ("self_controlled", lambda: self_controlled(3, 1, 3, 45), None, 7.254e-05),
    ("scan, 15 subjects, 30 events, 9,999", lambda: scan(FEW, OBSERVED, 1), 1.0, None),
    ("scan, 15 subjects, 90 events, 9,999", lambda: scan(MANY, OBSERVED, 1), 1.0, None),
)


def seconds(call: Callable[[], object]) -> tuple[float, float]:
    """Median wall-clock and processor time of a call, after one that warms up."""
    call()
    wall, processor = [], []
    for _ in range(REPEATS):
        start, used = time.perf_counter(), time.process_time()
        call()
        wall.append(time.perf_counter() - start)
        processor.append(time.process_time() - used)
    return statistics.median(wall), statistics.median(processor)


def main() -> None:
    """Print one line a case."""
    print(f"{'':44}{'wall s':>10}{'cpu s':>10}{'goal s':>8}{'R s':>10}{'R / wall':>10}")
    for name, call, goal, recorded in CASES:
        wall, processor = seconds(call)
        ratio = f"{recorded / wall:.1f}" if recorded else "-"
        print(f"{name:44}{wall:10.5f}{processor:10.5f}{goal or '-':>8}{recorded or '-':>10}{ratio:>10}")


if __name__ == "__main__":
    main()
