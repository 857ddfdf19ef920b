"""How long the suite of vital signs takes on a million rows, beside plain Great Expectations on the same.

Run by ``python tests/benchmarks/bench_suites.py [ROWS]``; it prints CPU seconds and their ratio.
"""

import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

from checks.protocol import load_protocol
from checks.validation.judging import great_expectations, judge
from checks.validation.suites import Check
from checks.validation.whole_suites import suite_of

GOOD = Path(__file__).parents[1] / "fixtures" / "protocols" / "good.yaml"
RUNS = 3


def table_of(checks: Iterable[Check], rows: int) -> pd.DataFrame:
    """Make a table on which every expectation holds: one state, numbers within limits, or numbers that differ."""
    return pd.DataFrame({one.columns[0]: _column(one, rows) for one in checks if one.columns})


def _column(check: Check, rows: int) -> object:
    if "value_set" in check.kwargs:
        return pd.Categorical.from_codes(np.zeros(rows, dtype=np.int8), list(check.kwargs["value_set"])[:1])
    limits = [check.kwargs[name] for name in ("min_value", "max_value") if name in check.kwargs]
    return np.full(rows, limits[0], dtype=np.float64) if limits else np.arange(rows, dtype=np.float64)


def seconds(work: Callable[[], object]) -> float:
    work()
    began = time.process_time()
    for _ in range(RUNS):
        work()
    return (time.process_time() - began) / RUNS


def main(rows: int) -> None:
    checks = suite_of("VS", load_protocol(GOOD)).checks
    engine = great_expectations()
    table = table_of(checks, rows)
    gx = engine.gx
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    asset = context.data_sources.add_pandas("plain").add_dataframe_asset("table")
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": table})
    expectations = [engine.expectation_of(asdict(one.config())) for one in checks]
    suite = gx.ExpectationSuite(name="plain", expectations=expectations)
    plain = seconds(lambda: batch.validate(suite, result_format="BASIC"))
    ours = seconds(lambda: judge("VS", table, checks))
    print(
        f"{rows:,} rows, {len(checks)} expectations: plain {plain:.2f} s, ours {ours:.2f} s, {ours / plain:.2f} times"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
