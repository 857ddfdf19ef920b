"""Tests of whether events are locked to dosing: self-controlled, scanning and sequential; one method a file."""

from checks.statistics.timing.binomial_boundary import BinomialBoundary
from checks.statistics.timing.e_process import EProcess, e_process, log_e_value
from checks.statistics.timing.maxsprt_binomial import MaxSPRTBinomial, binomial_llr, maxsprt_binomial
from checks.statistics.timing.maxsprt_conditional import maxsprt_conditional
from checks.statistics.timing.maxsprt_poisson import MaxSPRTPoisson, maxsprt_poisson, poisson_llr
from checks.statistics.timing.scan import Scan, scan
from checks.statistics.timing.self_controlled import Comparison, self_controlled, self_controlled_strata

__all__ = [
    "BinomialBoundary",
    "Comparison",
    "EProcess",
    "MaxSPRTBinomial",
    "MaxSPRTPoisson",
    "Scan",
    "binomial_llr",
    "e_process",
    "log_e_value",
    "maxsprt_binomial",
    "maxsprt_conditional",
    "maxsprt_poisson",
    "poisson_llr",
    "scan",
    "self_controlled",
    "self_controlled_strata",
]
