"""Stopping boundaries on rates and tests of timing: counts and times in, results out.

``METHODS`` holds the rate boundaries by name, ``operating_characteristics`` says what a boundary does under stated
rates, ``self_controlled`` compares risk with control hours, ``conditional`` does so where each event has a chance of
its own, ``severity`` how much worse subjects turn in them; ``spending_boundary``, ``e_process`` and the three MaxSPRT
watch events as they come. Each result carries its inputs; an impossible parameter is a ``checks.errors.DesignError``
that says what is allowed.

>>> boundary = METHODS["pocock"](n_max=15, null_rate=0.2, alpha=0.05, looks=[5, 10, 15])
>>> boundary.events
(4, 5, 7)
>>> operating_characteristics(boundary, [0.2, 0.5]).reject_probability.round(3).tolist()
[0.041, 0.751]
"""

from checks.statistics.boundaries import METHODS, operating_characteristics
from checks.statistics.timing.conditional import conditional
from checks.statistics.timing.e_process import e_process
from checks.statistics.timing.maxsprt_binomial import maxsprt_binomial
from checks.statistics.timing.maxsprt_conditional import maxsprt_conditional
from checks.statistics.timing.maxsprt_poisson import maxsprt_poisson
from checks.statistics.timing.self_controlled import self_controlled
from checks.statistics.timing.severity import severity, severity_e_values
from checks.statistics.timing.spending import spending_boundary

__all__ = [
    "METHODS",
    "conditional",
    "e_process",
    "maxsprt_binomial",
    "maxsprt_conditional",
    "maxsprt_poisson",
    "operating_characteristics",
    "self_controlled",
    "severity",
    "severity_e_values",
    "spending_boundary",
]
