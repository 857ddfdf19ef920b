"""Decide whether events are locked to dosing: self-controlled, scanning and sequential tests."""

from checks.statistics.timing.binomial_boundary import BinomialBoundary
from checks.statistics.timing.characteristics import Characteristics
from checks.statistics.timing.e_process import EProcess, e_process
from checks.statistics.timing.maxsprt_binomial import MaxSPRTBinomial, binomial_llr, maxsprt_binomial
from checks.statistics.timing.maxsprt_conditional import (
    MaxSPRTConditional,
    conditional_llr,
    maxsprt_conditional,
)
from checks.statistics.timing.maxsprt_poisson import MaxSPRTPoisson, maxsprt_poisson, poisson_llr
from checks.statistics.timing.scan import Scan, scan
from checks.statistics.timing.scan_counts import CountScan, scan_counts
from checks.statistics.timing.sccs import CaseSeries, Effect, case_series
from checks.statistics.timing.self_controlled import Comparison, self_controlled, self_controlled_strata
from checks.statistics.timing.window import WindowTest, posterior_above_background, window_test

__all__ = [
    "BinomialBoundary",
    "CaseSeries",
    "Characteristics",
    "Comparison",
    "CountScan",
    "EProcess",
    "Effect",
    "MaxSPRTBinomial",
    "MaxSPRTConditional",
    "MaxSPRTPoisson",
    "Scan",
    "WindowTest",
    "binomial_llr",
    "case_series",
    "conditional_llr",
    "e_process",
    "maxsprt_binomial",
    "maxsprt_conditional",
    "maxsprt_poisson",
    "poisson_llr",
    "posterior_above_background",
    "scan",
    "scan_counts",
    "self_controlled",
    "self_controlled_strata",
    "window_test",
]
