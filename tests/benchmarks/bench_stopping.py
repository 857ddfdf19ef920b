"""Print how long boundaries and their operating characteristics take, and the most memory they hold.

Run from the root: ``python tests/benchmarks/bench_stopping.py``. Times are medians of wall-clock and of
processor time (the second is not disturbed by other work on the machine); beside them stand the goals, and
for n = 100 the ratio of the medians recorded for the R package stoppingrule 0.6 (R 4.2.2) to our wall-clock.
"""

import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from checks.statistics.boundaries import METHODS, operating_characteristics

OPTIONS = {
    "wang_tsiatis": {"delta": 0.25},
    "beta_binomial": {"prior": (2, 8)},
    "chen_chaloner": {"prior": (0.4, 1.6), "alternative_rate": 0.3, "nu": 0.5},
    "sprt": {"alternative_rate": 0.4},
}
RECORDED_AT_100 = {
    "pocock": 0.6085,
    "obrien_fleming": 0.3798,
    "wang_tsiatis": 0.3698,
    "beta_binomial": 0.6108,
    "chen_chaloner": 0.5186,
    "sprt": 0.3656,
    "maxsprt": 0.6064,
}
RECORDED_CHARACTERISTICS_AT_100 = 0.03522
RATES = (0.2, 0.25, 0.3, 0.35, 0.4)
GOAL = {15: None, 30: None, 100: 0.02, 1000: 2.0}
REPEATS = {15: 31, 30: 31, 100: 15, 1000: 3}


def seconds(call: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Median wall-clock and processor time of a call, after one that warms up."""
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


def line(what: str, n: int, call: Callable[[], object], goal: str, recorded: float | None) -> None:
    """Measure one call and print its line."""
    wall, processor = seconds(call, REPEATS[n])
    ratio = f"{recorded / wall:7.1f}" if recorded else "      -"
    print(f"{what:28} {n:5} {wall:9.4f} {processor:9.4f} {goal:>7} {ratio} {peak_megabytes(call):8.2f}")


def main() -> None:
    """Measure every method at 15, 30, 100 and 1000 subjects, looks after each."""
    print(f"{'':28} {'n':>5} {'wall s':>9} {'cpu s':>9} {'goal s':>7} {'R/ours':>7} {'peak MB':>8}")
    for n, goal in GOAL.items():
        for name, method in METHODS.items():

            def boundary(method=method, n=n, name=name):
                return method(n, 0.2, 0.1, **OPTIONS.get(name, {}))

            line(
                name,
                n,
                boundary,
                "-" if goal is None else f"{goal:g}",
                RECORDED_AT_100[name] if n == 100 else None,
            )
    for n in GOAL:
        made = METHODS["beta_binomial"](n, 0.2, 0.1, prior=(2, 8))

        def characteristics(made=made):
            return operating_characteristics(made, RATES)

        recorded = RECORDED_CHARACTERISTICS_AT_100 if n == 100 else None
        line("characteristics, five rates", n, characteristics, "0.003" if n == 100 else "-", recorded)


if __name__ == "__main__":
    main()
