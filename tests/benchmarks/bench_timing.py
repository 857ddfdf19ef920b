"""Print how long the timing tests take and the most memory they hold, beside times recorded for R packages.

Run from the root: ``python tests/benchmarks/bench_timing.py``. Times are medians of wall-clock and of
processor time (the second is not disturbed by other work on the machine). Recorded: R 4.2.2 with Sequential
4.5.1, whose binomial and scan counterparts have other parameters and so no ratio here.
"""

import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from checks.statistics.timing.e_process import e_process
from checks.statistics.timing.maxsprt_binomial import maxsprt_binomial
from checks.statistics.timing.maxsprt_conditional import maxsprt_conditional
from checks.statistics.timing.maxsprt_poisson import maxsprt_poisson
from checks.statistics.timing.scan import scan
from checks.statistics.timing.self_controlled import self_controlled

REPEATS = {15: 7, 30: 7, 100: 5, 1000: 1}
RATIO, ALPHA = 18.0, 0.05
RECORDED = {
    ("maxsprt_poisson", 10): 0.07131,
    ("maxsprt_poisson", 50): 0.9336,
    ("maxsprt_conditional", 20): 13.34,
}
"""Seconds in R by method and length, at alpha .01, .01 and .05."""


def events(n: int, subjects: int = 15) -> list[list[float]]:
    """Return ``n`` event hours, dealt out among subjects."""
    hours = np.random.default_rng(1).uniform(0, 48, size=n)
    return [hours[place::subjects].tolist() for place in range(subjects)]


def cases(n: int) -> dict[str, Callable[[], object]]:
    """Return every method with n events, or n expected events; the slowest two only where R is measured too."""
    hours, observed = events(n), [[(0.0, 48.0)]] * 15
    return {
        "self_controlled": lambda: self_controlled(n // 5, n - n // 5, 3, 54),
        "maxsprt_binomial": lambda: maxsprt_binomial(n, RATIO, ALPHA),
        "maxsprt_poisson": lambda: maxsprt_poisson(n, 0.01),
        "e_process": lambda: e_process(n, RATIO, ALPHA),
        "scan, 999 permutations": lambda: scan(hours, observed, 1, permutations=999),
        **({"maxsprt_conditional": lambda: maxsprt_conditional(n, n, ALPHA)} if n <= MOST_CASES else {}),
    }


MOST_CASES = 30
"""Cases up to which the conditional test is measured: its time grows with a power of them."""


def seconds(call: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Median wall-clock and processor time of a call, after one that warms up where it is repeated."""
    if repeats > 1:
        call()
    wall, processor = [], []
    for _ in range(repeats):
        start, used = time.perf_counter(), time.process_time()
        call()
        wall.append(time.perf_counter() - start)
        processor.append(time.process_time() - used)
    return statistics.median(wall), statistics.median(processor)


def peak_megabytes(call: Callable[[], object]) -> float:
    """Most memory held by a call, as tracemalloc sees it."""
    tracemalloc.start()
    call()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / 1e6


def line(name: str, n: int, call: Callable[[], object], repeats: int) -> None:
    """Measure one call and print its line."""
    wall, processor = seconds(call, repeats)
    recorded = RECORDED.get((name, n))
    ratio = f"{recorded / wall:8.1f}" if recorded else "       -"
    print(f"{name:28} {n:5} {wall:10.5f} {processor:10.5f} {ratio} {peak_megabytes(call):8.2f}", flush=True)


def main() -> None:
    """Measure every method at 15, 30, 100 and 1000 events, and where R was measured."""
    print(f"{'':28} {'n':>5} {'wall s':>10} {'cpu s':>10} {'R/ours':>8} {'peak MB':>8}")
    for n, repeats in REPEATS.items():
        for name, call in cases(n).items():
            line(name, n, call, repeats)
    for name, n in RECORDED:
        line(name, n, cases(n)[name], 5)


if __name__ == "__main__":
    main()
